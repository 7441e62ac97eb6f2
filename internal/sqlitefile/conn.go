// Package sqlitefile is how FlowSync uses a file of SQLite's: a connection without
// a pool, a lock that ends with the process, and the names of the errors that make
// a difference. What is in a file is known to the packages that use it.
//
// # Invariants
//
//   - A file that is made is its owner's alone (mode 0600), and so are those that
//     SQLite keeps beside it: it gives them the mode of the file.
//   - Nothing is written to a file that was opened to be read.
package sqlitefile

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"path/filepath"

	engine "modernc.org/sqlite"
)

// Conn is one connection to a database file. It belongs to one goroutine at a
// time. It is used without database/sql, whose pool would have to be talked out
// of sharing the writer's transaction and costs a lookup for each statement.
type Conn struct {
	raw      driver.Conn
	prepared map[string]driver.Stmt // by their text
}

// Access says how a file is opened.
type Access string

// Ways to open a file.
const (
	// ReadWrite makes a file that is not there.
	ReadWrite Access = "mode=rwc"
	ReadOnly  Access = "mode=ro"
	// Immutable reads the file alone: no lock, no files beside it. Whatever a
	// -wal file holds is not seen.
	Immutable Access = "mode=ro&immutable=1"
)

// Connect opens a file. vfs names the layer under SQLite; "" is the system's.
func Connect(path string, how Access, vfs string) (*Conn, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if how == ReadWrite {
		makePrivate(full)
	}
	at := url.URL{Scheme: "file", Path: filepath.ToSlash(full), RawQuery: string(how)}
	if vfs != "" {
		at.RawQuery += "&vfs=" + url.QueryEscape(vfs)
	}
	connector, err := engine.NewConnector(at.String())
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	return &Conn{raw: raw, prepared: make(map[string]driver.Stmt)}, nil
}

// Exec runs one statement, prepared once, that returns no rows.
func (c *Conn) Exec(sql string, args ...driver.Value) error {
	st, err := c.prepare(sql)
	if err != nil {
		return err
	}
	_, err = st.(driver.StmtExecContext).ExecContext(context.Background(), number(args))
	return err
}

// Query calls row with each row of the answer. The values are row's to keep,
// the slice is not.
func (c *Conn) Query(row func([]driver.Value) error, sql string, args ...driver.Value) error {
	st, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := st.(driver.StmtQueryContext).QueryContext(context.Background(), number(args))
	if err != nil {
		return err
	}
	values := make([]driver.Value, len(rows.Columns()))
	for {
		if err = rows.Next(values); err != nil {
			break
		}
		if err = row(values); err != nil {
			break
		}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, ErrStop) {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

// ErrStop, returned by the function given to Query, ends it without an error.
var ErrStop = errors.New("enough rows")

// One returns the first row of the answer, nil if there is none.
func (c *Conn) One(sql string, args ...driver.Value) (first []driver.Value, err error) {
	err = c.Query(func(row []driver.Value) error {
		first = append(first, row...)
		return ErrStop
	}, sql, args...)
	return first, err
}

// Script runs several statements.
func (c *Conn) Script(sql string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	return err
}

// Close ends the connection and a transaction that is open.
func (c *Conn) Close() error {
	for _, st := range c.prepared {
		_ = st.Close() // the connection's Close reports what matters
	}
	return c.raw.Close()
}

func (c *Conn) prepare(sql string) (driver.Stmt, error) {
	if st, ok := c.prepared[sql]; ok {
		return st, nil
	}
	st, err := c.raw.Prepare(sql)
	if err != nil {
		return nil, err
	}
	c.prepared[sql] = st
	return st, nil
}

func number(args []driver.Value) []driver.NamedValue {
	named := make([]driver.NamedValue, len(args))
	for i, v := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return named
}
