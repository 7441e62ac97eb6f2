package ydoc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// replica is one author with two bodies. speaks is the body whose updates
// the others receive: both engines take part in every round.
type replica struct {
	bodies [2]body
	speaks int
}

// make runs a step that makes an update and returns the update. Undo managers
// keep deleted content, each engine in its own way, so bytes are compared
// only without them.
func (r *replica) make(st step, bytesToo bool) ([]byte, error) {
	var made [2][]byte
	for i, b := range r.bodies {
		var err error
		switch st.do {
		case "edit":
			made[i], err = b.edit(st.now, st.edits)
		case "undo":
			made[i], err = b.undo(st.now)
		case "redo":
			made[i], err = b.redo(st.now)
		}
		if err != nil {
			return nil, fmt.Errorf("body %d: %w", i, err)
		}
	}
	if bytesToo && !bytes.Equal(made[0], made[1]) {
		return nil, fmt.Errorf("updates differ:\n  %x\n  %x", made[0], made[1])
	}
	if !bytesToo {
		if _, err := r.look(false); err != nil {
			return nil, err
		}
	}
	return made[r.speaks], nil
}

func (r *replica) apply(now int64, updates ...[]byte) error {
	updates = slices.DeleteFunc(updates, func(u []byte) bool { return len(u) == 0 })
	if len(updates) == 0 {
		return nil
	}
	for i, b := range r.bodies {
		if err := b.apply(now, updates...); err != nil {
			return fmt.Errorf("body %d: %w", i, err)
		}
	}
	return nil
}

// look compares the bodies of the replica.
func (r *replica) look(bytesToo bool) (look, error) {
	var seen [2]look
	for i, b := range r.bodies {
		var err error
		if seen[i], err = b.look(); err != nil {
			return look{}, fmt.Errorf("body %d: %w", i, err)
		}
	}
	if err := seen[0].Value.differs(seen[1].Value); err != nil {
		return look{}, err
	}
	if !bytes.Equal(seen[0].Vector, seen[1].Vector) {
		return look{}, fmt.Errorf("state vectors differ:\n  %x\n  %x", seen[0].Vector, seen[1].Vector)
	}
	if bytesToo && !bytes.Equal(seen[0].State, seen[1].State) {
		return look{}, fmt.Errorf("states differ:\n  %x\n  %x", seen[0].State, seen[1].State)
	}
	return seen[r.speaks], nil
}

// differs compares as JSON: the order of keys does not matter.
func (v value) differs(w value) error {
	for _, pair := range []struct {
		root string
		a, b json.RawMessage
	}{{"text", v.Text, w.Text}, {"map", v.Map, w.Map}, {"array", v.Array, w.Array}} {
		var a, b any
		if err := json.Unmarshal(pair.a, &a); err != nil {
			return fmt.Errorf("root %s: %w", pair.root, err)
		}
		if err := json.Unmarshal(pair.b, &b); err != nil {
			return fmt.Errorf("root %s: %w", pair.root, err)
		}
		if !reflect.DeepEqual(a, b) {
			return fmt.Errorf("root %s differs:\n  %s\n  %s", pair.root, pair.a, pair.b)
		}
	}
	if v.XML != w.XML {
		return fmt.Errorf("root xml differs:\n  %q\n  %q", v.XML, w.XML)
	}
	return nil
}
