package people

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people/openid"
)

// What a login answers when it does not let somebody in. The audit log has
// the reason; the one who tries has not.
var (
	// ErrRefused is the one answer for a wrong passkey, password, code, an
	// account that is unknown and one that is disabled.
	ErrRefused = errors.New("people: refused")
	// ErrTooMany says that there were too many tries: wait a quarter of an hour.
	ErrTooMany = errors.New("people: too many tries")
	// ErrUnconfirmed is for somebody whom their provider knows and whom no
	// administrator has let in yet.
	ErrUnconfirmed = errors.New("people: not confirmed yet")
	// ErrInvite is for somebody whom their provider knows and who needs an
	// invitation: no structure, several, or an account with that address.
	ErrInvite = errors.New("people: an invitation is needed")
	// ErrSession says that nobody is logged in with that cookie (any more).
	ErrSession = errors.New("people: no session")
	// ErrProof says that the action needs a fresh proof of who it is.
	ErrProof = errors.New("people: a fresh proof is needed")
	// ErrInput says that a name, an address or a password cannot be taken.
	ErrInput = errors.New("people: cannot be taken")
)

// Options say how people are known. Store, Origins and Key must be set.
type Options struct {
	Store Store
	// Origins are the console's addresses: "https://bornes.example.fr".
	// Browsers on others are refused.
	Origins []string
	// RPID is the WebAuthn relying party: a domain of all Origins, and never
	// changed, or all passkeys are lost; "" is the first origin's host.
	RPID string
	Name string // of the service, shown by authenticators; "" is "Bornes"
	// Key is 32 bytes or more that all servers of the fleet share. It seals
	// ceremonies and one-time code secrets: with a new one, passwords' codes
	// have to be set up again.
	Key []byte
	// Link makes the address of the console's page for an invitation's token;
	// nil is the first origin with /join/ and the token.
	Link func(token string) string
	Mail Mail // nil: links are returned to whoever invites

	Idle     time.Duration // a session without requests ends; 0 is 8 h
	Absolute time.Duration // any session ends; 0 is 12 h
	Fresh    time.Duration // a proof is fresh; 0 is 5 min
	Answer   time.Duration // to answer a challenge; 0 is 5 min
	Invite   time.Duration // an invitation is good; 0 is 72 h

	Cost     Cost             // of a password's hash
	Provider *openid.Provider // OpenID Connect; nil for none

	// Counted is told each login, for metrics; nil for nobody.
	Counted func(m fleet.Method, ok bool)
	Log     *slog.Logger     // nil drops
	Now     func() time.Time // nil is time.Now
}

// Mail sends invitations.
type Mail interface {
	// Invite sends the link to i.Email. What it returns is told to whoever
	// invites; the invitation is withdrawn then.
	Invite(ctx context.Context, i fleet.Invitation, link string) error
}

// People is who people are. Its methods may be called from any goroutine and,
// with one Key and one Store, on several servers.
type People struct {
	o        Options
	keys     *webauthn.WebAuthn
	seal     sealer
	hasher   *hasher
	provider *openid.Client
	tries    *limiter // of passwords and recovery codes, 5 in 15 min
	attempts *limiter // of everything else from one address
}

// The limits of tries.
const (
	triesWindow = 15 * time.Minute
	maxTries    = 5
	maxAttempts = 60
)

// New checks the options. It does not ask the provider anything yet: a
// provider that is down keeps nobody from logging in by passkey.
func New(o Options) (*People, error) {
	if o.Store == nil || len(o.Origins) == 0 || len(o.Key) < 32 {
		return nil, errors.New("people: store, origins and a key of 32 bytes are needed")
	}
	if err := o.fill(); err != nil {
		return nil, err
	}
	w, err := webauthn.New(&webauthn.Config{
		RPID: o.RPID, RPDisplayName: o.Name, RPOrigins: o.Origins,
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: o.Answer},
			Registration: webauthn.TimeoutConfig{Timeout: o.Answer},
		},
		// Password managers answer credProps unasked; nothing reads it.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("people: %w", err)
	}
	p := &People{
		o: o, keys: w, seal: sealer{key: o.Key, now: o.Now},
		tries:    newLimiter(maxTries, triesWindow, o.Now),
		attempts: newLimiter(maxAttempts, triesWindow, o.Now),
	}
	if p.hasher, err = newHasher(o.Cost); err != nil {
		return nil, err
	}
	if o.Provider != nil {
		if p.provider, err = openid.New(*o.Provider, o.Now); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (o *Options) fill() error {
	o.Origins = slices.Clone(o.Origins)
	for i, origin := range o.Origins {
		u, err := url.Parse(origin)
		if err != nil || u.Host == "" || u.Scheme != "https" && !openid.Loopback(u) {
			return fmt.Errorf("people: %q is no https origin", origin)
		}
		o.Origins[i] = u.Scheme + "://" + u.Host
		if o.RPID == "" {
			o.RPID = u.Hostname()
		}
	}
	for d, def := range map[*time.Duration]time.Duration{
		&o.Idle: 8 * time.Hour, &o.Absolute: 12 * time.Hour, &o.Fresh: 5 * time.Minute, &o.Answer: 5 * time.Minute, &o.Invite: 72 * time.Hour,
	} {
		if *d <= 0 {
			*d = def
		}
	}
	if o.Name == "" {
		o.Name = "Bornes"
	}
	if o.Link == nil {
		o.Link = func(token string) string { return o.Origins[0] + "/join/" + token }
	}
	if o.Counted == nil {
		o.Counted = func(fleet.Method, bool) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Who is somebody who is logged in, at an address.
type Who struct {
	Person  fleet.Person
	Session fleet.Session
	From    string // address of the request
}

// Scope is what they may see.
func (w Who) Scope() fleet.Scope { return w.Person.Scope() }

// Only says that they may do nothing but BeginPasskey and AddPasskey: they
// came by a recovery code.
func (w Who) Only() bool { return w.Session.Method == fleet.ByRecovery }

// May says whether somebody may do something now: nil, fleet.ErrForbidden, or
// ErrProof when they may once they have proved again who they are.
func (p *People) May(w Who, right fleet.Right) error {
	if !w.Person.Role.May(right) {
		return fleet.ErrForbidden
	}
	if w.Only() || right.Sensitive() && !p.Fresh(w) {
		return ErrProof
	}
	return nil
}

// Fresh says whether the proof of who they are is fresh.
func (p *People) Fresh(w Who) bool {
	return within(w.Session.Proved, p.o.Now(), p.o.Fresh)
}

// within says whether t is at most d ago, and no more than a little ahead of
// the clock: servers' clocks differ.
func within(t, now time.Time, d time.Duration) bool {
	return !t.IsZero() && now.Sub(t) < d && t.Sub(now) < time.Minute
}

// audit writes a line. The one who waits may be gone; the line stays.
func (p *People) audit(ctx context.Context, a fleet.Audit) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	a.At = p.o.Now().UTC()
	if err := p.o.Store.Audit(ctx, a); err != nil {
		p.o.Log.Error("audit line not written", "action", a.Action, "error", err)
		return fmt.Errorf("people: write the audit line: %w", err)
	}
	return nil
}

// did is the audit line of something that somebody has done.
func (p *People) did(ctx context.Context, w Who, structure, action, detail string) error {
	return p.audit(ctx, fleet.Audit{Person: w.Person.ID, Name: w.Person.Name, Structure: structure, Action: action, Detail: detail, From: w.From, OK: true})
}

// refuse is the audit line of a login that failed, and its answer. why is one
// of our constant words: what was typed may be anything. of is the person it
// was tried for, zero when that is not known.
func (p *People) refuse(ctx context.Context, m fleet.Method, of fleet.Person, from, why string) error {
	p.o.Counted(m, false)
	if err := p.audit(ctx, fleet.Audit{Person: of.ID, Name: of.Name, Structure: of.Structure, Action: "login", Detail: string(m) + " " + why, From: from}); err != nil {
		return err
	}
	return ErrRefused
}

// limited writes one line for the first try over the limit and none for the
// rest, so that who tries on does not fill the log.
func (p *People) limited(ctx context.Context, m fleet.Method, from string, first bool) error {
	p.o.Counted(m, false)
	if first {
		if err := p.audit(ctx, fleet.Audit{Action: "login", Detail: string(m) + " too many tries", From: from}); err != nil {
			return err
		}
	}
	return ErrTooMany
}
