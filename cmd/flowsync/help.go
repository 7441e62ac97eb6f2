package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// errHelp ends the parsing after help was printed.
var errHelp = errors.New("help was asked for")

// helpFlag prints the help of the command it stands at, examples first.
type helpFlag bool

// BeforeReset runs before values are checked, so that help needs no arguments.
func (helpFlag) BeforeReset(ctx *kong.Context) error {
	command := ""
	if n := ctx.Selected(); n != nil {
		command = n.Name
	}
	fmt.Fprintf(ctx.Stdout, "Examples:\n  %s\n\n", strings.Join(examplesOf(command), "\n  "))
	err := kong.DefaultHelpPrinter(kong.HelpOptions{
		Compact:        true,
		FlagsLast:      true,
		WrapUpperBound: 78,
		ValueFormatter: kong.DefaultHelpValueFormatter,
	}, ctx)
	if err != nil {
		return err
	}
	return errHelp
}

// IgnoreDefault keeps the flag from being set, and so from printing, by default.
func (helpFlag) IgnoreDefault() {}

// examplesOf returns lines for a shell. The tests run every one of them against
// a hub that flowsync dev started.
func examplesOf(command string) []string {
	switch command {
	case "dev":
		return []string{
			"flowsync dev",
			"flowsync dev --addr :0 --json",
			"flowsync dev --data flowsync.db --auth",
		}
	case "serve":
		return []string{
			"flowsync serve --data flowsync.db",
			"flowsync serve --data flowsync.db --addr :9000 --json",
			"flowsync serve --data flowsync.db --jwt-secret-file secret.txt --addr 0.0.0.0:8765",
		}
	case "inspect":
		return []string{
			"flowsync inspect flowsync.db",
			"flowsync inspect flowsync.db counter:value --json",
		}
	case "backup":
		return []string{
			"flowsync backup flowsync.db copy.db",
			"flowsync backup flowsync.db copy-$(date +%s).db",
		}
	case "push":
		return []string{
			`flowsync push counter:value '{"op":"increment","amount":5}'`,
			`flowsync push set:guests '{"op":"add","value":"Ada"}'`,
			`echo '{"op":"append","value":"hello"}' | flowsync push chat:lobby -`,
		}
	case "get":
		return []string{
			"flowsync get counter:value",
			"flowsync get set:guests --url ws://localhost:8765 --timeout 2s",
		}
	case "watch":
		return []string{
			"flowsync watch counter:value",
			"flowsync watch chat:lobby --timeout 5s",
		}
	case "node":
		return []string{
			`echo '{"do":"get","stream":"counter:value"}' | flowsync node`,
			`printf '%s\n' '{"do":"push","stream":"counter:value","op":{"op":"increment"}}' '{"do":"flush"}' | flowsync node --client sensor-1`,
		}
	case "token":
		return []string{
			"flowsync token --new-secret > secret.txt",
			"flowsync token ann --secret-file secret.txt --rule 'read:chat:*' > token.txt",
			"flowsync token --explain --secret-file secret.txt --may write:chat:lobby < token.txt",
		}
	case "version":
		return []string{
			"flowsync version",
			"flowsync version --json",
		}
	}
	return []string{
		"flowsync dev",
		`flowsync push counter:value '{"op":"increment","amount":5}'`,
		"flowsync get counter:value",
	}
}
