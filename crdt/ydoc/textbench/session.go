package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc/trace"
)

// session is a trace in few allocations without pointers in them: a collection
// must not charge the engine for tracing hundreds of thousands of patches.
type session struct {
	name string
	kind trace.Kind
	end  *string
	ends []int32 // of each transaction, in edits
	edit []edit
	text string // all that is inserted

	times    int // how often it is played in one document
	replicas []int
	recv     [][]int // of concurrent sessions
}

// edit deletes del positions at pos, then inserts text[from:to] there.
type edit struct{ pos, del, from, to int32 }

func readSession(path string, times int) (*session, error) {
	if path == "" {
		return nil, errors.New("no session given: name a file that trace.Read understands, e.g. a .json.gz of josephg/editing-traces")
	}
	t, err := trace.Read(path)
	if err != nil {
		return nil, err
	}
	if t, err = t.UTF16(); err != nil {
		return nil, err
	}
	if times > 1 && t.Kind != trace.Sequential {
		return nil, fmt.Errorf("trace %s: only a sequential session can be repeated", t.Name)
	}
	s := &session{name: t.Name, kind: t.Kind, times: times}
	if t.End != nil {
		end := strings.Repeat(*t.End, times)
		s.end = &end
	}
	var text strings.Builder
	for _, x := range t.Txns {
		for _, p := range x.Patches {
			from := int32(text.Len())
			text.WriteString(p.Ins)
			s.edit = append(s.edit, edit{int32(p.Pos), int32(p.Del), from, int32(text.Len())})
		}
		s.ends = append(s.ends, int32(len(s.edit)))
		if t.Kind == trace.Concurrent {
			s.replicas = append(s.replicas, x.R)
			s.recv = append(s.recv, x.Recv)
		}
	}
	s.text = text.String()
	return s, nil
}

func (s *session) txns() int { return len(s.ends) }

// edits are those of one transaction.
func (s *session) edits(txn int) []edit {
	if txn == 0 {
		return s.edit[:s.ends[0]]
	}
	return s.edit[s.ends[txn-1]:s.ends[txn]]
}

// sequential refuses a session of several authors.
func (s *session) sequential() error {
	if s.kind != trace.Sequential {
		return fmt.Errorf("trace %s: local edits are measured on sequential sessions only", s.name)
	}
	return nil
}

// updates are many, one behind the other.
type updates struct {
	bytes []byte
	ends  []int
}

func (u *updates) add(update []byte) {
	u.bytes = append(u.bytes, update...)
	u.ends = append(u.ends, len(u.bytes))
}

func (u *updates) at(i int) []byte {
	if i == 0 {
		return u.bytes[:u.ends[0]]
	}
	return u.bytes[u.ends[i-1]:u.ends[i]]
}

// write keeps the updates, each behind its length in four bytes, low ones first.
func (u *updates) write(path string) error {
	var b []byte
	for i := range u.ends {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(u.at(i))))
		b = append(b, u.at(i)...)
	}
	return os.WriteFile(path, b, 0o644)
}

func readUpdates(path string) (*updates, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	u := &updates{}
	for len(b) >= 4 {
		n := int(binary.LittleEndian.Uint32(b))
		if b = b[4:]; n > len(b) {
			break
		}
		u.add(b[:n])
		b = b[n:]
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%s: the last update is cut off", path)
	}
	return u, nil
}
