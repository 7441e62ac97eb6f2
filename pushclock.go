package flowsync

import "github.com/wavesiddhartha/flowsync/internal/hubcore"

// pushClock times pushes on their way through a stream: from the first that
// waits, through the append it goes into, to the round that sends what was
// committed. One time a stage is enough, because each stage takes all that is
// there. 0: nothing is in the stage. It belongs to the stream's lock.
type pushClock struct {
	waiting   hubcore.Instant // when the oldest push came that waits for an append
	appending hubcore.Instant // … that is in the append under way
	sending   hubcore.Instant // … that is committed and not sent
}

// measure counts what became of the ops of a step that began at before, and
// notes where pushes are now. Called with mu, after the step and before its
// effects are taken.
func (st *stream) measure(ev hubcore.StreamEvent, fx *hubcore.Effects, before hubcore.Instant) {
	of, clock := &st.hub.metrics.rules[st.rule], &st.clock
	of.count(fx.Applied, fx.Duplicates, fx.Rejected)
	switch ev.(type) {
	case *hubcore.Push:
		if clock.waiting == 0 {
			clock.waiting = before
		}
		if fx.Applied > 0 && clock.sending == 0 { // an ephemeral stream knows no commit
			clock.sending = before
		}
	case *hubcore.Appended:
		if fx.Applied > 0 {
			of.apply.Observe(seconds(st.hub.now()-before) / float64(fx.Applied))
			if clock.sending == 0 {
				clock.sending = clock.appending
			}
		}
		clock.appending = 0
	}
	for i := range fx.Calls {
		if fx.Calls[i].Kind == hubcore.CallAppend {
			clock.appending, clock.waiting = clock.waiting, 0
		}
	}
	if !st.core.Waits() {
		clock.waiting = 0
	}
}

func seconds(d hubcore.Instant) float64 { return float64(d) / float64(hubcore.Second) }
