package ydoc

// formats holds the key and value of format markers. Equal plain values share
// an entry. Objects and arrays have an entry each, because yjs compares them by
// identity; a marker that restores an earlier value shares that one's entry.
type formats struct {
	entries []format
	plain   map[string]uint32 // of key, 0 byte, value
	free    []uint32
}

type format struct {
	key, value string // value is JSON
	uses       int
}

// add returns the entry of a key and value, counting one more use.
func (f *formats) add(key, value []byte) uint32 {
	if len(value) > 0 && value[0] != '{' && value[0] != '[' {
		var buf [64]byte
		id := append(append(append(buf[:0], key...), 0), value...)
		if n, ok := f.plain[string(id)]; ok {
			f.entries[n].uses++
			return n
		}
		n := f.insert(string(key), string(value))
		if f.plain == nil {
			f.plain = map[string]uint32{}
		}
		f.plain[string(id)] = n
		return n
	}
	return f.insert(string(key), string(value))
}

func (f *formats) insert(key, value string) uint32 {
	e := format{key: key, value: value, uses: 1}
	if k := len(f.free); k > 0 {
		n := f.free[k-1]
		f.free = f.free[:k-1]
		f.entries[n] = e
		return n
	}
	f.entries = append(f.entries, e)
	return uint32(len(f.entries) - 1)
}

// drop takes back one use.
func (f *formats) drop(n uint32) {
	e := &f.entries[n]
	if e.uses--; e.uses > 0 {
		return
	}
	id := e.key + "\x00" + e.value
	if at, ok := f.plain[id]; ok && at == n {
		delete(f.plain, id)
	}
	*e = format{}
	f.free = append(f.free, n)
}
