package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/wavesiddhartha/flowsync/wire"
)

// Run prints the version.
func (v *versionCommand) Run(c *console) error {
	if !v.JSON {
		fmt.Fprintf(c.out, "flowsync %s (protocol %d, %s)\n", version(), wire.Version, runtime.Version())
		return nil
	}
	return json.NewEncoder(c.out).Encode(map[string]any{
		"version": version(), "protocol": wire.Version, "go": runtime.Version(),
		"os": runtime.GOOS, "arch": runtime.GOARCH,
	})
}

// version is the module's version, which the go command stamps into programs
// built from a tagged release; others call themselves devel.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
