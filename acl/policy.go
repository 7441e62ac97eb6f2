package acl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Policy gives subjects their rules. It is immutable and safe for concurrent use.
type Policy struct {
	byDefault *Grants
	subjects  map[string]*Grants
}

// ParsePolicy reads a policy from JSON:
//
//	{"default": ["read:public:*"], "subjects": {"ann": ["*:team:*"]}}
//
// A subject that is named has its own rules and not the default ones; without
// "default" everyone else may do nothing. Unknown fields are an error, so that a
// misspelt one does not go unnoticed.
func ParsePolicy(text []byte) (*Policy, error) {
	var in struct {
		Default  []string            `json:"default"`
		Subjects map[string][]string `json:"subjects"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		return nil, fmt.Errorf("acl: the policy must be a JSON object with default and subjects: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("acl: something follows the policy's object")
	}
	p := &Policy{subjects: map[string]*Grants{}}
	var err error
	if p.byDefault, err = Parse(in.Default...); err != nil {
		return nil, fmt.Errorf("default: %w", err)
	}
	for _, subject := range slices.Sorted(maps.Keys(in.Subjects)) {
		if p.subjects[subject], err = Parse(in.Subjects[subject]...); err != nil {
			return nil, fmt.Errorf("subject %q: %w", subject, err)
		}
	}
	return p, nil
}

// Of returns the rights of a subject.
func (p *Policy) Of(subject string) *Grants {
	if g, ok := p.subjects[subject]; ok {
		return g
	}
	return p.byDefault
}
