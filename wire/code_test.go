package wire

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"testing"
)

// constants counts the constants of code.go whose name holds for keep.
func constants(t *testing.T, keep func(name string) bool) (n int) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.CONST {
			continue
		}
		for _, spec := range d.Specs {
			if keep(spec.(*ast.ValueSpec).Names[0].Name) {
				n++
			}
		}
	}
	return n
}

func isClose(name string) bool {
	return regexp.MustCompile(`^Close[A-Z]`).MatchString(name)
}

func TestCodesAreAll(t *testing.T) {
	codes := Codes()
	if want := constants(t, func(name string) bool { return !isClose(name) }); len(codes) != want {
		t.Errorf("Codes has %d of %d constants", len(codes), want)
	}
	if unique := slices.Compact(slices.Sorted(slices.Values(codes))); len(unique) != len(codes) {
		t.Error("Codes has one twice")
	}
	shape := regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	for _, c := range codes {
		if !shape.MatchString(string(c)) {
			t.Errorf("code %q is not words joined by '_'", c)
		}
	}
	if Retryable("no_such_code") {
		t.Error("an unknown code is retryable")
	}
}

func TestCloseCodesAreAll(t *testing.T) {
	codes := CloseCodes()
	if want := constants(t, isClose); len(codes) != want {
		t.Errorf("CloseCodes has %d of %d constants", len(codes), want)
	}
	if !slices.IsSorted(codes) {
		t.Error("CloseCodes is not in order")
	}
	for _, c := range codes {
		// RFC 6455 section 5.5: a control frame's payload is at most 125 bytes, two
		// of them the code.
		if text := c.Text(); text == "" || len(text) > 123 {
			t.Errorf("close code %d has the text %q", c, text)
		}
		if c >= 4000 && c.Reconnect() != (c >= 4500) {
			t.Errorf("close code %d: reconnect %v", c, c.Reconnect())
		}
	}
	if CloseCode(4999).Text() != "" {
		t.Error("an unknown close code has a text")
	}
	if !CloseCode(1006).Reconnect() {
		t.Error("a broken connection is not tried again")
	}
}
