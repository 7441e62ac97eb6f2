package load

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wavesiddhartha/flowsync/bench/peer"
	"github.com/wavesiddhartha/flowsync/bench/raw"
	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// Text is an editing session that one client replays into a document, keystroke
// by keystroke, while another one watches; then clients join the finished
// document one after the other.
type Text struct {
	Trace  string // a recorded session; a generated one takes its place where it is missing
	Edits  int    // how many of its transactions; 0: all
	Window int    // edits on the way to the watcher
	Joins  int
}

// textStream is the document, and root the text in it.
const (
	textStream = "text:trace"
	textRoot   = "text"
)

// textTime bounds the replay.
const textTime = 3 * time.Minute

// Run drives a server with the load.
func (l Text) Run(sv *Server) (Values, error) {
	d, ok := sv.Peer.Dialect.(peer.TextDialect)
	if !ok {
		return nil, fmt.Errorf("%s has no texts", sv.Peer.Name)
	}
	updates, want, err := l.session()
	if err != nil {
		return nil, err
	}
	v, err := l.replay(sv, d, updates)
	if err != nil {
		return nil, err
	}
	joins, err := l.join(sv, d, want)
	for name, x := range joins {
		v[name] = x
	}
	return v, err
}

// session makes the updates that an author in the format of Yjs sends, and the
// text that they end with.
func (l Text) session() (updates [][]byte, text string, err error) {
	t, err := trace.Read(l.Trace)
	if errors.Is(err, os.ErrNotExist) {
		t, err = trace.Generate(trace.Session{Seed: 1, Txns: 260_000}), nil
	}
	if err != nil {
		return nil, "", err
	}
	if t, err = t.UTF16(); err != nil {
		return nil, "", err
	}
	if l.Edits > 0 && l.Edits < len(t.Txns) {
		t.Txns = t.Txns[:l.Edits]
	}
	doc := ydoc.New(1)
	root := doc.Text(textRoot)
	for _, txn := range t.Txns {
		var wrong error
		u := doc.AppendTransact(nil, func() {
			for _, p := range txn.Patches {
				if p.Del > 0 {
					wrong = errors.Join(wrong, root.Delete(p.Pos, p.Del))
				}
				if p.Ins != "" {
					wrong = errors.Join(wrong, root.Insert(p.Pos, p.Ins))
				}
			}
		})
		if wrong != nil {
			return nil, "", wrong
		}
		if len(u) > 0 {
			updates = append(updates, u)
		}
	}
	return updates, root.String(), nil
}

// replay pushes every update and counts what the watcher gets.
func (l Text) replay(sv *Server, d peer.TextDialect, updates [][]byte) (Values, error) {
	author, err := openText(sv, d, "author")
	if err != nil {
		return nil, err
	}
	defer author.Close()
	watcher, err := openText(sv, d, "watcher")
	if err != nil {
		return nil, err
	}
	defer watcher.Close()

	var got atomic.Int64
	heard := make(chan error, 2)
	go func() { heard <- listen(author, d, nil, 0) }() // the peers send an author its own edits, too
	go func() { heard <- listen(watcher, d, &got, int64(len(updates))) }()
	m, err := sv.begin()
	if err != nil {
		return nil, err
	}
	var frames []byte
	deadline := time.Now().Add(textTime)
	for sent := 0; sent < len(updates); {
		room := l.Window - (sent - int(got.Load()))
		if room < l.Window/2 {
			select {
			case err := <-heard:
				return nil, fmt.Errorf("after %d edits: %w", got.Load(), err)
			case <-time.After(50 * time.Microsecond):
			}
			if time.Now().After(deadline) {
				return nil, fmt.Errorf("%d of %d edits arrived within %v", got.Load(), len(updates), textTime)
			}
			continue
		}
		frames = frames[:0]
		for range min(room, len(updates)-sent) {
			frames = d.AppendEdit(frames, textStream, uint64(sent+1), updates[sent])
			sent++
		}
		if err := author.Write(frames); err != nil {
			return nil, err
		}
	}
	select {
	case err := <-heard:
		if err != nil {
			return nil, fmt.Errorf("after %d edits: %w", got.Load(), err)
		}
	case <-time.After(settleTime):
		return nil, Faults{Lost: uint64(int64(len(updates)) - got.Load())}
	}
	v, err := m.end()
	if err != nil {
		return nil, err
	}
	n := float64(len(updates))
	v["edits"] = n
	v["edits_per_s"] = n / v["seconds"]
	v["cpu_us_per_edit"] = v["server_cpu_s"] / n * 1e6
	return v, nil
}

func openText(sv *Server, d peer.TextDialect, client string) (*raw.Conn, error) {
	conn, err := d.DialText(sv.Addr, textStream)
	if err != nil {
		return nil, err
	}
	if _, err := d.JoinText(conn, client, textStream); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// listen counts edits until want have come, or for ever where got is nil. Where
// the peer numbers them, the numbers must follow each other.
func listen(conn *raw.Conn, d peer.TextDialect, got *atomic.Int64, want int64) error {
	var last uint64
	for {
		payload, err := conn.Next()
		if err != nil {
			return err
		}
		var wrong error
		n := int64(0)
		err = d.Edits(payload, func(number uint64) {
			if last != 0 && number != last+1 {
				wrong = fmt.Errorf("edit %d follows edit %d", number, last)
			}
			last = number
			n++
		})
		if err := errors.Join(err, wrong); err != nil {
			return err
		}
		if got != nil && got.Add(n) >= want {
			return nil
		}
	}
}

// join measures how long a new client waits for the document, and what that
// costs the server. The first one checks the text, the others their bytes.
func (l Text) join(sv *Server, d peer.TextDialect, want string) (Values, error) {
	var first [][]byte
	var took []float64
	var m *meter
	for i := range l.Joins + 1 {
		if i == 1 { // the first one finds caches empty and is not counted
			var err error
			if m, err = sv.begin(); err != nil {
				return nil, err
			}
		}
		began := time.Now()
		conn, err := d.DialText(sv.Addr, textStream)
		if err != nil {
			return nil, err
		}
		document, err := d.JoinText(conn, fmt.Sprintf("late-%d", i), textStream)
		if err != nil {
			conn.Close()
			return nil, err
		}
		if i > 0 {
			took = append(took, time.Since(began).Seconds()*1000)
		}
		conn.Close()
		if i == 0 {
			first = document
			if err := holds(document, want); err != nil {
				return nil, err
			}
		} else if !slices.EqualFunc(document, first, bytes.Equal) {
			return nil, fmt.Errorf("late join %d got another document than the first", i)
		}
	}
	v, err := m.end()
	if err != nil {
		return nil, err
	}
	slices.Sort(took)
	return Values{"join_ms": took[len(took)/2], "join_cpu_ms": v["server_cpu_s"] / float64(l.Joins) * 1000}, nil
}

// holds checks that updates are a document with the text.
func holds(updates [][]byte, want string) error {
	doc := ydoc.New(2)
	for _, u := range updates {
		if err := doc.Apply(u); err != nil {
			return fmt.Errorf("the document that a late client got: %w", err)
		}
	}
	if got := doc.Text(textRoot).String(); got != want {
		return fmt.Errorf("a late client got a text of %d bytes that is not the one of %d bytes that was typed", len(got), len(want))
	}
	return nil
}
