package load

import (
	"math/bits"
	"time"
)

// latencies counts durations in buckets that are exact to 3 %, from a microsecond
// to half an hour.
type latencies struct {
	counts [32 * 27]uint32
	n      uint64
}

func bucketOf(d int64) int {
	us := uint64(max(d, 0)) / 1000
	if us < 32 {
		return int(us)
	}
	octave := bits.Len64(us) - 6 // 0 for 32 to 63
	return min(32+32*octave+int(us>>octave)-32, len(latencies{}.counts)-1)
}

// floorOf is the least duration of a bucket.
func floorOf(bucket int) time.Duration {
	if bucket < 32 {
		return time.Duration(bucket) * time.Microsecond
	}
	octave := bucket/32 - 1
	return time.Duration((32+bucket%32)<<octave) * time.Microsecond
}

func (l *latencies) add(d int64) {
	l.counts[bucketOf(d)]++
	l.n++
}

func (l *latencies) merge(o *latencies) {
	for i, n := range o.counts {
		l.counts[i] += n
	}
	l.n += o.n
}

// at is the duration that the given share of all does not exceed, in
// milliseconds.
func (l *latencies) at(share float64) float64 {
	left := uint64(share * float64(l.n))
	for i, n := range l.counts {
		if uint64(n) > left {
			return floorOf(i).Seconds() * 1000
		}
		left -= uint64(n)
	}
	return 0
}
