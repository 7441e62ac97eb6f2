package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
)

// listensToKeys reports whether dev can be steered from the terminal: stdin is
// one, and this process may read it.
func (c *console) listensToKeys() bool {
	f, ok := c.in.(*os.File)
	return ok && isTerminalFile(f) && inForeground(f)
}

// readKeys obeys single letters, each with Enter, so that the terminal needs no
// special mode and is never left in one. It ends with its input; the process
// does not wait for it, since a read from a terminal cannot be called off.
func readKeys(in io.Reader, out io.Writer, quit func()) {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		switch strings.TrimSpace(lines.Text()) {
		case "q":
			quit()
			return
		case "?", "h":
			fmt.Fprintln(out, "  q + Enter   quit: connections are drained, then the hub ends")
			fmt.Fprintln(out, "  Ctrl+C      the same; a second time: end at once")
		}
	}
}
