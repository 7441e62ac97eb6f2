package main

import (
	"time"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/auth"
)

// Help lists which names make which streams.
func (d *devCommand) Help() string { return namespaceHelp() }

// Run serves until it is interrupted: once to drain, twice to end at once.
// Without --auth everyone is admitted; front and the listeners see to it that
// everyone is on this machine.
func (d *devCommand) Run(c *console) error {
	h := host{
		command: "dev", addr: d.Addr, data: d.Data, say: d.sayFlags,
		options: flowsync.Options{Auth: flowsync.Anonymous, LocalOrigins: true}, auth: "off, loopback only",
	}
	// All that is on this machine has one address.
	h.options.Limits.ConnsPerAddress = 10_000
	if d.Auth {
		token, err := h.ownTokens()
		if err != nil {
			return err
		}
		h.auth, h.token = "tokens; one for everything is below", token
	}
	return h.run(c)
}

// ownTokens makes the hub ask for tokens of a new secret, and returns one that
// allows everything.
func (h *host) ownTokens() (string, error) {
	secret := auth.NewSecret()
	h.options.Auth = auth.JWT(auth.HMAC(secret))
	signer, err := auth.HMACSigner([]byte(secret))
	if err != nil {
		return "", err
	}
	return signer.Sign(time.Now(), auth.Claims{Subject: "dev", Rules: []string{"*:*"}, Lifetime: 24 * time.Hour})
}
