//go:build !race

package main

// buildFlags of the program under test; with -race they differ.
const buildFlags = "-race=false"
