package queue

import (
	"database/sql/driver"
	"fmt"
)

// applicationID marks a database as a queue in its header: "FlSq".
const applicationID = 0x466c5371

// migrations lead from one version of the schema to the next, beginning with an
// empty file. The version of a file is how many of them it has behind it; a step
// is never changed once it was released.
var migrations = [...]string{`
CREATE TABLE owner ( -- one row
	client TEXT NOT NULL,
	crc    INTEGER NOT NULL
);

CREATE TABLE names ( -- streams, in the order of first use
	id   INTEGER PRIMARY KEY,
	name TEXT NOT NULL,
	crc  INTEGER NOT NULL
);

CREATE TABLE heads ( -- the writer and its place on a stream
	stream INTEGER PRIMARY KEY,
	rule   TEXT NOT NULL,
	inc    TEXT NOT NULL,
	next   INTEGER NOT NULL, -- the next op's seq
	acked  INTEGER NOT NULL, -- the highest acked seq
	hash   BLOB NOT NULL,    -- writer hash there
	epoch  TEXT NOT NULL,
	at     INTEGER NOT NULL, -- the highest at of an op
	seen   INTEGER NOT NULL, -- 1: the hub's state was seen once
	crc    INTEGER NOT NULL
);

CREATE TABLE ops (
	stream INTEGER NOT NULL,
	seq    INTEGER NOT NULL,
	at     INTEGER NOT NULL,
	blind  INTEGER NOT NULL, -- 1: made before the hub's state was seen
	lost   INTEGER NOT NULL, -- 1: the body was damaged
	body   TEXT,             -- JSON
	crc    INTEGER NOT NULL,
	PRIMARY KEY (stream, seq)
) WITHOUT ROWID;

CREATE TABLE kept ( -- confirmed states
	stream INTEGER PRIMARY KEY,
	cursor TEXT NOT NULL,
	state  TEXT NOT NULL,    -- JSON
	crc    INTEGER NOT NULL
);

CREATE TABLE dead ( -- dead letters, oldest first
	id     INTEGER PRIMARY KEY,
	stream TEXT NOT NULL,
	inc    TEXT NOT NULL,
	seq    INTEGER NOT NULL,
	hash   BLOB NOT NULL,
	sent   INTEGER NOT NULL, -- 1: it was sent at least once
	code   TEXT NOT NULL,
	msg    TEXT NOT NULL,
	op     TEXT,             -- JSON
	crc    INTEGER NOT NULL
);

CREATE TABLE damaged ( -- rows whose checksum did not fit, as they were
	id       INTEGER PRIMARY KEY,
	found    TEXT NOT NULL,  -- when, UTC
	source   TEXT NOT NULL,  -- the table that they were in
	contents TEXT NOT NULL
);
`}

// setUp makes the tables of a new file, or those that later versions added, and
// sets how the file is written. The header is written before the log takes over,
// so that it can be read from the file alone.
func (c *conn) setUp() error {
	// A program that reads the file, such as the sqlite3 shell, may hold it for
	// a moment. fullfsync matters on macOS alone.
	if err := c.Script("PRAGMA busy_timeout = 2000; PRAGMA fullfsync = 1; PRAGMA synchronous = FULL"); err != nil {
		return err
	}
	version, err := c.number("PRAGMA user_version") // after a crash the header may be one that was never committed
	if err != nil {
		return err
	}
	if int(version) < len(migrations) {
		if err := c.migrate(int(version)); err != nil {
			return err
		}
	}
	return c.Script("PRAGMA journal_mode = WAL")
}

func (c *conn) migrate(version int) error {
	if err := c.Script("PRAGMA journal_mode = DELETE; BEGIN IMMEDIATE"); err != nil {
		return err
	}
	for _, step := range migrations[version:] {
		if err := c.Script(step); err != nil {
			return err // closing the file rolls back
		}
	}
	return c.Script(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", applicationID, len(migrations)))
}

// ours reports whether the database has a table of this package, whatever its
// header says.
func (c *conn) ours() (found bool, err error) {
	err = c.Query(func([]driver.Value) error {
		found = true
		return nil
	}, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'heads' AND sql LIKE '%the next op''s seq%'")
	return found, err
}
