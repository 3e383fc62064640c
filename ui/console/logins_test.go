package console_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"pointnum/ui/console"
)

// authenticators checks passkeys as a server does, for one person.
type authenticators struct {
	rp *webauthn.WebAuthn

	mu    sync.Mutex
	keys  []webauthn.Credential
	names []string
	open  map[string]*webauthn.SessionData
}

func newAuthenticators(t testing.TB, port string) *authenticators {
	t.Helper()
	rp, err := webauthn.New(&webauthn.Config{RPID: "localhost", RPDisplayName: "Mes bornes", RPOrigins: []string{"http://localhost:" + port}})
	if err != nil {
		t.Fatal(err)
	}
	return &authenticators{rp: rp, open: map[string]*webauthn.SessionData{}}
}

// WebAuthnID, and the rest of webauthn.User.
func (a *authenticators) WebAuthnID() []byte          { return []byte("p1") }
func (a *authenticators) WebAuthnName() string        { return "samia@exemple.fr" }
func (a *authenticators) WebAuthnDisplayName() string { return "Samia Benali" }
func (a *authenticators) WebAuthnCredentials() []webauthn.Credential {
	return a.keys
}

func (a *authenticators) begin(options any, session *webauthn.SessionData, err error) (json.RawMessage, string, error) {
	if err != nil {
		return nil, "", err
	}
	raw, err := json.Marshal(options)
	if err != nil {
		return nil, "", err
	}
	a.open[session.Challenge] = session
	return raw, session.Challenge, nil
}

func (a *authenticators) take(state string) (*webauthn.SessionData, error) {
	s := a.open[state]
	delete(a.open, state)
	if s == nil {
		return nil, console.ErrRefused
	}
	return s, nil
}

func (a *authenticators) create() (json.RawMessage, string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, s, err := a.rp.BeginRegistration(a, webauthn.WithResidentKeyRequirement(protocol.ResidentKeyRequirementRequired))
	return a.begin(o, s, err)
}

func (a *authenticators) created(state string, answer json.RawMessage, name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, err := a.take(state)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBody(bytes.NewReader(answer))
	if err != nil {
		return console.ErrRefused
	}
	key, err := a.rp.CreateCredential(a, *s, parsed)
	if err != nil {
		return console.ErrRefused
	}
	a.keys, a.names = append(a.keys, *key), append(a.names, name)
	return nil
}

func (a *authenticators) get() (json.RawMessage, string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	o, s, err := a.rp.BeginDiscoverableLogin()
	return a.begin(o, s, err)
}

func (a *authenticators) got(state string, answer json.RawMessage) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	s, err := a.take(state)
	if err != nil {
		return err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBody(bytes.NewReader(answer))
	if err != nil {
		return console.ErrRefused
	}
	if _, _, err := a.rp.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return a, nil }, *s, parsed); err != nil {
		return console.ErrRefused
	}
	return nil
}

func (l *logins) samia() console.Who {
	return console.Who{Person: "p1", Name: "Samia Benali", Role: console.RoleAdmin, Structure: "tilleuls", Rights: allRights, Session: "s1"}
}

func (l *logins) BeginLogin(context.Context, string) (json.RawMessage, string, error) {
	return l.webauthn.get()
}

func (l *logins) FinishLogin(_ context.Context, state string, answer json.RawMessage, _ string) (console.Entry, error) {
	if err := l.webauthn.got(state, answer); err != nil {
		return console.Entry{}, err
	}
	return l.enter(l.samia()), nil
}

func (l *logins) BeginProof(context.Context, console.Who) (json.RawMessage, string, error) {
	return l.webauthn.get()
}

// prove gives a session a new token.
func (l *logins) prove(who console.Who, token string) console.Entry {
	who.Proved = now
	l.mu.Lock()
	delete(l.sessions, token)
	l.mu.Unlock()
	return l.enter(who)
}

func (l *logins) FinishProof(_ context.Context, who console.Who, token, state string, answer json.RawMessage) (console.Entry, error) {
	if err := l.webauthn.got(state, answer); err != nil {
		return console.Entry{}, err
	}
	return l.prove(who, token), nil
}

func (l *logins) Keys(context.Context, console.Who) (console.Keys, error) {
	return console.Keys{Recovery: 8, Password: true, Passkeys: []console.Key{
		{ID: "k1", Name: "Ordinateur de l’accueil", Created: now.AddDate(0, -2, 0), Used: now.Add(-time.Hour)}, {ID: "k2", Name: "Téléphone " + nasty, Created: now.AddDate(0, -1, 0)},
	}}, nil
}

func (l *logins) BeginAdd(_ context.Context, who console.Who) (json.RawMessage, string, error) {
	if who.Proved.IsZero() && !who.Only {
		return nil, "", console.ErrStale
	}
	return l.webauthn.create()
}

func (l *logins) FinishAdd(_ context.Context, who console.Who, token, state string, answer json.RawMessage, name string) (console.Entry, error) {
	if err := l.webauthn.created(state, answer, name); err != nil {
		return console.Entry{}, err
	}
	who.Only = false
	return l.prove(who, token), nil
}

func (l *logins) RemoveKey(_ context.Context, _ console.Who, id string) error {
	if id != "k2" {
		return console.ErrInvalid
	}
	return nil
}

var codes = []string{"ABCD-2345", "BCDE-3456", "CDEF-4567", "DEFG-5678", "EFGH-6789", "FGHJ-7892", "GHJK-8923", "HJKL-9234"}

func (l *logins) NewRecovery(_ context.Context, who console.Who) ([]string, error) {
	if who.Proved.IsZero() {
		return nil, console.ErrStale
	}
	return codes, nil
}

func (l *logins) PasswordLogin(_ context.Context, email, password, code, _ string) (console.Entry, error) {
	switch {
	case password == "encore et encore":
		return console.Entry{}, console.ErrTooMany
	case email != "samia@exemple.fr" || password != "quatre mots sans lien" || code != "123456":
		return console.Entry{}, console.ErrRefused
	}
	return l.enter(l.samia()), nil
}

func (l *logins) PasswordProof(_ context.Context, who console.Who, token, password, code string) (console.Entry, error) {
	if password != "quatre mots sans lien" || code != "123456" {
		return console.Entry{}, console.ErrRefused
	}
	return l.prove(who, token), nil
}

func (l *logins) RecoveryLogin(_ context.Context, email, code, _ string) (console.Entry, error) {
	if email != "samia@exemple.fr" || code != codes[0] {
		return console.Entry{}, console.ErrRefused
	}
	who := l.samia()
	who.Only = true
	return l.enter(who), nil
}

func (l *logins) BeginProvider(context.Context, console.Who, string) (string, string, error) {
	return "https://fca.exemple.fr/authorize?state=S&nonce=N", "état", nil
}

func (l *logins) FinishProvider(_ context.Context, state string, query url.Values, _ string) (console.Entry, error) {
	if state == "" || query.Get("code") == "" {
		return console.Entry{}, console.ErrRefused
	}
	if query.Get("code") == "inconnu" {
		return console.Entry{}, console.ErrForbidden
	}
	return l.enter(l.samia()), nil
}

func (l *logins) Joining(_ context.Context, token, _ string) (console.Joining, error) {
	if token != "JETON" {
		return console.Joining{}, console.ErrRefused
	}
	return l.joining, nil
}

func (l *logins) BeginJoin(_ context.Context, token, _ string) (json.RawMessage, string, error) {
	if token != "JETON" {
		return nil, "", console.ErrRefused
	}
	return l.webauthn.create()
}

func (l *logins) FinishJoin(_ context.Context, token, state string, answer json.RawMessage, name, _ string) (console.Entry, error) {
	if err := l.webauthn.created(state, answer, name); err != nil || token != "JETON" {
		return console.Entry{}, errors.Join(err, console.ErrRefused)
	}
	e := l.enter(l.samia())
	e.Recovery = codes
	return e, nil
}

func (l *logins) BeginPassword(context.Context, string, string) (console.Secret, error) {
	return console.Secret{URI: "otpauth://totp/Mes%20bornes:zoe@exemple.fr?secret=JBSWY3DPEHPK3PXP&issuer=Mes%20bornes", Key: "JBSW Y3DP EHPK 3PXP", State: "totp"}, nil
}

func (l *logins) FinishPassword(_ context.Context, token, state, password, code, _ string) (console.Entry, error) {
	switch {
	case token != "JETON" || state != "totp" || code != "123456":
		return console.Entry{}, console.ErrRefused
	case password == "motdepasse123":
		return console.Entry{}, console.ErrInvalid
	}
	e := l.enter(l.samia())
	e.Recovery = codes
	return e, nil
}
