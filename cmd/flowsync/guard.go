package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strings"

	"github.com/wavesiddhartha/flowsync"
	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
)

// guardFlags say who may do what on a hub, and how much of it.
type guardFlags struct {
	JWTSecretFile []string `name:"jwt-secret-file" placeholder:"FILE" help:"Take tokens signed with the secret in this file (HS256, at least 32 bytes); may be repeated, for the previous secret too."`
	JWTKeyFile    []string `name:"jwt-key-file" placeholder:"FILE" help:"Take tokens signed for this public key or certificate (PEM: RSA, ECDSA, Ed25519); may be repeated."`
	JWKS          string   `name:"jwks" placeholder:"URL" help:"Take tokens of --jwt-issuer, whose keys are published here."`
	JWTIssuer     string   `name:"jwt-issuer" placeholder:"NAME" help:"Take tokens of this issuer only."`
	JWTAudience   string   `name:"jwt-audience" placeholder:"NAME" help:"Take tokens for this audience only."`
	ACLFile       string   `name:"acl-file" placeholder:"FILE" help:"Rules by subject, as JSON; a token's own acl can only narrow them (docs/security.md)."`
	LimitsFile    string   `name:"limits-file" placeholder:"FILE" help:"Limits and their classes, as JSON (docs/security.md)."`
	TrustProxy    []string `name:"trust-proxy" placeholder:"CIDR" help:"Believe X-Forwarded-For of proxies in this network; may be repeated."`
	TokenInQuery  bool     `name:"token-in-query" help:"Take ?token= on the WebSocket address; URLs end up in logs."`
}

// guarded reports whether the hub asks for tokens.
func (g *guardFlags) guarded() bool {
	return len(g.JWTSecretFile)+len(g.JWTKeyFile) > 0 || g.JWKS != ""
}

// misfit is a file or flag that a hub will not run with.
func misfit(what, why, try string) error {
	return &fault{what: what, why: why, try: try, exit: exitConfig}
}

// apply turns the flags into options of the hub. It changes nothing where none
// is set.
func (g *guardFlags) apply(o *flowsync.Options) error {
	o.TokenInQuery = g.TokenInQuery
	if g.guarded() {
		v, err := g.verifier()
		if err != nil {
			return err
		}
		o.Auth = v
	} else if g.ACLFile != "" || g.JWTIssuer != "" || g.JWTAudience != "" {
		return misfit("rules without tokens would protect nothing", "--acl-file, --jwt-issuer and --jwt-audience need keys that tokens are verified with",
			"flowsync token --new-secret > secret.txt, and --jwt-secret-file secret.txt")
	}
	if g.LimitsFile != "" {
		limits, err := readLimits(g.LimitsFile)
		if err != nil {
			return misfit("cannot use the limits file "+g.LimitsFile, err.Error(), "see docs/security.md for what it may hold")
		}
		o.Limits = limits
	}
	for _, text := range g.TrustProxy {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return misfit(fmt.Sprintf("--trust-proxy %q is not a network", text), "", "--trust-proxy 10.0.0.0/8")
		}
		o.TrustedProxies = append(o.TrustedProxies, p)
	}
	return nil
}

func (g *guardFlags) verifier() (*auth.Verifier, error) {
	var options []auth.Option
	for _, file := range g.JWTSecretFile {
		secret, err := readSecret(file)
		if err != nil {
			return nil, err
		}
		options = append(options, auth.HMAC(secret))
	}
	for _, file := range g.JWTKeyFile {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, misfit("cannot read the key file "+file, pathless(err), "")
		}
		key, err := auth.ParsePublic(text)
		if err != nil {
			return nil, misfit("cannot use the key file "+file, err.Error(), "a public key or certificate in PEM form; never the private key")
		}
		options = append(options, key)
	}
	if g.JWKS != "" {
		options = append(options, auth.JWKS(g.JWTIssuer, g.JWKS))
	}
	if g.JWTIssuer != "" {
		options = append(options, auth.Issuer(g.JWTIssuer))
	}
	if g.JWTAudience != "" {
		options = append(options, auth.Audience(g.JWTAudience))
	}
	if g.ACLFile != "" {
		text, err := os.ReadFile(g.ACLFile)
		if err != nil {
			return nil, misfit("cannot read the acl file "+g.ACLFile, pathless(err), "")
		}
		policy, err := acl.ParsePolicy(text)
		if err != nil {
			return nil, misfit("cannot use the acl file "+g.ACLFile, err.Error(), `{"default": ["read:public:*"], "subjects": {"ann": ["*:team:*"]}}`)
		}
		options = append(options, auth.Policy(policy))
	}
	v := auth.JWT(options...)
	if err := v.Check(); err != nil {
		return nil, misfit("cannot verify tokens with these keys", err.Error(), "flowsync token --new-secret > secret.txt")
	}
	return v, nil
}

// readSecret reads a secret, without the line break that editors put at the end.
func readSecret(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, misfit("cannot read the secret file "+file, pathless(err), "flowsync token --new-secret > "+file)
	}
	return bytes.TrimRight(text, "\r\n"), nil
}

// pathless is what the system says, without the path that was said before.
func pathless(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

// readLimits reads limits from JSON. Fields are those of flowsync.Limits; one
// that is misspelt is an error, since what it was meant to limit would not be.
func readLimits(file string) (l flowsync.Limits, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return l, errors.New(pathless(err))
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return l, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return l, errors.New("something follows the object")
	}
	return l, nil
}
