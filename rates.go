package flowsync

import (
	"errors"
	"fmt"

	"github.com/wavesiddhartha/flowsync/ratelimit"
)

// Rate is how much may come: PerSecond on average, and Burst at once after a
// pause. A burst of 0 is one second's. A negative PerSecond is no limit.
type Rate struct {
	PerSecond int
	Burst     int
}

// Class are limits for the subjects whose token names it. A zero field takes its
// value from [Limits].
type Class struct {
	Ops   Rate
	Bytes Rate
	Conns int
}

// unlimited is no limit.
func unlimited() Rate { return Rate{PerSecond: -1} }

// fillRates fills in the rates that are not set.
func (l *Limits) fillRates(everyone bool) error {
	subjectOps, subjectBytes, writers := Rate{500, 10_000}, Rate{4 << 20, 32 << 20}, Rate{50, 10_000}
	if everyone {
		subjectOps, subjectBytes, writers = unlimited(), unlimited(), unlimited()
	}
	for _, r := range []struct {
		rate      *Rate
		byDefault Rate
	}{
		{&l.Ops, Rate{50_000, 50_000}}, {&l.OpsPerSubject, subjectOps}, {&l.OpsPerStream, Rate{2000, 10_000}},
		{&l.Bytes, Rate{64 << 20, 128 << 20}}, {&l.BytesPerSubject, subjectBytes}, {&l.BytesPerStream, Rate{8 << 20, 64 << 20}},
		{&l.WritersPerSubject, writers}, {&l.RefusedPerAddress, Rate{10, 100}},
	} {
		if *r.rate == (Rate{}) {
			*r.rate = r.byDefault
		}
		if err := r.rate.check(); err != nil {
			return err
		}
	}
	for name, c := range l.Classes {
		if name == "" || c.Conns < 0 {
			return errors.New("flowsync: a class of limits needs a name, and a number of connections that is not negative")
		}
		if err := errors.Join(c.Ops.check(), c.Bytes.check()); err != nil {
			return fmt.Errorf("class %q: %w", name, err)
		}
	}
	return nil
}

func (r Rate) check() error {
	if r.Burst < 0 || r.PerSecond == 0 && r.Burst > 0 {
		return errors.New("flowsync: a rate needs PerSecond above 0, or below it for no limit, and a Burst that is not negative")
	}
	return nil
}

// bucket is the rate as buckets have it.
func (r Rate) bucket() ratelimit.Rate {
	switch {
	case r.PerSecond < 0:
		return ratelimit.Rate{}
	case r.Burst == 0:
		r.Burst = r.PerSecond
	}
	return ratelimit.Rate{PerSecond: float64(r.PerSecond), Burst: float64(r.Burst)}
}

func (l *Limits) global() ratelimit.Rates {
	return ratelimit.Rates{Ops: l.Ops.bucket(), Bytes: l.Bytes.bucket()}
}

func (l *Limits) perStream() ratelimit.Rates {
	return ratelimit.Rates{Ops: l.OpsPerStream.bucket(), Bytes: l.BytesPerStream.bucket()}
}

// class are the limits of a subject as the hub applies them.
type class struct {
	rates  ratelimit.Rates
	intake ratelimit.Rates
	conns  int // 0: no bound
}

// class returns the limits of a class, those of [Limits] for a name it lacks.
func (h *Hub) class(name string) class {
	c := h.limits.Classes[name]
	if c.Ops == (Rate{}) {
		c.Ops = h.limits.OpsPerSubject
	}
	if c.Bytes == (Rate{}) {
		c.Bytes = h.limits.BytesPerSubject
	}
	if c.Conns == 0 {
		c.Conns = h.limits.ConnsPerSubject
	}
	rates := ratelimit.Rates{Ops: c.Ops.bucket(), Bytes: c.Bytes.bucket(), Writers: h.limits.WritersPerSubject.bucket()}
	return class{rates, h.limits.intake(rates), c.Conns}
}
