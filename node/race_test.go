//go:build race

package node_test

// slowdown is what the race detector costs.
const slowdown = 10
