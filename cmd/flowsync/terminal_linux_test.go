package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// On a terminal the panel is coloured, names its keys, and q with Enter ends it.
func TestDevOnATerminal(t *testing.T) {
	for _, c := range []struct {
		name, env string
		colored   bool
	}{
		{"plain", "PLAIN=1", true},
		{"NO_COLOR", "NO_COLOR=1", false},
		{"dumb", "TERM=dumb", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			screen, keyboard := openTerminal(t)
			cmd := exec.Command(program, "dev", "--addr", ":0")
			cmd.Env = environment(c.env)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = keyboard, keyboard, keyboard
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			keyboard.Close()
			defer cmd.Process.Kill()

			var shown bytes.Buffer
			readUntil(t, screen, &shown, "q + Enter quit")
			if colored := bytes.ContainsRune(shown.Bytes(), '\x1b'); colored != c.colored {
				t.Errorf("escape sequences: %v, want %v:\n%q", colored, c.colored, shown.String())
			}
			io.WriteString(screen, "?\n")
			readUntil(t, screen, &shown, "Ctrl+C")
			io.WriteString(screen, "q\n")
			readUntil(t, screen, &shown, "drained, bye")
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
			for line := range strings.Lines(shown.String()) {
				if n := len([]rune(strip(line))); n > 80 {
					t.Errorf("%d columns: %q", n, line)
				}
			}
		})
	}
}

// openTerminal makes a pseudo-terminal (pts(4)): what is written to screen is
// typed, what the program prints is read from it.
func openTerminal(t *testing.T) (screen, keyboard *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		cannotRun(t, "no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { screen.Close() })
	var unlocked, number int32
	if err := ioctl(screen, syscall.TIOCSPTLCK, unsafe.Pointer(&unlocked)); err != nil {
		t.Fatal(err)
	}
	if err := ioctl(screen, syscall.TIOCGPTN, unsafe.Pointer(&number)); err != nil {
		t.Fatal(err)
	}
	keyboard, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		cannotRun(t, "no pseudo-terminals here: %v", err)
	}
	return screen, keyboard
}

func readUntil(t *testing.T, from *os.File, into *bytes.Buffer, want string) {
	t.Helper()
	from.SetReadDeadline(time.Now().Add(patience))
	seen, b := into.Len(), make([]byte, 4096)
	for !strings.Contains(strip(into.String()[seen:]), want) {
		n, err := from.Read(b)
		if err != nil {
			t.Fatalf("%v; %q did not appear in:\n%s", err, want, into)
		}
		into.Write(b[:n])
	}
}

// strip removes colours.
func strip(s string) string {
	for _, code := range []string{"0", "1", "2", "31", "32", "33", "36"} {
		s = strings.ReplaceAll(s, "\x1b["+code+"m", "")
	}
	return strings.TrimRight(s, "\r\n")
}
