package wire

import "strings"

// Limits of names, in bytes and segments.
const (
	MaxStreamBytes    = 256
	MaxStreamSegments = 8
	MaxSegmentBytes   = 64
	MaxClientBytes    = 128
)

// ValidStream reports whether name is a stream name: 1 to 8 segments of
// [A-Za-z0-9_.-]{1,64} joined by ':', at most 256 bytes.
func ValidStream(name string) bool { return segments(name, false) }

// ValidPattern reports whether p can register streams: a stream name in which
// whole segments may be '*'.
func ValidPattern(p string) bool { return segments(p, true) }

// ValidClient reports whether id is a client's: [A-Za-z0-9_.-]{1,128}. Ids with
// ':' belong to hubs and the HTTP API and are not valid here.
func ValidClient(id string) bool {
	return id != "" && len(id) <= MaxClientBytes && plain(id)
}

// MatchPattern reports whether a valid name is one that a valid pattern stands
// for. '*' is any one segment; as the last segment it is one or more.
func MatchPattern(pattern, name string) bool {
	for {
		want, restOfPattern, morePattern := strings.Cut(pattern, ":")
		if want == "*" && !morePattern {
			return name != ""
		}
		have, restOfName, moreName := strings.Cut(name, ":")
		if want != "*" && want != have || morePattern != moreName {
			return false
		}
		if !morePattern {
			return true
		}
		pattern, name = restOfPattern, restOfName
	}
}

func segments(name string, wild bool) bool {
	if len(name) > MaxStreamBytes {
		return false
	}
	for range MaxStreamSegments {
		segment, rest, more := strings.Cut(name, ":")
		if segment == "" || len(segment) > MaxSegmentBytes {
			return false
		}
		if !plain(segment) && !(wild && segment == "*") {
			return false
		}
		if !more {
			return true
		}
		name = rest
	}
	return false
}

// plain reports whether s holds only the characters that names are made of.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
		default:
			return false
		}
	}
	return true
}
