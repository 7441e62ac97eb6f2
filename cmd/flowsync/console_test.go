package main

import (
	"bytes"
	"testing"
)

func TestColorIsChosen(t *testing.T) {
	for _, c := range []struct {
		name, flag string
		env        map[string]string
		want       bool
	}{
		{"a pipe", "auto", map[string]string{"TERM": "xterm"}, false},
		{"forced by the environment", "auto", map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{"force of zero is none", "auto", map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{"NO_COLOR wins over force", "auto", map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "x"}, false},
		{"the flag wins over NO_COLOR", "always", map[string]string{"NO_COLOR": "1"}, true},
		{"never wins over force", "never", map[string]string{"CLICOLOR_FORCE": "1"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			con := console{out: &bytes.Buffer{}, env: func(k string) string { return c.env[k] }}
			con.choose(c.flag)
			if got := con.outPalette().on; got != c.want {
				t.Errorf("colour: got %v, want %v", got, c.want)
			}
		})
	}
}

// The null device is a character device, as terminals are.
func TestNullDeviceIsNoTerminal(t *testing.T) {
	if isTerminal(openNull(t)) {
		t.Error("the null device is taken for a terminal")
	}
}
