package sqlite

import (
	"fmt"

	"github.com/wavesiddhartha/flowsync/store"
)

// applicationID marks a database as FlowSync's in its header: "FlSy".
const applicationID = 0x466c5379

// migrations lead from one version of the schema to the next, beginning with an
// empty file. The version of a file is how many of them it has behind it; a step
// is never changed once it was released. docs/sqlite.md describes the tables.
var migrations = [...]string{`
CREATE TABLE meta (
	name  TEXT PRIMARY KEY,
	value INTEGER NOT NULL,
	crc   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE streams (
	id      INTEGER PRIMARY KEY, -- the first 63 bits of SHA-256 of the name
	name    TEXT NOT NULL,
	epoch   TEXT NOT NULL,
	key     BLOB NOT NULL,       -- secret: cursors are signed under it
	first   INTEGER NOT NULL,    -- lowest offset the log holds
	settled INTEGER NOT NULL,    -- last offset in chunks
	chain   BLOB NOT NULL,       -- chain value there
	writers INTEGER NOT NULL,    -- rows in writers
	crc     INTEGER NOT NULL
);

CREATE TABLE recent ( -- records in the order of their commits, not in chunks yet
	id      INTEGER PRIMARY KEY,
	stream  INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	proof   BLOB NOT NULL,
	entries TEXT NOT NULL        -- JSON: [[client, seq, at, op], ...]
);

CREATE TABLE chunks ( -- records of one stream in one row
	stream  INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	proof   BLOB NOT NULL,
	entries TEXT NOT NULL,
	PRIMARY KEY (stream, first)
) WITHOUT ROWID;

CREATE TABLE writers ( -- watermarks at streams.settled
	stream  INTEGER NOT NULL,
	client  TEXT NOT NULL,
	inc     TEXT NOT NULL,
	seq     INTEGER NOT NULL,
	at      INTEGER NOT NULL,
	subject TEXT NOT NULL,
	hash    BLOB NOT NULL,
	chunk   INTEGER NOT NULL,    -- first offset of the newest chunk with its ops
	fence   INTEGER NOT NULL,
	crc     INTEGER NOT NULL,
	PRIMARY KEY (stream, client, inc)
) WITHOUT ROWID;

CREATE TABLE snapshots (
	stream INTEGER NOT NULL,
	offset INTEGER NOT NULL,
	epoch  TEXT NOT NULL,
	rule   TEXT NOT NULL,
	chain  BLOB NOT NULL,
	crc    INTEGER NOT NULL,
	state  TEXT NOT NULL,
	PRIMARY KEY (stream, offset)
) WITHOUT ROWID;

CREATE VIEW log AS
	SELECT s.name AS stream, r.first + e.key AS offset, e.value ->> 0 AS client,
		e.value ->> 1 AS seq, e.value ->> 2 AS at, e.value -> 3 AS op
	FROM (SELECT stream, first, entries FROM chunks UNION ALL SELECT stream, first, entries FROM recent) AS r
	JOIN streams AS s ON s.id = r.stream
	JOIN json_each(r.entries) AS e
	WHERE r.first + e.key >= s.first;

CREATE VIEW watermarks AS
	SELECT s.name AS stream, w.client, w.inc, w.subject, w.seq, w.at, lower(hex(w.hash)) AS hash
	FROM writers AS w JOIN streams AS s ON s.id = w.stream;

CREATE VIEW states AS
	SELECT s.name AS stream, n.rule, n.offset, n.state
	FROM snapshots AS n JOIN streams AS s ON s.id = n.stream;
`, `
CREATE TABLE revocations (
	number  INTEGER PRIMARY KEY AUTOINCREMENT,
	subject TEXT NOT NULL,
	token   TEXT NOT NULL,       -- empty: all of the subject
	made    INTEGER NOT NULL,    -- seconds since 1970
	until   INTEGER NOT NULL,
	crc     INTEGER NOT NULL
);
CREATE INDEX revocations_until ON revocations (until);
`, `
CREATE TABLE pieces ( -- all of a snapshot's state but the last piece, which is in its row
	stream INTEGER NOT NULL,
	offset INTEGER NOT NULL,
	piece  INTEGER NOT NULL,     -- from 0
	data   TEXT NOT NULL,
	PRIMARY KEY (stream, offset, piece)
) WITHOUT ROWID;

ALTER TABLE snapshots ADD COLUMN pieces INTEGER NOT NULL DEFAULT 0; -- how many it has in pieces

DROP VIEW states;

CREATE VIEW states AS
	SELECT s.name AS stream, n.rule, n.offset, coalesce((SELECT group_concat(data, '') FROM (
		SELECT data FROM pieces WHERE stream = n.stream AND offset = n.offset ORDER BY piece)), '') || n.state AS state
	FROM snapshots AS n JOIN streams AS s ON s.id = n.stream;
`}

// identify looks at whose file it is, without a write. Version 0 is an empty
// file.
func (c *conn) identify() (version int, err error) {
	application, err := c.pragma("application_id")
	if err != nil {
		return 0, err
	}
	version, err = c.pragma("user_version")
	if err != nil {
		return 0, err
	}
	objects, err := c.One("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return 0, err
	}
	switch {
	case application == applicationID && version > len(migrations):
		return 0, fmt.Errorf("its schema is version %d, this program knows %d; use the newer FlowSync that wrote it: %w",
			version, len(migrations), store.ErrVersion)
	case application == applicationID && version > 0:
		return version, nil
	case application == 0 && version == 0 && objects[0] == int64(0):
		return 0, nil
	}
	return 0, errForeign
}

func (c *conn) pragma(name string) (int, error) {
	row, err := c.One("PRAGMA " + name)
	if err != nil {
		return 0, err
	}
	n, ok := row[0].(int64)
	if !ok {
		return 0, fmt.Errorf("PRAGMA %s is not a number", name)
	}
	return int(n), nil
}

// migrate brings a file from a version to the newest, in one transaction.
func (c *conn) migrate(version int) error {
	if version == len(migrations) {
		return nil
	}
	if err := c.Script("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := func() error {
		for _, step := range migrations[version:] {
			if err := c.Script(step); err != nil {
				return err
			}
		}
		return c.Script(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
			applicationID, len(migrations)))
	}()
	if err != nil {
		_ = c.Script("ROLLBACK") // of a transaction that the error may have ended
	}
	return err
}
