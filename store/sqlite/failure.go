package sqlite

import (
	"errors"
	"fmt"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// failure gives an error of SQLite the name that the contract has for it.
func failure(err error) error {
	switch {
	case err == nil, named(err):
		return err
	case sqlitefile.Unsynced(err):
		return fmt.Errorf("the disk did not confirm a write, so what it holds is uncertain; "+
			"check the disk, then open the store again: %w: %w", store.ErrFailed, err)
	}
	switch code := sqlitefile.Code(err); code {
	case sqlitefile.CodeFull, sqlitefile.CodeWrite, sqlitefile.CodeTruncate, sqlitefile.CodeShmOpen, sqlitefile.CodeShmSize, sqlitefile.CodeShmMap:
		return fmt.Errorf("the disk does not take writes, it may be full; free some space: %w: %w", store.ErrReadonly, err)
	default:
		switch code & 0xff {
		case sqlitefile.CodeRead, sqlitefile.CodePerm, sqlitefile.CodeCannot:
			return fmt.Errorf("the file cannot be written; check its permissions and those of its directory: %w: %w",
				store.ErrReadonly, err)
		case sqlitefile.CodeCorrupt, sqlitefile.CodeNotDB:
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

func errClosed() error {
	return fmt.Errorf("the store was closed: %w", store.ErrFailed)
}

// corrupt is the error of one stream's damage.
func corrupt(stream, format string, args ...any) error {
	return fmt.Errorf("stream %q: %s; other streams are not affected: %w", stream, fmt.Sprintf(format, args...), store.ErrCorrupt)
}
