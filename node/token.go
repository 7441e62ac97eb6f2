package node

import (
	"context"
	"time"

	"github.com/wavesiddhartha/flowsync/internal/clientcore"
)

// TokenReason says why a token is needed.
type TokenReason = clientcore.TokenReason

// Reasons for a token.
const (
	ToConnect TokenReason = clientcore.ToConnect // for a new connection
	Expiring  TokenReason = clientcore.Expiring  // the present one ends soon, or has ended
	Refused   TokenReason = clientcore.Refused   // the last one was refused: a cached one will not do
)

// tokenWithin bounds one call of the token source.
const tokenWithin = 30 * time.Second

// needToken gets a token for the machine.
func (n *Node) needToken(reason TokenReason) {
	if n.opts.TokenSource == nil {
		if reason == Refused {
			n.do(clientcore.TokenFailed{Final: true})
			return
		}
		n.do(clientcore.TokenReady{Token: n.opts.Token})
		return
	}
	n.work.Go(func() {
		ctx, cancel := context.WithTimeout(n.ctx, tokenWithin)
		defer cancel()
		token, err := n.opts.TokenSource(ctx, reason)
		switch {
		case err != nil:
			n.log.Warn("the token source failed, it is asked again", "err", err)
			n.do(clientcore.TokenFailed{})
		case token == "":
			n.do(clientcore.TokenFailed{Final: true})
		default:
			n.do(clientcore.TokenReady{Token: token})
		}
	})
}
