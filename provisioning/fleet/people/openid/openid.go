// Package openid logs people in at an OpenID Connect provider: ProConnect, or
// any other. It is the authorization code flow with PKCE, state and nonce
// (OpenID Connect Core 1.0 §3.1, RFC 7636), and logout (RP-Initiated Logout
// 1.0). It keeps nothing: what must be remembered between the two halves of a
// login is the caller's to keep.
package openid

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Provider is an OpenID Connect provider: ProConnect, or a Keycloak.
type Provider struct {
	Issuer   string // https URL, as in its discovery document
	ClientID string
	Secret   string
	Redirect string // address of the console's page for the answer
	// AfterLogout is where the provider sends browsers back to; it must know
	// it. "" is nowhere.
	AfterLogout string
	// Scopes besides openid; nil is ProConnect's: uid, given_name, usual_name,
	// email, siret. A provider with usual scopes: profile, email.
	Scopes []string
	// ACR are the levels of assurance that are asked for and of which one must
	// be answered: "eidas1". nil asks for none.
	ACR    []string
	Client *http.Client // nil is one that gives up after 15 s
}

// maxProvider bounds what a provider answers.
const maxProvider = 1 << 20

// discoverAgain is how long a provider that could not be asked is left alone.
const discoverAgain = 10 * time.Second

// Refusal is an answer that is not right; constant words say what is wrong
// with it, for a log and not for the one who tries.
type Refusal string

// Error gives the words.
func (r Refusal) Error() string { return "openid: refused: " + string(r) }

// Client is a provider's. Its methods may be called from any goroutine.
type Client struct {
	o      Provider
	client *http.Client
	now    func() time.Time

	mu     sync.Mutex
	got    *discovered
	failed error // of the newest try to discover it
	tried  time.Time
}

// discovered is what the provider says of itself.
type discovered struct {
	provider   *oidc.Provider
	endSession string
}

// New checks the options. It asks the provider nothing yet: one that is down
// is asked again by each login.
func New(o Provider, now func() time.Time) (*Client, error) {
	for _, s := range []string{o.Issuer, o.Redirect} {
		if u, err := url.Parse(s); err != nil || u.Host == "" || u.Scheme != "https" && !Loopback(u) {
			return nil, fmt.Errorf("openid: %q of the provider is no https URL", s)
		}
	}
	if o.ClientID == "" {
		return nil, errors.New("openid: the provider's client ID is missing")
	}
	if o.Scopes == nil {
		o.Scopes = []string{"uid", "given_name", "usual_name", "email", "siret"}
	}
	c := &http.Client{Timeout: 15 * time.Second}
	if o.Client != nil {
		copied := *o.Client
		c = &copied
	}
	next := c.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	c.Transport = bounded{next}
	return &Client{o: o, client: c, now: now}, nil
}

// bounded cuts answers that are too long.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxProvider), resp.Body}
	}
	return resp, err
}

// discover asks the provider what it is, once; an error is asked again.
func (p *Client) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.got != nil {
		return p.got, nil
	}
	// Those who wait here do not wait for one time-out after the other.
	if p.failed != nil && p.now().Sub(p.tried).Abs() < discoverAgain {
		return nil, p.failed
	}
	op, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.o.Issuer)
	if err != nil {
		err = fmt.Errorf("openid: discover the provider: %w", err)
		if ctx.Err() == nil {
			p.failed, p.tried = err, p.now()
		}
		return nil, err
	}
	var more struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := op.Claims(&more); err != nil {
		return nil, fmt.Errorf("openid: discover the provider: %w", err)
	}
	p.got = &discovered{provider: op, endSession: more.EndSession}
	return p.got, nil
}

func (p *Client) config(d *discovered) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.o.ClientID, ClientSecret: p.o.Secret, Endpoint: d.provider.Endpoint(),
		RedirectURL: p.o.Redirect, Scopes: append([]string{oidc.ScopeOpenID}, p.o.Scopes...),
	}
}

// Asked is what must be remembered until the browser comes back, by that
// browser only and in secret.
type Asked struct {
	State, Nonce, PKCE string
	Again              bool // the person was to be asked again
}

// Issuer names the provider.
func (p *Client) Issuer() string { return p.o.Issuer }

// Begin is where the browser goes. again wants the provider to ask people who
// they are even if it knows them.
func (p *Client) Begin(ctx context.Context, again bool) (address string, a Asked, err error) {
	d, err := p.discover(ctx)
	if err != nil {
		return "", a, err
	}
	a = Asked{State: random(), Nonce: random(), PKCE: oauth2.GenerateVerifier(), Again: again}
	opts := []oauth2.AuthCodeOption{oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.PKCE)}
	if len(p.o.ACR) > 0 {
		opts = append(opts, oauth2.SetAuthURLParam("acr_values", strings.Join(p.o.ACR, " ")))
	}
	if again {
		opts = append(opts, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return p.config(d).AuthCodeURL(a.State, opts...), a, nil
}

func random() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Said is what a provider says of somebody.
type Said struct {
	Subject string // never changes at this issuer
	Email   string
	Name    string
	SIRET   string    // 14 digits, "" for none
	At      time.Time // when they showed it who they are; zero: not said
	IDToken string    // for Logout
}

// Finish trades the code in the query with which the browser came back for who
// it is. A Refusal is an answer that is not right, other errors a provider
// that does not answer.
func (p *Client) Finish(ctx context.Context, a Asked, query url.Values) (Said, error) {
	no := func(why string) (Said, error) { return Said{}, Refusal(why) }
	if a.State == "" || subtle.ConstantTimeCompare([]byte(a.State), []byte(query.Get("state"))) != 1 {
		return no("state")
	}
	d, err := p.discover(ctx)
	if err != nil {
		return Said{}, err
	}
	// RFC 9207: an answer that says whose it is must be this provider's.
	if iss := query.Get("iss"); iss != "" && iss != p.o.Issuer {
		return no("issuer")
	}
	if query.Get("error") != "" || query.Get("code") == "" {
		return no("no code")
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.config(d).Exchange(ctx, query.Get("code"), oauth2.VerifierOption(a.PKCE))
	if err != nil {
		if refused, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refused.Response.StatusCode < 500 {
			return no("code")
		}
		return Said{}, fmt.Errorf("openid: ask the provider: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := d.provider.VerifierContext(ctx, &oidc.Config{ClientID: p.o.ClientID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return no("id token")
	}
	claims, why := p.identity(id, a, token.AccessToken)
	if why != "" {
		return no(why)
	}
	info, err := d.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return no("userinfo")
	}
	s, why := p.userinfo(info, id.Subject)
	if why != "" {
		return no(why)
	}
	s.IDToken = raw
	if claims.AuthTime > 0 {
		s.At = time.Unix(claims.AuthTime, 0).UTC()
	}
	return s, nil
}

// idClaims are those of an ID token that go-oidc does not check.
type idClaims struct {
	ACR      string `json:"acr"`
	AZP      string `json:"azp"`
	AuthTime int64  `json:"auth_time"`
}

func (p *Client) identity(id *oidc.IDToken, a Asked, access string) (c idClaims, why string) {
	if err := id.Claims(&c); err != nil {
		return c, "id token"
	}
	switch {
	case id.Nonce != a.Nonce:
		return c, "nonce"
	case id.Subject == "" || len(id.Subject) > 255:
		return c, "subject"
	case len(id.Audience) > 1 && c.AZP == "", c.AZP != "" && c.AZP != p.o.ClientID:
		return c, "audience"
	case len(p.o.ACR) > 0 && !slices.Contains(p.o.ACR, c.ACR):
		return c, "level"
	case id.AccessTokenHash != "" && id.VerifyAccessToken(access) != nil:
		return c, "access token"
	}
	return c, ""
}

// audience is one or several.
type audience []string

// UnmarshalJSON reads both forms (RFC 7519 §4.1.3).
func (a *audience) UnmarshalJSON(b []byte) error {
	s := strings.TrimSpace(string(b))
	if strings.HasPrefix(s, `"`) {
		var one string
		if err := json.Unmarshal(b, &one); err != nil {
			return err
		}
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// userinfo reads the claims about the person. A signed answer (ProConnect's;
// go-oidc has checked the signature) must be by this provider for us, and not
// too old, as far as it says (OpenID Connect Core §5.3.2).
func (p *Client) userinfo(info *oidc.UserInfo, subject string) (s Said, why string) {
	var c struct {
		Issuer   string   `json:"iss"`
		Audience audience `json:"aud"`
		Expires  int64    `json:"exp"`
		Given    string   `json:"given_name"`
		Usual    string   `json:"usual_name"`
		Family   string   `json:"family_name"`
		Name     string   `json:"name"`
		SIRET    string   `json:"siret"`
	}
	if err := info.Claims(&c); err != nil {
		return s, "userinfo"
	}
	switch {
	case info.Subject != subject:
		return s, "subject"
	case c.Issuer != "" && c.Issuer != p.o.Issuer, len(c.Audience) > 0 && !slices.Contains(c.Audience, p.o.ClientID):
		return s, "userinfo audience"
	case c.Expires != 0 && !p.now().Before(time.Unix(c.Expires, 0)):
		return s, "userinfo expired"
	}
	if c.Usual == "" {
		c.Usual = c.Family
	}
	name := strings.TrimSpace(c.Given + " " + c.Usual)
	if name == "" {
		name = c.Name
	}
	return Said{Subject: subject, Email: info.Email, Name: name, SIRET: SIRET(c.SIRET)}, ""
}

// SIRET is the 14 digits of a structure's number as people write it, "" for
// what is none.
func SIRET(s string) string {
	s = strings.ReplaceAll(s, " ", "")
	if len(s) != 14 || strings.Trim(s, "0123456789") != "" {
		return ""
	}
	return s
}

// Logout is where a browser logs out, "" when the provider has no such place.
func (p *Client) Logout(ctx context.Context, idToken string) string {
	d, err := p.discover(ctx)
	if err != nil || d.endSession == "" {
		return ""
	}
	u, err := url.Parse(d.endSession)
	if err != nil {
		return ""
	}
	q := u.Query()
	q.Set("id_token_hint", idToken)
	if p.o.AfterLogout != "" {
		q.Set("post_logout_redirect_uri", p.o.AfterLogout)
		q.Set("state", random()) // ProConnect wants one; nothing depends on it
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Loopback says whether plain HTTP to an address is safe: on this machine.
func Loopback(u *url.URL) bool {
	h := u.Hostname()
	return u.Scheme == "http" && (h == "localhost" || strings.HasSuffix(h, ".localhost") || h == "127.0.0.1" || h == "::1")
}
