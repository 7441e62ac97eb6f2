// Package store defines where streams live: the [Store] that makes their logs
// durable.
//
// # Invariants every Store keeps
//
//   - A record is in the log completely or not at all, and records follow each
//     other without a hole: the next begins at the offset after the last.
//   - Append is a compare-and-set on (epoch, head, chain). Two hubs that append
//     to one stream agree on one order.
//   - A writer's watermark rises with the record that holds its op, in the same
//     commit, and outlives the record.
//   - done is called after the commit is as durable as Durability says.
//
// Package storetest is the suite that holds all implementations to this.
package store

import (
	"context"
	"errors"

	"github.com/wavesiddhartha/flowsync/crdt"
)

// Errors of a Store. Implementations wrap them with their cause.
var (
	// ErrUnavailable: the store cannot be reached now; try again later.
	ErrUnavailable = errors.New("store unavailable")
	// ErrReadonly: the store can be read but not written, for example a full disk.
	ErrReadonly = errors.New("store is read-only")
	// ErrCorrupt: what was read is damaged. Nothing of it is served.
	ErrCorrupt = errors.New("store is corrupt")
	// ErrUnknown: whether the append was committed is not known; read the log.
	ErrUnknown = errors.New("outcome of the append is unknown")
	// ErrFailed: the store failed for good and must be opened anew.
	ErrFailed = errors.New("store failed")
	// ErrTrimmed: the log no longer goes back that far.
	ErrTrimmed = errors.New("log was trimmed")
	// ErrVersion: written by a newer version of FlowSync; refused, not touched.
	ErrVersion = errors.New("written by a newer version")
	// ErrInvalid: a batch that may not follow its After, whatever the log holds:
	// no entries, offsets or a chain that do not go on from After, or a seq that
	// is not above its writer's watermark. A mistake of the caller; the same
	// batch is refused again.
	ErrInvalid = errors.New("invalid batch")
)

// Durability says what a commit survives.
type Durability string

// Durabilities.
const (
	InMemory Durability = "memory"
	OnDisk   Durability = "disk"
)

// Hash is a chain value or an op hash.
type Hash [32]byte

// WriterHash is a link of a writer's own hash chain.
type WriterHash [8]byte

// Position is a place in a stream's history.
type Position struct {
	Epoch  string // 16 hex digits
	Offset uint64
	Chain  Hash // chain value at Offset
}

// Entry is one committed op with what is needed to prove and to deduplicate it.
type Entry struct {
	Offset  uint64
	At      uint64
	Writer  crdt.Writer
	Seq     uint64
	Subject string     // who the writer is bound to
	Session uint64     // the author's session number, checked against its fence; 0 is never fenced
	Hash    WriterHash // the writer's hash at Seq, over the op as sent
	OpHash  Hash       // over the op as committed; stays when the op is redacted
	Op      []byte     // canonical JSON as committed
}

// Record is what one commit adds to one stream. Entries have consecutive
// offsets. With Prev and the op hashes every offset in it has a chain value.
// Stores take hashes as given: who computes them checks them.
type Record struct {
	Entries []Entry
	Prev    Hash // chain value before the first entry
	Chain   Hash // chain value at the last entry
}

// First is the offset of the record's first entry.
func (r *Record) First() uint64 { return r.Entries[0].Offset }

// Last is the offset of the record's last entry.
func (r *Record) Last() uint64 { return r.Entries[len(r.Entries)-1].Offset }

// Watermark is how far a writer's ops are committed on one stream.
type Watermark struct {
	Seq     uint64
	Hash    WriterHash
	At      uint64 // the At of op Seq; a writer's At never falls
	Subject string
}

// Mark is the writer hash at a seq.
type Mark struct {
	Seq  uint64
	Hash WriterHash
}

// Snapshot is a stream's encoded state at an offset.
type Snapshot struct {
	Rule     string
	Position Position // of the state, in the epoch it was saved in
	State    []byte
}

// Stream is what Load returns: the newest snapshot and the log after it.
type Stream struct {
	Head     Position
	Key      [32]byte  // secret under which cursors are signed
	Snapshot *Snapshot // nil: none yet, the tail begins at offset 1
	Tail     []Record
	First    uint64 // lowest offset the log still holds; Head.Offset+1 if none
}

// Batch asks to append one record to one stream. The record follows After; if
// the stream is elsewhere by then, nothing is appended. An After without an
// epoch is nowhere: it is refused with ErrInvalid.
type Batch struct {
	Stream string
	After  Position
	Record Record
}

// Result answers one Batch. The zero Result says that it is committed. Otherwise
// exactly one of Lost, Fenced and Err is set and nothing of it is in the log.
// ErrUnknown alone leaves that open.
type Result struct {
	// Lost says that After is not the head of the log. Head is where the log is
	// now; the zero Position if the stream does not exist (any more).
	Lost bool
	Head Position

	// Missed holds the records with entries after After, about [MissedMax]
	// entries of them; if they end below Head, read on. It is empty if the log
	// has none, because only epoch or chain differ or the log is shorter than
	// the caller's, and if the log was trimmed above After.
	Missed []Record

	// Fenced names the writers in the record whose session is below their
	// fence. Without their entries the batch may be tried again.
	Fenced []crdt.Writer

	Err error
}

// Store keeps the logs, snapshots and watermarks of streams. All methods are
// safe for concurrent use. Methods that take a context may block on disk or
// network and return ErrUnavailable, ErrCorrupt or ErrFailed, wrapped. After
// Close all of them return ErrFailed.
//
// Records, snapshots and op bytes are handed over: the caller of Append and Save
// does not change them again, and who gets them from a Store shares them with
// others and only reads.
//
// A stream that does not exist has the zero Position and an empty log. Load
// creates it, and Recall does if it has a fence to keep.
type Store interface {
	// Durability says what a commit survives.
	Durability() Durability

	// Load reads a stream: its newest snapshot and the records with entries after
	// it. It creates the stream (a random epoch, key and chain(0)) if it does not
	// exist.
	Load(ctx context.Context, stream string) (*Stream, error)

	// Append commits batches over any number of streams and calls done once with
	// a result for each, in order. It does not block on the commit: done may be
	// called from another goroutine, or from within Append. The batches must not
	// be changed until done. Batches of one stream are applied in the order of
	// the calls, and of their places in a call; one stream's failure fails no
	// other's. ErrUnknown in a result means the batch may or may not be in.
	Append(batches []Batch, done func([]Result))

	// Read returns records that hold entries after offset, in order, about as
	// many as max entries, at least one record if there is any. ErrTrimmed if the
	// log begins later.
	Read(ctx context.Context, stream string, after uint64, max int) (Tail, error)

	// Recall reads a writer's watermark, zero if it has none, and the marks of its
	// newest ops that the log holds, at most TrailMax, oldest first. If fence is
	// not 0 it first raises the writer's fence to it, never lowers it: a later
	// append of a lower session is refused. A store that one process alone writes
	// may forget fences when it is opened anew, since no older append can arrive.
	Recall(ctx context.Context, stream string, w crdt.Writer, fence uint64) (Watermark, []Mark, error)

	// Rotate moves a stream to a new random epoch, if it still is in the given
	// one, and returns the head after it. Log, offsets, chain, watermarks, fences
	// and snapshots stay.
	Rotate(ctx context.Context, stream, epoch string) (Position, error)

	// Save stores a snapshot. It is kept beside the newest older one; others may
	// go. A snapshot of another epoch, not above the newest, or whose position
	// is not the end of a record in the log (offset and chain), is ignored.
	Save(ctx context.Context, stream string, s Snapshot) error

	// Trim removes records that end at or below offset, oldest first, at most max
	// of them, and reports whether more remain. It never trims above the older of
	// two snapshots, and not at all before there are two. Watermarks stay.
	Trim(ctx context.Context, stream string, offset uint64, max int) (more bool, err error)

	// Session returns the next session number of a client, from 1. Numbers grow
	// but may have holes. A store that one process alone writes gives numbers also
	// while it takes no writes, and may give those again after it was opened anew,
	// if nothing was written in between.
	Session(ctx context.Context, client string) (uint64, error)

	// Revoke stores a revocation and returns when it is as durable as a commit. It
	// may forget those whose Until is before r.Made. Number is the store's to give.
	Revoke(ctx context.Context, r Revocation) error

	// Revocations returns the revocations with a number above after, in their
	// order. Those that Revoke may forget can be missing.
	Revocations(ctx context.Context, after uint64) ([]Revocation, error)

	// Close waits for appends under way, so it must not be called from done, and
	// releases the store.
	Close() error
}

// TrailMax is how many marks Recall returns at most.
const TrailMax = 1024

// MissedMax is about how many entries the answer to a lost compare-and-set
// holds: the record that reaches it is the last.
const MissedMax = 1024

// Tail is a piece of a log.
type Tail struct {
	Records []Record
	Head    Position // of the log when it was read
	First   uint64   // lowest offset the log holds
}
