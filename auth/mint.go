package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/wavesiddhartha/flowsync/acl"
)

// Claims are what a token says, for those who make one.
type Claims struct {
	Subject  string        // required
	Rules    []string      // acl; nil: the claim is left out
	Client   string        // empty: any
	Class    string        // of limits
	Issuer   string        // empty: the claim is left out
	Audience string        // likewise
	Lifetime time.Duration // required
}

// Signer makes tokens.
type Signer struct {
	Key     Key // verifies what the signer makes
	private any
}

// HMACSigner makes tokens with a shared secret.
func HMACSigner(secret []byte) (*Signer, error) {
	k := HMAC(secret)
	return &Signer{k, secret}, k.err
}

// ParseSigner reads the first private key of a PEM file: RSA, ECDSA or Ed25519.
func ParseSigner(file []byte) (*Signer, error) {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		var private any
		var err error
		switch block.Type {
		case "PRIVATE KEY":
			private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			private, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		default:
			continue
		}
		if err != nil {
			return nil, errors.New("auth: the PEM file's private key cannot be read")
		}
		switch p := private.(type) {
		case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
			k := Public(p.(crypto.Signer).Public())
			return &Signer{k, private}, k.err
		}
		return nil, errors.New("auth: the private key must be RSA, ECDSA or Ed25519")
	}
	return nil, errors.New("auth: the file holds no private key in PEM form")
}

// Sign makes a token that is valid from now on, with a random id.
func (s *Signer) Sign(now time.Time, c Claims) (string, error) {
	if _, err := acl.Parse(c.Rules...); err != nil {
		return "", err
	}
	switch {
	case c.Subject == "" || len(c.Subject) > maxSubject:
		return "", fmt.Errorf("auth: a token needs a subject of at most %d bytes", maxSubject)
	case c.Client != "" && (!validClient(c.Client) || len(c.Client) > maxClient):
		return "", errors.New(`auth: a client is letters, digits, _ . - alone, or a prefix that ends with ".*"`)
	case c.Lifetime < time.Second || odd(float64(now.Add(c.Lifetime).Unix())):
		return "", errors.New("auth: a token needs a lifetime of at least a second")
	}
	claims := jwt.MapClaims{"sub": c.Subject, "iat": now.Unix(), "exp": now.Add(c.Lifetime).Unix(), "jti": rand.Text()}
	for name, value := range map[string]string{"client": c.Client, "limits": c.Class, "iss": c.Issuer, "aud": c.Audience} {
		if value != "" {
			claims[name] = value
		}
	}
	if c.Rules != nil {
		claims["acl"] = c.Rules
	}
	t := jwt.NewWithClaims(jwt.GetSigningMethod(s.Key.Algorithm), claims)
	if s.Key.ID != "" {
		t.Header["kid"] = s.Key.ID
	}
	return t.SignedString(s.private)
}

// Peek reads a token without verifying anything: for people who want to see what
// theirs says.
func Peek(token string) (header, claims map[string]any, err error) {
	m := jwt.MapClaims{}
	t, _, err := jwt.NewParser().ParseUnverified(token, m)
	if err != nil || len(token) > maxToken {
		return nil, nil, errors.New("auth: this is not a JSON Web Token: it must be three parts in base64, joined by dots")
	}
	return t.Header, m, nil
}

// NewSecret makes a secret for [HMAC] that can be kept in a text file.
func NewSecret() string {
	b := make([]byte, MinSecret+16)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}
