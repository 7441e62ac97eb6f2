package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
)

// lockFile takes the queue for this process.
func lockFile(path string) (*sqlitefile.Conn, error) {
	if err := place(path); err != nil {
		return nil, err
	}
	if !sqlitefile.Locked(path) {
		// What is refused is refused before anything is made beside it. A damaged
		// file is put aside, which takes the lock.
		if err := identify(path); err != nil && !errors.Is(err, errDamaged) {
			return nil, err
		}
	}
	c, err := sqlitefile.Lock(path, "")
	if sqlitefile.Code(err)&0xff == sqlitefile.CodeBusy {
		return nil, errors.New("it is in use, by another process or another node of this one: stop that one, or give each its own file and client id")
	}
	return c, explain(err)
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
	case n == 0 && sqlitefile.Size(path+"-wal") == 0:
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
	c, err := connect(path, sqlitefile.Immutable)
	if err != nil {
		return explain(err)
	}
	ours, err := c.ours()
	err = errors.Join(explain(err), c.Close())
	switch {
	case err != nil:
		return err
	case ours:
		return fmt.Errorf("%w: its mark is gone", errDamaged)
	}
	return errors.New("it is another program's database: give another path")
}
