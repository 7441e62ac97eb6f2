package wire

import (
	"strings"
	"testing"
)

func TestValidStream(t *testing.T) {
	eight := "a:b:c:d:e:f:g:h"
	longest := strings.Repeat(strings.Repeat("a", 63)+":", 4) // 256 with its colon
	for name, want := range map[string]bool{
		"a": true, "chat:general": true, "A-Z_0.9": true, ".": true, "..": true, "-": true, eight: true,
		strings.Repeat("a", 64): true, longest[:255]: true, longest[:192] + strings.Repeat("a", 64): true, longest + "a": false, longest[:255] + ":": false,
		"": false, ":": false, "a:": false, ":a": false, "a::b": false, eight + ":i": false, strings.Repeat("a", 65): false,
		"a b": false, "a/b": false, "a*": false, "*": false, "a:*": false, "é": false, "chаt": false, "a\x00": false, "a\n": false, "a%20": false,
	} {
		if got := ValidStream(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestValidClient(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "tab-1.example_X": true, strings.Repeat("a", 128): true,
		"": false, strings.Repeat("a", 129): false, "hub:initial": false, "a b": false, "é": false, "a\x00": false,
	} {
		if got := ValidClient(id); got != want {
			t.Errorf("%q: %v", id, got)
		}
	}
}

func TestValidPattern(t *testing.T) {
	for p, want := range map[string]bool{
		"a": true, "*": true, "chat:*": true, "*:log": true, "a:*:c": true, "*:*": true,
		"": false, "a*": false, "**": false, "a:": false, "a:**": false, "a:*b": false, "a:b:c:d:e:f:g:h:*": false,
	} {
		if got := ValidPattern(p); got != want {
			t.Errorf("%q: %v", p, got)
		}
	}
}

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"chat:general", "chat:general", true}, {"chat:general", "chat:generals", false}, {"chat:general", "chat", false}, {"chat", "chat:general", false},
		{"chat:*", "chat:general", true}, {"chat:*", "chat:a:b:c", true}, {"chat:*", "chat", false}, {"chat:*", "chats:a", false}, {"chat:*", "achat:a", false},
		{"*", "a", true}, {"*", "a:b:c", true}, {"*", "", false},
		{"*:log", "a:log", true}, {"*:log", "a:b:log", false}, {"*:log", "log", false}, {"*:log", "a:logs", false},
		{"a:*:c", "a:b:c", true}, {"a:*:c", "a:c", false}, {"a:*:c", "a:b:b:c", false}, {"a:*:c", "a:b:c:d", false},
		{"*:*", "a:b", true}, {"*:*", "a:b:c", true}, {"*:*", "a", false}, {"a:*:*", "a:b", false}, {"a:*:*", "a:b:c:d", true},
	} {
		if got := MatchPattern(c.pattern, c.name); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.name, got)
		}
	}
}
