package acl

import "testing"

func TestPolicy(t *testing.T) {
	p, err := ParsePolicy([]byte(`{"default":["read:public:*"],"subjects":{"ann":["write:public:*"],"none":[]}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		subject string
		verb    Verb
		want    bool
	}{
		{"ann", Write, true},
		{"ann", Read, false}, // its own rules, and not the default's
		{"bob", Read, true},
		{"", Read, true},
		{"none", Read, false},
	} {
		if got := p.Of(c.subject).Allow(c.verb, "public:news"); got != c.want {
			t.Errorf("%q may %s: %v", c.subject, c.verb, got)
		}
	}
	if p, err = ParsePolicy([]byte(`{}`)); err != nil || p.Of("ann").Allow(Read, "public:news") {
		t.Errorf("an empty policy: %v, and it allows something", err)
	}
}

func TestPolicyRefuses(t *testing.T) {
	for _, text := range []string{
		``, `[]`, `{"defaults":[]}`, `{"default":["read"]}`, `{"subjects":{"ann":["read:**"]}}`, `{"subjects":{"ann":"read:a"}}`, `{} {}`, `{"default":[1]}`, `null null`,
	} {
		if _, err := ParsePolicy([]byte(text)); err == nil {
			t.Errorf("%q is taken for a policy", text)
		}
	}
}

func TestBothAllowsWhatBothDo(t *testing.T) {
	a, _ := Parse("read:*", "write:a")
	b, _ := Parse("write:*")
	if r := Both(a, b); !r.Allow(Write, "a") || r.Allow(Read, "a") || r.Allow(Write, "b") {
		t.Error("Both allows what one of them does not")
	}
}
