package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/sqlite"
)

// store opens the store that the command was given, and says what it is. Nil is
// memory, which the hub makes itself.
func (h *host) store() (s store.Store, storage string, err error) {
	if h.data == "" {
		return nil, "memory; state is lost on exit (to keep it: --data FILE)", nil
	}
	storage = h.data
	if _, err := os.Stat(h.data); errors.Is(err, fs.ErrNotExist) {
		if aside, _ := filepath.Glob(h.data + ".corrupt-*"); len(aside) > 0 {
			return nil, "", setAside(h.command, h.data, aside[len(aside)-1])
		}
		storage += " (new)"
	}
	opened, err := sqlite.Open(h.data)
	if err != nil {
		return nil, "", cannotOpen(h.command, h.data, err)
	}
	return opened, storage, nil
}

// setAside explains why no empty file is made where a damaged one was: who starts
// the hub again and again would not notice that all is gone.
func setAside(command, path, aside string) error {
	return &fault{
		what: "cannot use the data file " + path,
		why:  "it was damaged and is kept as " + aside,
		try:  fmt.Sprintf("put a backup in its place, or move what is kept elsewhere to begin anew with flowsync %s", command),
		exit: exitConfig,
	}
}

// cannotOpen explains why a data file cannot be used, and what to do.
func cannotOpen(command, path string, err error) error {
	f := &fault{what: "cannot use the data file " + path, why: reasonOf(err, path), exit: exitConfig}
	again := fmt.Sprintf("flowsync %s --data ", command)
	switch {
	case errors.Is(err, store.ErrUnavailable):
		f.try = "stop the hub that uses it, or: " + again + "another.db"
	case errors.Is(err, store.ErrVersion):
		f.try = "the newer flowsync that wrote it, or: " + again + "another.db"
	case errors.Is(err, store.ErrCorrupt):
		f.try = "put a backup in its place, or salvage it with .recover of the sqlite3 shell"
	case errors.Is(err, store.ErrReadonly):
		f.try = again + "with a file in a directory that exists and can be written"
	default:
		f.try = again + "another.db"
	}
	return f
}

// reasonOf is what an error of the store says beside the path and the words that
// all errors of its kind end with.
func reasonOf(err error, path string) string {
	text := err.Error()
	for _, doing := range []string{"open", "read", "back up"} {
		text = strings.TrimPrefix(text, doing+" store "+path+": ")
	}
	for _, kind := range []error{store.ErrUnavailable, store.ErrReadonly, store.ErrVersion, store.ErrCorrupt} {
		text = strings.TrimSuffix(text, ": "+kind.Error())
	}
	return text
}
