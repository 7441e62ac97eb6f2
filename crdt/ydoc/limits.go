package ydoc

// Limits bound what a document takes from others. The zero value of a field
// means its default, which suits a server that trusts nobody.
type Limits struct {
	// Clients is how many authors a document may have. Defaults to 65,536.
	Clients int

	// Depth is how deeply shared types may nest, and values within a value.
	// Defaults to 256.
	Depth int

	// Pending is how many bytes of updates may wait for what they depend on.
	// Defaults to 1 MiB.
	Pending int

	// Work is how many neighbours one update may be compared with to find its
	// places: concurrent insertions at one spot cost one each. Defaults to
	// 16,777,216, which is about a second.
	Work int

	// Update is how many bytes an update may have. Defaults to 64 MiB.
	Update int
}

func (l Limits) withDefaults() Limits {
	fill := func(n *int, n0 int) {
		if *n <= 0 {
			*n = n0
		}
	}
	fill(&l.Clients, 1<<16)
	fill(&l.Depth, 256)
	fill(&l.Pending, 1<<20)
	fill(&l.Work, 1<<24)
	fill(&l.Update, 64<<20)
	return l
}
