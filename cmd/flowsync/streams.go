package main

import (
	"fmt"
	"strings"

	"github.com/wavesiddhartha/flowsync/crdt"
)

// namespace says which rule the streams of dev and serve have whose names match.
type namespace struct {
	pattern string
	rule    crdt.Builtin
}

// devStreams is what dev and serve register. Streams come to be when they are first
// used: the first part of the name picks the rule, and a name that fits nothing
// else is a map, the rule that holds any shape of value.
func devStreams() []namespace {
	return []namespace{
		{"text:*", crdt.Text},
		{"doc:*", crdt.Text},
		{"counter:*", crdt.Counter},
		{"set:*", crdt.ORSet},
		{"2pset:*", crdt.Set},
		{"map:*", crdt.Map},
		{"lww:*", crdt.LWW},
		{"chat:*", crdt.Log},
		{"log:*", crdt.Log},
		{"cursor:*", crdt.Ephemeral},
		{"*", crdt.Map},
	}
}

// wellKnown are the streams that the panel names.
func wellKnown() []string {
	return []string{"text:doc", "doc:text", "counter:value", "set:guests", "chat:*"}
}

// ruleOf returns the rule that a name, or a pattern of the table, has in dev.
func ruleOf(name string) crdt.Builtin {
	space, _, _ := strings.Cut(name, ":")
	for _, s := range devStreams() {
		if s.pattern == space+":*" || s.pattern == "*" {
			return s.rule
		}
	}
	panic("the table has no row for everything")
}

// namespaceHelp lists the table for people.
func namespaceHelp() string {
	var b strings.Builder
	b.WriteString("Streams come to be on first use. The first part of a name picks the rule:\n\n")
	for _, s := range devStreams() {
		pattern := s.pattern
		if pattern == "*" {
			pattern = "others"
		}
		fmt.Fprintf(&b, "  %-11s %s\n", pattern, s.rule.Name())
	}
	return b.String()
}
