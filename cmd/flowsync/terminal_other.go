//go:build !linux

package main

import "os"

// isTerminalFile takes a character device for a terminal, which is right for
// all but the null device.
func isTerminalFile(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

// inForeground cannot be told here; reading the terminal is left alone.
func inForeground(*os.File) bool { return false }
