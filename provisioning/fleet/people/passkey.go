package people

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"pointnum/provisioning/fleet"
)

// maxAnswer bounds what an authenticator's answer may be; real ones are 2 to
// 10 KB.
const maxAnswer = 64 << 10

// maxPasskeys of one person.
const maxPasskeys = 10

// Challenge is what a page needs for navigator.credentials and what it sends
// back with the answer.
type Challenge struct {
	// Options are PublicKeyCredentialRequestOptionsJSON or …CreationOptionsJSON
	// inside {"publicKey": …}: for PublicKeyCredential.parseRequestOptionsFromJSON
	// or parseCreationOptionsFromJSON.
	Options json.RawMessage
	// Token goes back with the answer, once, within Options.Answer. It says
	// nothing and can be in a hidden field.
	Token string
}

// user is a person as go-webauthn sees one. The handle is the person's ID:
// random, so that an authenticator keeps nothing about anybody.
type user struct {
	id, name, email string
	keys            []webauthn.Credential
}

func (u user) WebAuthnID() []byte                         { return []byte(u.id) }
func (u user) WebAuthnName() string                       { return u.email }
func (u user) WebAuthnDisplayName() string                { return u.name }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.keys }

func (p *People) user(ctx context.Context, who fleet.Person) (user, error) {
	u := user{id: who.ID, name: who.Name, email: who.Email}
	rows, err := p.o.Store.Passkeys(ctx, who.ID)
	if err != nil {
		return u, fmt.Errorf("people: read the passkeys: %w", err)
	}
	for _, r := range rows {
		var c webauthn.Credential
		if err := json.Unmarshal(r.Data, &c); err != nil {
			return u, fmt.Errorf("people: read a passkey: %w", err)
		}
		u.keys = append(u.keys, c)
	}
	return u, nil
}

// answered is the data of a ceremony whose token comes back: sealed by us,
// young, and never seen before on any server.
func answered[T any](ctx context.Context, p *People, use, token string) (d T, err error) {
	c, err := openCeremony[T](p.seal, use, token)
	if err != nil {
		return d, err
	}
	err = p.o.Store.Spend(ctx, hash(use+" "+c.ID), c.Expires.Add(time.Minute))
	if errors.Is(err, fleet.ErrCode) {
		return d, errToken
	}
	if err != nil {
		return d, fmt.Errorf("people: spend a challenge: %w", err)
	}
	return c.Data, nil
}

func (p *People) challenge(use string, options, data any) (Challenge, error) {
	b, err := json.Marshal(options)
	if err != nil {
		return Challenge{}, fmt.Errorf("people: options: %w", err)
	}
	token, err := sealCeremony(p.seal, use, data, p.o.Answer)
	return Challenge{Options: b, Token: token}, err
}

// BeginLogin asks for any passkey of this service; who has it says who it is.
func (p *People) BeginLogin(context.Context) (Challenge, error) {
	options, session, err := p.keys.BeginDiscoverableLogin()
	if err != nil {
		return Challenge{}, fmt.Errorf("people: begin a login: %w", err)
	}
	return p.challenge(forLogin, options, session)
}

// Login checks the answer, AuthenticationResponseJSON, and opens a session.
// The errors are ErrRefused and ErrTooMany, or the store's.
func (p *People) Login(ctx context.Context, token string, answer []byte, from string) (Login, error) {
	if ok, first := p.attempts.take(network(from)); !ok {
		return Login{}, p.limited(ctx, fleet.ByPasskey, from, first)
	}
	session, err := answered[webauthn.SessionData](ctx, p, forLogin, token)
	if errors.Is(err, errToken) {
		return Login{}, p.refuse(ctx, fleet.ByPasskey, fleet.Person{}, from, "challenge")
	}
	if err != nil {
		return Login{}, err
	}
	who, why, err := p.assert(ctx, session, answer)
	if err != nil {
		return Login{}, err
	}
	if why != "" {
		return Login{}, p.refuse(ctx, fleet.ByPasskey, who, from, why)
	}
	p.attempts.undo(network(from))
	return p.start(ctx, who, fleet.ByPasskey, from, p.o.Now().UTC(), nil)
}

// assert checks an assertion. why is a constant word for the audit log when
// it is refused; who is then the one whose passkey it seems to be, if any.
func (p *People) assert(ctx context.Context, session webauthn.SessionData, answer []byte) (who fleet.Person, why string, err error) {
	if len(answer) > maxAnswer {
		return who, "form", nil
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return who, "form", nil
	}
	u, why, err := p.owner(ctx, parsed, &who)
	if why != "" || err != nil {
		return who, why, err
	}
	var used *webauthn.Credential
	if len(session.UserID) > 0 {
		used, err = p.keys.ValidateLogin(u, session, parsed)
	} else {
		_, used, err = p.keys.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return u, nil }, session, parsed)
	}
	if err != nil {
		return who, "passkey", nil
	}
	// The counter went back: there are two of it, or somebody replays. The
	// stored counter stays, so that the true one goes on working.
	if used.Authenticator.CloneWarning {
		p.o.Log.Warn("a passkey may be a copy", "person", who.ID)
		return who, "counter", nil
	}
	if !who.Disabled.IsZero() || !who.Confirmed {
		return who, "disabled", nil
	}
	return who, "", p.used(ctx, who.ID, used)
}

// owner finds whose the credential is; the handle in the answer must say the
// same.
func (p *People) owner(ctx context.Context, parsed *protocol.ParsedCredentialAssertionData, who *fleet.Person) (u user, why string, err error) {
	id, err := p.o.Store.PasskeyOwner(ctx, parsed.RawID)
	if errors.Is(err, fleet.ErrNotFound) {
		return u, "unknown", nil
	}
	if err != nil {
		return u, "", fmt.Errorf("people: find a passkey: %w", err)
	}
	if h := parsed.Response.UserHandle; len(h) > 0 && !bytes.Equal(h, []byte(id)) {
		return u, "handle", nil
	}
	if *who, err = p.o.Store.Person(ctx, id); err != nil {
		return u, "", fmt.Errorf("people: read the person: %w", err)
	}
	u, err = p.user(ctx, *who)
	return u, "", err
}

func (p *People) used(ctx context.Context, person string, c *webauthn.Credential) error {
	rows, err := p.o.Store.Passkeys(ctx, person)
	if err != nil {
		return fmt.Errorf("people: read the passkeys: %w", err)
	}
	for _, r := range rows {
		if bytes.Equal(r.ID, c.ID) {
			if r.Data, err = json.Marshal(c); err != nil {
				return fmt.Errorf("people: keep a passkey: %w", err)
			}
			r.Used = p.o.Now().UTC()
			if err := p.o.Store.SavePasskey(ctx, r); err != nil {
				return fmt.Errorf("people: keep a passkey: %w", err)
			}
		}
	}
	return nil
}

// bound is a ceremony of somebody who is logged in.
type bound struct {
	Session string // hash of the login's
	Data    webauthn.SessionData
}

// BeginProof asks somebody who is logged in for one of their passkeys;
// fleet.ErrNotFound when they have none.
func (p *People) BeginProof(ctx context.Context, w Who) (Challenge, error) {
	u, err := p.user(ctx, w.Person)
	if err != nil {
		return Challenge{}, err
	}
	if len(u.keys) == 0 {
		return Challenge{}, fleet.ErrNotFound
	}
	options, session, err := p.keys.BeginLogin(u)
	if err != nil {
		return Challenge{}, fmt.Errorf("people: begin a proof: %w", err)
	}
	return p.challenge(forProof, options, bound{w.Session.Hash, *session})
}

// Prove checks the answer and makes the session's proof fresh. The session has
// a new cookie from then on.
func (p *People) Prove(ctx context.Context, w Who, token string, answer []byte) (Login, error) {
	if ok, first := p.attempts.take(network(w.From)); !ok {
		return Login{}, p.limited(ctx, fleet.ByPasskey, w.From, first)
	}
	b, err := answered[bound](ctx, p, forProof, token)
	if errors.Is(err, errToken) || err == nil && b.Session != w.Session.Hash {
		return Login{}, p.refuse(ctx, fleet.ByPasskey, w.Person, w.From, "challenge")
	}
	if err != nil {
		return Login{}, err
	}
	who, why, err := p.assert(ctx, b.Data, answer)
	if err != nil {
		return Login{}, err
	}
	if why == "" && who.ID != w.Person.ID {
		why = "handle"
	}
	if why != "" {
		return Login{}, p.refuse(ctx, fleet.ByPasskey, w.Person, w.From, why)
	}
	p.attempts.undo(network(w.From))
	return p.renew(ctx, w, fleet.ByPasskey)
}

// BeginPasskey asks somebody who is logged in for one more passkey; ErrProof
// when neither their login nor their proof is fresh.
func (p *People) BeginPasskey(ctx context.Context, w Who) (Challenge, error) {
	if err := p.mayAddKey(w); err != nil {
		return Challenge{}, err
	}
	u, err := p.user(ctx, w.Person)
	if err != nil {
		return Challenge{}, err
	}
	if len(u.keys) >= maxPasskeys {
		return Challenge{}, fmt.Errorf("%w: too many passkeys", ErrInput)
	}
	options, session, err := p.register(u)
	if err != nil {
		return Challenge{}, err
	}
	return p.challenge(forPasskey, options, bound{w.Session.Hash, *session})
}

func (p *People) register(u user) (*protocol.CredentialCreation, *webauthn.SessionData, error) {
	options, session, err := p.keys.BeginRegistration(u, webauthn.WithExclusions(webauthn.Credentials(u.keys).CredentialDescriptors()))
	if err != nil {
		return nil, nil, fmt.Errorf("people: begin a registration: %w", err)
	}
	return options, session, nil
}

// AddPasskey checks the answer, RegistrationResponseJSON, and keeps the
// passkey under a name. A session that came by a recovery code is one by
// passkey then, with a new cookie; others stay and the Login has no cookie.
func (p *People) AddPasskey(ctx context.Context, w Who, token string, answer []byte, name string) (Login, error) {
	if err := p.mayAddKey(w); err != nil {
		return Login{}, err
	}
	b, err := answered[bound](ctx, p, forPasskey, token)
	if errors.Is(err, errToken) || err == nil && b.Session != w.Session.Hash {
		return Login{}, ErrRefused
	}
	if err != nil {
		return Login{}, err
	}
	u, err := p.user(ctx, w.Person)
	if err != nil {
		return Login{}, err
	}
	k, err := p.created(u, b.Data, answer, name)
	if err != nil {
		return Login{}, err
	}
	if err := p.o.Store.AddPasskey(ctx, *k); err != nil {
		return Login{}, fmt.Errorf("people: keep the passkey: %w", err)
	}
	if err := p.did(ctx, w, w.Person.Structure, "passkey", "added"); err != nil {
		return Login{}, err
	}
	if w.Session.Method != fleet.ByRecovery {
		return Login{Who: w}, nil
	}
	return p.renew(ctx, w, fleet.ByPasskey)
}

// created checks a new credential; ErrRefused when it is not what was asked.
func (p *People) created(u user, session webauthn.SessionData, answer []byte, name string) (*fleet.Passkey, error) {
	name, err := cleanName(name)
	if err != nil {
		return nil, err
	}
	if len(answer) > maxAnswer {
		return nil, ErrRefused
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return nil, ErrRefused
	}
	c, err := p.keys.CreateCredential(u, session, parsed)
	if err != nil {
		return nil, ErrRefused
	}
	// What the authenticator said about itself is not kept: nothing asks for
	// it, and it could tell which machine somebody has.
	c.Attestation = webauthn.CredentialAttestation{}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("people: keep the passkey: %w", err)
	}
	return &fleet.Passkey{ID: c.ID, Person: u.id, Name: name, Data: data, Created: p.o.Now().UTC()}, nil
}

// Passkeys are those of somebody, without what is secret to nobody but is no
// business of a page: Data is nil.
func (p *People) Passkeys(ctx context.Context, w Who) ([]fleet.Passkey, error) {
	rows, err := p.o.Store.Passkeys(ctx, w.Person.ID)
	if err != nil {
		return nil, fmt.Errorf("people: read the passkeys: %w", err)
	}
	for i := range rows {
		rows[i].Data = nil
	}
	return rows, nil
}

// RemovePasskey takes one of somebody's own away, after a fresh proof; not
// the last one of somebody who could not log in without.
func (p *People) RemovePasskey(ctx context.Context, w Who, id []byte) error {
	if !p.Fresh(w) {
		return ErrProof
	}
	rows, err := p.o.Store.Passkeys(ctx, w.Person.ID)
	if err != nil {
		return fmt.Errorf("people: read the passkeys: %w", err)
	}
	if len(rows) <= 1 && w.Person.Subject == "" {
		if has, err := p.HasPassword(ctx, w); err != nil {
			return err
		} else if !has {
			return fmt.Errorf("%w: the last passkey", ErrInput)
		}
	}
	if err := p.o.Store.RemovePasskey(ctx, w.Person.ID, id); err != nil {
		return fmt.Errorf("people: remove the passkey: %w", err)
	}
	return p.did(ctx, w, w.Person.Structure, "passkey", "removed")
}
