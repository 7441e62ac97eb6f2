package ydoc

import (
	"cmp"
	"slices"
)

// remoteSpan is a range of one client's clock, which the document need not know.
type remoteSpan struct {
	client        uint64
	clock, length uint32
}

func (s remoteSpan) end() uint32 { return s.clock + s.length }

// eachDelete calls f for each span of a delete set that was checked before.
func eachDelete(b []byte, f func(remoteSpan)) {
	r := reader{b: b}
	for n := r.count(2); n > 0; n-- {
		client := r.uint()
		for k := r.count(2); k > 0; k-- {
			if s := (remoteSpan{client, r.uint32(), r.uint32()}); s.length > 0 {
				f(s)
			}
		}
	}
}

// deleteAll deletes what a delete set names, and what waits to be deleted. What
// is not there yet waits.
func (d *Doc) deleteAll(set []byte) {
	var rest []remoteSpan
	eachDelete(set, func(s remoteSpan) { rest = d.deleteRemote(rest, s) })
	if len(d.pending.deletes) > 0 {
		for _, s := range d.pending.deletes {
			rest = d.deleteRemote(rest, s)
		}
		rest = mergeRemote(rest)
	}
	d.pending.deletes = rest
}

func (d *Doc) deleteRemote(rest []remoteSpan, s remoteSpan) []remoteSpan {
	n := d.lookup(s.client)
	if n == noClient {
		return append(rest, s)
	}
	state := d.clients[n].clock
	if s.clock >= state {
		return append(rest, s)
	}
	if s.end() > state {
		rest = append(rest, remoteSpan{s.client, state, s.end() - state})
		s.length = state - s.clock
	}
	d.deleteRange(span{n, s.clock, s.length})
	return rest
}

// mergeRemote sorts spans by descending client and merges those that touch.
func mergeRemote(s []remoteSpan) []remoteSpan {
	if len(s) < 2 {
		return s
	}
	slices.SortFunc(s, func(a, b remoteSpan) int {
		if a.client != b.client {
			return cmp.Compare(b.client, a.client)
		}
		return cmp.Compare(a.clock, b.clock)
	})
	n := 0
	for _, x := range s[1:] {
		if last := &s[n]; last.client == x.client && x.clock <= last.end() {
			last.length = max(last.end(), x.end()) - last.clock
			continue
		}
		n++
		s[n] = x
	}
	return s[:n+1]
}

func appendRemoteSpans(b []byte, s []remoteSpan) []byte {
	n := 0
	for i := range s {
		if i == 0 || s[i].client != s[i-1].client {
			n++
		}
	}
	b = appendUint(b, uint64(n))
	for len(s) > 0 {
		k := 1
		for k < len(s) && s[k].client == s[0].client {
			k++
		}
		b = appendUint(appendUint(b, s[0].client), uint64(k))
		for _, x := range s[:k] {
			b = appendUint(appendUint(b, uint64(x.clock)), uint64(x.length))
		}
		s = s[k:]
	}
	return b
}
