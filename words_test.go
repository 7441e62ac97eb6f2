package flowsync_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unwanted are words that tie the repository to the machine it was written on,
// or that promise work instead of doing it. The patterns are written so that
// they do not match themselves. Matching them against every line takes a while,
// so only text with one of the hints, in any case, is looked at closely.
var unwanted = []struct {
	what    string
	hints   []string
	pattern *regexp.Regexp
}{
	{"a path of somebody's machine", []string{"home/", "root/", "users/", "work/"}, regexp.MustCompile(`(?:^|[\s"'(=:])/(?:home|root|Users|work)/`)},
	{"the address of a package registry", []string{"registry.", "proxy.", "sum.", "npm.", "resolved"}, regexp.MustCompile(`(?i)(?:registry|proxy|sum|npm)\.(?:npmjs|yarnpkg|golang|goproxy)\.|"resolved"\s*:`)},
	{"a note about work not done", []string{"to" + "do", "fix" + "me"}, regexp.MustCompile(`\b(?:TO[D]O|FIX[M]E)\b`)},
	{"a conflict that was not resolved", []string{"<<<<<<<", ">>>>>>>"}, regexp.MustCompile(`^(?:<{7}|>{7}) `)},
	{"an escape that hides text in a diff", []string{"\xe2\x80", "\xe2\x81"}, regexp.MustCompile("[\u202a-\u202e\u2066-\u2069]")},
	{"a private key or a token of a person", []string{"private ke", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"}, regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KE[Y]|gh[pousr]_[A-Za-z0-9]{36}`)},
}

func TestWords(t *testing.T) {
	files := trackedFiles(t)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if os.IsNotExist(err) {
			continue // deleted, not committed yet
		}
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(text[:min(len(text), 8000)], 0) >= 0 {
			continue // not text
		}
		number := 0
		for line := range strings.Lines(string(text)) {
			number++
			if what := unwantedIn(line); what != "" {
				t.Errorf("%s:%d has %s", name, number, what)
			}
		}
	}
}

func TestWordsAreSeen(t *testing.T) {
	for _, line := range []string{
		`data, _ := os.ReadFile("/ho` + `me/alice/trace.json")`,
		`see /wo` + `rk/notes.md`,
		`"resolved` + `": "https://example.com/x.tgz"`,
		`GOPROXY=https://proxy.go` + `lang.org`,
		`// TO` + `DO: later`,
		"<<<<<" + "<< HEAD",
		"-----BEGIN EC PRIVATE " + "KEY-----",
		"token: gh" + "p_" + strings.Repeat("a1B", 12),
		"if admin \u202e { // ",
		"FIX" + "ME",
	} {
		if unwantedIn(line) == "" {
			t.Errorf("the line is not refused: %s", line)
		}
	}
	for _, line := range []string{`GET /streams/{name}`, `docs/work/`, `"/workers/"`, `go test ./...`, `resolved: true`} {
		if what := unwantedIn(line); what != "" {
			t.Errorf("%q is taken for %s", line, what)
		}
	}
}

func unwantedIn(line string) string {
	lower := strings.ToLower(line)
	for _, u := range unwanted {
		if hinted(lower, u.hints) && u.pattern.MatchString(line) {
			return u.what
		}
	}
	return ""
}

func hinted(text string, hints []string) bool {
	return slices.ContainsFunc(hints, func(h string) bool { return strings.Contains(text, h) })
}

// trackedFiles returns the names of all committed files, from the root.
func trackedFiles(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command("git", "ls-files", "-z").Output()
	if err != nil {
		t.Skipf("needs a git checkout: %v", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == 0 })
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
