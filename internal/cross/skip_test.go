package cross

import (
	"os"
	"testing"
)

// cannotRun skips a test that this machine has no means for. In CI, where all
// means are, it fails instead.
func cannotRun(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("cannot run: "+format, args...)
	}
	t.Skipf("SKIP: "+format, args...)
}
