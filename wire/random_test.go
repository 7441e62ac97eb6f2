package wire

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"unicode/utf16"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// world makes random messages and values.
type world struct{ *rand.Rand }

func newWorld(seed uint64) world { return world{rand.New(rand.NewPCG(seed, 0))} }

func (w world) coin() bool { return w.IntN(2) == 0 }

// number is often small and sometimes as large as numbers get.
func (w world) number() uint64 {
	return []uint64{0, w.Uint64N(10), w.Uint64N(1 << 32), w.Uint64N(MaxSafeInt), MaxSafeInt}[w.IntN(5)]
}

func (w world) plain(most int) string {
	const alphabet = "abcXYZ019_.-"
	b := make([]byte, 1+w.IntN(most))
	for i := range b {
		b[i] = alphabet[w.IntN(len(alphabet))]
	}
	return string(b)
}

func (w world) stream() string {
	s := w.plain(20)
	for range w.IntN(4) {
		s += ":" + w.plain(20)
	}
	return s
}

func (w world) hex() string { return fmt.Sprintf("%016x", w.Uint64()) }

// text has every kind of character that is treated differently somewhere.
func (w world) text() string {
	kinds := []rune{'a', 'Z', ' ', '"', '\\', '/', '<', 0, 1, '\b', '\f', '\n', '\r', '\t', 0x1f, 0x7f, 0x80, 'é', 0x2028, 0xd7ff, 0xe000, 0xfffd, 0xffff, 0x10000, '😀', 0x10ffff}
	runes := make([]rune, w.IntN(12))
	for i := range runes {
		runes[i] = kinds[w.IntN(len(kinds))]
	}
	return string(runes)
}

// optional is a string that may be left out.
func (w world) optional(f func() string) string {
	if w.coin() {
		return ""
	}
	return f()
}

func (w world) value(depth int) any {
	kind := w.IntN(8)
	if depth == 0 {
		kind %= 5
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return w.coin()
	case 2:
		return w.text()
	case 3:
		return int64(w.number())
	case 4:
		return w.float()
	case 5:
		list := make([]any, w.IntN(4))
		for i := range list {
			list[i] = w.value(depth - 1)
		}
		return list
	default:
		return w.object(depth)
	}
}

// float is any number that survives.
func (w world) float() float64 {
	for {
		f := math.Float64frombits(w.Uint64())
		if w.coin() {
			f = math.Round(w.NormFloat64()*1e6) / 1e3
		}
		if abs := math.Abs(f); abs <= MaxSafeInt || abs >= 1e21 && abs <= math.MaxFloat64 {
			return f
		}
	}
}

func (w world) object(depth int) map[string]any {
	m := map[string]any{}
	for range w.IntN(5) {
		m[w.text()] = w.value(depth - 1)
	}
	return m
}

func (w world) json(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := Marshal(v)
	if err != nil {
		t.Fatalf("%#v: %v", v, err)
	}
	return raw
}

func (w world) open() Open {
	return Open{
		Stream: w.stream(), Inc: w.optional(w.hex), Mode: []Mode{Read, Write, ReadWrite}[w.IntN(3)], As: []As{AsState, AsValue}[w.IntN(2)],
		Cursor: w.optional(func() string { return w.plain(60) }), Acked: w.number(), Hash: w.optional(w.hex), Unacked: w.IntN(1025),
	}
}

func (w world) entries(t *testing.T) []Entry {
	entries := make([]Entry, 1+w.IntN(4))
	for i := range entries {
		op := w.json(t, w.object(3))
		if entries[i] = (Entry{Client: w.stream(), N: w.number(), Hub: w.plain(20), Op: op}); w.coin() {
			entries[i] = Entry{Off: 1 + w.number()/2, Client: w.stream(), Inc: w.hex(), Seq: w.number(), At: w.number(), Op: op}
		}
	}
	return entries
}

func (w world) clientMessage(t *testing.T) ClientMessage {
	ref := func() string { return w.plain(100) }
	switch w.IntN(9) {
	case 0:
		m := &Hello{V: [2]int{1, 1 + w.IntN(3)}, Client: w.plain(100), Inc: w.hex(), Token: w.optional(w.text)}
		for range w.IntN(3) {
			m.Streams = append(m.Streams, w.open())
		}
		return m
	case 1:
		return &Sub{Ref: ref(), Open: w.open()}
	case 2:
		return &Unsub{Ref: w.optional(ref), Stream: w.stream()}
	case 3:
		return &SetPresence{Stream: w.stream(), State: w.json(t, w.value(4))}
	case 4:
		return &Emit{Ref: w.optional(ref), Stream: w.stream(), Event: "e" + w.text(), Data: w.json(t, w.value(4))}
	case 5:
		return &GetHistory{Ref: ref(), Stream: w.stream(), Before: w.number(), Limit: w.IntN(1000)}
	case 6:
		return &Auth{Ref: ref(), Token: "t" + w.text()}
	case 7:
		return &Ping{N: w.number()}
	}
	m := &Push{Stream: w.stream()}
	if w.coin() {
		m.Seq = 1 + w.Uint64N(1<<40)
	}
	if m.Seq > 0 && w.coin() {
		m.Prev = u64(w.number())
	}
	if m.Seq > 0 && w.coin() {
		m.At = u64(w.number())
	}
	for range 1 + w.IntN(5) {
		m.Ops = append(m.Ops, w.json(t, w.object(4)))
	}
	return m
}

func (w world) hubMessage(t *testing.T) HubMessage {
	switch w.IntN(8) {
	case 0:
		m := &Ops{Stream: w.stream(), Entries: w.entries(t)}
		if w.coin() {
			m.From, m.Cursor = w.number(), w.plain(60)
		}
		return m
	case 1:
		return &Ack{Stream: w.stream(), Seq: w.number(), Hash: w.hex()}
	case 2:
		m := &Presence{Stream: w.stream(), Full: w.coin()}
		for range w.IntN(3) {
			m.Peers = append(m.Peers, Peer{w.plain(20), w.number(), w.json(t, w.value(3))})
			m.Left = append(m.Left, Left{w.plain(20), w.number()})
		}
		return m
	case 3:
		return &Event{Stream: w.stream(), Client: w.plain(20), Event: "e" + w.text(), Data: w.json(t, w.value(4))}
	case 4:
		codes := Codes()
		return &Error{
			Ref: w.optional(func() string { return w.plain(20) }), Code: codes[w.IntN(len(codes))], Stream: w.optional(w.stream), Seq: w.number(),
			Expected: w.number(), Scope: w.optional(func() string { return "subject" }), AfterMS: w.IntN(5), Msg: w.text(),
		}
	case 5:
		return &History{Ref: w.plain(20), Stream: w.stream(), Entries: w.entries(t), More: w.coin()}
	case 6:
		return &Value{Stream: w.stream(), Cursor: w.plain(60), Value: w.json(t, w.value(4))}
	}
	m := &Synced{Ref: w.optional(func() string { return w.plain(20) }), Stream: w.stream(), Rule: w.plain(20), Mode: ReadWrite, Outcome: Snapshot, Cursor: w.plain(60)}
	switch {
	case w.coin():
		m.State, m.Base = w.json(t, w.object(4)), w.number()
		m.Entries = w.entries(t)
		m.Options = w.json(t, w.object(1))
	case w.coin():
		m.Value = w.json(t, w.value(4))
	}
	if w.coin() {
		m.Yours = &Yours{Seq: w.number(), Hash: w.hex()}
		for range w.IntN(4) {
			m.Yours.Trail = append(m.Yours.Trail, Mark{w.number(), w.hex()})
		}
	}
	return m
}

// TestRandomMessages: decode(encode(m)) = m, and every line is canonical. One
// decoder reads them all, so nothing of one message shows in the next.
func TestRandomMessages(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			w := newWorld(seed)
			var d Decoder
			for range 25 {
				client := w.clientMessage(t)
				line := client.Append(nil)
				requireCanonical(t, line)
				got, err := d.Client(line)
				requireSame(t, client, got, err, line)

				hub := w.hubMessage(t)
				line = hub.Append(nil)
				requireCanonical(t, line)
				answer, err := d.Hub(line)
				requireSame(t, hub, answer, err, line)
			}
		})
	}
}

func requireSame(t *testing.T, want, got any, err error, line []byte) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v\nin %s", err, line)
	}
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("(-want +got):\n%s\nin %s", diff, line)
	}
}

func TestCompareUTF16(t *testing.T) {
	w := newWorld(1)
	for range 20_000 {
		a, b := w.text(), w.text()
		want := slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		if got := compareUTF16([]byte(a), []byte(b)); cmp.Compare(got, 0) != want {
			t.Fatalf("%q and %q: %d, want %d", a, b, got, want)
		}
	}
}

// TestNumbersAgree: a number formatted by another printer comes out in the one
// canonical form, and what the scanner takes for canonical is.
func TestNumbersAgree(t *testing.T) {
	w := newWorld(2)
	for range 20_000 {
		f := w.float()
		want, err := Canonical(nil, []byte(strconv.FormatFloat(f, 'e', -1, 64)))
		if err != nil {
			t.Fatalf("%v: %v", f, err)
		}
		back, err := strconv.ParseFloat(string(want), 64)
		if err != nil || back != f {
			t.Fatalf("%v became %s", f, want)
		}
		for _, text := range []string{
			strconv.FormatFloat(f, 'f', -1, 64), strconv.FormatFloat(f, 'g', -1, 64), strconv.FormatFloat(f, 'e', 17, 64), string(want),
		} {
			got, err := Canonical(nil, []byte(text))
			if err != nil && math.Abs(f) >= 1e21 {
				continue // more than 2^53 in digits alone: refused by design
			}
			if err != nil || string(got) != string(want) {
				t.Fatalf("%s became %s, %v; want %s", text, got, err, want)
			}
		}
		requireCanonical(t, want)
	}
}
