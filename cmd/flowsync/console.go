package main

import (
	"io"
	"os"
)

// console is what a command talks to: its streams and its environment.
type console struct {
	in       io.Reader
	out, err io.Writer
	env      func(string) string
	color    string // the --color flag
}

// choose takes the --color flag.
func (c *console) choose(color string) { c.color = color }

func (c *console) outPalette() palette { return c.paletteOf(c.out) }
func (c *console) errPalette() palette { return c.paletteOf(c.err) }

// paletteOf decides whether w is coloured. The flag wins over NO_COLOR
// (no-color.org), that over CLICOLOR_FORCE (bixense.com/clicolors), and last
// comes what w is.
func (c *console) paletteOf(w io.Writer) palette {
	switch {
	case c.color == "always":
		return palette{on: true}
	case c.color == "never", c.env("NO_COLOR") != "":
		return palette{}
	case c.env("CLICOLOR_FORCE") != "" && c.env("CLICOLOR_FORCE") != "0":
		return palette{on: true}
	}
	return palette{on: c.rewrites(w)}
}

// rewrites reports whether w is a terminal that understands escape sequences.
func (c *console) rewrites(w io.Writer) bool {
	term := c.env("TERM")
	return term != "" && term != "dumb" && isTerminal(w)
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isTerminalFile(f)
}

// palette colours text with the sixteen colours of the terminal's own scheme, so
// that dark and light ones both stay readable. Colour never says anything that
// the text does not.
type palette struct{ on bool }

func (p palette) accent(s string) string { return p.paint("36", s) }
func (p palette) good(s string) string   { return p.paint("32", s) }
func (p palette) warn(s string) string   { return p.paint("33", s) }
func (p palette) bad(s string) string    { return p.paint("31", s) }
func (p palette) bold(s string) string   { return p.paint("1", s) }
func (p palette) dim(s string) string    { return p.paint("2", s) }

func (p palette) paint(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
