package sqlite

import (
	"fmt"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
)

// People read the file with the sqlite3 shell.
func TestViews(t *testing.T) {
	path := scratch(t)
	fill(t, path, "counter:a", "counter:b")
	c, err := connect(path, sqlitefile.Immutable, "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, q := range []struct{ sql, want string }{
		{`SELECT stream, offset, client, seq, at, op FROM log WHERE stream = 'counter:a' ORDER BY offset LIMIT 1 OFFSET 4`,
			`[counter:a 5 device-1 2 3 {"amount":2,"op":"increment"}]`},
		{`SELECT stream, count(*), max(offset), sum(op ->> 'amount') FROM log WHERE stream = 'counter:a'`, `[counter:a 24 24 111]`},
		{`SELECT stream, client, seq, at FROM watermarks WHERE stream = 'counter:b' AND client = 'device-0'`, `[counter:b device-0 6 15]`},
		{`SELECT stream, rule, offset, state FROM states WHERE stream = 'counter:a' ORDER BY offset DESC`, `[counter:a crdt-counter 18 {"offset":18}]`},
	} {
		row, err := c.One(q.sql)
		if err != nil || fmt.Sprint(row) != q.want {
			t.Errorf("%s\ngives %v, %v\nwant  %s", q.sql, row, err, q.want)
		}
	}
}
