package main

import "github.com/wavesiddhartha/flowsync"

// Help lists which names make which streams.
func (d *devCommand) Help() string { return namespaceHelp() }

// Run serves until it is interrupted: once to drain, twice to end at once.
// Everyone is admitted; front and the listeners see to it that everyone is on
// this machine.
func (d *devCommand) Run(c *console) error {
	h := host{
		command: "dev", addr: d.Addr, data: d.Data, say: d.sayFlags,
		options: flowsync.Options{Auth: flowsync.Anonymous, LocalOrigins: true},
	}
	return h.run(c)
}
