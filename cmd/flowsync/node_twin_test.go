package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The node in JavaScript has the commands and the answers of the Go one: it
// passes the same tests.
func TestNodeInJavaScript(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		cannotRun(t, "there is no Node to run web/node with")
	}
	for _, built := range []string{"../../web/dist/core.js", "../../web/node_modules/ws"} {
		if _, err := os.Stat(built); err != nil {
			cannotRun(t, "%s is missing: make web", built)
		}
	}
	for name, test := range map[string]func(*testing.T){
		"Converge":     TestReplicasConverge,
		"Presence":     TestNodePresenceAndEvents,
		"Rejection":    TestNodeRejection,
		"History":      TestNodeHistory,
		"Waits":        TestNodeWaits,
		"Unsubscribes": TestNodeUnsubscribes,
		"BadCommands":  TestNodeRefusesBadCommands,
		"Ends":         TestNodeEnds,
		"Page":         TestNodePage,
		"QueueKill":    TestNodeQueueSurvivesKill,
		"QueuePipe":    TestNodeQueuePipe,
		"QueueFaults":  TestNodeQueueFaults,
		"QueueUnheard": TestNodeQueueOffline,
	} {
		t.Run(name, test)
	}
}

// nodeUnderTest is the program that a test drives, with its first arguments:
// flowsync node, and below TestNodeInJavaScript its twin.
func nodeUnderTest(t *testing.T) (path string, args []string) {
	if strings.HasPrefix(t.Name(), "TestNodeInJavaScript/") {
		return "node", []string{filepath.FromSlash("../../web/node/main.mjs")}
	}
	return program, []string{"node"}
}

// runNode runs the node under test to its end.
func runNode(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	path, before := nodeUnderTest(t)
	return finish(t, stdin, path, append(before, args...)...)
}
