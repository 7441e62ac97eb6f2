package flowsync_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testName is a test as CONTRIBUTING.md names it: `folder.TestName`, where the
// root's folder is flowsync.
var testName = regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`")

func TestPagesNameTests(t *testing.T) {
	page, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	named := testName.FindAllStringSubmatch(string(page), -1)
	if len(named) < 20 {
		t.Fatalf("the page names %d tests: the pattern is wrong, or the page lost its table", len(named))
	}
	for _, n := range named {
		folder, name := n[1], n[2]
		if folder == "flowsync" {
			folder = "."
		}
		if !hasTest(t, folder, name) {
			t.Errorf("CONTRIBUTING.md names the test %s of %s, which does not exist", name, folder)
		}
	}
}

// hasTest reports whether a folder's test files declare a function.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
