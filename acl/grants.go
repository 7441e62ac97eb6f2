package acl

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Grants are parsed rules. They are immutable and safe for concurrent use; nil
// Grants allow nothing.
type Grants struct {
	rules []string
	root  node
}

// node is a place in the tree of segments that the rules form.
type node struct {
	literal map[string]*node
	star    *node

	here  marks // rules that end at this segment
	below marks // rules that end with a * under this segment
}

// marks are, for each verb, the first rule that allows and the first that denies.
type marks [5]struct{ allow, deny int16 }

// none is above every index of a rule.
const none = math.MaxInt16

func newNode() *node {
	n := &node{}
	n.here.init()
	n.below.init()
	return n
}

func (m *marks) init() {
	for i := range m {
		m[i].allow, m[i].deny = none, none
	}
}

// Parse reads rules. An error names the first rule that cannot be one by its
// place, and repeats nothing of it. No rules are Grants that allow nothing.
func Parse(rules ...string) (*Grants, error) {
	if len(rules) > MaxRules {
		return nil, fmt.Errorf("acl: there are more than %d rules; use patterns", MaxRules)
	}
	g := &Grants{rules: slices.Clone(rules), root: *newNode()}
	for i, text := range rules {
		r, err := parseRule(text)
		if err != nil {
			return nil, fmt.Errorf("acl: rule %d: %w", i+1, err)
		}
		g.add(r, int16(i))
	}
	return g, nil
}

// add puts rule number i into the tree.
func (g *Grants) add(r rule, i int16) {
	n := &g.root
	segments := strings.Split(r.pattern, ":")
	last := len(segments) - 1
	for _, seg := range segments[:last] {
		n = n.child(seg)
	}
	at := &n.below
	if segments[last] != "*" {
		at = &n.child(segments[last]).here
	}
	for _, v := range r.verbs {
		if r.deny {
			at[v].deny = min(at[v].deny, i)
		} else {
			at[v].allow = min(at[v].allow, i)
		}
	}
}

// child returns the node under n for a segment of a pattern, making it.
func (n *node) child(seg string) *node {
	if seg == "*" {
		if n.star == nil {
			n.star = newNode()
		}
		return n.star
	}
	if n.literal == nil {
		n.literal = map[string]*node{}
	}
	if n.literal[seg] == nil {
		n.literal[seg] = newNode()
	}
	return n.literal[seg]
}

// Allow reports whether the rules allow a verb on a stream.
func (g *Grants) Allow(v Verb, stream string) bool {
	allow, deny := g.decide(v, stream)
	return deny == none && allow != none
}

// Decision is what Explain says.
type Decision struct {
	Allowed bool

	// Rule is the rule that decided: the first of those that deny, otherwise the
	// first of those that allow. Empty: no rule is about it, which denies.
	Rule string
}

// Explain decides as Allow does, and says by which rule.
func (g *Grants) Explain(v Verb, stream string) Decision {
	allow, deny := g.decide(v, stream)
	switch {
	case deny != none:
		return Decision{Rule: g.rules[deny]}
	case allow != none:
		return Decision{Allowed: true, Rule: g.rules[allow]}
	}
	return Decision{}
}

// Rules returns the rules as they were given.
func (g *Grants) Rules() []string { return slices.Clone(g.rules) }

// decide finds the first rule that allows and the first that denies.
func (g *Grants) decide(v Verb, stream string) (allow, deny int16) {
	allow, deny = none, none
	verb := v.index()
	if g != nil && verb >= 0 && validName(stream, false) {
		g.root.walk(verb, stream, &allow, &deny)
	}
	return allow, deny
}

// walk visits every node whose path fits a beginning of name: at most two for
// each node above it, and never more than there are. A name has at most 8
// segments.
func (n *node) walk(verb int, name string, allow, deny *int16) {
	n.below.take(verb, allow, deny) // what is left of name is one or more segments
	seg, rest, more := strings.Cut(name, ":")
	for _, next := range [2]*node{n.literal[seg], n.star} {
		switch {
		case next == nil:
		case more:
			next.walk(verb, rest, allow, deny)
		default:
			next.here.take(verb, allow, deny)
		}
	}
}

func (m *marks) take(verb int, allow, deny *int16) {
	*allow, *deny = min(*allow, m[verb].allow), min(*deny, m[verb].deny)
}

// index is the place of a verb in marks, below 0 for what is none.
func (v Verb) index() int {
	switch v {
	case Read:
		return 0
	case Write:
		return 1
	case Presence:
		return 2
	case History:
		return 3
	case Admin:
		return 4
	}
	return -1
}
