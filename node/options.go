package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	neturl "net/url"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/crdt"
	"github.com/wavesiddhartha/flowsync/wire"
)

// Options configure a [Node].
type Options struct {
	// Client is the id of this device, unique among the devices of all users: 1 to
	// 128 letters, digits, '_', '.' and '-'. Two nodes with one id displace each
	// other. Required.
	Client string

	// Token is presented to the hub. Empty: none.
	Token string

	// TokenSource returns a token when one is needed, in place of Token. It is
	// called in a goroutine of its own, before each connection and when the hub
	// says that the token expires soon. An empty token means that there is none
	// until [Node.Connect]; after an error it is asked again later. It must
	// return when ctx ends.
	TokenSource func(ctx context.Context, reason TokenReason) (string, error)

	// Rules are merge rules beside the built-in ones. A stream whose rule is not
	// known here shows the hub's value, without the pending ops.
	Rules []crdt.Rule

	// Queue is the file that holds the queue, the dead letters and the states that
	// an offline start shows; it is made when it is missing, with files of its own
	// beside it. What Push accepted is in it and survives the process and the
	// loss of power. Empty: the queue is in memory.
	//
	// A file belongs to one client id, and to one process at a time. Which subject
	// the tokens name is not known here: a hub that binds the client to another
	// subject rejects the ops as client_mismatch, and they stay queued. Never
	// restore a file from a backup while the newer one may come back.
	Queue string

	// QueueOps and QueueBytes bound what is pending on all streams together; a
	// push beyond fails with busy. Default 100,000 ops and 64 MiB; negative: no
	// bound.
	QueueOps   int
	QueueBytes int

	// BackoffMin and BackoffMax bound the random wait between two attempts to
	// connect. Default 250 ms and 10 s.
	BackoffMin time.Duration
	BackoffMax time.Duration

	// HTTPClient dials; set it for TLS or proxy settings. Its Timeout must be 0.
	// Defaults to http.DefaultClient.
	HTTPClient *http.Client

	// Logger receives what the node has to say: connections are Info, drops and
	// rejected ops Warn. It never gets tokens or payloads. Defaults to
	// slog.Default().
	Logger *slog.Logger
}

// check fills in defaults.
func (o *Options) check() error {
	if o.Client == "" {
		return errors.New("node: Options.Client is empty: give each device an id of its own, for example \"sensor-1\"")
	}
	if !wire.ValidClient(o.Client) {
		return errors.New("node: Options.Client must be 1 to 128 letters, digits, '_', '.' or '-'")
	}
	if o.Token != "" && o.TokenSource != nil {
		return errors.New("node: Options.Token and Options.TokenSource are both set: choose one")
	}
	o.QueueOps = bound(o.QueueOps, 100_000)
	o.QueueBytes = bound(o.QueueBytes, 64<<20)
	if o.HTTPClient != nil && o.HTTPClient.Timeout > 0 {
		return errors.New("node: Options.HTTPClient has a Timeout, which would end the connection: leave it 0, the node has time-outs of its own")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return nil
}

// bound gives a zero its default; less than 0 is no bound, which the machine
// writes as 0.
func bound(n, def int) int {
	if n == 0 {
		return def
	}
	return max(n, 0)
}

// checkURL refuses what cannot be dialed, with the likely intention.
func checkURL(raw string) error {
	u, err := neturl.Parse(raw)
	if err != nil {
		return errors.New("node: the URL cannot be parsed: it should look like ws://localhost:8765")
	}
	switch u.Scheme {
	case "ws", "wss":
	case "http", "https":
		return fmt.Errorf("node: the URL begins with %s://, did you mean %s://%s?", u.Scheme, strings.Replace(u.Scheme, "http", "ws", 1), u.Host)
	default:
		return errors.New("node: the URL must begin with ws:// or wss://, for example ws://localhost:8765")
	}
	if u.Host == "" {
		return errors.New("node: the URL names no host: it should look like ws://localhost:8765")
	}
	if u.User != nil {
		return errors.New("node: the URL holds a password: use Options.Token")
	}
	return nil
}
