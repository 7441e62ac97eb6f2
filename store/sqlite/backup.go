package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wavesiddhartha/flowsync/store"
)

// Backup copies a store's file as it is at one moment to a new file. A hub may
// have the file open and goes on writing meanwhile. The copy holds everything that
// was committed before the call; it is complete, and on the disk, when Backup
// returns without an error, and appears under its name only then.
//
// The error wraps [fs.ErrExist] if there is something at to already.
func Backup(path, to string) error {
	if err := backup(path, to); err != nil {
		return fmt.Errorf("back up store %s: %w", path, err)
	}
	return nil
}

func backup(path, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return fmt.Errorf("%s is there already; give a path where nothing is: %w", to, fs.ErrExist)
	}
	r, err := openReader(path)
	if err != nil {
		return err
	}
	r.conn.rest() // the copy is of a moment of its own
	// Made under another name: who finds the copy finds all of it.
	part, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".part-*")
	if err != nil {
		return errors.Join(fmt.Errorf("%w: %w", store.ErrReadonly, err), r.Close())
	}
	err = failure(r.conn.Exec("VACUUM INTO ?", part.Name()))
	err = errors.Join(err, r.Close(), part.Sync(), part.Close())
	if err == nil {
		err = os.Link(part.Name(), to) // unlike a rename it never takes another's place
	}
	if err == nil {
		err = syncDirectory(filepath.Dir(to))
	}
	return errors.Join(err, os.Remove(part.Name()))
}

// syncDirectory makes a new name in a directory durable.
func syncDirectory(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
