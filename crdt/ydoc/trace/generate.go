package trace

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Session describes a session to generate. The same Session makes the same
// Trace on every machine.
type Session struct {
	Seed  uint64
	Txns  int  // how many transactions; 0 makes an empty session
	Pairs bool // some characters take two UTF-16 code units (sequential sessions only)

	// Replicas is how many authors type at once; up to 1 makes a sequential
	// session. Each author of a concurrent one has a paragraph to itself,
	// which is what makes the text at the end known without a merge rule.
	Replicas int
}

// Generate makes up a session: typing runs that go on where the last one
// ended, runs of backspace, selections that are deleted, pastes, replacements
// in two places at once, and jumps in between.
func Generate(s Session) *Trace {
	rng := rand.New(rand.NewPCG(s.Seed, 0))
	if s.Replicas > 1 {
		return generateConcurrent(s, rng)
	}
	t := &Trace{Name: fmt.Sprintf("generated-%d", s.Seed), Kind: Sequential}
	a := author{rng: rng, pairs: s.Pairs}
	for range s.Txns {
		t.Txns = append(t.Txns, Txn{Recv: []int{}, Patches: a.next()})
	}
	end := string(a.text)
	t.End = &end
	return t
}

// author is somebody who types: a text, a cursor, and what the author is in
// the middle of.
type author struct {
	rng    *rand.Rand
	pairs  bool
	text   []rune
	cursor int

	typing  []rune // what is left to type
	erasing int    // how many backspaces are left
}

const (
	letters = "etaoinshrdlucmfwypvbgkjqxz"
	accents = "äéñß→…“”中文字かなЖ"
	emoji   = "🙂🚀👍🎉𝒳𐍈"
)

// next is the author's next transaction.
func (a *author) next() []Patch {
	for {
		switch {
		case len(a.typing) > 0:
			c := a.typing[0]
			a.typing = a.typing[1:]
			return []Patch{a.edit(a.cursor, 0, string(c))}
		case a.erasing > 0 && a.cursor > 0:
			a.erasing--
			return []Patch{a.edit(a.cursor-1, 1, "")}
		}
		a.erasing = 0
		switch n := a.rng.IntN(100); {
		case n < 55:
			a.typing = a.words(1 + a.rng.IntN(12))
		case n < 70:
			a.erasing = 1 + a.rng.IntN(10)
		case n < 85:
			a.jump()
		case n < 90:
			return []Patch{a.edit(a.cursor, 0, string(a.words(10+a.rng.IntN(40))))}
		case n < 97:
			at := a.rng.IntN(len(a.text) + 1)
			return []Patch{a.edit(at, min(len(a.text)-at, a.rng.IntN(40)), "")}
		case len(a.text) > 20:
			name := string(a.words(1))
			return []Patch{a.replace(name), a.replace(name)}
		}
	}
}

// jump puts the cursor elsewhere, most often near by.
func (a *author) jump() {
	at := a.rng.IntN(len(a.text) + 1)
	if a.rng.IntN(3) > 0 {
		at = a.cursor + a.rng.IntN(81) - 40
	}
	a.cursor = min(max(at, 0), len(a.text))
}

func (a *author) replace(name string) Patch {
	at := a.rng.IntN(len(a.text) + 1)
	return a.edit(at, min(len(a.text)-at, 1+a.rng.IntN(6)), name)
}

// edit applies one patch to the text and leaves the cursor behind it.
func (a *author) edit(at, del int, ins string) Patch {
	added := []rune(ins)
	a.text = slices.Replace(a.text, at, at+del, added...)
	a.cursor = at + len(added)
	return Patch{Pos: at, Del: del, Ins: ins}
}

func (a *author) words(n int) []rune {
	var b strings.Builder
	for range n {
		for range 1 + a.rng.IntN(9) {
			b.WriteByte(letters[min(a.rng.IntN(len(letters)), a.rng.IntN(len(letters)))])
		}
		switch k := a.rng.IntN(40); {
		case k == 0:
			b.WriteRune(pick(a.rng, accents))
		case k == 1 && a.pairs:
			b.WriteRune(pick(a.rng, emoji))
		case k < 4:
			b.WriteString(".\n")
		}
		b.WriteByte(' ')
	}
	return []rune(b.String())
}

func pick(rng *rand.Rand, from string) rune {
	runes := []rune(from)
	return runes[rng.IntN(len(runes))]
}

// generateConcurrent lets every author type in a paragraph of its own. The
// first transaction makes the paragraphs, all empty: nothing is ever inserted
// at a place where somebody else inserts.
func generateConcurrent(s Session, rng *rand.Rand) *Trace {
	t := &Trace{Name: fmt.Sprintf("generated-%dx%d", s.Seed, s.Replicas), Kind: Concurrent}
	if s.Txns == 0 {
		t.End = new(string)
		return t
	}
	authors := make([]author, s.Replicas)
	made := make([][]int, s.Replicas)    // transactions of each author
	lengths := make([][]int, s.Replicas) // length of its paragraph after each of them
	known := make([]clock, s.Replicas)
	for r := range authors {
		authors[r] = author{rng: rng}
		lengths[r] = []int{0}
		known[r] = make(clock, s.Replicas)
	}
	t.Txns = append(t.Txns, Txn{Recv: []int{}, Patches: []Patch{{Ins: strings.Repeat("\n", s.Replicas)}}})
	started := make([]bool, s.Replicas)
	started[0] = true

	for len(t.Txns) < s.Txns {
		r := rng.IntN(s.Replicas)
		if !started[r] {
			// Replicas are numbered as they appear.
			r = slices.Index(started, false)
		}
		recv := []int{}
		if !started[r] {
			recv, started[r] = []int{0}, true
		}
		for o := range authors {
			if o != r && rng.IntN(3) > 0 {
				upTo := known[r][o] + rng.IntN(len(made[o])-known[r][o]+1)
				recv = append(recv, made[o][known[r][o]:upTo]...)
				known[r][o] = upTo
			}
		}
		slices.Sort(recv)

		for range 1 + rng.IntN(20) {
			if len(t.Txns) == s.Txns {
				break
			}
			start := 0
			for o := range r {
				start += lengths[o][known[r][o]] + 1
			}
			patches := authors[r].next()
			for i := range patches {
				patches[i].Pos += start
			}
			made[r] = append(made[r], len(t.Txns))
			lengths[r] = append(lengths[r], len(authors[r].text))
			t.Txns = append(t.Txns, Txn{R: r, Recv: recv, Patches: patches})
			recv = []int{}
		}
	}
	var end strings.Builder
	for r := range authors {
		end.WriteString(string(authors[r].text))
		end.WriteByte('\n')
	}
	text := end.String()
	t.End = &text
	return t
}
