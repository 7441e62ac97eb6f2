package ydoc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// script is one round: a few replicas, and what happens to them in turn. No
// step depends on the outcome of an earlier one, so steps can be left out to
// find the smallest script that still fails.
type script struct {
	mode     mode
	replicas int
	steps    []step
}

// step is one event at one replica.
type step struct {
	id      int // names the update that the step makes
	replica int
	now     int64
	do      string // edit, undo, redo, stop, deliver, look
	edits   []edit
	message int // deliver: the id of the step that made the update
}

func (s step) String() string {
	switch s.do {
	case "edit":
		b, _ := json.Marshal(s.edits)
		return fmt.Sprintf("#%d replica %d at %d: edit %s", s.id, s.replica, s.now, b)
	case "deliver":
		return fmt.Sprintf("#%d replica %d at %d: receives #%d", s.id, s.replica, s.now, s.message)
	default:
		return fmt.Sprintf("#%d replica %d at %d: %s", s.id, s.replica, s.now, s.do)
	}
}

func randomScript(rng *rand.Rand, m mode) script {
	s := script{mode: m, replicas: 3 + rng.IntN(3)}
	var made []int // steps that make an update
	now := int64(1000)
	for id := range 20 + rng.IntN(60) {
		now += int64(rng.IntN(400))
		st := step{id: id, replica: rng.IntN(s.replicas), now: now}
		switch n := rng.IntN(100); {
		case n < 50 && len(made) > 0:
			st.do = "deliver" // late, early, again, to its own author
			st.message = choose(rng, made[max(0, len(made)-12):])
			if rng.IntN(4) == 0 {
				st.message = choose(rng, made)
			}
		case n < 53:
			st.do = "look"
		case m.undo && n < 70:
			st.do = choose(rng, []string{"undo", "undo", "undo", "redo", "redo", "stop"})
			made = append(made, id)
		default:
			st.do = "edit"
			for range 1 + rng.IntN(3) {
				st.edits = append(st.edits, randomEdit(rng, m))
			}
			made = append(made, id)
		}
		s.steps = append(s.steps, st)
	}
	return s
}

// run plays the script and reports the first difference, between the bodies
// of a replica or, once everything was exchanged, between replicas.
func (s script) run(open [2]opener) error {
	replicas := make([]replica, s.replicas)
	for r := range replicas {
		replicas[r].speaks = r % 2
		for i := range open {
			b, err := open[i](settings{client: uint64(r + 1), undo: s.mode.undo, rich: s.mode.rich})
			if err != nil {
				return err
			}
			replicas[r].bodies[i] = b
		}
	}
	updates := map[int][]byte{}
	for _, st := range s.steps {
		r := &replicas[st.replica]
		var err error
		switch st.do {
		case "deliver":
			err = r.apply(st.now, updates[st.message])
		case "look":
			_, err = r.look(!s.mode.undo)
		case "stop":
			err = errors.Join(r.bodies[0].stop(), r.bodies[1].stop())
		default:
			updates[st.id], err = r.make(st, !s.mode.undo)
		}
		if err != nil {
			return fmt.Errorf("%v: %w", st, err)
		}
	}
	return s.heal(replicas, updates)
}

// heal delivers every update to every replica, then exchanges differences
// until nobody learns anything: a clean-up of formatting that a replica does
// on receipt is an edit of its own.
func (s script) heal(replicas []replica, updates map[int][]byte) error {
	var all [][]byte
	now := int64(0)
	for _, st := range s.steps {
		now = st.now
		all = append(all, updates[st.id])
	}
	for r := range replicas {
		if err := replicas[r].apply(now, slices.Clone(all)...); err != nil {
			return fmt.Errorf("at the end: replica %d receives every update: %w", r, err)
		}
	}
	const rounds = 6
	for range rounds {
		seen, err := s.lookAll(replicas)
		if err != nil {
			return err
		}
		if err := s.converged(seen); err == nil {
			return nil
		}
		for r := range replicas {
			for o := range replicas {
				if o == r {
					continue
				}
				u, err := replicas[o].bodies[replicas[o].speaks].diff(seen[r].Vector)
				if err != nil {
					return fmt.Errorf("at the end: what replica %d has for %d: %w", o, r, err)
				}
				if err := replicas[r].apply(now, u); err != nil {
					return fmt.Errorf("at the end: replica %d receives what %d has: %w", r, o, err)
				}
			}
		}
	}
	seen, err := s.lookAll(replicas)
	if err != nil {
		return err
	}
	return s.converged(seen)
}

func (s script) lookAll(replicas []replica) ([]look, error) {
	seen := make([]look, len(replicas))
	for r := range replicas {
		var err error
		if seen[r], err = replicas[r].look(!s.mode.undo); err != nil {
			return nil, fmt.Errorf("at the end: replica %d: %w", r, err)
		}
	}
	return seen, nil
}

func (s script) converged(seen []look) error {
	for r := range seen[1:] {
		if err := seen[0].Value.differs(seen[r+1].Value); err != nil {
			return fmt.Errorf("at the end: replicas 0 and %d: %w", r+1, err)
		}
		if !bytes.Equal(seen[0].Vector, seen[r+1].Vector) {
			return fmt.Errorf("at the end: replicas 0 and %d: state vectors differ:\n  %x\n  %x", r+1, seen[0].Vector, seen[r+1].Vector)
		}
	}
	return nil
}

// shrink leaves out steps, then edits within steps, as long as the script
// still fails.
func (s script) shrink(open [2]opener) script {
	fails := func(steps []step) bool {
		return script{mode: s.mode, replicas: s.replicas, steps: steps}.run(open) != nil
	}
	for size := len(s.steps) / 2; size > 0; {
		smaller := false
		for at := 0; at+size <= len(s.steps); {
			if rest := slices.Delete(slices.Clone(s.steps), at, at+size); fails(rest) {
				s.steps, smaller = rest, true
				continue
			}
			at += size
		}
		if !smaller || size > 1 {
			size /= 2
		}
	}
	for i := range s.steps {
		for j := 0; j < len(s.steps[i].edits) && len(s.steps[i].edits) > 1; {
			steps := slices.Clone(s.steps)
			steps[i].edits = slices.Delete(slices.Clone(steps[i].edits), j, j+1)
			if !fails(steps) {
				j++
				continue
			}
			s.steps = steps
		}
	}
	return s
}
