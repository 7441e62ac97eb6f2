package sqlite

import (
	"bufio"
	"errors"
	"os"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
)

// errLog: the write-ahead log is damaged below its end.
var errLog = errors.New("a commit in the write-ahead log is damaged, and later ones follow it")

// checkLog looks for damage that SQLite would take for the end of the log.
func checkLog(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if sqlitefile.CutShort(bufio.NewReaderSize(f, 1<<16)) {
		return errLog
	}
	return nil
}
