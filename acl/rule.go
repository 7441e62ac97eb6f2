package acl

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds of rules and of names. Rules come in tokens, so they are as hostile as
// whoever can get a token made.
const (
	MaxRules    = 1000 // in one Grants
	maxName     = 256  // bytes of a stream name
	maxSegments = 8
	maxSegment  = 64
)

// rule is one parsed rule.
type rule struct {
	deny    bool
	verbs   []int // index in Verbs
	pattern string
}

// parseRule reads [!]verb:pattern.
func parseRule(text string) (rule, error) {
	var r rule
	rest, deny := strings.CutPrefix(text, "!")
	verb, pattern, ok := strings.Cut(rest, ":")
	if !ok {
		return r, errors.New(`it must be verb:pattern, such as "read:chat:*"`)
	}
	r.deny, r.pattern = deny, pattern
	for i, v := range Verbs() {
		if verb == "*" || verb == string(v) {
			r.verbs = append(r.verbs, i)
		}
	}
	if r.verbs == nil {
		return r, errors.New("its verb must be read, write, presence, history, admin or *")
	}
	if !validName(pattern, true) {
		return r, fmt.Errorf("its pattern must be 1 to %d segments of letters, digits, _ . - joined by colons, or * for a segment", maxSegments)
	}
	return r, nil
}

// validName reports whether a name is a stream's, or with stars a pattern's.
func validName(name string, stars bool) bool {
	if len(name) > maxName {
		return false
	}
	segments := 0
	for rest, more := name, true; more; segments++ {
		var seg string
		seg, rest, more = strings.Cut(rest, ":")
		if !validSegment(seg) && (!stars || seg != "*") {
			return false
		}
	}
	return segments <= maxSegments
}

func validSegment(seg string) bool {
	if seg == "" || len(seg) > maxSegment {
		return false
	}
	for i := range len(seg) {
		switch c := seg[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}
