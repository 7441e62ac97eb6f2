package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// lockFile takes the queue for this process. The lock is one on an empty SQLite
// database beside it: SQLite's locks work on every system and end with the
// process, and the queue itself stays readable for the sqlite3 shell.
func lockFile(path string) (*conn, error) {
	if err := place(path); err != nil {
		return nil, err
	}
	c, err := connect(path+"-lock", readWrite)
	if err != nil {
		return nil, explain(err)
	}
	if err := c.script("BEGIN EXCLUSIVE"); err != nil {
		_ = c.close() // the lock's error is the one to tell
		if resultCode(err)&0xff == codeBusy {
			return nil, errors.New("it is in use, by another process or another node of this one: stop that one, or give each its own file and client id")
		}
		return nil, explain(err)
	}
	return c, nil
}

// place refuses paths where no file can be.
func place(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the directory %s does not exist: create it", dir)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return errors.New("it is not a file: give the path of one")
	}
	return nil
}

// identify refuses what is no queue, or one of a newer version, without touching
// it.
func identify(path string) error {
	header := make([]byte, 100)
	n, err := readStart(path, header)
	switch {
	case err != nil:
		return err
	case n == 0 && sizeOf(path+"-wal") == 0:
		return nil // a new one
	case n < len(header) || string(header[:16]) != "SQLite format 3\x00":
		return fmt.Errorf("%w: it is no database", errDamaged)
	}
	// Offsets: sqlite.org/fileformat.html, section 1.3.
	if id := binary.BigEndian.Uint32(header[68:]); id != applicationID {
		return foreign(path)
	}
	if version := binary.BigEndian.Uint32(header[60:]); version > uint32(len(migrations)) {
		return fmt.Errorf("it is of version %d, this program knows %d: use the newer FlowSync that wrote it", version, len(migrations))
	}
	return nil
}

// readStart reads the beginning of a file that may not be there.
func readStart(path string, b []byte) (int, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("it cannot be read: check its permissions: %w", err)
	}
	defer f.Close()
	n, err := io.ReadFull(f, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return n, err
}

// foreign tells a database of someone else from a queue with a damaged mark.
func foreign(path string) error {
	c, err := connect(path, immutable)
	if err != nil {
		return explain(err)
	}
	ours, err := c.ours()
	err = errors.Join(explain(err), c.close())
	switch {
	case err != nil:
		return err
	case ours:
		return fmt.Errorf("%w: its mark is gone", errDamaged)
	}
	return errors.New("it is another program's database: give another path")
}

// putAside renames the file, and what SQLite keeps beside it.
func putAside(path string) (string, error) {
	aside := path + suffix()
	var errs []error
	for _, part := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Rename(path+part, aside+part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return aside, errors.Join(errs...)
}

// suffix marks what was damaged, with the time down to the nanosecond.
func suffix() string { return ".corrupt-" + time.Now().UTC().Format("20060102T150405.000000000Z") }

// sizeOf is 0 for a file that is not there.
func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}
