package sqlite

import "github.com/wavesiddhartha/flowsync/internal/sqlitefile"

// conn is one connection to a store's file. It belongs to one goroutine at a time.
type conn struct{ *sqlitefile.Conn }

// connect opens a file. vfs names the layer under SQLite; "" is the system's.
func connect(path string, how sqlitefile.Access, vfs string) (*conn, error) {
	c, err := sqlitefile.Connect(path, how, vfs)
	if err != nil {
		return nil, err
	}
	return &conn{c}, nil
}
