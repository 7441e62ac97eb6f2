package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"path/filepath"

	engine "modernc.org/sqlite"
)

// conn is one connection to a database file. It belongs to one goroutine at a
// time. It is used without database/sql, whose pool would have to be talked out
// of sharing the writer's transaction and costs a lookup for each statement.
type conn struct {
	raw      driver.Conn
	prepared map[string]driver.Stmt
}

// access says how a file is opened.
type access string

const (
	readWrite access = "mode=rwc"
	readOnly  access = "mode=ro"
	// immutable reads the file alone: no lock, no files beside it. Whatever a
	// -wal file holds is not seen.
	immutable access = "mode=ro&immutable=1"
)

// connect opens a file. vfs names the layer under SQLite; "" is the system's.
func connect(path string, how access, vfs string) (*conn, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
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
	return &conn{raw: raw, prepared: make(map[string]driver.Stmt)}, nil
}

// exec runs one statement, prepared once, that returns no rows.
func (c *conn) exec(sql string, args ...driver.Value) error {
	st, err := c.prepare(sql)
	if err != nil {
		return err
	}
	_, err = st.(driver.StmtExecContext).ExecContext(context.Background(), number(args))
	return err
}

// query calls row with each row of the answer. The values are row's to keep,
// the slice is not.
func (c *conn) query(row func([]driver.Value) error, sql string, args ...driver.Value) error {
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
	if errors.Is(err, io.EOF) || errors.Is(err, errStop) {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

// errStop, returned by the function given to query, ends it without an error.
var errStop = errors.New("enough rows")

// one returns the first row of the answer, nil if there is none.
func (c *conn) one(sql string, args ...driver.Value) (first []driver.Value, err error) {
	err = c.query(func(row []driver.Value) error {
		first = append(first, row...)
		return errStop
	}, sql, args...)
	return first, err
}

// script runs several statements.
func (c *conn) script(sql string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	return err
}

func (c *conn) close() error {
	for _, st := range c.prepared {
		_ = st.Close() // the connection's Close reports what matters
	}
	return c.raw.Close()
}

func (c *conn) prepare(sql string) (driver.Stmt, error) {
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

// resultCode returns SQLite's extended result code, 0 if err has none.
func resultCode(err error) int {
	var e *engine.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}
