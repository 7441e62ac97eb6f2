package flowsync_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/wavesiddhartha/flowsync"

// layers is the import graph: each package of the module and the packages of
// the module that it may import. "." is the root, "*" is any package, and a name
// that ends in "/..." covers everything below it. Tests may import what they
// like. CONTRIBUTING.md, "Layers", says why the graph is what it is.
var layers = map[string][]string{
	"crdt":      {"crdt/ydoc"},
	"crdt/ydoc": {},
	"acl":       {},
	"ratelimit": {},

	"wire":      {"crdt"},
	"store":     {"crdt"},
	"auth":      {"acl"},
	"dashboard": {"acl"},

	"store/sqlite":    {"store", "crdt", "internal/sqlitefile"},
	"store/storetest": {"store", "crdt", "wire"},
	"redisbus":        {"store", "crdt"},

	"internal/hubcore":           {"wire", "store", "acl", "ratelimit", "crdt"},
	"internal/clientcore":        {"wire", "crdt"},
	"internal/ref":               {"wire", "crdt"},
	"internal/socket":            {"wire"},
	"internal/socket/sockettest": {"wire"},
	"internal/sim/mutants":       {},
	"internal/sqlitefile":        {},
	"internal/sim":               {"internal/hubcore", "internal/clientcore", "store", "acl", "wire", "crdt"},

	".":    {"internal/hubcore", "internal/socket", "internal/ref", "store", "auth", "dashboard", "acl", "ratelimit", "wire", "crdt"},
	"node": {"internal/clientcore", "internal/ref", "node/queue", "wire", "crdt"},

	"node/queue": {"internal/clientcore", "internal/sqlitefile", "wire"},

	"crdt/ydoc/trace":     {},
	"crdt/ydoc/textbench": {"crdt/ydoc", "crdt/ydoc/trace"},
	"web":                 {},
	"cmd/...":             {"*"},
	"examples/...":        {"*"},
}

// doors names where a module of others may be imported: a package, or one
// single file of it ("one file of node"), so that a change of its API, or its
// replacement, touches one place.
var doors = []door{
	{"github.com/coder/websocket", []string{"one file of internal/socket", "one file of node"}},
	{"github.com/go-json-experiment/json", []string{"wire"}},
	{"github.com/go-chi/chi", []string{"handler.go of ."}},
	{"github.com/golang-jwt/jwt", []string{"auth"}},
	{"github.com/MicahParks/keyfunc", []string{"auth"}},
	{"github.com/redis/go-redis", []string{"redisbus"}},
	{"github.com/a-h/templ", []string{"dashboard"}},
	{"github.com/prometheus/client_golang", []string{"metrics.go of ."}},
	{"golang.org/x/sys", []string{"internal/socket"}},
	{"golang.org/x/time", []string{"ratelimit"}},
	{"modernc.org/sqlite", []string{"internal/sqlitefile"}},
	{"github.com/alecthomas/kong", []string{"cmd/flowsync"}},
}

type door struct {
	path  string
	where []string
}

// pkg is one package as the tests below see it: its name within the module, and
// for each of its files, tests left out, the paths it imports.
type pkg struct {
	name  string
	files map[string][]string
}

func TestLayers(t *testing.T) {
	pkgs := modulePackages(t)
	if len(pkgs) < 3 {
		t.Fatalf("go list found %d packages: the test looks at too little", len(pkgs))
	}
	for _, sentence := range violations(pkgs) {
		t.Error(sentence)
	}
}

// The Go client is imported by programs that never run a hub: it must not bring
// a hub's dependencies along.
func TestLayerNodeIsLight(t *testing.T) {
	deps := goList(t, "-deps", "./node")
	if !slices.ContainsFunc(deps, func(l listed) bool { return l.ImportPath == module+"/internal/clientcore" }) {
		t.Fatal("node does not depend on clientcore: the test looks at something else")
	}
	for _, heavy := range []string{"go-chi/chi", "a-h/templ", "prometheus/", "golang-jwt/", "go-redis", "alecthomas/kong", module + "/store"} {
		for _, dep := range deps {
			if strings.Contains(dep.ImportPath, heavy) {
				t.Errorf("package node depends on %s; a client must not bring a hub's dependencies along (CONTRIBUTING.md, Layers)", dep.ImportPath)
			}
		}
	}
}

// The test above passes on a sound tree whether or not it looks; this one
// plants a fault of each kind.
func TestLayerFaultsAreSeen(t *testing.T) {
	one := func(name, file string, imports ...string) []pkg {
		return []pkg{{name, map[string][]string{file: imports}}}
	}
	for _, c := range []struct {
		name string
		pkgs []pkg
		want string
	}{
		{"upward", one("crdt", "log.go", module+"/wire"), "crdt (log.go) imports wire"},
		{"node to root", one("node", "node.go", module), "node (node.go) imports ."},
		{"stranger", one("util", "util.go"), "package util is not in the table"},
		{"unknown module", one("wire", "x.go", "example.com/fast/json"), "imports example.com/fast/json"},
		{"wrong package", one("crdt", "x.go", "github.com/go-json-experiment/json/jsontext"), "only wire may"},
		{"wrong file", one(".", "hub.go", "github.com/go-chi/chi/v5"), "only handler.go of . may"},
		{"tests only", one("store", "x.go", "go.uber.org/goleak"), "imports go.uber.org/goleak"},
		{"two files", []pkg{{"node", map[string][]string{
			"a.go": {"github.com/coder/websocket"}, "b.go": {"github.com/coder/websocket"}}}}, "a.go and b.go"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := violations(c.pkgs)
			if len(got) != 1 || !strings.Contains(got[0], c.want) {
				t.Errorf("got %q, want one sentence with %q", got, c.want)
			}
		})
	}
	sound := []pkg{
		{"wire", map[string][]string{"a.go": {"fmt", module + "/crdt", "github.com/go-json-experiment/json"}}},
		{"node", map[string][]string{"link.go": {"github.com/coder/websocket"}, "node.go": {module + "/wire"}}},
		{"cmd/flowsync", map[string][]string{"main.go": {module, module + "/node", "github.com/alecthomas/kong"}}},
	}
	if got := violations(sound); len(got) != 0 {
		t.Errorf("a sound tree was refused: %q", got)
	}
}

// violations returns a sentence for each import that the tables do not allow.
func violations(pkgs []pkg) []string {
	var found []string
	for _, p := range pkgs {
		allowed, ok := allowedFor(p.name)
		if !ok {
			found = append(found, fmt.Sprintf("package %s is not in the table of layering_test.go: add it, with what it may import (CONTRIBUTING.md, Layers)", p.name))
			continue
		}
		byDoor := make(map[string][]string) // module of others → files that import it
		for _, file := range sortedKeys(p.files) {
			for _, path := range p.files[file] {
				if inner, ok := within(path); ok {
					if !slices.Contains(allowed, "*") && !slices.Contains(allowed, inner) {
						found = append(found, fmt.Sprintf("%s (%s) imports %s; it may import only %v (CONTRIBUTING.md, Layers)", p.name, file, inner, allowed))
					}
					continue
				}
				if !strings.Contains(strings.Split(path, "/")[0], ".") {
					continue // the standard library
				}
				d, ok := doorFor(path)
				if !ok {
					found = append(found, fmt.Sprintf("%s (%s) imports %s, which has no door in layering_test.go: say there and in docs/dependencies.md where it is used and why", p.name, file, path))
					continue
				}
				if !d.admits(p.name, file) {
					found = append(found, fmt.Sprintf("%s (%s) imports %s; only %s may (CONTRIBUTING.md, Layers)", p.name, file, path, strings.Join(d.where, ", ")))
					continue
				}
				byDoor[d.path] = append(byDoor[d.path], file)
			}
		}
		for _, path := range sortedKeys(byDoor) {
			files := slices.Compact(byDoor[path])
			d, _ := doorFor(path)
			if len(files) > 1 && slices.Contains(d.where, "one file of "+p.name) {
				found = append(found, fmt.Sprintf("package %s imports %s in %s; one file may (CONTRIBUTING.md, Layers)", p.name, path, strings.Join(files, " and ")))
			}
		}
	}
	return found
}

// allowedFor looks a package up in the layers.
func allowedFor(name string) ([]string, bool) {
	if allowed, ok := layers[name]; ok {
		return allowed, true
	}
	for pattern, allowed := range layers {
		if parent, ok := strings.CutSuffix(pattern, "..."); ok && strings.HasPrefix(name, parent) {
			return allowed, true
		}
	}
	return nil, false
}

func doorFor(path string) (door, bool) {
	for _, d := range doors {
		if path == d.path || strings.HasPrefix(path, d.path+"/") {
			return d, true
		}
	}
	return door{}, false
}

// admits reports whether the door opens for a file of a package.
func (d door) admits(pkg, file string) bool {
	return slices.Contains(d.where, pkg) || slices.Contains(d.where, "one file of "+pkg) || slices.Contains(d.where, file+" of "+pkg)
}

// within returns the name that a package of this module has in the tables.
func within(path string) (string, bool) {
	if path == module {
		return ".", true
	}
	return strings.CutPrefix(path, module+"/")
}

// modulePackages reads the imports of every package, whatever the platform its
// files are for.
func modulePackages(t *testing.T) []pkg {
	t.Helper()
	var pkgs []pkg
	for _, l := range goList(t, "./...") {
		name, ok := within(l.ImportPath)
		if !ok {
			t.Fatalf("go list ./... names %s, which is not of this module", l.ImportPath)
		}
		p := pkg{name, make(map[string][]string)}
		for _, file := range slices.Concat(l.GoFiles, l.CgoFiles, l.IgnoredGoFiles) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(l.Dir, file), nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			p.files[file] = nil
			for _, spec := range f.Imports {
				path, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					t.Fatal(err)
				}
				p.files[file] = append(p.files[file], path)
			}
		}
		if len(p.files) > 0 { // else the package is tests alone
			pkgs = append(pkgs, p)
		}
	}
	return pkgs
}

// listed is what the tests read of go list's answer.
type listed struct {
	ImportPath     string
	Dir            string
	Export         string
	GoFiles        []string
	CgoFiles       []string
	IgnoredGoFiles []string
}

func goList(t *testing.T, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Dir,Export,GoFiles,CgoFiles,IgnoredGoFiles"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
}
