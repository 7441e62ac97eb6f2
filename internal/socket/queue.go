package socket

import "slices"

// sendQueue is what waits to be sent, in order. The first frames may have
// begun: one of which some bytes are out, and those that a writer without the
// lock is writing.
type sendQueue struct {
	frames []*Frame
	head   int // frames before this one are out
	sent   int // bytes of frames[head] that are out
	flying int // frames from head that are being written without the lock
	bytes  int // charged, of all that waits
}

func (q *sendQueue) messages() int { return len(q.frames) - q.head }

// begun is how many frames can no longer be taken back.
func (q *sendQueue) begun() int {
	if q.flying == 0 && q.sent > 0 {
		return 1
	}
	return q.flying
}

func (q *sendQueue) push(f *Frame) {
	if q.head > 0 && len(q.frames) == cap(q.frames) {
		q.frames = slices.Delete(q.frames, 0, q.head)
		q.head = 0
	}
	q.frames = append(q.frames, f)
	q.bytes += f.charge()
}

// pushPong puts f before everything that has not begun. An older pong there
// makes way: the latest ping is the one to answer (RFC 6455 section 5.5.3).
func (q *sendQueue) pushPong(f *Frame) {
	at := q.head + q.begun()
	if at < len(q.frames) && q.frames[at].control {
		q.bytes += f.charge() - q.frames[at].charge()
		q.frames[at] = f
		return
	}
	q.frames = slices.Insert(q.frames, at, f)
	q.bytes += f.charge()
}

// gather returns the next bytes to write and how many frames they reach into.
// They are a frame's own where that has enough, else copies in j.
func (q *sendQueue) gather(j *joinBuffer) (b []byte, reach int) {
	first := q.frames[q.head].bytes[q.sent:]
	if q.messages() == 1 || len(first) >= len(j) {
		return first, 1
	}
	n := copy(j[:], first)
	reach = 1
	for _, f := range q.frames[q.head+1:] {
		if n+len(f.bytes) > len(j) {
			break
		}
		n += copy(j[n:], f.bytes)
		reach++
	}
	return j[:n], reach
}

// advance forgets the next n bytes: they are out.
func (q *sendQueue) advance(n int) {
	for q.messages() > 0 {
		f := q.frames[q.head]
		left := len(f.bytes) - q.sent
		if n < left {
			q.sent += n
			return
		}
		n -= left
		q.sent = 0
		q.bytes -= f.charge()
		q.frames[q.head] = nil
		q.head++
	}
	q.frames, q.head = nil, 0 // an idle socket keeps nothing
}

// drop forgets the frames that have not begun.
func (q *sendQueue) drop() {
	keep := q.head + q.begun()
	for _, f := range q.frames[keep:] {
		q.bytes -= f.charge()
	}
	clear(q.frames[keep:])
	q.frames = q.frames[:keep]
}
