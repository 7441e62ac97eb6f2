package ydoc_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wavesiddhartha/flowsync/crdt/ydoc"
)

// A character beyond the basic plane is a pair of UTF-16 code units, and a
// position may fall between them. Here, and nowhere else, the engine differs
// from yjs on purpose: yjs cuts the pair and turns both halves into U+FFFD, so
// the character is lost, and which replicas see it lost depends on when they
// saw the cut; the engine moves the position to an edge of the pair.

func TestPairIsNotCutByInsert(t *testing.T) {
	d := ydoc.New(1)
	text := d.Text("text")
	if err := errors.Join(text.Insert(0, "a🙂b"), text.Insert(2, "x")); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); got != "ax🙂b" && got != "a🙂xb" {
		t.Fatalf("inserting inside of the pair made %q", got)
	}
	yjs := yjsDocument(t, `doc.getText('text').insert(0, 'a🙂b'); doc.getText('text').insert(2, 'x')`)
	if want := "a\uFFFDx\uFFFDb"; !strings.Contains(yjs, want) {
		t.Fatalf("yjs made %s, and not %q: the difference on purpose is gone, remove it here too", yjs, want)
	}
}

func TestPairIsNotCutByDelete(t *testing.T) {
	for at := range 5 {
		for n := range 5 - at {
			d := ydoc.New(1)
			text := d.Text("text")
			if err := errors.Join(text.Insert(0, "a🙂b"), text.Delete(at, n)); err != nil {
				t.Fatalf("delete [%d, %d]: %v", at, n, err)
			}
			got := text.String()
			if !utf8.ValidString(got) || strings.ContainsRune(got, utf8.RuneError) {
				t.Fatalf("delete [%d, %d] made %q", at, n, got)
			}
			if err := d.Check(); err != nil {
				t.Fatalf("delete [%d, %d]: %v", at, n, err)
			}
		}
	}
	yjs := yjsDocument(t, `doc.getText('text').insert(0, 'a🙂b'); doc.getText('text').delete(1, 1)`)
	if want := "a\uFFFDb"; !strings.Contains(yjs, want) {
		t.Fatalf("yjs made %s, and not %q: the difference on purpose is gone, remove it here too", yjs, want)
	}
}

func TestPairIsNotCutByFormat(t *testing.T) {
	d := ydoc.New(1)
	text := d.Text("text")
	bold := ydoc.Attrs{{Key: "bold", Value: ydoc.Bool(true)}}
	if err := errors.Join(text.Insert(0, "a🙂b"), text.Format(2, 2, bold)); err != nil {
		t.Fatal(err)
	}
	for _, span := range text.Delta() {
		if strings.ContainsRune(span.Text, utf8.RuneError) || !utf8.ValidString(span.Text) {
			t.Fatalf("formatting from inside of the pair made %q", text.String())
		}
	}
}

// TestPairCutElsewhere receives from yjs an insert between the halves. The
// engine may refuse it or end where yjs does, but not somewhere else.
func TestPairCutElsewhere(t *testing.T) {
	n := startNode(t, "fuzz.mjs")
	b, err := yjsOpener(n)(settings{client: 7})
	if err != nil {
		t.Fatal(err)
	}
	d := ydoc.New(oracleReader)
	for i, code := range []string{`doc.getText('text').insert(0, 'a🙂b')`, `doc.getText('text').insert(2, 'x')`} {
		u, err := b.(*yjsBody).run(code)
		if err != nil {
			t.Fatal(err)
		}
		err = d.Apply(u)
		if i == 0 && err != nil {
			t.Fatal(err)
		}
		if errors.Is(err, ydoc.ErrInvalid) {
			if got := d.Text("text").String(); got != "a🙂b" {
				t.Fatalf("the cut was refused, and yet the text is %q", got)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	seen, err := b.look()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Check(); err != nil {
		t.Fatal(err)
	}
	if got := d.AppendState(nil); !bytes.Equal(got, seen.State) {
		t.Fatalf("the cut was taken, but the state is not that of yjs:\n got %x\nwant %x", got, seen.State)
	}
}

// TestLoneSurrogateIsRefused has updates with half of a pair in a string, in
// a key and in a root name, written as WTF-8.
func TestLoneSurrogateIsRefused(t *testing.T) {
	made := ydoc.New(1)
	update := made.AppendTransact(nil, func() {
		if err := made.Map("map").Set("key", ydoc.String("val")); err != nil {
			t.Fatal(err)
		}
	})
	half := []byte{0xED, 0xA0, 0xBD} // U+D83D
	for _, part := range []string{"map", "key", "val"} {
		broken := bytes.Replace(update, []byte(part), half, 1)
		if bytes.Equal(broken, update) {
			t.Fatalf("the update does not hold %q", part)
		}
		d := ydoc.New(2)
		if err := d.Apply(broken); !errors.Is(err, ydoc.ErrInvalid) {
			t.Errorf("half of a pair instead of %q: %v, want ErrInvalid", part, err)
		}
	}
}

// yjsDocument is the value, as JSON, of a document of yjs after some code.
func yjsDocument(t *testing.T, code string) string {
	t.Helper()
	n := startNode(t, "fuzz.mjs")
	b, err := yjsOpener(n)(settings{client: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.(*yjsBody).run(code); err != nil {
		t.Fatal(err)
	}
	seen, err := b.look()
	if err != nil {
		t.Fatal(err)
	}
	return string(seen.Value.Text)
}
