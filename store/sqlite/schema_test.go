package sqlite

import (
	"os"
	"testing"
)

// A file of an earlier schema is brought up to date when it is opened, and nothing
// in it changes: neither what can be read nor what can be written next. It was
// written by the FlowSync of its time.
func TestEarlierSchema(t *testing.T) {
	kept, err := os.ReadFile("testdata/schema-1.db")
	if err != nil {
		t.Fatal(err)
	}
	path := scratch(t)
	if err := os.WriteFile(path, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	st := mustOpen(t, path)
	if n := count(t, st, "PRAGMA user_version"); n != len(migrations) {
		t.Errorf("the schema is version %d, want %d", n, len(migrations))
	}
	for _, name := range []string{"counter:a", "counter:b"} {
		s, err := st.Load(t.Context(), name)
		if err != nil || s.Head.Offset != 24 || s.Snapshot == nil || string(s.Snapshot.State) != `{"offset":18}` {
			t.Fatalf("loaded %+v, %v", s, err)
		}
		if err := useAll(t, st, name); err != nil {
			t.Fatal(err)
		}
		a := mustAuthor(t, st, name)
		if a.marks[device(1)].Seq != 9 {
			t.Errorf("the watermark is %+v", a.marks[device(1)])
		}
		duringSave(t, st, a, string(make([]byte, 1<<20)), nil)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, path)
	defer again.Close()
	if s, err := again.Load(t.Context(), "counter:a"); err != nil || len(s.Snapshot.State) != 1<<20 {
		t.Fatalf("loaded %v", err)
	}
}

// A reader shows what a file of an earlier schema holds, and leaves it as it is.
func TestReaderOfEarlierSchema(t *testing.T) {
	path := scratch(t)
	if err := copyFile("testdata/schema-1.db", path); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c, err := r.Contents("counter:a")
	if err != nil || len(c.Snapshots) != 2 || c.Head.Offset != 24 {
		t.Fatalf("%+v, %v", c, err)
	}
	after, err := os.ReadFile(path)
	if err != nil || string(after) != string(before) {
		t.Errorf("reading changed the file, %v", err)
	}
}
