package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// run executes the command of the peer and decodes the line that it prints.
func (p peer) run(into any, args ...string) error {
	cmd := p.command(args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", p.name, err, stderr.String())
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("%s printed something else than a JSON line: %w", p.name, err)
	}
	return nil
}
