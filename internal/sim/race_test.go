//go:build race

package sim

// raced: the race detector makes histories ten times as long to play, and there is
// one goroutine in each, so that it has little to find.
const raced = true
