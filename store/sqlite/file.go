package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

// errForeign: the file holds something else. It is left as it is.
var errForeign = errors.New("it is not a FlowSync store; give another path, or move the file away")

// file is an open database file of ours.
type file struct {
	path string
	vfs  string
	lock *sqlitefile.Conn // holds the lock as long as it is open; nil if read only
}

// openFile takes the lock and finds out whose file it is, without a write to it.
func openFile(path, vfs string) (f *file, version int, err error) {
	if err := checkPlace(path); err != nil {
		return nil, 0, err
	}
	f = &file{path: path, vfs: vfs}
	if err := f.glance(); err != nil {
		return nil, 0, err
	}
	f.lock, err = sqlitefile.Lock(path, vfs)
	if sqlitefile.Code(err)&0xff == sqlitefile.CodeBusy {
		return nil, 0, fmt.Errorf("it is open already, in another process or in this one; stop that one, "+
			"or give each its own file: %w", store.ErrUnavailable)
	}
	if err != nil {
		return nil, 0, failure(err)
	}
	version, err = f.identify()
	if err != nil {
		return nil, 0, errors.Join(f.refuse(err), f.lock.Close())
	}
	return f, version, nil
}

// checkPlace refuses paths where no file can be.
func checkPlace(path string) error {
	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("directory %s does not exist; create it: %w", dir, store.ErrReadonly)
	} else if err != nil {
		return fmt.Errorf("%w: %w", store.ErrReadonly, err)
	} else if !info.IsDir() {
		return fmt.Errorf("%s is not a directory: %w", dir, store.ErrReadonly)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file; give the path of one: %w", path, store.ErrReadonly)
	}
	return nil
}

// glance refuses a file that no lock is needed to refuse, so that nothing is left
// beside it: another program's, one of a newer version, or one that takes no writes.
func (f *file) glance() error {
	if sqlitefile.Locked(f.path) || sqlitefile.Size(f.path+"-wal") > 0 || sqlitefile.Size(f.path+"-journal") > 0 {
		return nil
	}
	_, err := f.identify()
	if errors.Is(err, errTruncated) || sqlitefile.Damaged(err) {
		if sqlitefile.Size(f.path) > 0 && !f.ours() {
			return errForeign
		}
		return nil // to be put aside, which takes the lock
	}
	if err == nil {
		err = f.takesWrites()
	}
	return failure(err)
}

// takesWrites refuses a file that is there and cannot be written, for example
// another user's. Nothing is written to it yet.
func (f *file) takesWrites() error {
	w, err := os.OpenFile(f.path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the file cannot be written; check its permissions and those of its directory: %w: %w", store.ErrReadonly, err)
	}
	return w.Close()
}

func (f *file) identify() (version int, err error) {
	size, logged := sqlitefile.Size(f.path), sqlitefile.Size(f.path+"-wal")
	if size == 0 && logged == 0 {
		return 0, nil
	}
	if size == 0 {
		return 0, fmt.Errorf("the file is gone or empty, but its write-ahead log is there: %w", errTruncated)
	}
	if size > 0 && size < smallest {
		return 0, fmt.Errorf("the file has %d bytes: %w", size, errTruncated) // SQLite would take it for an empty one
	}
	if err := checkLog(f.path + "-wal"); err != nil {
		return 0, err
	}
	how := sqlitefile.ReadOnly
	if sqlitefile.Size(f.path+"-journal") > 0 {
		how = sqlitefile.ReadWrite // the process ended while it created the file: SQLite has to undo that
	} else if logged == 0 {
		how = sqlitefile.Immutable
	}
	c, err := connect(f.path, how, f.vfs)
	if err != nil {
		return 0, err
	}
	version, err = c.identify()
	return version, errors.Join(err, c.Close())
}

// smallest is the size in bytes of SQLite's smallest page.
const smallest = 512

// errTruncated: a file is shorter than it was.
var errTruncated = errors.New("it was cut off")

// refuse makes the error of a file that cannot be opened. A file of ours whose
// structure is damaged is put aside.
func (f *file) refuse(err error) error {
	if errors.Is(err, errForeign) {
		return err
	}
	if !sqlitefile.Damaged(err) && !errors.Is(err, errTruncated) && !errors.Is(err, errLog) {
		return failure(err)
	}
	if sqlitefile.Size(f.path) > 0 && !f.ours() {
		return errForeign
	}
	aside, moved := sqlitefile.PutAside(f.path)
	if moved != nil {
		return fmt.Errorf("its structure is damaged, and it could not be put aside (%w); move it away: %w: %w", moved, store.ErrCorrupt, err)
	}
	return fmt.Errorf("its structure is damaged; it was kept as %s: restore a backup, salvage it with the .recover "+
		"command of the sqlite3 shell, or open again to begin an empty store: %w: %w", aside, store.ErrCorrupt, err)
}

// ours looks for the mark in the header, however damaged the rest of it is.
func (f *file) ours() bool {
	r, err := os.Open(f.path)
	if err != nil {
		return false
	}
	defer r.Close()
	header := make([]byte, 100)
	if _, err := io.ReadFull(r, header); err != nil {
		return false
	}
	return binary.BigEndian.Uint32(header[68:]) == applicationID ||
		bytes.HasPrefix(header, []byte("SQLite format 3\x00")) && sqlitefile.Size(f.path+"-wal") > 0
}
