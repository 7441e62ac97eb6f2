package sqlitefile

import (
	"errors"

	engine "modernc.org/sqlite"
)

// SQLite's result codes that make a difference; sqlite.org/rescode.html.
const (
	CodePerm    = 3
	CodeBusy    = 5
	CodeRead    = 8
	CodeIO      = 10
	CodeCorrupt = 11
	CodeFull    = 13
	CodeCannot  = 14
	CodeNotDB   = 26

	CodeWrite    = CodeIO | 3<<8
	CodeSync     = CodeIO | 4<<8
	CodeSyncDir  = CodeIO | 5<<8
	CodeTruncate = CodeIO | 6<<8
	CodeShmOpen  = CodeIO | 18<<8
	CodeShmSize  = CodeIO | 19<<8
	CodeShmMap   = CodeIO | 21<<8
)

// Code returns SQLite's extended result code, 0 if err has none. Its low eight
// bits are the plain one.
func Code(err error) int {
	var e *engine.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// Unsynced says whether err means that an fsync failed. The kernel may then have
// dropped the pages that it could not write, and a later fsync of the same file
// may succeed without them: nothing may be acknowledged any more. See "Can
// Applications Recover from fsync Failures?", USENIX ATC 2020.
func Unsynced(err error) bool {
	code := Code(err)
	return code == CodeSync || code == CodeSyncDir
}

// Damaged says whether SQLite found the file's structure damaged.
func Damaged(err error) bool {
	code := Code(err) & 0xff
	return code == CodeCorrupt || code == CodeNotDB
}
