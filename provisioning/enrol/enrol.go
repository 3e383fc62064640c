// Package enrol is a kiosk's identity: a key that is born on the kiosk and
// never leaves it, and the credential that the fleet's server gave for it.
//
//	key, _ := enrol.New()
//	id, err := enrol.Ask(ctx, enrol.Options{Server: "https://…", Code: "QRTV-6YYE-63PX", Key: key})
//	err = id.Save(path)
//
// Keys change while the kiosk is in service (see Next and Promote); at every
// moment what is on the disk lets it in.
package enrol

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"time"

	"github.com/nats-io/nkeys"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/link/route"
)

// Codes of what Ask can meet beside those of package route (proxy_error,
// proxy_password, server_certificate, clock_wrong, server_error) and
// kiosk.CodeNoNetwork. kiosk.CodeOf finds them.
const (
	CodeWrong  kiosk.Code = "enrol_code" // unknown, used or too old: ask for another one
	CodeOften  kiosk.Code = "enrol_wait" // too many tries: wait some minutes
	CodeRefuse kiosk.Code = "enrol_refused"
)

// Key is a kiosk's secret key: an Ed25519 seed as nkeys writes it, "SU…". It
// prints as dots.
type Key string

// String hides the key.
func (Key) String() string { return "SU…" }

// New makes a key.
func New() (Key, error) {
	k, err := nkeys.CreateUser()
	if err != nil {
		return "", fmt.Errorf("enrol: %w", err)
	}
	seed, err := k.Seed()
	if err != nil {
		return "", fmt.Errorf("enrol: %w", err)
	}
	return Key(seed), nil
}

// Public is the public half, "U…".
func (k Key) Public() (string, error) {
	pair, err := k.pair()
	if err != nil {
		return "", err
	}
	public, err := pair.PublicKey()
	if err != nil {
		return "", fmt.Errorf("enrol: %w", err)
	}
	return public, nil
}

// Sign signs data.
func (k Key) Sign(data []byte) ([]byte, error) {
	pair, err := k.pair()
	if err != nil {
		return nil, err
	}
	sig, err := pair.Sign(data)
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	return sig, nil
}

func (k Key) pair() (nkeys.KeyPair, error) {
	pair, err := nkeys.FromSeed([]byte(k))
	if err != nil {
		return nil, fmt.Errorf("enrol: key: %w", err)
	}
	public, err := pair.PublicKey()
	if err != nil || !nkeys.IsValidPublicUserKey(public) {
		return nil, errors.New("enrol: this is not a kiosk's key")
	}
	return pair, nil
}

// Options say whom to ask and what for.
type Options struct {
	Server  string         // https URL
	Code    string         // as typed or read from the picture
	Version string         // of the agent
	CA      *x509.CertPool // authorities of servers; nil for the system's
	Proxy   *url.URL       // http, with its name and password; nil for none
	// Key is one of New; "" makes one. With the same key and code Ask can be
	// called again after an answer was lost: a server that knows the pair
	// answers again. Ask itself does so some times.
	Key Key
	Now func() time.Time // nil for the machine's clock
}

// Ask buys an identity for a one-time code. It is not on the disk yet. What
// is wrong has a code (kiosk.CodeOf); with clock_wrong the message says by how
// much the kiosk's clock is off.
func Ask(ctx context.Context, o Options) (*Identity, error) {
	r, err := route.New(o.Server, o.Proxy, o.CA, o.Now)
	if err != nil {
		return nil, err
	}
	if o.Key == "" {
		if o.Key, err = New(); err != nil {
			return nil, err
		}
	}
	body, err := ask(o)
	if err != nil {
		return nil, err
	}
	c, sent, err := post(ctx, r, body)
	for try := 1; sent && try < tries && kiosk.CodeOf(err) == kiosk.CodeNoNetwork && ctx.Err() == nil; try++ {
		c, sent, err = post(ctx, r, body) // the code may be used up, the answer is lost
	}
	if err != nil && kiosk.CodeOf(err) == route.CodeClock {
		return nil, clock(ctx, r, err)
	} else if err != nil {
		return nil, err
	}
	return &Identity{Server: o.Server, Present: Pair{Key: o.Key, Credential: c}}, nil
}

func ask(o Options) ([]byte, error) {
	public, err := o.Key.Public()
	if err != nil {
		return nil, err
	}
	sig, err := o.Key.Sign([]byte(provisioning.NormalCode(o.Code) + public))
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(provisioning.EnrolAsk{
		Words: provisioning.Version, Code: o.Code, Key: public,
		Signature: base64.RawURLEncoding.EncodeToString(sig), Version: o.Version,
	})
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	return body, nil
}

// tries is how often is asked while answers get lost.
const tries = 3

// post asks once; sent says that the server may have got it.
func post(ctx context.Context, r *route.Route, body []byte) (c provisioning.Credential, sent bool, err error) {
	client := r.Client()
	defer client.CloseIdleConnections()
	wrote := make(chan struct{}, 1)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) {
		select {
		case wrote <- struct{}{}:
		default:
		}
	}})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.URL("/enrol"), bytes.NewReader(body))
	if err != nil {
		return c, false, fmt.Errorf("enrol: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return c, len(wrote) > 0, route.Fault("enrol", err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, provisioning.MaxMessage))
	if err != nil {
		return c, true, route.Fault("enrol", err)
	}
	if code := codeOf(res.StatusCode); code != "" {
		return c, true, &kiosk.Error{Code: code, Op: "enrol", Err: errors.New(res.Status)}
	}
	if c, err = provisioning.DecodeCredential(answer); err != nil {
		return c, true, &kiosk.Error{Code: route.CodeServer, Op: "enrol", Err: err}
	}
	return c, true, nil
}

// codeOf names an answer that is not a credential; "" for one that may be.
func codeOf(status int) kiosk.Code {
	switch {
	case status == http.StatusOK:
		return ""
	case status == http.StatusForbidden, status == http.StatusUnauthorized, status == http.StatusGone:
		return CodeWrong
	case status == http.StatusTooManyRequests:
		return CodeOften
	case status == http.StatusBadRequest:
		return CodeRefuse
	}
	return route.CodeServer
}

// clock finds out whether the clock is wrong or the certificate too old.
func clock(ctx context.Context, r *route.Route, refused error) error {
	at, err := r.ServerTime(ctx, time.Time{})
	if err != nil {
		return errors.Join(err, refused)
	}
	off := r.Now().Sub(at).Round(time.Second)
	return &kiosk.Error{Code: route.CodeClock, Op: "enrol", Err: fmt.Errorf("the kiosk's clock is off by %v, it is %v: %w", off, at.UTC().Format(time.RFC3339), refused)}
}
