package sqlitefile

import (
	"errors"
	"io/fs"
	"os"
	"time"
)

// Lock takes the file at path for this process, until the connection is closed.
// [Code] of the error is CodeBusy if another has it, or this one by another Lock.
//
// The lock is one on an empty database beside the file, because SQLite's locks
// work on every system and end with the process. The file itself cannot be locked:
// readers such as the sqlite3 shell are welcome.
func Lock(path, vfs string) (*Conn, error) {
	c, err := Connect(path+lockSuffix, ReadWrite, vfs)
	if err != nil {
		return nil, err
	}
	if err := c.Script("BEGIN EXCLUSIVE"); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

const lockSuffix = "-lock"

// Locked reports whether the file at path was ever locked. While it was not, no
// FlowSync has it open: it can be looked at, and refused, before there is a lock.
// Otherwise it must be locked first, since to close a file that this very process
// has open as well takes SQLite's locks from it.
func Locked(path string) bool {
	_, err := os.Lstat(path + lockSuffix)
	return err == nil
}

// makePrivate makes an empty file unless there is one. Why it cannot be made, the
// connection will say.
func makePrivate(path string) {
	if f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); err == nil {
		_ = f.Close() // nothing was written
	}
}

// PutAside renames a damaged file, and what SQLite keeps beside it, so that
// nothing is lost and the path is free. It returns the new name.
func PutAside(path string) (string, error) {
	aside := path + Aside()
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Rename(path+suffix, aside+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return aside, errors.Join(errs...)
}

// Aside is the end of the name of what was damaged, with the time down to the
// nanosecond.
func Aside() string { return ".corrupt-" + time.Now().UTC().Format("20060102T150405.000000000Z") }

// Size is 0 for a file that is not there.
func Size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
