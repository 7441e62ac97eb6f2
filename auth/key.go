package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math"
)

// MinSecret is how many bytes an HMAC secret has at least. A shorter one can be
// guessed from a single token.
const MinSecret = 32

// minRSA is how many bits an RSA key has at least.
const minRSA = 2048

// Key verifies tokens. It is pinned to one algorithm: a token that names another
// is not looked at, whatever the key could do with it. Give several to [JWT] to
// rotate: the current one, and the previous one until its last token has expired.
type Key struct {
	// ID is the kid of the tokens that the key is for; empty: any, and none.
	ID string

	// Algorithm is the one it verifies, such as "HS256". The constructors set it;
	// change it where the issuer uses another of the same family.
	Algorithm string

	material any
	issuer   string // the only issuer it is for; empty: any
	err      error  // why it cannot be used
}

// HMAC is a secret that issuer and hub share, of at least 32 bytes; shorter ones
// make the hub refuse to start. The algorithm is HS256.
func HMAC[S string | []byte](secret S) Key {
	k := Key{Algorithm: "HS256", material: []byte(secret)}
	if len(secret) < MinSecret {
		k.err = fmt.Errorf("an HMAC secret needs at least %d bytes and this one has %d: make one with flowsync token --new-secret", MinSecret, len(secret))
	}
	return k
}

// RSA is the public key of an issuer that signs with RS256. It has at least 2,048
// bits.
func RSA(public *rsa.PublicKey) Key {
	k := Key{Algorithm: "RS256", material: public}
	switch {
	case public == nil || public.N == nil:
		k.err = errors.New("the RSA key is nil")
	case public.N.BitLen() < minRSA || public.N.BitLen() > 4*minRSA:
		k.err = fmt.Errorf("an RSA key needs %d to %d bits and this one has %d", minRSA, 4*minRSA, public.N.BitLen())
	}
	return k
}

// ECDSA is the public key of an issuer that signs with ES256, ES384 or ES512, as
// the key's curve has it.
func ECDSA(public *ecdsa.PublicKey) Key {
	if public == nil {
		return Key{err: errors.New("the ECDSA key is nil")}
	}
	k := Key{material: public}
	switch public.Curve {
	case elliptic.P256():
		k.Algorithm = "ES256"
	case elliptic.P384():
		k.Algorithm = "ES384"
	case elliptic.P521():
		k.Algorithm = "ES512"
	default:
		k.err = errors.New("the ECDSA key must be on the curve P-256, P-384 or P-521")
	}
	return k
}

// EdDSA is the Ed25519 public key of an issuer.
func EdDSA(public ed25519.PublicKey) Key {
	k := Key{Algorithm: "EdDSA", material: public}
	if len(public) != ed25519.PublicKeySize {
		k.err = fmt.Errorf("an Ed25519 key has %d bytes and this one has %d", ed25519.PublicKeySize, len(public))
	}
	return k
}

// Public is the key for a public key of any of these kinds.
func Public(public crypto.PublicKey) Key {
	switch p := public.(type) {
	case *rsa.PublicKey:
		return RSA(p)
	case *ecdsa.PublicKey:
		return ECDSA(p)
	case ed25519.PublicKey:
		return EdDSA(p)
	}
	return Key{err: errors.New("the public key must be RSA, ECDSA or Ed25519")}
}

// ParsePublic reads the first public key or certificate of a PEM file.
func ParsePublic(file []byte) (Key, error) {
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "PUBLIC KEY":
			public, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				return Key{}, errors.New("auth: the PEM file's public key cannot be read")
			}
			k := Public(public)
			return k, k.err
		case "RSA PUBLIC KEY":
			public, err := x509.ParsePKCS1PublicKey(block.Bytes)
			if err != nil {
				return Key{}, errors.New("auth: the PEM file's RSA public key cannot be read")
			}
			k := RSA(public)
			return k, k.err
		case "CERTIFICATE":
			cert, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return Key{}, errors.New("auth: the PEM file's certificate cannot be read")
			}
			k := Public(cert.PublicKey)
			return k, k.err
		}
	}
	return Key{}, errors.New("auth: the file holds no public key or certificate in PEM form")
}

// family are the algorithms that a kind of key can be pinned to.
func (k *Key) family() []string {
	switch m := k.material.(type) {
	case []byte:
		return []string{"HS256", "HS384", "HS512"}
	case *rsa.PublicKey:
		return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
	case *ecdsa.PublicKey:
		size := map[elliptic.Curve]string{elliptic.P256(): "ES256", elliptic.P384(): "ES384", elliptic.P521(): "ES512"}
		return []string{size[m.Curve]}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// latest is the year 9999: what is later is no time that anything here can hold.
const latest = 253402300799

// odd reports whether a time in a token is none.
func odd(seconds float64) bool {
	return math.IsNaN(seconds) || seconds < 0 || seconds > latest
}
