package main

import (
	"testing"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

func TestDevStreams(t *testing.T) {
	for name, want := range map[string]crdt.Builtin{
		"text:doc": crdt.Text, "doc:text": crdt.Text,
		"counter:value": crdt.Counter, "set:guests": crdt.ORSet, "chat:lobby": crdt.Log, "chat:*": crdt.Log,
		"chat:eu:lobby": crdt.Log, "cursor:a": crdt.Ephemeral, "settings": crdt.Map, "counters:x": crdt.Map,
	} {
		if got := ruleOf(name); got != want {
			t.Errorf("%s is a %s, want %s", name, got, want)
		}
	}
	for _, s := range devStreams() {
		if !wire.ValidPattern(s.pattern) {
			t.Errorf("%q is not a pattern", s.pattern)
		}
		if _, ok := crdt.Lookup(s.rule.Name()); !ok {
			t.Errorf("%s has the unknown rule %q", s.pattern, s.rule)
		}
	}
}
