package wire

import (
	stdjson "encoding/json"
	"fmt"
	"strings"
	"testing"
)

// pushLine is the message of the hot path: one canonical op.
const pushLine = `{"at":41,"ops":[{"amount":5,"op":"increment"}],"prev":7,"seq":8,"stream":"counter:value","t":"push"}`

// plainPush is what encoding/json decodes into: the comparison, not the codec.
type plainPush struct {
	T      string               `json:"t"`
	Stream string               `json:"stream"`
	Seq    uint64               `json:"seq"`
	Prev   *uint64              `json:"prev,omitempty"`
	At     *uint64              `json:"at,omitempty"`
	Ops    []stdjson.RawMessage `json:"ops"`
}

func BenchmarkDecodePush(b *testing.B) {
	for _, line := range []struct{ name, text string }{
		{"canonical", pushLine},
		{"unordered", `{"t":"push","stream":"counter:value","seq":8,"prev":7,"at":41,"ops":[{"op":"increment","amount":5}]}`},
		{"batch=100", `{"ops":[` + strings.Repeat(`{"amount":5,"op":"increment"},`, 99) + `{"amount":5,"op":"increment"}],"seq":8,"stream":"counter:value","t":"push"}`},
		{"text=4KiB", `{"ops":[{"op":"append","value":"` + strings.Repeat("The quick brown fox. ", 195) + `"}],"seq":8,"stream":"log:a","t":"push"}`},
	} {
		raw := []byte(line.text)
		b.Run(line.name+"/wire", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			var d Decoder
			for b.Loop() {
				if _, err := d.Client(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(line.name+"/encoding-json", func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				var p plainPush
				if err := stdjson.Unmarshal(raw, &p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodePush(b *testing.B) {
	op := []byte(`{"amount":5,"op":"increment"}`)
	b.Run("wire", func(b *testing.B) {
		b.ReportAllocs()
		m := &Push{Stream: "counter:value", Seq: 8, Prev: u64(7), At: u64(41), Ops: [][]byte{op}}
		var line []byte
		for b.Loop() {
			line = m.Append(line[:0])
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		p := &plainPush{T: "push", Stream: "counter:value", Seq: 8, Prev: u64(7), At: u64(41), Ops: []stdjson.RawMessage{op}}
		for b.Loop() {
			if _, err := stdjson.Marshal(p); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOps(b *testing.B) {
	for _, n := range []int{1, 100} {
		m := &Ops{Stream: "counter:value", From: 41, Cursor: "0123456789abcdef.42.89abcdef.0011223344556677"}
		for i := range n {
			m.Entries = append(m.Entries, Entry{Off: 42 + uint64(i), Client: "tab-1", Inc: "00000000000000a1", Seq: 8 + uint64(i), At: 41, Op: []byte(`{"amount":5,"op":"increment"}`)})
		}
		line := m.Append(nil)
		b.Run(fmt.Sprintf("encode/entries=%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			var buf []byte
			for b.Loop() {
				buf = m.Append(buf[:0])
			}
		})
		b.Run(fmt.Sprintf("decode/entries=%d", n), func(b *testing.B) {
			b.SetBytes(int64(len(line)))
			b.ReportAllocs()
			var d Decoder
			for b.Loop() {
				if _, err := d.Hub(line); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCanonical(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"already", `{"op":"set","value":{"name":"Ada Lovelace","x":1.5,"y":-20,"z":[1,2,3,true,null]}}`},
		{"unordered", `{"value":{"y":-20,"name":"Ada Lovelace","x":1.5,"z":[1,2,3,true,null]},"op":"set"}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			src := []byte(c.text)
			var dst []byte
			for b.Loop() {
				var err error
				if dst, err = Canonical(dst[:0], src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHashes(b *testing.B) {
	op := []byte(`{"amount":5,"op":"increment"}`)
	b.Run("writer", func(b *testing.B) {
		b.ReportAllocs()
		var h [8]byte
		for b.Loop() {
			h = WriterHash(h, 8, op)
		}
	})
	b.Run("op", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			OpHash("tab-1", "00000000000000a1", 8, 41, op)
		}
	})
	b.Run("cursor", func(b *testing.B) {
		b.ReportAllocs()
		var key, chain [32]byte
		for b.Loop() {
			SignCursor(key, "counter:value", "0123456789abcdef", 42, chain)
		}
	})
}
