package main

import "github.com/wavesiddhartha/flowsync"

// Help lists which names make which streams.
func (s *serveCommand) Help() string { return namespaceHelp() }

// Run serves until it is interrupted. With keys for tokens it is a hub for the open
// network; without, it admits everyone on this machine, like dev, but no web page
// that was not named.
func (s *serveCommand) Run(c *console) error {
	h := host{
		command: "serve", addr: s.Addr, data: s.Data, say: s.sayFlags,
		options: flowsync.Options{Auth: flowsync.Anonymous, Origins: s.Origin}, auth: "off, loopback only",
	}
	if err := s.apply(&h.options); err != nil {
		return err
	}
	if s.guarded() {
		h.auth, h.guarded = "tokens", true
	}
	return h.run(c)
}
