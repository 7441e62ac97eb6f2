package flowsync

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"github.com/wavesiddhartha/flowsync/auth"
	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/store"
)

// Options configure a [Hub]. The zero value is safe: it refuses every
// connection and keeps state in memory.
type Options struct {
	// Auth turns a token into a grant. Nil refuses every connection; [Anonymous]
	// admits everyone to everything and says so in the log. One that has a method
	// Close() error, as [auth.JWT] makes, is closed by Shutdown.
	Auth Authenticator

	// Store keeps the streams. Nil keeps them in memory: state is lost with the
	// process, and the hub says so. The hub closes the store on Shutdown.
	Store store.Store

	// CreateOnUse gives a stream that nobody registered its rule, when a client
	// first opens it. Nil refuses such streams with stream_unknown. It must be
	// safe for concurrent use and always give the same name the same rule.
	CreateOnUse func(stream string) (crdt.Rule, bool)

	// Origins are the web origins that may connect besides the hub's own:
	// "https://app.example.com", "app.example.com:8443", "*.example.com", or "*"
	// for every page of the web, which lets any site act with a visitor's rights.
	Origins []string

	// LocalOrigins admits pages served from this machine on any port. For
	// development.
	LocalOrigins bool

	// TrustedProxies are the proxies whose X-Forwarded-For is believed. Connections
	// are counted by the address before the first that is not trusted. Empty: the
	// header is ignored, and everyone behind a proxy counts as one address.
	TrustedProxies []netip.Prefix

	// FailClosedAfter is how long the store may not answer which tokens were revoked
	// before nobody is admitted any more; sessions that are open go on. 0: for ever.
	FailClosedAfter time.Duration

	// TokenInQuery accepts ?token= on the WebSocket path. Proxies and browsers
	// keep URLs in logs and history: prefer the Authorization header or hello.
	TokenInQuery bool

	// Logger receives what the hub has to say. Clients that come and go are Info,
	// commits are Debug. It never gets tokens, payloads or full addresses.
	// Defaults to slog.Default().
	Logger *slog.Logger

	// Registerer is where the hub registers its metrics, all named flowsync_….
	// Hubs that share one add up. Nil: a registry of the hub's own, with the
	// metrics of Go and the process beside them. [Hub.Metrics] serves either.
	Registerer Registerer

	// Limits are the bounds on what clients may cost.
	Limits Limits
}

// Limits bound what clients may cost. A zero field takes its default.
type Limits struct {
	MessageBytes  int // one WebSocket message; default 10 MiB
	BatchOps      int // ops in one push; default and highest 1,000
	EntryBytes    int // one op; default 1 MiB
	StateBytes    int // a stream's encoded state; default 8 MiB
	InflightOps   int // ops of one writer that wait for their commit; default 1,024
	Streams       int // streams open in one session; default 256
	CreatedOnUse  int // streams that one subject may create by using them; default 1,000
	QueueMessages int // messages that wait for one slow session; default 1,024
	QueueBytes    int // bytes that wait for one slow session; default 4 MiB
	QueueTotal    int // bytes that wait for all sessions before slow ones may hold less; default 256 MiB
	MessageTotal  int // bytes of messages above 64 KiB that are received or handled, in all sessions; default 128 MiB
	InflightTotal int // bytes of all sessions' pushes that wait for their commit; default 64 MiB

	// ConnsPerSubject and ConnsPerAddress bound the connections that are open at
	// once; an IPv6 address counts with the /64 it is in. Default 200. With
	// [Anonymous], whose subject is everyone's, a subject has no bound by default.
	ConnsPerSubject int
	ConnsPerAddress int

	// Ops are how many ops and requests may come, Bytes how large the ops may be
	// in all: for the hub, for each subject however many connections it has, and
	// for each stream. Defaults: 50,000 ops a second; 500 with a burst of 10,000;
	// 2,000 with a burst of 10,000; 64, 4 and 8 MiB a second with bursts of 128, 32
	// and 64 MiB. With [Anonymous] a subject has no bound by default.
	Ops, OpsPerSubject, OpsPerStream       Rate
	Bytes, BytesPerSubject, BytesPerStream Rate

	// WritersPerSubject is how many new writers a subject may bring: pairs of a
	// client, or an Idempotency-Key, and a stream, of which the store keeps a
	// little for ever. Default 50 a second with a burst of 10,000; none with
	// [Anonymous].
	WritersPerSubject Rate

	// RefusedPerAddress is how many tokens that are not valid may come from an
	// address before it has to wait. Default 10 a second with a burst of 100.
	RefusedPerAddress Rate

	// Classes are other limits for subjects, by the name in their token's limits
	// claim. A name that is not here stands for the limits above.
	Classes map[string]Class

	// CompactOps and CompactBytes are how much is committed on a stream between
	// two snapshots, by whichever is reached first; the log before the older of
	// the newest two is dropped. Smaller costs more writes and less disk. Default
	// 10,000 and 4 MiB.
	CompactOps   int
	CompactBytes int

	// WriteTimeout is how long a session may take nothing of what waits for it
	// before it is closed with 4502. Default 10 s.
	WriteTimeout time.Duration
}

// Bounds of what a session may have in flight before the hub stops reading it.
const (
	inflightPushes = 64
	inflightBytes  = 1 << 20
)

// withDefaults fills in what is not set and refuses what cannot work. everyone
// says that all share one subject.
func (l Limits) withDefaults(everyone bool) (Limits, error) {
	fill := func(n *int, byDefault int) {
		if *n == 0 {
			*n = byDefault
		}
	}
	fill(&l.MessageBytes, 10<<20)
	fill(&l.BatchOps, 1000)
	fill(&l.EntryBytes, 1<<20)
	fill(&l.StateBytes, 8<<20)
	fill(&l.InflightOps, 1024)
	fill(&l.Streams, 256)
	fill(&l.CreatedOnUse, 1000)
	fill(&l.QueueMessages, 1024)
	fill(&l.QueueBytes, 4<<20)
	fill(&l.QueueTotal, 256<<20)
	fill(&l.MessageTotal, 128<<20)
	fill(&l.InflightTotal, 64<<20)
	fill(&l.ConnsPerAddress, 200)
	if !everyone {
		fill(&l.ConnsPerSubject, 200)
	}
	if err := l.fillRates(everyone); err != nil {
		return l, err
	}
	fill(&l.CompactOps, 10_000)
	fill(&l.CompactBytes, 4<<20)
	if l.WriteTimeout == 0 {
		l.WriteTimeout = 10 * time.Second
	}
	for _, n := range []int{l.MessageBytes, l.BatchOps, l.EntryBytes, l.StateBytes, l.InflightOps, l.Streams, l.CreatedOnUse, l.QueueMessages, l.QueueBytes, l.QueueTotal, l.MessageTotal, l.InflightTotal, l.ConnsPerSubject, l.ConnsPerAddress, l.CompactOps, l.CompactBytes, int(l.WriteTimeout)} {
		if n < 0 {
			return l, errors.New("flowsync: a limit is negative; leave it 0 for its default")
		}
	}
	if l.BatchOps > 1000 || l.InflightOps > 1024 {
		return l, errors.New("flowsync: Limits.BatchOps is at most 1000 and Limits.InflightOps at most 1024; the protocol counts on it")
	}
	if l.StateBytes+2<<20 > l.MessageBytes {
		return l, errors.New("flowsync: Limits.StateBytes must stay 2 MiB below Limits.MessageBytes, because a snapshot is one message")
	}
	return l, nil
}

// Authenticator, Grant: see package auth.
type (
	Authenticator = auth.Authenticator
	Grant         = auth.Grant
)

// Anonymous is the [Authenticator] that admits everyone, as one subject with
// every right on every stream. The hub logs a warning when it is used.
const Anonymous anonymous = "anonymous"
