package queue

import (
	"errors"
	"fmt"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
)

// ErrFailed is what Do returns once the queue takes nothing any more: the disk
// did not confirm a write, or the file turned out to be damaged. Other errors of
// Do pass.
var ErrFailed = errors.New("the queue takes nothing more until it is opened again")

var errClosed = fmt.Errorf("the queue is closed: %w", ErrFailed)

// errDamaged: the file as a whole cannot be read.
var errDamaged = errors.New("the queue file is damaged")

// explain says what an error of SQLite means for the file, and what to do.
func explain(err error) error {
	code := sqlitefile.Code(err)
	switch {
	case code == 0:
		return err
	case sqlitefile.Unsynced(err):
		return fmt.Errorf("the disk did not confirm a write: check the disk: %w: %w", ErrFailed, err)
	}
	switch code & 0xff {
	case sqlitefile.CodeCorrupt, sqlitefile.CodeNotDB:
		return fmt.Errorf("%w, open it again to begin a new one: %w: %w", errDamaged, ErrFailed, err)
	case sqlitefile.CodeBusy:
		return fmt.Errorf("another program reads or writes the file and does not end: close it: %w", err)
	case sqlitefile.CodeFull, sqlitefile.CodeIO:
		return fmt.Errorf("the disk does not take writes, it may be full: free some space: %w", err)
	case sqlitefile.CodePerm, sqlitefile.CodeRead, sqlitefile.CodeCannot:
		return fmt.Errorf("it cannot be written: check the permissions of the file and of its directory: %w", err)
	}
	return err
}
