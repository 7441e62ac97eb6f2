package main

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// secretFile makes a new secret, as a person would.
func secretFile(t *testing.T) string {
	t.Helper()
	return textFile(t, finish(t, "", program, "token", "--new-secret").out)
}

func textFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func mint(t *testing.T, args ...string) string {
	t.Helper()
	r := runCommand(t, "", append([]string{"token"}, args...)...)
	if r.code != exitDone {
		t.Fatalf("%+v", r)
	}
	return strings.TrimSpace(r.out)
}

// A hub with tokens, rules by subject and two secrets, from the command line
// alone.
func TestServeAsksForTokens(t *testing.T) {
	current, previous := secretFile(t), secretFile(t)
	policy := textFile(t, `{"default":["read:counter:*"],"subjects":{"ann":["*:counter:*"]}}`)
	_, url := serveOn(t, "serve", filepath.Join(t.TempDir(), "a.db"), "--jwt-secret-file", current, "--jwt-secret-file", previous, "--acl-file", policy)
	push := []string{"push", "counter:value", `{"op":"increment"}`, "--url", url}
	for _, c := range []struct {
		name string
		args []string // of the token; nil: none
		code int
		says string
	}{
		{"nobody", nil, exitFailed, "auth_required"},
		{"ann", []string{"ann", "--secret-file", current}, exitDone, ""},
		{"ann, of the previous secret", []string{"ann", "--secret-file", previous}, exitDone, ""},
		{"ann, of another secret", []string{"ann", "--secret-file", secretFile(t)}, exitFailed, "refused the token"},
		{"ann, narrowed", []string{"ann", "--secret-file", current, "--rule", "read:*"}, exitFailed, "denied"},
		{"bob", []string{"bob", "--secret-file", current}, exitFailed, "denied"},
		{"bob, widened", []string{"bob", "--secret-file", current, "--rule", "*:*"}, exitFailed, "denied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := push
			if c.args != nil {
				args = append(args, "--token", mint(t, c.args...))
			}
			r := runCommand(t, "", append(args, "--timeout", "3s")...)
			if r.code != c.code || !strings.Contains(r.err, c.says) {
				t.Errorf("want exit status %d and %q: %+v", c.code, c.says, r)
			}
		})
	}
}

func TestDevWithTokens(t *testing.T) {
	p := start(t, "dev", "--auth", "--addr", "localhost:0", "--json")
	ready := p.object()
	url := ready["urls"].(map[string]any)["websocket"].(string)
	if r := runCommand(t, "", "get", "counter:value", "--url", url, "--timeout", "3s"); r.code != exitFailed || !strings.Contains(r.err, "auth_required") {
		t.Errorf("without a token: %+v", r)
	}
	if r := runCommand(t, "", "get", "counter:value", "--url", url, "--token", ready["token"].(string)); r.code != exitDone {
		t.Errorf("with the token that it shows: %+v", r)
	}
}

// What a hub will not run with is told with what, why and what to try.
func TestServeRefusesConfiguration(t *testing.T) {
	secret, missing := secretFile(t), filepath.Join(t.TempDir(), "missing.txt")
	data := filepath.Join(t.TempDir(), "a.db")
	for _, c := range []struct {
		name string
		args []string
		says []string
	}{
		{"secret missing", []string{"--jwt-secret-file", missing}, []string{"cannot read the secret file", "no such file", "--new-secret"}},
		{"secret short", []string{"--jwt-secret-file", textFile(t, "your-secret-key\n")}, []string{"at least 32 bytes", "this one has 15"}},
		{"secret of line breaks", []string{"--jwt-secret-file", textFile(t, strings.Repeat("\n", 64))}, []string{"at least 32 bytes"}},
		{"key not PEM", []string{"--jwt-key-file", secret}, []string{"cannot use the key file", "PEM"}},
		{"JWKS without an issuer", []string{"--jwks", "https://keys.example"}, []string{"issuer"}},
		{"JWKS over http", []string{"--jwks", "http://keys.example", "--jwt-issuer", "us"}, []string{"https://"}},
		{"rules without tokens", []string{"--acl-file", textFile(t, "{}")}, []string{"would protect nothing"}},
		{"rules malformed", []string{"--jwt-secret-file", secret, "--acl-file", textFile(t, `{"default":["read:**"]}`)}, []string{"cannot use the acl file", "rule 1"}},
		{"rules missing", []string{"--jwt-secret-file", secret, "--acl-file", missing}, []string{"cannot read the acl file"}},
		{"limits misspelt", []string{"--limits-file", textFile(t, `{"MessageByte":1}`)}, []string{"cannot use the limits file", "MessageByte"}},
		{"limits that cannot work", []string{"--limits-file", textFile(t, `{"BatchOps":5000}`)}, []string{"BatchOps is at most 1000"}},
		{"proxy not a network", []string{"--trust-proxy", "10.0.0.1"}, []string{"is not a network"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runCommand(t, "", append([]string{"serve", "--data", data, "--addr", "localhost:0"}, c.args...)...)
			if r.code != exitConfig || r.out != "" || !strings.HasPrefix(r.err, "✗ ") {
				t.Fatalf("want exit status %d: %+v", exitConfig, r)
			}
			for _, want := range c.says {
				if !strings.Contains(r.err, want) {
					t.Errorf("stderr lacks %q:\n%s", want, r.err)
				}
			}
		})
	}
}

func TestToken(t *testing.T) {
	secret := secretFile(t)
	token := mint(t, "ann", "--secret-file", secret, "--rule", "write:game:*", "--rule", "!write:game:admin", "--client", "phone.*", "--lifetime", "2h")
	explain := func(args ...string) result {
		return runCommand(t, token+"\n", append([]string{"token", "--explain"}, args...)...)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, exitDone, "signature  not checked"},
		{nil, exitDone, `client     "phone.*"`},
		{[]string{"--secret-file", secret}, exitDone, "signature  good"},
		{[]string{"--secret-file", secretFile(t)}, exitFailed, "no hub with this key takes the token"},
		{[]string{"--secret-file", secret, "--audience", "x"}, exitFailed, "no hub with this key takes the token"},
		{[]string{"--may", "write:game:lobby"}, exitDone, "write:game:lobby: allowed by write:game:*"},
		{[]string{"--may", "write:game:admin"}, exitDone, "write:game:admin: denied by !write:game:admin"},
		{[]string{"--may", "read:game:lobby"}, exitDone, "read:game:lobby: denied, no rule is about it"},
	} {
		if r := explain(c.args...); r.code != c.code || !strings.Contains(r.out+r.err, c.says) {
			t.Errorf("%v: want %d and %q: %+v", c.args, c.code, c.says, r)
		}
	}
	for name, args := range map[string][]string{
		"no key": {"ann"}, "no subject": {"--secret-file", secret}, "bad rule": {"ann", "--secret-file", secret, "--rule", "everything"},
		"both keys": {"ann", "--secret-file", secret, "--key-file", secret},
	} {
		if r := runCommand(t, "", append([]string{"token"}, args...)...); r.code != exitUsage || r.out != "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestTokenOfAPrivateKey(t *testing.T) {
	dir := t.TempDir()
	private, public := filepath.Join(dir, "key.pem"), filepath.Join(dir, "public.pem")
	writeKeyPair(t, private, public)
	_, url := serveOn(t, "serve", filepath.Join(dir, "a.db"), "--jwt-key-file", public)
	token := mint(t, "ann", "--key-file", private, "--rule", "*:*")
	if r := runCommand(t, "", "get", "counter:value", "--url", url, "--token", token); r.code != exitDone {
		t.Errorf("%+v", r)
	}
}

// writeKeyPair writes an Ed25519 key and its public half in PEM form.
func writeKeyPair(t *testing.T, private, public string) {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for file, half := range map[string]any{private: key, public: pub} {
		kind, der := "PUBLIC KEY", []byte(nil)
		if file == private {
			kind = "PRIVATE KEY"
			der, err = x509.MarshalPKCS8PrivateKey(half)
		} else {
			der, err = x509.MarshalPKIXPublicKey(half)
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
