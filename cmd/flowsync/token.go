package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/wavesiddhartha/flowsync/acl"
	"github.com/wavesiddhartha/flowsync/auth"
)

// Run makes a secret, explains a token, or makes one.
func (t *tokenCommand) Run(c *console) error {
	switch {
	case t.NewSecret:
		fmt.Fprintln(c.out, auth.NewSecret())
		return nil
	case t.Explain:
		return t.explain(c)
	case t.Subject == "":
		return &fault{what: "a token needs a subject: whom it is for", try: "flowsync token ann --secret-file secret.txt --rule read:chat:*", exit: exitUsage}
	}
	signer, err := t.signer()
	if err != nil {
		return err
	}
	signer.Key.ID = t.KeyID
	token, err := signer.Sign(time.Now(), auth.Claims{
		Subject: t.Subject, Rules: t.Rule, Client: t.Client, Class: t.Limits,
		Issuer: t.Issuer, Audience: t.Audience, Lifetime: t.Lifetime,
	})
	if err != nil {
		return &fault{what: "cannot make this token", why: strings.TrimPrefix(err.Error(), "auth: "), try: "flowsync token --help", exit: exitUsage}
	}
	if t.Rule == nil {
		fmt.Fprintln(c.err, "the token has no --rule: it allows what the hub's --acl-file gives the subject, or nothing")
	}
	fmt.Fprintln(c.out, token)
	return nil
}

func (t *tokenCommand) signer() (*auth.Signer, error) {
	switch {
	case (t.SecretFile == "") == (t.KeyFile == ""):
		return nil, &fault{what: "a token is signed with --secret-file or with --key-file", try: "flowsync token --new-secret > secret.txt", exit: exitUsage}
	case t.SecretFile != "":
		secret, err := readSecret(t.SecretFile)
		if err != nil {
			return nil, err
		}
		s, err := auth.HMACSigner(secret)
		if err != nil {
			return nil, misfit("cannot use the secret file "+t.SecretFile, err.Error(), "flowsync token --new-secret > "+t.SecretFile)
		}
		return s, nil
	}
	text, err := os.ReadFile(t.KeyFile)
	if err != nil {
		return nil, misfit("cannot read the key file "+t.KeyFile, pathless(err), "")
	}
	s, err := auth.ParseSigner(text)
	if err != nil {
		return nil, misfit("cannot use the key file "+t.KeyFile, err.Error(), "openssl genpkey -algorithm ed25519 -out key.pem")
	}
	return s, nil
}

// explain prints what a token says. Whether it is genuine is known only with the
// key; whether it is good for a hub is that hub's matter too.
func (t *tokenCommand) explain(c *console) error {
	token := t.Subject
	if token == "" || token == "-" {
		text, err := io.ReadAll(io.LimitReader(c.in, 1<<20))
		if err != nil {
			return err
		}
		token = strings.TrimSpace(string(text))
	}
	header, claims, err := auth.Peek(token)
	if err != nil {
		return &fault{what: strings.TrimPrefix(err.Error(), "auth: "), try: "flowsync token --explain < token.txt"}
	}
	print := func(name string, v any) {
		text, _ := json.Marshal(v) // it came from JSON
		fmt.Fprintf(c.out, "%-10s %s\n", name, text)
	}
	print("header", header)
	for _, name := range []string{"sub", "acl", "client", "limits", "iss", "aud", "jti"} {
		if v, ok := claims[name]; ok {
			print(name, v)
		}
	}
	for _, name := range []string{"iat", "nbf", "exp"} {
		if at, ok := claims[name].(float64); ok {
			when := time.Unix(int64(at), 0).UTC()
			fmt.Fprintf(c.out, "%-10s %s (%s)\n", name, when.Format(time.RFC3339), fromNow(time.Until(when)))
		}
	}
	if claims["exp"] == nil {
		fmt.Fprintln(c.out, "exp        missing: no hub takes a token that does not expire")
	}
	if err := t.decide(c, claims["acl"]); err != nil {
		return err
	}
	return t.verify(c, token)
}

// decide says which rule of the token is about what --may asks.
func (t *tokenCommand) decide(c *console, claim any) error {
	if t.May == "" {
		return nil
	}
	verb, stream, ok := strings.Cut(t.May, ":")
	if !ok {
		return &fault{what: "--may asks verb:stream", try: "--may write:game:lobby", exit: exitUsage}
	}
	list, _ := claim.([]any)
	rules := make([]string, len(list))
	for i, r := range list {
		rules[i], _ = r.(string)
	}
	grants, err := acl.Parse(rules...)
	if err != nil {
		return &fault{what: "the token's acl is malformed, so that no hub takes it", why: err.Error()}
	}
	d := grants.Explain(acl.Verb(verb), stream)
	answer := map[bool]string{true: "allowed", false: "denied"}[d.Allowed]
	if d.Rule == "" {
		fmt.Fprintf(c.out, "%-10s %s: %s, no rule is about it\n", "may", t.May, answer)
		return nil
	}
	fmt.Fprintf(c.out, "%-10s %s: %s by %s\n", "may", t.May, answer, d.Rule)
	return nil
}

func (t *tokenCommand) verify(c *console, token string) error {
	if t.SecretFile == "" && t.KeyFile == "" {
		fmt.Fprintln(c.out, "signature  not checked; give --secret-file or --key-file")
		return nil
	}
	s, err := t.signer()
	if err != nil {
		return err
	}
	options := []auth.Option{s.Key}
	if t.Issuer != "" {
		options = append(options, auth.Issuer(t.Issuer))
	}
	if t.Audience != "" {
		options = append(options, auth.Audience(t.Audience))
	}
	_, err = auth.JWT(options...).Authenticate(context.Background(), token, nil)
	switch {
	case errors.Is(err, auth.ErrExpired):
		return &fault{what: "the token is genuine and has expired"}
	case err != nil:
		return &fault{what: "no hub with this key takes the token", why: "it is signed otherwise, is not valid now, or a claim is malformed"}
	}
	fmt.Fprintln(c.out, "signature  good, and a hub with this key takes the token now")
	return nil
}

// fromNow says how far away a time is.
func fromNow(d time.Duration) string {
	if d < 0 {
		return (-d).Round(time.Second).String() + " ago"
	}
	return "in " + d.Round(time.Second).String()
}
