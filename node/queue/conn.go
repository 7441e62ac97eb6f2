package queue

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"path/filepath"

	engine "modernc.org/sqlite"
)

// conn is one connection to a database file, used without database/sql: there is
// one goroutine, and nothing to pool.
type conn struct {
	raw      driver.Conn
	prepared map[string]driver.Stmt
}

// access says how a file is opened.
type access string

const (
	readWrite access = "mode=rwc"
	// immutable reads the file alone: no lock, no files beside it. Whatever a
	// -wal file holds is not seen.
	immutable access = "mode=ro&immutable=1"
)

func connect(path string, how access) (*conn, error) {
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: filepath.ToSlash(full), RawQuery: string(how)}
	connector, err := engine.NewConnector(dsn.String())
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, prepared: map[string]driver.Stmt{}}, nil
}

func (c *conn) close() error {
	for _, st := range c.prepared {
		_ = st.Close() // the connection's Close reports what matters
	}
	return c.raw.Close()
}

// script runs statements that have no arguments.
func (c *conn) script(sql string) error {
	_, err := c.raw.(driver.ExecerContext).ExecContext(context.Background(), sql, nil)
	return err
}

// exec runs one statement, prepared once.
func (c *conn) exec(sql string, args ...driver.Value) error {
	st, err := c.prepare(sql)
	if err != nil {
		return err
	}
	_, err = st.(driver.StmtExecContext).ExecContext(context.Background(), named(args))
	return err
}

// query calls row with each row of the answer. The values are row's to keep,
// the slice is not.
func (c *conn) query(row func([]driver.Value) error, sql string, args ...driver.Value) error {
	st, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := st.(driver.StmtQueryContext).QueryContext(context.Background(), named(args))
	if err != nil {
		return err
	}
	values := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		if err = rows.Next(values); err == nil {
			err = row(values)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, rows.Close())
}

// number returns the one number that a query answers with.
func (c *conn) number(sql string) (n int64, err error) {
	err = c.query(func(row []driver.Value) error {
		n, _ = row[0].(int64)
		return nil
	}, sql)
	return n, err
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

func named(args []driver.Value) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, v := range args {
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return values
}
