package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/wavesiddhartha/flowsync/store"
)

// revoking is one call of Revoke.
type revoking struct {
	awaited
	revocation store.Revocation
}

func (r *revoking) make(c *committer) error {
	if err := c.write(); err != nil {
		return err
	}
	in := &r.revocation
	if err := c.conn.Exec("DELETE FROM revocations WHERE until < ?", in.Made); err != nil {
		return err
	}
	return c.conn.Exec("INSERT INTO revocations (subject, token, made, until, crc) VALUES (?, ?, ?, ?, ?)",
		in.Subject, in.Token, in.Made, in.Until, int64(revocationSum(in)))
}

// Revoke implements [store.Store].
func (s *Store) Revoke(ctx context.Context, r store.Revocation) error {
	return s.do(ctx, &revoking{revocation: r})
}

// Revocations implements [store.Store]. A damaged row is an error: what it
// revoked is not known any more.
func (s *Store) Revocations(ctx context.Context, after uint64) (list []store.Revocation, err error) {
	c, err := s.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.pool <- c }()
	err = c.Query(func(row []driver.Value) error {
		r := columns{row: row}
		out := store.Revocation{Number: r.number(), Subject: r.text(), Token: r.text(), Made: int64(r.number()), Until: int64(r.number())}
		if sum := r.number(); r.broken || uint32(sum) != revocationSum(&out) {
			return fmt.Errorf("the checksum of a row in revocations does not fit: %w", store.ErrCorrupt)
		}
		list = append(list, out)
		return nil
	}, "SELECT number, subject, token, made, until, crc FROM revocations WHERE number > ? ORDER BY number", int64(after))
	if err != nil {
		return nil, failure(err)
	}
	return list, nil
}

// revocationSum leaves the number out, which SQLite gives.
func revocationSum(r *store.Revocation) uint32 {
	b := binary.LittleEndian.AppendUint64(nil, uint64(r.Made))
	b = binary.LittleEndian.AppendUint64(b, uint64(r.Until))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(r.Subject)))
	return crc32.Checksum(append(append(b, r.Subject...), r.Token...), castagnoli)
}
