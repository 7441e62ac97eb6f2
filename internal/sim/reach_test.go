package sim

import (
	"slices"
	"testing"
)

// reached is what the histories of a test run must come to at least once. A
// path that is no longer reached is no longer tested.
var reached = []string{
	"append: lost the compare-and-set",
	"append: lost, with what was missed",
	"append: lost, with a part of what was missed",
	"append: fenced",
	"append: unknown, went through or lost",
	"append: unknown, never came",
	"append: unknown, comes late",
	"append: slow",

	"hub: loaded a stream again",
	"hub: loaded from a snapshot",
	"hub: rotated the epoch",
	"hub: saved a snapshot",
	"hub: trimmed a log",
	"hub: trimmed a slice, and more is left",
	"hub: crashed while it compacted",
	"hub: unloaded a stream",
	"hub: a subscriber lags",
	"hub: writable changed",

	"synced: resumed",
	"synced: delta",
	"synced: delta from the store",
	"synced: snapshot",
	"synced: unasked",
	"synced: write",
	"synced: denied",
	"synced: with a trail",
	"synced: without yours",

	"error: op_conflict",
	"error: resync",
	"error: denied",
	"error: not_ready",
	"error: store_readonly",
	"error: unavailable",

	"reject: bad_op",
	"reject: wrong_rule",
	"reject: removed_forever",
	"reject: overflow",
	"reject: stream_full",
	"reject: too_large",
	"reject: missing_dependency",

	"dead letter: denied",
	"dead letter: in_doubt",
	"dead letter: removed_forever",

	"client: ended between two effects",
	"client: cloned",
	"client: restored from a backup",
	"client: took a new incarnation",
	"client: walked the trail to a new incarnation",
	"client: discontinuity",
	"client: gave a silent link up",
	"client: history page",
	"client: refused a push",
	"client: an op carries what it needs of a refused one",
	"text: an edit in positions was moved by the hub",

	"link: repeated a push",
	"session: replaced",
	"session: replaced by one on another hub",
	"close: replaced",
	"close: auth_expired",
	"close: unavailable",
	"close: answers are not read",
	"close: nothing was heard of the client; send ping",

	"post: repeated",
	"post: a key used twice",
	"request: post: op_conflict",

	"store: compacted",
	"store: lost its tail",
	"store: lost an op",
	"store: wiped",
	"store: read-only",
	"store: unavailable",
}

// seldom is what one history in a thousand comes to: long runs must.
var seldom = []string{
	"error: seq_gap", // ops of an overtaken session are dropped while its successor is on the same hub
}

// longRun is how many histories must come to what is seldom, too.
const longRun = 10_000

func requireReached(t *testing.T, seen map[string]int, histories int) {
	t.Helper()
	must := reached
	if histories >= longRun {
		must = slices.Concat(reached, seldom)
	}
	for _, path := range must {
		if seen[path] == 0 {
			t.Errorf("no history came to %q", path)
		}
	}
}
