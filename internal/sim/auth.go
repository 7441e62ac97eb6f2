package sim

import (
	"maps"
	"strconv"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/hubcore"
	"github.com/wavesiddhartha/flowsync/wire"
)

// issue makes a token with what the client may do at this time.
func (w *world) issue(client string) string {
	r := w.rights[client]
	t := token{client: client, grant: grant{noRead: maps.Clone(r.noRead), noWrite: maps.Clone(r.noWrite)}}
	if w.plan.expiry && !w.calm {
		t.expires = hubcore.Instant(w.now + w.between(20*time.Second, 90*time.Second))
	}
	w.tokens = append(w.tokens, t)
	return strconv.Itoa(len(w.tokens) - 1)
}

// authenticate looks a token up.
func (w *world) authenticate(text string, now hubcore.Instant) (*hubcore.Grant, *wire.Error) {
	i, err := strconv.Atoi(text)
	if err != nil || i >= len(w.tokens) {
		return nil, wire.Errorf(wire.AuthInvalid, "the token is not valid")
	}
	t := w.tokens[i]
	if t.expires != 0 && now > t.expires {
		return nil, wire.Errorf(wire.AuthExpired, "the token has expired; get a fresh one")
	}
	return &hubcore.Grant{Subject: "user", Client: t.client, Rights: t.grant, Expires: t.expires}, nil
}
