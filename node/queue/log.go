package queue

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
)

// keepLog copies a write-ahead log that is damaged before its end, and returns
// the copy's name. SQLite takes the first frame whose checksum does not fit for
// the end of the log, as it must: the last transaction may be torn. Whatever
// follows the damage would vanish without a word.
func keepLog(path string) (string, error) {
	log, err := os.Open(path + "-wal")
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer log.Close()
	if !sqlitefile.CutShort(bufio.NewReaderSize(log, 1<<16)) {
		return "", nil
	}
	if _, err := log.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	name := path + "-wal" + sqlitefile.Aside()
	copied, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(copied, log)
	return name, errors.Join(err, copied.Sync(), copied.Close())
}
