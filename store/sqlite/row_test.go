package sqlite

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/internal/sqlitefile"
	"github.com/wavesiddhartha/flowsync/store"
)

func TestRowRoundTrip(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := randomRow(rand.New(rand.NewPCG(seed, 0)))
			entries, proof := r.encode()
			if !json.Valid([]byte(entries)) {
				t.Errorf("entries are not JSON: %s", entries)
			}
			got, err := decodeRow([]byte(entries), proof)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, r) {
				t.Errorf("got\n%+v\nwant\n%+v", got, r)
			}
			for i := range r.records {
				for j := range r.records[i].record.Entries {
					r.records[i].record.Entries[j].Op = nil
				}
			}
			if got, err = decodeRow(nil, proof); err != nil || !reflect.DeepEqual(got, r) {
				t.Errorf("without entries: %+v, %v", got, err)
			}
		})
	}
}

func randomRow(dice *rand.Rand) *row {
	r := &row{stream: dice.Int64(), id: dice.Int64N(100), links: make(map[crdt.Writer]uint64)}
	offset := 1 + dice.Uint64N(1<<50)
	var prev store.Hash
	fill := func(b []byte) {
		for i := range b {
			b[i] = byte(dice.Uint32())
		}
	}
	fill(prev[:])
	for range 1 + dice.IntN(4) {
		w := written{epoch: fmt.Sprintf("%016x", dice.IntN(2))}
		w.record.Prev = prev
		for range 1 + dice.IntN(5) {
			e := store.Entry{Offset: offset, At: dice.Uint64N(offset + 1), Seq: 1 + dice.Uint64N(1<<53), Session: dice.Uint64N(1 << 53)}
			e.Writer = crdt.Writer{Client: []string{"a", "hub:initial", `"quoted"`, "ü"}[dice.IntN(4)], Inc: fmt.Sprintf("%016x", dice.IntN(2))}
			e.Subject = []string{"", "somebody"}[dice.IntN(2)]
			fill(e.Hash[:])
			fill(e.OpHash[:])
			e.Op = fmt.Appendf(nil, `{"value":"%s"}`, strings.Repeat("v", dice.IntN(300)))
			r.links[e.Writer] = uint64(len(e.Writer.Client))
			w.record.Entries = append(w.record.Entries, e)
			offset++
		}
		fill(w.record.Chain[:])
		prev = w.record.Chain
		r.records = append(r.records, w)
	}
	return r
}

// The bytes of a row, for as long as files with them exist.
func TestRowGolden(t *testing.T) {
	const who = "stores written so far cannot be read any more, or hubs of the version before cannot read new ones: " +
		"a change needs a new row version that both can tell apart"
	r := goldenRow()
	entries, proof := r.encode()
	got := fmt.Sprintf("%s\n%s", entries, hex.EncodeToString(proof))
	path := filepath.Join("testdata", "row-v1.txt")
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; what it should hold:\n%s", err, got)
	}
	if strings.TrimSpace(string(want)) != got {
		t.Errorf("the row is now\n%s\nand %s says\n%s\n%s", got, path, want, who)
	}
	lines := strings.Split(strings.TrimSpace(string(want)), "\n")
	stored, err := hex.DecodeString(lines[1])
	if err != nil {
		t.Fatal(err)
	}
	if decoded, err := decodeRow([]byte(lines[0]), stored); err != nil || !reflect.DeepEqual(decoded, r) {
		t.Errorf("the stored row decodes to %+v, %v\n%s", decoded, err, who)
	}
}

func goldenRow() *row {
	w := crdt.Writer{Client: "sensor-1", Inc: "00000000000000ff"}
	e := store.Entry{Offset: 7, At: 5, Writer: w, Seq: 3, Subject: "alice", Session: 9, Hash: store.WriterHash{1, 2},
		OpHash: store.Hash{3, 4}, Op: []byte(`{"amount":5,"op":"increment"}`)}
	next := e
	next.Offset, next.Seq, next.Op = 8, 4, []byte(`{"amount":6,"op":"increment"}`)
	return &row{stream: 1 << 40, links: map[crdt.Writer]uint64{w: 2}, records: []written{
		{"0123456789abcdef", store.Record{Entries: []store.Entry{e}, Prev: store.Hash{5}, Chain: store.Hash{6}}},
		{"fedcba9876543210", store.Record{Entries: []store.Entry{next}, Prev: store.Hash{6}, Chain: store.Hash{7}}},
	}}
}

// P24: a row of a version to come is refused, and left as it is.
func TestRowOfNewerVersion(t *testing.T) {
	const name, other = "counter:new", "counter:old"
	path := scratch(t)
	fill(t, path, name, other)
	c, err := connect(path, sqlitefile.ReadWrite, "")
	if err != nil {
		t.Fatal(err)
	}
	row, err := c.One("SELECT first, proof FROM chunks WHERE stream = ? LIMIT 1", streamID(name))
	if err != nil {
		t.Fatal(err)
	}
	proof := row[1].([]byte)
	proof[0] = 200
	proof = resum(proof)
	if err := c.Exec("UPDATE chunks SET proof = ? WHERE stream = ? AND first = ?", proof, streamID(name), row[0]); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	st := mustOpen(t, path)
	defer st.Close()
	if err := useAll(t, st, other); err != nil {
		t.Errorf("the other stream: %v", err)
	}
	if _, err := st.Read(t.Context(), name, 0, 1); !errors.Is(err, store.ErrVersion) {
		t.Errorf("the stream with the row: %v, want ErrVersion", err)
	}
}

// resum makes the checksum of a changed proof fit.
func resum(proof []byte) []byte {
	body := proof[:len(proof)-4]
	return binary.LittleEndian.AppendUint32(body[:len(body):len(body)], crc32.Checksum(body, castagnoli))
}

// No bytes on disk panic or make the store allocate what they claim, also those
// whose checksum fits.
func FuzzRow(f *testing.F) {
	entries, proof := goldenRow().encode()
	f.Add(entries, proof[:len(proof)-4])
	for seed := range uint64(4) {
		entries, proof := randomRow(rand.New(rand.NewPCG(seed, 0))).encode()
		f.Add(entries, proof[:len(proof)-4])
	}
	f.Add("[]", []byte{rowVersion})
	f.Fuzz(func(t *testing.T, entries string, body []byte) {
		proof := resum(append(body[:len(body):len(body)], 0, 0, 0, 0))
		r, err := decodeRow([]byte(entries), proof)
		if err != nil {
			return
		}
		for i := range r.records {
			if len(r.records[i].record.Entries) == 0 {
				t.Fatal("a record without entries was accepted")
			}
		}
		if _, err := decodeRow(nil, proof); err != nil {
			t.Fatalf("with entries it decodes, without: %v", err)
		}
	})
}
