package crdt

import (
	"maps"
	"slices"
)

// ledger holds one side of a counter: what was incremented, or decremented.
//
// Invariant: sum is base and all of by together, and within 10^38; by holds no
// zero; size is the length of the members of by, without commas.
type ledger struct {
	base total
	by   map[string]total // client to total
	sum  total
	size int
}

func newLedger() ledger { return ledger{by: map[string]total{}} }

func (l *ledger) clone() ledger {
	c := *l
	c.by = maps.Clone(l.by)
	return c
}

// check says by how many bytes the ledger grows when client adds n.
func (l *ledger) check(client string, n total) (grow int, err error) {
	if !l.sum.plus(n).within() {
		return 0, Errorf(Overflow, "the counter's increments or decrements would add up to more than 10^38")
	}
	old, ok := l.by[client]
	if !ok {
		return totalLen(client, n) + len(","), nil
	}
	return old.plus(n).digits() - old.digits(), nil
}

// add adds n, unless the sum would leave its range.
func (l *ledger) add(client string, n total) {
	sum := l.sum.plus(n)
	if n.zero() || !sum.within() {
		return
	}
	l.sum = sum
	old, ok := l.by[client]
	if !ok {
		l.by[keep("", client)] = n
		l.size += totalLen(client, n)
		return
	}
	now := old.plus(n)
	l.by[client] = now
	l.size += now.digits() - old.digits()
}

// fold moves the client's total into base.
func (l *ledger) fold(client []byte) {
	n, ok := l.by[string(client)]
	if !ok {
		return
	}
	l.base = l.base.plus(n)
	l.size -= totalLen(string(client), n)
	delete(l.by, string(client))
}

// totalLen is the length of an encoded member: "client":"n".
func totalLen(client string, n total) int {
	return quotedLen(client) + len(`:""`) + n.digits()
}

// encodedLen is the length of what append appends.
func (l *ledger) encodedLen() int { return len("{}") + joinedLen(l.size, len(l.by)) }

func (l *ledger) append(b []byte) []byte {
	b = append(b, '{')
	for i, client := range slices.SortedFunc(maps.Keys(l.by), compareUTF16) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, client)
		b = append(b, `:"`...)
		b = l.by[client].appendDecimal(b)
		b = append(b, '"')
	}
	return append(b, '}')
}

func (r *reader) ledger(base total) ledger {
	l := newLedger()
	l.base, l.sum = base, base
	last := ""
	for i := range r.items("{", "}") {
		client := r.text(maxID)
		r.ascend(i, last, client)
		r.want(":")
		n := r.total()
		if n.zero() || !l.sum.plus(n).within() {
			r.fail()
			return l
		}
		l.add(client, n)
		last = client
	}
	return l
}

// total reads a total, a decimal string.
func (r *reader) total() total {
	t, ok := parseTotal(unquote(r.take(scanString(r.rest))))
	if !ok {
		r.fail()
	}
	return t
}

// joinedLen is the length of n parts of size bytes in all, with commas between.
func joinedLen(size, n int) int { return size + max(n-1, 0) }
