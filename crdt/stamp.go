package crdt

import (
	"cmp"
	"strconv"
)

// stamp orders the writes of lww and crdt-map: the greatest wins, which is the
// write whose author knew more of the log, not the later by some clock. The zero
// stamp, of an initial value, loses against every write.
type stamp struct {
	at     uint64
	writer Writer
	seq    uint64
}

func (op *Op) stamp() stamp { return stamp{op.At, op.Writer, op.Seq} }

func (s *stamp) compare(t *stamp) int {
	return cmp.Or(
		cmp.Compare(s.at, t.at),
		cmp.Compare(s.writer.Client, t.writer.Client),
		cmp.Compare(s.writer.Inc, t.writer.Inc),
		cmp.Compare(s.seq, t.seq),
	)
}

// kept returns s with strings of its own, those of old where they are equal.
func (s stamp) kept(old *stamp) stamp {
	s.writer.Client = keep(old.writer.Client, s.writer.Client)
	s.writer.Inc = keep(old.writer.Inc, s.writer.Inc)
	return s
}

// len is the length of what append appends.
func (s *stamp) len() int {
	return len(",,,") + digits(s.at) + quotedLen(s.writer.Client) + quotedLen(s.writer.Inc) + digits(s.seq)
}

// append appends the elements of the encoded stamp, without brackets.
func (s *stamp) append(b []byte) []byte {
	b = strconv.AppendUint(b, s.at, 10)
	b = append(b, ',')
	b = appendString(b, s.writer.Client)
	b = append(b, ',')
	b = appendString(b, s.writer.Inc)
	b = append(b, ',')
	return strconv.AppendUint(b, s.seq, 10)
}

// stamp reads the elements of a stamp. Ids equal to those of last share them.
func (r *reader) stamp(last *stamp) stamp {
	s := stamp{at: r.integer(0)}
	r.want(",")
	s.writer.Client = r.id(last.writer.Client)
	r.want(",")
	s.writer.Inc = r.id(last.writer.Inc)
	r.want(",")
	s.seq = r.integer(0)
	return s
}
