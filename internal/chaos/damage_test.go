package chaos

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// P14: a flipped bit in a record costs its stream, and no other.
func TestFlippedBit(t *testing.T) {
	const damaged, healthy = "chat:damaged", "chat:healthy"
	h := newHub(t, filepath.Join(t.TempDir(), "flowsync.db"))
	for i := range 20 {
		for _, stream := range []string{damaged, healthy} {
			if status, code := h.post(stream, fmt.Sprintf(`{"op":"append","value":"%s says %d"}`, stream, i)); status != http.StatusOK {
				t.Fatalf("post: %d %s", status, code)
			}
		}
	}
	h.terminate()
	file, err := os.ReadFile(h.file)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(file, []byte(damaged+" says 7"))
	if at < 0 {
		t.Fatal("the file does not hold the payload in the clear")
	}
	file[at+3] ^= 0x10
	if err := os.WriteFile(h.file, file, 0o600); err != nil {
		t.Fatal(err)
	}
	h.start()
	if status, code := h.post(damaged, `{"op":"append","value":"more"}`); status != http.StatusServiceUnavailable || code != "store_corrupt" {
		t.Errorf("a push to the damaged stream: %d %s", status, code)
	}
	if resp := h.get("/streams/" + damaged); resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a read of the damaged stream: %d", resp.StatusCode)
	}
	if status, code := h.post(healthy, `{"op":"append","value":"more"}`); status != http.StatusOK {
		t.Errorf("a push to the other stream: %d %s", status, code)
	}
	if resp := h.get("/streams/" + healthy); resp.StatusCode != http.StatusOK || resp.Header.Get("Flowsync-Cursor") == "" {
		t.Errorf("a read of the other stream: %d", resp.StatusCode)
	}
	if resp := h.get("/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("healthz: %d: one stream's damage is not the hub's", resp.StatusCode)
	}
	out, err := exec.Command(program, "inspect", h.file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), damaged+": ") || !strings.Contains(string(out), "1 of 2 streams") {
		t.Errorf("inspect: %v\n%s", err, out)
	}
}
