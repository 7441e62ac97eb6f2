package flowsync

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/wavesiddhartha/flowsync/store"
	"github.com/wavesiddhartha/flowsync/store/sqlite"
)

// An idempotency key is remembered after the ops under it were trimmed from the
// log, when the stream was unloaded, and by another hub on the same file: a repeat
// is answered like the first time, and another body is refused.
func TestIdempotencyKeyOutlivesTheLog(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) func() store.Store{
		"memory": func(*testing.T) func() store.Store {
			m := store.NewMemory()
			return func() store.Store { return lasting{m} }
		},
		"sqlite": func(t *testing.T) func() store.Store {
			path := filepath.Join(t.TempDir(), "flowsync.db")
			return func() store.Store {
				st, err := sqlite.Open(path)
				if err != nil {
					t.Fatal(err)
				}
				return st
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			reopen := open(t)
			st := reopen()
			hs := httpHub(t, Options{Store: st, Limits: Limits{CompactOps: 20}})
			const (
				body  = `[{"op":"increment","amount":5},{"op":"increment"}]`
				stops = `[{"op":"increment"},{"op":"increment","amount":0}]`
			)
			status, first := hs.post("counter:a", "whole", body)
			if status != http.StatusOK {
				t.Fatalf("%d %s", status, first)
			}
			if status, answer := hs.post("counter:a", "stops", stops); status != http.StatusUnprocessableEntity {
				t.Fatalf("%d %s", status, answer)
			}
			for range 100 {
				if err := hs.Push(t.Context(), "counter:a", map[string]any{"op": "increment"}); err != nil {
					t.Fatal(err)
				}
			}
			waitUntil(t, "the ops under the keys to be trimmed", func() bool {
				s, err := st.Load(t.Context(), "counter:a")
				return err == nil && s.First > 3
			})
			check := func(hs *hubServer) {
				t.Helper()
				if status, answer := hs.post("counter:a", "whole", body); status != http.StatusOK || fields(t, answer)["acked"] != 2.0 {
					t.Errorf("a repeat: %d %s, first %s", status, answer, first)
				}
				status, answer := hs.post("counter:a", "stops", stops)
				if rejected, _ := fields(t, answer)["rejected"].(map[string]any); status != http.StatusUnprocessableEntity || rejected["seq"] != 2.0 {
					t.Errorf("a repeat of one that was refused in part: %d %s", status, answer)
				}
				for key, other := range map[string]string{
					"whole": `[{"op":"increment","amount":5},{"op":"increment"},{"op":"increment"}]`, // the first one goes on
					"stops": `[{"op":"increment"},{"op":"increment","amount":7}]`,                    // what was committed is the same
				} {
					for _, b := range []string{other, `{"op":"increment"}`, other + " "} {
						if status, answer := hs.post("counter:a", key, b); status != http.StatusConflict || fields(t, answer)["code"] != "op_conflict" {
							t.Errorf("%s under the key %q: %d %s", b, key, status, answer)
						}
					}
				}
				if got := hs.value("counter:a"); got != "107" {
					t.Errorf("the value is %s, want 107", got)
				}
			}
			check(hs)
			waitUntil(t, "the stream to be unloaded", func() bool {
				hs.streams.sweep(time.Now().Add(time.Second))
				n := 0
				for i := range hs.streams.shards {
					n += len(hs.streams.shards[i].byName)
				}
				return n == 0
			})
			check(hs)
			if err := hs.Shutdown(context.Background()); err != nil { // closes the store
				t.Fatal(err)
			}
			check(httpHub(t, Options{Store: reopen()}))
		})
	}
}

// lasting is a memory that outlives a hub.
type lasting struct{ *store.Memory }

func (lasting) Close() error { return nil }
