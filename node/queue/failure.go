package queue

import (
	"errors"
	"fmt"

	engine "modernc.org/sqlite"
)

// ErrFailed is what Do returns once the queue takes nothing any more: the disk
// did not confirm a write, or the file turned out to be damaged. Other errors of
// Do pass.
var ErrFailed = errors.New("the queue takes nothing more until it is opened again")

var errClosed = fmt.Errorf("the queue is closed: %w", ErrFailed)

// errDamaged: the file as a whole cannot be read.
var errDamaged = errors.New("the queue file is damaged")

// SQLite's result codes that make a difference here; sqlite.org/rescode.html.
const (
	codePerm    = 3
	codeBusy    = 5
	codeRead    = 8
	codeIO      = 10
	codeCorrupt = 11
	codeFull    = 13
	codeCannot  = 14
	codeNotDB   = 26

	codeSync    = codeIO | 4<<8
	codeSyncDir = codeIO | 5<<8
)

// resultCode is SQLite's extended result code, 0 if err has none.
func resultCode(err error) int {
	var e *engine.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// explain says what an error of SQLite means for the file, and what to do.
func explain(err error) error {
	code := resultCode(err)
	switch {
	case code == 0:
		return err
	case code == codeSync, code == codeSyncDir:
		// What the disk holds now is uncertain, and a later sync may succeed
		// without it: "Can Applications Recover from fsync Failures?", USENIX
		// ATC 2020.
		return fmt.Errorf("the disk did not confirm a write: check the disk: %w: %w", ErrFailed, err)
	}
	switch code & 0xff {
	case codeCorrupt, codeNotDB:
		return fmt.Errorf("%w, open it again to begin a new one: %w: %w", errDamaged, ErrFailed, err)
	case codeBusy:
		return fmt.Errorf("another program reads or writes the file and does not end: close it: %w", err)
	case codeFull, codeIO:
		return fmt.Errorf("the disk does not take writes, it may be full: free some space: %w", err)
	case codePerm, codeRead, codeCannot:
		return fmt.Errorf("it cannot be written: check the permissions of the file and of its directory: %w", err)
	}
	return err
}
