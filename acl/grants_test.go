package acl

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestGrants(t *testing.T) {
	for _, c := range []struct {
		rules  string
		verb   Verb
		stream string
		want   string // the rule that decides, with + if it allows; "": none
	}{
		{"", Read, "chat:general", ""},
		{"write:game:lobby", Write, "game:lobby", "+write:game:lobby"},
		{"write:game:lobby", Read, "game:lobby", ""},
		{"write:game:lobby", Write, "game:lobby:1", ""},
		{"write:game:lobby", Write, "game", ""},
		{"write:game:lobby", Write, "game:lobb", ""},
		{"write:game:lobby", Write, "Game:lobby", ""},
		{"read:chat:*", Read, "chat:general", "+read:chat:*"},
		{"read:chat:*", Read, "chat:general:thread", "+read:chat:*"},
		{"read:chat:*", Read, "chat", ""},
		{"read:chat:*", Read, "chatter:general", ""},
		{"read:*:general", Read, "chat:general", "+read:*:general"},
		{"read:*:general", Read, "chat:x:general", ""},
		{"read:*:general", Read, "general", ""},
		{"read:*", Read, "a", "+read:*"},
		{"read:*", Read, "a:b:c:d:e:f:g:h", "+read:*"},
		{"*:chat:*", Admin, "chat:x", "+*:chat:*"},
		{"*:chat:* !write:chat:rules", Write, "chat:rules", "!write:chat:rules"},
		{"*:chat:* !write:chat:rules", Read, "chat:rules", "+*:chat:*"},
		{"!*:chat:* read:chat:general", Read, "chat:general", "!*:chat:*"},
		{"read:a:* read:*:b !read:*:*:c", Read, "a:b", "+read:a:*"},
		{"read:a:* read:*:b !read:*:*:c", Read, "a:b:c", "!read:*:*:c"},
		{"read:a:*:c:* !read:a:b:c:d", Read, "a:b:c:d:e", "+read:a:*:c:*"},
		{"read:*", Read, "*", ""},
		{"read:chat:*", Read, "chat:*", ""},
		{"read:*", Read, "chat:", ""},
		{"read:*", Read, ":chat", ""},
		{"read:*", Read, "chat::x", ""},
		{"read:*", Read, "", ""},
		{"read:*", Read, "chat:b\u0430d", ""},
		{"read:*", Read, "chat:\x00", ""},
		{"read:*", Read, "a:b:c:d:e:f:g:h:i", ""},
		{"read:*", Read, strings.Repeat("n", 65), ""},
		{"*:*", "delete", "chat:x", ""},
		{"*:*", "", "chat:x", ""},
		{"*:*", "*", "chat:x", ""},
	} {
		g, err := Parse(strings.Fields(c.rules)...)
		if err != nil {
			t.Fatal(err)
		}
		d := g.Explain(c.verb, c.stream)
		got := d.Rule
		if d.Allowed {
			got = "+" + got
		}
		if got != c.want || g.Allow(c.verb, c.stream) != d.Allowed {
			t.Errorf("rules %q: %s %q is decided by %q, want %q", c.rules, c.verb, c.stream, got, c.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	const secret = "s3cr3t"
	for _, text := range []string{
		"", ":", "read", "read:", "Read:chat", "delete:chat", " read:chat", "read:chat ", "!", "!read", "!!read:chat", "! read:chat",
		"read:chat:", "read::chat", "read:**", "read:chat-*", "read:*chat", "read:a b", "read:\u0441hat", "read:chat\x00", "read,write:chat",
		"read:" + strings.Repeat("n", 65), "read:" + strings.Repeat("a:", 8) + "a", "read:" + secret + "/x", secret + ":chat",
	} {
		g, err := Parse("read:fine", text)
		if err == nil || g != nil {
			t.Errorf("%q is taken for a rule", text)
			continue
		}
		if !strings.Contains(err.Error(), "rule 2") || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error is %q", text, err)
		}
	}
	if _, err := Parse(make([]string, MaxRules+1)...); err == nil {
		t.Error("more rules than allowed are taken")
	}
}

func TestNilGrantsAllowNothing(t *testing.T) {
	var g *Grants
	if g.Allow(Read, "chat:x") {
		t.Error("nil Grants allow something")
	}
}

// matches is the same decision made the long way, from the rules' text alone.
func matches(rules []string, v Verb, stream string) (d Decision) {
	for _, text := range rules {
		body, deny := strings.CutPrefix(text, "!")
		verb, pattern, _ := strings.Cut(body, ":")
		if verb != "*" && verb != string(v) {
			continue
		}
		want, have := strings.Split(pattern, ":"), strings.Split(stream, ":")
		if last := len(want) - 1; want[last] == "*" && len(have) > len(want) {
			have = append(have[:last:last], strings.Join(have[last:], "+"))
		}
		fits := len(want) == len(have)
		for i := 0; fits && i < len(want); i++ {
			fits = want[i] == "*" || want[i] == have[i]
		}
		switch {
		case !fits:
		case deny:
			return Decision{Rule: text}
		case !d.Allowed:
			d = Decision{Allowed: true, Rule: text}
		}
	}
	for _, text := range rules { // a denial after an allowance
		if body, deny := strings.CutPrefix(text, "!"); deny {
			if m := matches([]string{body}, v, stream); m.Allowed {
				return Decision{Rule: text}
			}
		}
	}
	return d
}

// The tree decides as the text of the rules says, for random rules and names
// from a small alphabet, so that most of them meet.
func TestGrantsAgreeWithTheirText(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			name := func(stars bool) string {
				segments := make([]string, 1+rnd.IntN(4))
				for i := range segments {
					segments[i] = string(rune('a' + rnd.IntN(3)))
					if stars && rnd.IntN(3) == 0 {
						segments[i] = "*"
					}
				}
				return strings.Join(segments, ":")
			}
			verbs := append(Verbs()[:2:2], "*")
			rules := make([]string, rnd.IntN(12))
			for i := range rules {
				rules[i] = string(verbs[rnd.IntN(3)]) + ":" + name(true)
				if rnd.IntN(4) == 0 {
					rules[i] = "!" + rules[i]
				}
			}
			g, err := Parse(rules...)
			if err != nil {
				t.Fatal(err)
			}
			for range 300 {
				v, stream := verbs[rnd.IntN(2)], name(false)
				if got, want := g.Explain(v, stream), matches(rules, v, stream); got != want {
					t.Fatalf("rules %q: %s %s is %+v, want %+v", rules, v, stream, got, want)
				}
			}
		})
	}
}

func FuzzGrants(f *testing.F) {
	f.Add("read:chat:*\n!read:chat:x", "read", "chat:x")
	f.Add("*:*:a:*", "write", "b:a:c")
	f.Add("read:**", "read", "a")
	f.Add("read:a\x00", "admin", "a\x00:*")
	f.Fuzz(func(t *testing.T, rules, verb, stream string) {
		list := strings.Split(rules, "\n")
		g, err := Parse(list...)
		if err != nil {
			return
		}
		got := g.Explain(Verb(verb), stream)
		want := Decision{}
		if validName(stream, false) && Verb(verb).index() >= 0 {
			want = matches(list, Verb(verb), stream)
		}
		if got != want || g.Allow(Verb(verb), stream) != got.Allowed {
			t.Errorf("%+v, want %+v", got, want)
		}
		if got.Allowed && strings.Contains(stream, "*") {
			t.Error("a pattern is allowed as a name")
		}
	})
}

// crossed are rules that make a check visit as many nodes as rules can.
func crossed() []string {
	var rules []string
	for i := range 1 << 7 {
		segments := make([]string, 8)
		for at := range segments {
			segments[at] = "a"
			if i>>at&1 == 1 {
				segments[at] = "*"
			}
		}
		rules = append(rules, "read:"+strings.Join(segments, ":"))
	}
	return rules
}

func TestAllowAllocatesNothing(t *testing.T) {
	g, err := Parse(append(crossed(), "write:game:*", "!write:game:admin")...)
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range []string{"game:lobby", "game:admin", "a:a:a:a:a:a:a:a", "*", "b"} {
		if n := testing.AllocsPerRun(100, func() { g.Allow(Write, stream); g.Allow(Read, stream) }); n != 0 {
			t.Errorf("a check of %s allocates %v times", stream, n)
		}
	}
}

func BenchmarkAllow(b *testing.B) {
	typical, _ := Parse("read:chat:*", "write:chat:*", "presence:chat:*", "!write:chat:rules")
	worst, _ := Parse(crossed()...)
	for _, c := range []struct {
		name   string
		g      *Grants
		verb   Verb
		stream string
	}{{"typical", typical, Write, "chat:general"}, {"worst", worst, Read, "a:a:a:a:a:a:a:a"}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.g.Allow(c.verb, c.stream)
			}
		})
	}
}
