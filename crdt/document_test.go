package crdt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// writerOf is the writer of a test author, and its document client.
func writerOf(n int) (Writer, uint64) {
	return Writer{Client: fmt.Sprintf("c%d", n), Inc: "0000000000000001"}, uint64(1000 + n)
}

// TestTextWorld: authors edit their own copies, some offline for long; the hub
// checks and orders what they made; everyone who has the log has the same text.
func TestTextWorld(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 7))
			hub := Text.New()
			var log []Op
			type replica struct {
				confirmed, view State
				at              uint64
				pending         []Op
			}
			authors := make([]replica, 3)
			for i := range authors {
				authors[i] = replica{confirmed: Text.New(), view: Text.New()}
			}
			commit := func(op Op) {
				op.Offset = uint64(len(log)) + 1
				if _, err := hub.Check(op); err != nil {
					t.Fatalf("the hub refuses what an author made: %v", err)
				}
				hub.Apply(op)
				log = append(log, op)
			}
			for range 200 {
				i := r.IntN(len(authors))
				a := &authors[i]
				w, id := writerOf(i)
				switch r.IntN(4) {
				case 0, 1:
					body := randomEdit(r, a.view)
					op := Op{At: a.at, Writer: w, Seq: uint64(len(a.pending) + 1), Body: body}
					made, err := a.view.(Editor).Edit(op, nil, id)
					if err != nil {
						t.Fatal(err)
					}
					op.Body = made
					a.pending = append(a.pending, op)
				case 2:
					for _, op := range a.pending {
						commit(op)
					}
					a.pending = nil
				case 3:
					for ; a.at < uint64(len(log)); a.at++ {
						a.confirmed.Apply(log[a.at])
					}
					a.view = a.confirmed.Clone()
					for k, op := range a.pending {
						op.Offset = a.at + uint64(k) + 1
						a.view.Apply(op)
					}
				}
			}
			for i := range authors {
				for _, op := range authors[i].pending {
					commit(op)
				}
			}
			want := Digest(hub)
			for i := range authors {
				a := &authors[i]
				for ; a.at < uint64(len(log)); a.at++ {
					a.confirmed.Apply(log[a.at])
				}
				if Digest(a.confirmed) != want {
					t.Fatalf("author %d shows %s, the hub %s", i, a.confirmed.AppendValue(nil), hub.AppendValue(nil))
				}
			}
			encoded := hub.AppendState(nil)
			if hub.Size() < len(encoded) {
				t.Fatalf("Size is %d, the encoding has %d bytes", hub.Size(), len(encoded))
			}
			back, err := Text.Decode(encoded)
			if err != nil {
				t.Fatal(err)
			}
			if Digest(back) != want {
				t.Fatal("the decoded text is another one")
			}
		})
	}
}

// randomEdit is a positional op on what a state shows.
func randomEdit(r *rand.Rand, s State) []byte {
	n := s.(*document).doc.Text(DefaultRoot).Len()
	pos := r.IntN(n + 1)
	if n-pos > 0 && r.IntN(3) == 0 {
		return fmt.Appendf(nil, `{"count":%d,"op":"delete","pos":%d}`, 1+r.IntN(min(3, n-pos)), pos)
	}
	if n-pos > 0 && r.IntN(4) == 0 {
		return fmt.Appendf(nil, `{"count":%d,"op":"replace","pos":%d,"text":"R"}`, r.IntN(min(3, n-pos)), pos)
	}
	text := []string{"a", "hello", "é", "👋", "\\n"}[r.IntN(5)]
	return fmt.Appendf(nil, `{"op":"insert","pos":%d,"text":"%s"}`, pos, text)
}

// TestTextPast: a plain client names positions in what it saw; the hub moves them
// over what others did since.
func TestTextPast(t *testing.T) {
	hub := Text.New().(*document)
	var log []Op
	step := func(author int, at uint64, body, want string) {
		t.Helper()
		w, id := writerOf(author)
		op := Op{Offset: uint64(len(log)) + 1, At: at, Writer: w, Seq: uint64(len(log)) + 1, Body: []byte(body)}
		draft := hub.Clone().(*document)
		made, err := draft.Edit(op, log[at:], id)
		if err != nil {
			t.Fatal(err)
		}
		op.Body = made
		if _, err := hub.Check(op); err != nil {
			t.Fatal(err)
		}
		hub.Apply(op)
		log = append(log, op)
		if got := string(hub.AppendValue(nil)); got != want {
			t.Fatalf("%s at %d: %s, want %s", body, at, got, want)
		}
	}
	step(1, 0, `{"op":"insert","pos":0,"text":"hello world"}`, `"hello world"`)
	step(2, 1, `{"op":"insert","pos":0,"text":">> "}`, `">> hello world"`)
	// Author 1 has not seen that; its 6 is before "world".
	step(1, 1, `{"op":"insert","pos":6,"text":"big "}`, `">> hello big world"`)
	// Nor this: it sees "hello big world" and deletes "hello ", which 2 halved.
	step(2, 3, `{"count":3,"op":"delete","pos":3}`, `">> lo big world"`)
	step(1, 1, `{"count":6,"op":"delete","pos":0}`, `">> big world"`)
	// What author 1 deleted itself is gone for it, although 2 deleted some too.
	step(1, 1, `{"op":"insert","pos":3,"text":"!"}`, `">> big! world"`)
	step(1, 6, `{"char":"¡","op":"insert","pos":0}`, `"¡>> big! world"`)
}

// TestTextRefusals: each refusal has its code and changes nothing.
func TestTextRefusals(t *testing.T) {
	w1, id1 := writerOf(1)
	w2, _ := writerOf(2)
	s := Text.New().(*document)
	edit := func(body string) []byte {
		t.Helper()
		made, err := s.Edit(Op{Writer: w1, Seq: 1, Body: []byte(body)}, nil, id1)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	base := Text.New()
	first := Op{Offset: 1, Writer: w1, Seq: 1, Body: edit(`{"op":"insert","pos":0,"text":"abc"}`)}
	base.Apply(first)
	second := edit(`{"op":"insert","pos":3,"text":"d"}`)
	third := edit(`{"op":"insert","pos":4,"text":"e"}`)
	other := ydoc.New(id1)
	forged := other.AppendTransact(nil, func() { _ = other.Text(DefaultRoot).Insert(0, "xyz!") })

	for name, c := range map[string]struct {
		w    Writer
		body string
		code Code
	}{
		"what it depends on is missing":   {w1, string(third), MissingDependency},
		"somebody else's document client": {w2, string(second), OpConflict},
		"other content under known ids":   {w1, string(updateBody(forged)), OpConflict},
		"not base64":                      {w1, `{"op":"update","update":"*"}`, BadOp},
		"no padding":                      {w1, `{"op":"update","update":"AAA"}`, BadOp},
		"not an update":                   {w1, `{"op":"update","update":"AQEB"}`, BadOp},
		"half of a pair":                  {w1, string(updateBody([]byte("\x01\x01\x05\x00\x04\x01\x04text\x02\xed\xa0\x00"))), BadText},
		"another field":                   {w1, `{"op":"update","to":1,"update":"AAA="}`, BadOp},
		"positional":                      {w1, `{"op":"insert","pos":0,"text":"a"}`, BadOp},
		"another rule's":                  {w1, `{"amount":1,"op":"increment"}`, WrongRule},
		"the hub's":                       {w1, `{"op":"options","root":"x"}`, BadOp},
	} {
		op := Op{Offset: 2, Writer: c.w, Seq: 2, Body: []byte(c.body)}
		before := string(base.AppendState(nil))
		_, err := base.Check(op)
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
		if after := string(base.AppendState(nil)); after != before {
			t.Errorf("%s: Check changed the state", name)
		}
	}
	if _, err := base.Check(Op{Offset: 2, Writer: w1, Seq: 2, Body: second}); err != nil {
		t.Errorf("a good op is refused: %v", err)
	}

	for body, code := range map[string]Code{
		`{"op":"insert","pos":99,"text":"a"}`:                                        BadOp,
		`{"op":"insert","pos":-1,"text":"a"}`:                                        BadOp,
		`{"op":"insert","pos":1.5,"text":"a"}`:                                       BadOp,
		`{"op":"insert","pos":0,"text":""}`:                                          BadOp,
		`{"op":"insert","pos":0}`:                                                    BadOp,
		`{"count":0,"op":"delete","pos":0}`:                                          BadOp,
		`{"count":9,"op":"delete","pos":0}`:                                          BadOp,
		`{"count":1,"op":"replace","pos":0}`:                                         BadOp,
		`{"op":"insert","pos":0,"text":"` + string(make([]byte, MaxInsert+1)) + `"}`: BadOp, // NULs are no JSON
	} {
		_, err := base.Clone().(*document).Edit(Op{Writer: w1, Body: []byte(body)}, nil, id1)
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != code {
			t.Errorf("%.60s: %v, want %s", body, err, code)
		}
	}
}

// TestTextCarry: after a refused op the next one still applies, with what is left
// of the refused one in it.
func TestTextCarry(t *testing.T) {
	w, id := writerOf(1)
	author := Text.New().(*document)
	var bodies [][]byte
	for _, body := range []string{
		`{"op":"insert","pos":0,"text":"one "}`,
		`{"op":"insert","pos":4,"text":"REFUSED "}`,
		`{"op":"insert","pos":12,"text":"three"}`,
	} {
		made, err := author.Edit(Op{Writer: w, Body: []byte(body)}, nil, id)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, made)
	}
	hub := Text.New()
	hub.Apply(Op{Offset: 1, Writer: w, Seq: 1, Body: bodies[0]})
	next, err := author.Carry(bodies[1:2], bodies[2])
	if err != nil {
		t.Fatal(err)
	}
	op := Op{Offset: 2, Writer: w, Seq: 3, Body: next}
	if _, err := hub.Check(op); err != nil {
		t.Fatal(err)
	}
	hub.Apply(op)
	if got := string(hub.AppendValue(nil)); got != `"one three"` {
		t.Fatalf("the text is %s", got)
	}
}

// TestTextFounding: initial and options are the same on every replica.
func TestTextFounding(t *testing.T) {
	a, b := Text.New(), Text.New()
	for _, s := range []State{a, b} {
		for i, op := range []Op{
			{Writer: Writer{Client: "hub:initial"}, Body: []byte(`{"op":"initial","value":"héllo 👋"}`)},
			{Writer: Writer{Client: "hub:options"}, Body: []byte(`{"op":"options","root":"body"}`)},
		} {
			op.Offset, op.Seq = uint64(i)+1, 1
			if _, err := s.Check(op); err != nil {
				t.Fatal(err)
			}
			s.Apply(op)
			if i == 0 && string(s.AppendValue(nil)) != `"héllo 👋"` {
				t.Fatalf("the text is %s", s.AppendValue(nil))
			}
		}
		if string(s.AppendValue(nil)) != `""` {
			t.Fatalf("the root named body shows %s", s.AppendValue(nil))
		}
	}
	if Digest(a) != Digest(b) {
		t.Fatal("two replicas differ")
	}
	if _, err := Text.New().Check(Op{Offset: 1, Writer: Writer{Client: "hub:initial"}, Seq: 1, Body: []byte(`{"op":"initial","value":[]}`)}); err != nil {
		t.Errorf("an empty array, as an earlier version wrote an empty text: %v", err)
	}
}

// TestDocValue: a document shows its roots as JSON.
func TestDocValue(t *testing.T) {
	doc := ydoc.New(5)
	update := doc.AppendTransact(nil, func() {
		_ = doc.Text("title").Insert(0, "Hi")
		_ = doc.Map("meta").Set("n", ydoc.Number(1))
	})
	s := Doc.New()
	w, _ := writerOf(1)
	op := Op{Offset: 1, Writer: w, Seq: 1, Body: updateBody(update)}
	if _, err := s.Check(op); err != nil {
		t.Fatal(err)
	}
	s.Apply(op)
	if got := string(s.AppendValue(nil)); got != `{"meta":{"n":1},"title":"Hi"}` {
		t.Fatalf("the value is %s", got)
	}
	back, err := Doc.Decode(s.AppendState(nil))
	if err != nil || Digest(back) != Digest(s) {
		t.Fatal("the decoded document is another one", err)
	}
}

func FuzzDecodeText(f *testing.F) {
	s := Text.New().(*document)
	w, id := writerOf(1)
	_, _ = s.Edit(Op{Writer: w, Body: []byte(`{"op":"insert","pos":0,"text":"hi"}`)}, nil, id)
	f.Add(s.AppendState(nil))
	f.Add([]byte(`{"authors":{},"root":"text","update":"` + base64.StdEncoding.EncodeToString(nothing()) + `","v":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Text.Decode(b)
		if err != nil {
			return
		}
		again, err := Text.Decode(s.AppendState(nil))
		if err != nil || Digest(again) != Digest(s) {
			t.Fatalf("what was decoded does not come back: %v", err)
		}
	})
}
