//go:build race

package main

// buildFlags of the program under test: the tests' own race detector does not
// reach into it.
const buildFlags = "-race"
