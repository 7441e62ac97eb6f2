package queue

import (
	"database/sql/driver"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
)

// conn is one connection to a queue's file.
type conn struct{ *sqlitefile.Conn }

func connect(path string, how sqlitefile.Access) (*conn, error) {
	c, err := sqlitefile.Connect(path, how, "")
	if err != nil {
		return nil, err
	}
	return &conn{c}, nil
}

// number returns the one number that a query answers with.
func (c *conn) number(sql string) (n int64, err error) {
	err = c.Query(func(row []driver.Value) error {
		n, _ = row[0].(int64)
		return nil
	}, sql)
	return n, err
}
