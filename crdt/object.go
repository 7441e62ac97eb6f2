package crdt

import (
	"strings"
	"unicode/utf8"
)

// hubPrefix begins the client id of writers that only hubs may be.
const hubPrefix = "hub:"

// IsHub reports whether the writer is a hub, whose ops no client can make.
func (w Writer) IsHub() bool { return strings.HasPrefix(w.Client, hubPrefix) }

// object is the body of an op of a built-in rule, taken apart. It is a canonical
// JSON object with a string "op" and few other members.
type object struct {
	name    []byte // the value of "op" without its quotes
	n       int
	members [maxMembers]member // all but "op", in order
}

type member struct {
	key   []byte // without its quotes, escapes as they are
	value []byte // canonical JSON
}

// maxMembers is more than any op has.
const maxMembers = 4

// read takes op apart and refuses what no rule could accept.
func (o *object) read(op Op) error {
	if !op.encodable() {
		return Errorf(BadOp, "the op's offset, seq or writer cannot be written in a state")
	}
	if !o.parse(op.Body) {
		return Errorf(BadOp, `an op is a JSON object in canonical form with a string member "op"`)
	}
	if !o.fromHub() {
		return nil
	}
	if !op.Writer.IsHub() || op.Writer.Client[len(hubPrefix):] != string(o.name) {
		return Errorf(BadOp, "only the hub makes this op")
	}
	if string(o.name) == "initial" && op.Offset != 1 {
		return Errorf(BadOp, "an initial value is the first op of its stream")
	}
	return nil
}

// encodable reports whether what states keep of an op besides its body can be
// written as canonical JSON.
func (op *Op) encodable() bool {
	return op.Offset > 0 && op.Offset <= maxInteger && op.At <= maxInteger && op.Seq <= maxInteger &&
		validID(op.Writer.Client) && validID(op.Writer.Inc)
}

func validID(id string) bool { return len(id) <= maxID && utf8.ValidString(id) }

// parse is strict: canonical form, nothing after the object, no member twice.
func (o *object) parse(body []byte) bool {
	if len(body) < len(`{"op":""}`) || body[0] != '{' {
		return false
	}
	var last []byte
	for i := 1; ; i++ {
		n := scanString(body[i:])
		if n == 0 {
			return false
		}
		key := body[i+1 : i+n-1]
		if last != nil && compareRaw(last, key) >= 0 {
			return false
		}
		last = key
		i += n
		if i == len(body) || body[i] != ':' {
			return false
		}
		i++
		n = scanValue(body[i:], MaxDepth)
		if n == 0 || !o.put(key, body[i:i+n]) {
			return false
		}
		i += n
		if i == len(body) {
			return false
		}
		if body[i] == '}' {
			return i == len(body)-1 && o.name != nil
		}
		if body[i] != ',' {
			return false
		}
	}
}

func (o *object) put(key, value []byte) bool {
	if string(key) == "op" {
		o.name = unquote(value)
		return o.name != nil
	}
	if o.n == maxMembers {
		return false
	}
	o.members[o.n] = member{key, value}
	o.n++
	return true
}

// get returns the value of a member, nil if there is none.
func (o *object) get(key string) []byte {
	for i := range o.n {
		if string(o.members[i].key) == key {
			return o.members[i].value
		}
	}
	return nil
}

// only reports whether the op has no members but those named.
func (o *object) only(keys ...string) bool {
	for i := range o.n {
		known := false
		for _, key := range keys {
			known = known || string(o.members[i].key) == key
		}
		if !known {
			return false
		}
	}
	return true
}

// exactly reports whether the op has the members named, each, and no other.
func (o *object) exactly(keys ...string) bool {
	return o.n == len(keys) && o.only(keys...)
}

// text returns the text of the string member key, nil if it is no string.
func (o *object) text(key string) []byte {
	raw := unquote(o.get(key))
	if raw == nil {
		return nil
	}
	return unescape(raw)
}

// unquote returns a string value without its quotes, nil if it is no string.
func unquote(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return nil
	}
	return value[1 : len(value)-1]
}

// fromHub reports whether only hubs make ops of this name.
func (o *object) fromHub() bool {
	switch string(o.name) {
	case "initial", "options", "fold", "trim", "redact":
		return true
	}
	return false
}

func errOrder() error {
	return Errorf(BadOp, "ops are applied in the order of their offsets, each once")
}

// unknown refuses an op whose name the rule does not have.
func (o *object) unknown() error {
	switch string(o.name) {
	case "increment", "decrement", // crdt-counter
		"add", "remove", // crdt-set, crdt-orset
		"set", "delete", // lww, crdt-map, ephemeral
		"append",                      // append-log
		"insert", "replace", "update": // crdt-text, crdt-doc
		return Errorf(WrongRule, "this op belongs to another rule; the stream's rule is named in its synced message")
	}
	if o.fromHub() {
		return Errorf(WrongRule, "this rule has no such op of the hub")
	}
	return Errorf(BadOp, `no rule has an op of this name; see "op" in the protocol's table of rules`)
}
