package flowsync_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// testName is a test as the pages name it: `folder.TestName`, where the
// root's folder is flowsync.
var testName = regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)[A-Za-z0-9]+)`")

func TestPagesNameTests(t *testing.T) {
	for _, path := range []string{"CONTRIBUTING.md", "docs/guarantees.md"} {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		named := testName.FindAllStringSubmatch(string(page), -1)
		if len(named) < 20 {
			t.Fatalf("%s names %d tests: the pattern is wrong, or the page lost its table", path, len(named))
		}
		for _, n := range named {
			folder, name := n[1], n[2]
			if folder == "flowsync" {
				folder = "."
			}
			if !hasTest(t, folder, name) {
				t.Errorf("%s names the test %s of %s, which does not exist", path, name, folder)
			}
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
