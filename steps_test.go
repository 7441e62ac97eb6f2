package flowsync_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// stepPackages are the packages that take the world as arguments: the same
// input makes the same output, so that the simulator can replay a history from
// its seed and replicas cannot differ.
var stepPackages = []string{"crdt", "crdt/ydoc", "wire", "acl", "internal/hubcore", "internal/clientcore"}

// worldly are the imports through which the world would come in.
var worldly = []string{
	"sync", "sync/atomic", "os", "os/exec", "os/signal", "net", "net/http", "log", "log/slog",
	"crypto/rand", "math/rand", "math/rand/v2", "hash/maphash", "runtime", "context", "testing",
}

// clocks are what package time has beyond durations and arithmetic.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Sleep", "Timer", "Ticker"}

// orderFree marks a range over a map whose result does not depend on the order,
// on the same line or the one before, with the reason after the colon.
const orderFree = "order-free:"

func TestStepMachines(t *testing.T) {
	exports := exportData(t)
	for _, name := range stepPackages {
		t.Run(name, func(t *testing.T) {
			paths, err := filepath.Glob(filepath.Join(name, "*.go"))
			if err != nil {
				t.Fatal(err)
			}
			if len(paths) == 0 {
				t.Fatalf("there is no package %s", name)
			}
			sources := make(map[string]string)
			for _, path := range paths {
				if strings.HasSuffix(path, "_test.go") {
					continue
				}
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				sources[path] = string(text)
			}
			for _, sentence := range worldlyIn(t, module+"/"+name, sources, exports) {
				t.Errorf("%s; a step machine takes the world as arguments (CONTRIBUTING.md, Step machines)", sentence)
			}
		})
	}
}

// Each fault, planted, is found; what is allowed is not.
func TestStepFaultsAreSeen(t *testing.T) {
	exports := exportData(t)
	for _, c := range []struct {
		want, imports, body string
		others              int // faults that the planted one cannot do without
	}{
		{"starts a goroutine", "", `go func() {}()`, 0},
		{"names a channel type", "", `var world chan int; _ = world`, 0},
		{"sends on a channel", "", `var world chan int; world <- 1`, 1},
		{"receives from a channel", "", `var world chan int; <-world`, 1},
		{"ranges over a channel", "", `var world chan int; for range world {}`, 1},
		{"selects", "", `select {}`, 0},
		{"imports sync", `import "sync"`, `var mu sync.Mutex; _ = &mu`, 0},
		{"imports math/rand/v2", `import "math/rand/v2"`, `_ = rand.IntN(2)`, 0},
		{"reads time.Now", `import "time"`, `_ = time.Now()`, 0},
		{"reads time.After", `import "time"`, `_ = time.After`, 0},
		{"reads time.Timer", `import clock "time"`, `var t *clock.Timer; _ = t`, 0},
		{"ranges over a map", "", `for k := range table { _ = k }`, 0},
		{"reads maps.Keys", `import "maps"`, `for k := range maps.Keys(table) { _ = k }`, 0},
		{"reads maps.Values", `import ("maps"; "slices")`, `_ = slices.Collect(maps.Values(table))`, 0},
	} {
		t.Run(c.want, func(t *testing.T) {
			found := worldlyIn(t, "planted", planted(c.imports, c.body), exports)
			seen := slices.ContainsFunc(found, func(s string) bool { return strings.Contains(s, c.want) })
			if !seen || len(found) != 1+c.others {
				t.Errorf("found %q, want %q and %d others", found, c.want, c.others)
			}
		})
	}
	for _, c := range []struct{ name, imports, body string }{
		{"durations", `import "time"`, `_ = 5 * time.Second`},
		{"sorted keys", `import ("maps"; "slices")`, `for _, k := range slices.Sorted(maps.Keys(table)) { _ = k }`},
		{"marked on the line", "", "n := 0\nfor range table { // order-free: a count\nn++ }"},
		{"marked above", "", "n := 0\n// order-free: a count\nfor range table { n++ }"},
		{"a slice", "", `for i := range []int{1} { _ = i }`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if found := worldlyIn(t, "planted", planted(c.imports, c.body), exports); len(found) != 0 {
				t.Errorf("refused: %q", found)
			}
		})
	}
}

// planted is a package with one function around the statements.
func planted(imports, body string) map[string]string {
	return map[string]string{
		"planted.go": "package planted\n" + imports + "\nvar table map[string]int\nfunc f() {\n" + body + "\n}\n",
	}
}

// worldlyIn type-checks a package from its sources and returns a sentence for
// each place where it touches the world or depends on map order.
func worldlyIn(t *testing.T, path string, sources map[string]string, exports types.Importer) []string {
	t.Helper()
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range sortedKeys(sources) {
		f, err := parser.ParseFile(fset, name, sources[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Types: make(map[ast.Expr]types.TypeAndValue), Uses: make(map[*ast.Ident]types.Object)}
	config := types.Config{Importer: exports}
	if _, err := config.Check(path, fset, files, info); err != nil {
		t.Fatal(err)
	}
	w := &watcher{fset: fset, info: info}
	for _, f := range files {
		w.file(f)
	}
	return w.found
}

// watcher walks the files of one package.
type watcher struct {
	fset   *token.FileSet
	info   *types.Info
	marked map[int]bool      // lines of the present file that an order-free mark covers
	sorted map[ast.Expr]bool // arguments of slices.Sorted and its kin
	found  []string
}

func (w *watcher) report(at token.Pos, format string, args ...any) {
	p := w.fset.Position(at)
	w.found = append(w.found, fmt.Sprintf("%s:%d %s", p.Filename, p.Line, fmt.Sprintf(format, args...)))
}

func (w *watcher) file(f *ast.File) {
	w.marked, w.sorted = make(map[int]bool), make(map[ast.Expr]bool)
	for _, group := range f.Comments {
		for _, c := range group.List {
			if _, reason, ok := strings.Cut(c.Text, orderFree); ok && strings.TrimSpace(reason) != "" {
				w.marked[w.fset.Position(c.Pos()).Line] = true
				w.marked[w.fset.Position(group.End()).Line+1] = true
			}
		}
	}
	for _, spec := range f.Imports {
		if path, _ := strconv.Unquote(spec.Path.Value); slices.Contains(worldly, path) {
			w.report(spec.Pos(), "imports %s", path)
		}
	}
	ast.Inspect(f, w.node)
}

func (w *watcher) node(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.GoStmt:
		w.report(n.Pos(), "starts a goroutine")
	case *ast.SelectStmt:
		w.report(n.Pos(), "selects")
	case *ast.SendStmt:
		w.report(n.Pos(), "sends on a channel")
	case *ast.ChanType:
		w.report(n.Pos(), "names a channel type")
	case *ast.UnaryExpr:
		if n.Op == token.ARROW {
			w.report(n.Pos(), "receives from a channel")
		}
	case *ast.RangeStmt:
		w.ranged(n)
	case *ast.CallExpr:
		w.call(n)
	case *ast.SelectorExpr:
		if w.fromPackage(n, "time") && slices.Contains(clocks, n.Sel.Name) {
			w.report(n.Pos(), "reads time.%s", n.Sel.Name)
		}
	}
	return true
}

// ranged looks at what a range statement walks over.
func (w *watcher) ranged(n *ast.RangeStmt) {
	switch w.info.TypeOf(n.X).Underlying().(type) {
	case *types.Chan:
		w.report(n.Pos(), "ranges over a channel")
	case *types.Map:
		if !w.isMarked(n.Pos()) {
			w.report(n.Pos(), "ranges over a map: sort the keys, or say on the line why the order does not matter, after %q", orderFree)
		}
	}
}

// call looks for the iterators of package maps, which are fine when sorted at
// once.
func (w *watcher) call(n *ast.CallExpr) {
	sel, ok := n.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	if w.fromPackage(sel, "slices") && strings.HasPrefix(sel.Sel.Name, "Sorted") {
		w.sorted[n.Args[0]] = true // visited after this call
		return
	}
	if w.fromPackage(sel, "maps") && slices.Contains([]string{"All", "Keys", "Values"}, sel.Sel.Name) &&
		!w.sorted[n] && !w.isMarked(n.Pos()) {
		w.report(n.Pos(), "reads maps.%s in map order: sort it, or say on the line why the order does not matter, after %q", sel.Sel.Name, orderFree)
	}
}

func (w *watcher) isMarked(at token.Pos) bool { return w.marked[w.fset.Position(at).Line] }

// fromPackage reports whether a selector names something of a package, however
// the file calls it.
func (w *watcher) fromPackage(sel *ast.SelectorExpr, path string) bool {
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return false
	}
	name, ok := w.info.Uses[id].(*types.PkgName)
	return ok && name.Imported().Path() == path
}

// exportData returns an importer that reads the compiler's export data, which is
// far quicker than type-checking the standard library from its sources.
func exportData(t *testing.T) types.Importer {
	t.Helper()
	files := make(map[string]string)
	args := []string{"-export", "-deps", "sync", "time", "maps", "slices", "math/rand/v2"}
	for _, name := range stepPackages {
		args = append(args, "./"+name)
	}
	for _, l := range goList(t, args...) {
		files[l.ImportPath] = l.Export
	}
	return importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) {
		if files[path] == "" {
			return nil, fmt.Errorf("go list knows no export data of %s", path)
		}
		data, err := os.ReadFile(files[path])
		return io.NopCloser(bytes.NewReader(data)), err
	})
}
