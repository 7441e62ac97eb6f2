package ratelimit

import "time"

// Intake measures what arrives, when nothing is known of it but its size. Unlike
// a [Limiter] it refuses nothing: what was read is paid for afterwards, and until
// that is done nothing more should be read. Those who share a key pay one after
// the other, each for what came before it too, so that none of them overtakes
// another and nobody has to ask again.
type Intake struct{ keys *table }

// NewIntake makes an intake whose buckets are full.
func NewIntake() *Intake { return &Intake{newTable(MaxKeys)} }

// Charge spends what key has cost. It returns how long it takes until that is paid
// for, 0 if it is, and whether the key lives on its burst: then it has used more
// than comes in within a second.
func (in *Intake) Charge(now Instant, key string, r Rates, c Cost) (wait time.Duration, burst bool) {
	in.keys.with(now, key, r, func(s *buckets) {
		s.take(now, c)
		wait = max(s.ops.Wait(now, r.Ops, 0), s.bytes.Wait(now, r.Bytes, 0))
		burst = s.ops.spent > r.Ops.PerSecond || s.bytes.spent > r.Bytes.PerSecond
	})
	return wait, burst
}
