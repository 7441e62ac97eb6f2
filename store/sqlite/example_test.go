package sqlite_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/wavesiddhartha/flowsync/store/sqlite"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "flowsync-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	st, err := sqlite.Open(filepath.Join(dir, "flowsync.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer st.Close()

	s, err := st.Load(context.Background(), "counter:visits")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(st.Durability(), s.Head.Offset, len(s.Tail))
	// Output: disk 0 0
}
