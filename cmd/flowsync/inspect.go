package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/sqlite"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Help says what is looked at.
func (*inspectCommand) Help() string {
	return "The file may be in use: what is shown is one moment of it, and nothing is changed. " +
		"Every checksum and every link of every log's chain is computed again. A stream without a " +
		"snapshot is read by the rule that dev and serve give its name. Exit status 1: something is damaged."
}

// Run prints what a file holds, and fails if any of it is damaged.
func (i *inspectCommand) Run(c *console) error {
	r, err := sqlite.OpenReader(i.File)
	if err != nil {
		return cannotRead("inspect", i.File, err)
	}
	p := c.progress("checking " + i.File)
	in, err := inspect(r, i.Stream, p)
	p.end()
	if err = errors.Join(err, r.Close()); err != nil {
		return cannotRead("inspect", i.File, err)
	}
	if i.JSON {
		err = in.writeJSON(c.out)
	} else {
		err = in.write(c.out, c.outPalette(), i.File)
	}
	if err != nil {
		return err
	}
	return in.verdict(i.File)
}

// inspection is what was found in a file.
type inspection struct {
	streams []streamReport
	damage  error // that is not of one stream
	bytes   int64
	ops     uint64
	bad     int // streams that are damaged
}

// streamReport is what was found of one stream.
type streamReport struct {
	Stream    string          `json:"stream"`
	Rule      string          `json:"rule,omitempty"`
	First     uint64          `json:"first"` // lowest offset the log holds
	Head      uint64          `json:"head"`
	Epoch     string          `json:"epoch,omitempty"`
	Records   int             `json:"records"`
	Writers   int             `json:"writers"` // authors of what the log holds, and of more that was trimmed
	Bytes     int64           `json:"bytes"`
	Snapshots []uint64        `json:"snapshots"` // offsets, newest first
	Digest    string          `json:"digest,omitempty"`
	Value     json.RawMessage `json:"value,omitempty"`
	Damage    string          `json:"damage,omitempty"`
}

// inspect reads a file, or one stream of it and then its value too.
func inspect(r *sqlite.Reader, only string, p *progress) (*inspection, error) {
	in := &inspection{}
	names, err := r.Names()
	if err != nil {
		return nil, err
	}
	if only != "" {
		if _, err := r.Contents(only); errors.Is(err, fs.ErrNotExist) {
			return nil, &fault{what: fmt.Sprintf("the file has no stream %q", only), why: fmt.Sprintf("it has %s", plural(len(names), "stream")), try: "flowsync inspect FILE, which lists them"}
		}
		names = []string{only}
	} else {
		in.damage = r.Check()
	}
	for i, name := range names {
		report := inspectStream(r, name, only != "", func(part float64) {
			p.at(time.Now(), (float64(i)+part)/float64(len(names)))
		})
		in.streams = append(in.streams, report)
		in.bytes += report.Bytes
		in.ops += report.Head
		if report.Damage != "" {
			in.bad++
		}
	}
	return in, nil
}

// inspectStream computes a stream from its log. What is damaged is told in the
// report.
func inspectStream(r *sqlite.Reader, name string, withValue bool, done func(part float64)) streamReport {
	report := streamReport{Stream: name, Snapshots: []uint64{}}
	c, err := r.Contents(name)
	if err != nil {
		report.Damage = err.Error()
		return report
	}
	report.First, report.Head, report.Epoch = c.First, c.Head.Offset, c.Head.Epoch
	report.Writers, report.Bytes = c.Writers, c.Bytes
	for _, s := range c.Snapshots {
		report.Snapshots = append(report.Snapshots, s.Position.Offset)
	}
	state, err := replay(r, c, &report, done)
	done(1)
	if err != nil {
		report.Damage = err.Error()
		return report
	}
	if state == nil {
		return report
	}
	digest := crdt.Digest(state)
	report.Digest = hex.EncodeToString(digest[:])
	if withValue {
		report.Value = state.AppendValue(nil)
	}
	return report
}

// replay goes through the log and returns the state at its end, nil if the rule
// is not one of ours. Every snapshot must be what the log says, as far as it
// still reaches back. done is told which part of the log was read.
func replay(r *sqlite.Reader, c *sqlite.Contents, report *streamReport, done func(part float64)) (crdt.State, error) {
	var newest *store.Snapshot
	report.Rule = ruleOf(report.Stream).Name()
	if len(c.Snapshots) > 0 {
		newest = &c.Snapshots[0]
		report.Rule = newest.Rule
	}
	var state crdt.State
	rule, ok := crdt.Lookup(report.Rule)
	if ok {
		state = rule.New()
	}
	at := c.First - 1
	if ok && newest != nil {
		var err error
		if state, err = rule.Decode(newest.State); err != nil {
			return nil, fmt.Errorf("the snapshot at offset %d is no state of %s: %w", newest.Position.Offset, report.Rule, err)
		}
		at = newest.Position.Offset
	}
	chain, known := store.Hash{}, false
	authors := make(map[crdt.Writer]struct{})
	for rec, err := range r.Records(c) {
		if err != nil {
			return nil, err
		}
		if !known {
			chain, known = rec.Prev, true
		}
		report.Records++
		done(float64(rec.Last()-c.First+1) / float64(c.Head.Offset-c.First+1))
		for i := range rec.Entries {
			e := &rec.Entries[i]
			if e.OpHash != wire.OpHash(e.Writer.Client, e.Writer.Inc, e.Seq, e.At, e.Op) {
				return nil, fmt.Errorf("the op at offset %d is not the one that was committed", e.Offset)
			}
			chain = wire.ChainNext(chain, e.OpHash)
			authors[e.Writer] = struct{}{}
			for _, s := range c.Snapshots {
				if s.Position.Offset == e.Offset && s.Position.Chain != chain {
					return nil, fmt.Errorf("the snapshot at offset %d is of another history", e.Offset)
				}
			}
			if state != nil && e.Offset > at {
				state.Apply(crdt.Op{Offset: e.Offset, At: e.At, Writer: e.Writer, Seq: e.Seq, Body: e.Op})
			}
		}
		if chain != rec.Chain {
			return nil, fmt.Errorf("the chain does not fit at offset %d", rec.Last())
		}
	}
	report.Writers = max(report.Writers, len(authors))
	if known && chain != c.Head.Chain {
		return nil, errors.New("the log does not end with the chain that its stream has")
	}
	return state, nil
}

// verdict fails if anything is damaged.
func (in *inspection) verdict(file string) error {
	if in.bad == 0 && in.damage == nil {
		return nil
	}
	f := &fault{what: fmt.Sprintf("%s is damaged: %d of %s", file, in.bad, plural(len(in.streams), "stream"))}
	f.why = "a hub serves the others; what is damaged it answers with store_corrupt"
	if in.damage != nil {
		f.why = in.damage.Error()
	}
	f.try = "restore a backup, or salvage the file with .recover of the sqlite3 shell"
	return f
}

// cannotRead explains why a file cannot be looked at.
func cannotRead(command, path string, err error) error {
	var told *fault
	if errors.As(err, &told) {
		return told
	}
	f := &fault{what: fmt.Sprintf("cannot read %s", path), why: reasonOf(err, path), exit: exitConfig}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.why, f.try = "there is no such file", "the FILE that the hub was given with --data"
	case errors.Is(err, store.ErrVersion):
		f.try = "the newer flowsync that wrote it"
	case errors.Is(err, store.ErrUnavailable):
		f.try = fmt.Sprintf("flowsync %s again", command)
	case errors.Is(err, store.ErrCorrupt):
		f.try = "restore a backup, or salvage the file with .recover of the sqlite3 shell"
	default:
		f.try = "the FILE that the hub was given with --data"
	}
	return f
}

func (in *inspection) writeJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	for i := range in.streams {
		if err := out.Encode(&in.streams[i]); err != nil {
			return err
		}
	}
	sum := map[string]any{"streams": len(in.streams), "ops": in.ops, "bytes": in.bytes, "damaged": in.bad}
	if in.damage != nil {
		sum["damage"] = in.damage.Error()
	}
	return out.Encode(sum)
}
