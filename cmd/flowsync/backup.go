package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/sqlite"
)

// Help says what a backup is worth.
func (*backupCommand) Help() string {
	return "A hub may go on writing meanwhile: the copy holds all that was committed before. It is checked " +
		"like inspect does. To go back to it, stop the hub, move its file away with those beside it, and put the copy in " +
		"their place: clients notice that history was lost, and send again what they still hold."
}

// Run copies a file and checks the copy.
func (b *backupCommand) Run(c *console) error {
	if err := sqlite.Backup(b.File, b.To); err != nil {
		switch {
		case errors.Is(err, fs.ErrExist):
			return &fault{what: "cannot write " + b.To, why: "something is there already", try: "a name that is free"}
		case errors.Is(err, store.ErrReadonly):
			return &fault{what: "cannot write " + b.To, why: reasonOf(err, b.File), try: "a directory that exists, on a disk with room"}
		}
		return cannotRead("backup", b.File, err)
	}
	r, err := sqlite.OpenReader(b.To)
	if err != nil {
		return cannotRead("inspect", b.To, err)
	}
	p := c.progress("checking " + b.To)
	in, err := inspect(r, "", p)
	p.end()
	if err = errors.Join(err, r.Close()); err != nil {
		return cannotRead("inspect", b.To, err)
	}
	if err := in.verdict(b.To); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s %s: %s, %s, all sound\n", c.outPalette().good("✓"), b.To, plural(len(in.streams), "stream"), plural(int(in.ops), "op"))
	return err
}
