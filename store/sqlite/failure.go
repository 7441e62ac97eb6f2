package sqlite

import (
	"errors"
	"fmt"

	"github.com/wavesiddhartha/flowsync/store"
)

// SQLite's result codes that make a difference here; sqlite.org/rescode.html.
const (
	codeBusy    = 5
	codeIO      = 10
	codeCorrupt = 11
	codeFull    = 13
	codeCannot  = 14
	codeNotDB   = 26
	codePerm    = 3
	codeRead    = 8

	codeSync    = codeIO | 4<<8
	codeSyncDir = codeIO | 5<<8

	codeWrite    = codeIO | 3<<8
	codeTruncate = codeIO | 6<<8
	codeShmOpen  = codeIO | 18<<8
	codeShmSize  = codeIO | 19<<8
	codeShmMap   = codeIO | 21<<8
)

// failure gives an error of SQLite the name that the contract has for it.
func failure(err error) error {
	switch {
	case err == nil, named(err):
		return err
	case unsynced(err):
		return fmt.Errorf("the disk did not confirm a write, so what it holds is uncertain; "+
			"check the disk, then open the store again: %w: %w", store.ErrFailed, err)
	}
	switch code := resultCode(err); code {
	case codeFull, codeWrite, codeTruncate, codeShmOpen, codeShmSize, codeShmMap:
		return fmt.Errorf("the disk does not take writes, it may be full; free some space: %w: %w", store.ErrReadonly, err)
	default:
		switch code & 0xff {
		case codeRead, codePerm, codeCannot:
			return fmt.Errorf("the file cannot be written; check its permissions and those of its directory: %w: %w",
				store.ErrReadonly, err)
		case codeCorrupt, codeNotDB:
			return fmt.Errorf("the file's structure is damaged; restore a backup, or salvage it with the "+
				".recover command of the sqlite3 shell: %w: %w", store.ErrCorrupt, err)
		}
	}
	return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
}

// named says whether err already is one of the contract's.
func named(err error) bool {
	for _, known := range []error{store.ErrUnavailable, store.ErrReadonly, store.ErrCorrupt, store.ErrUnknown,
		store.ErrFailed, store.ErrTrimmed, store.ErrVersion, store.ErrInvalid} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// unsynced says whether err means that an fsync failed. The kernel may then
// have dropped the pages that it could not write, and a later fsync of the same
// file may succeed without them: nothing may be acknowledged any more.
// See "Can Applications Recover from fsync Failures?", USENIX ATC 2020.
func unsynced(err error) bool {
	code := resultCode(err)
	return code == codeSync || code == codeSyncDir
}

// damaged says whether SQLite found the file's structure damaged.
func damaged(err error) bool {
	code := resultCode(err) & 0xff
	return code == codeCorrupt || code == codeNotDB
}

func errClosed() error {
	return fmt.Errorf("the store was closed: %w", store.ErrFailed)
}

// corrupt is the error of one stream's damage.
func corrupt(stream, format string, args ...any) error {
	return fmt.Errorf("stream %q: %s; other streams are not affected: %w", stream, fmt.Sprintf(format, args...), store.ErrCorrupt)
}
