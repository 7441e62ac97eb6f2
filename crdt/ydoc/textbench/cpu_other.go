//go:build !unix

package main

import "time"

// cpuTime cannot be asked for here: tables of processor time then show 0.
func cpuTime() time.Duration { return 0 }
