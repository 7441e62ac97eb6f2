package queue

import (
	"path/filepath"
	"testing"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
)

// BenchmarkDo is one transaction of one op, then of 64: what group commit gains.
func BenchmarkDo(b *testing.B) {
	for _, c := range []struct {
		name string
		ops  int
	}{{"ops=1", 1}, {"ops=64", 64}} {
		b.Run(c.name, func(b *testing.B) {
			q, _, err := Open(filepath.Join(b.TempDir(), "q.db"), "dev-1")
			if err != nil {
				b.Fatal(err)
			}
			defer q.Close()
			var seq uint64
			for b.Loop() {
				var effects clientcore.Effects
				for range c.ops {
					seq++
					effects = append(effects, clientcore.SaveOp{Stream: "n", Op: op(seq)})
				}
				if err := q.Do(effects); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(seq)/b.Elapsed().Seconds(), "ops/s")
		})
	}
}
