package desk

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/url"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/ui/console"
)

// Logins is a console.Logins: what is known of people, in the console's words.
type Logins struct {
	people *people.People
	ways   console.Ways
	// structure is a structure's name.
	structure func(ctx context.Context, id string) string
}

// Logins answers the console's login pages; ways says which there are.
func (d *Desk) Logins(ways console.Ways) *Logins {
	return &Logins{people: d.o.People, ways: ways, structure: func(ctx context.Context, id string) string {
		s, err := d.o.Store.Structure(ctx, fleet.Scope{All: true}, id)
		if err != nil {
			return ""
		}
		return s.Name
	}}
}

// Ways says how people can log in here.
func (l *Logins) Ways() console.Ways { return l.ways }

// Who is whose session has this token.
func (l *Logins) Who(ctx context.Context, token, from string) (console.Who, error) {
	w, err := l.people.Session(ctx, token, from, false)
	if err != nil {
		return console.Who{}, said(err)
	}
	return whoOf(w), nil
}

// whoOf is somebody in the console's words.
func whoOf(w people.Who) console.Who {
	out := console.Who{
		Person: w.Person.ID, Name: w.Person.Name, Role: console.Role(w.Person.Role), Structure: w.Person.Structure,
		Lang: w.Person.Lang, Proved: w.Session.Proved, Only: w.Session.Method == fleet.ByRecovery,
		Password: w.Session.Method == fleet.ByPassword, Provider: w.Session.Method == fleet.ByProvider,
		Session: w.Session.Hash, From: w.From,
	}
	for _, r := range w.Person.Role.Rights() {
		out.Rights = append(out.Rights, console.Right(r))
	}
	if mayRename(w.Person.Role) {
		out.Rights = append(out.Rights, console.MayRename)
	}
	return out
}

// known is who the console's word names.
func (l *Logins) known(ctx context.Context, w console.Who) (people.Who, error) {
	pw, err := l.people.Known(ctx, w.Session, w.From, true)
	return pw, said(err)
}

func entry(l people.Login, recovery []string, err error) (console.Entry, error) {
	if err != nil {
		return console.Entry{}, said(err)
	}
	return console.Entry{Token: l.Cookie, Expires: l.Session.Expires, Recovery: recovery}, nil
}

// Logout ends a session.
func (l *Logins) Logout(ctx context.Context, token string) (string, error) {
	w, err := l.people.Session(ctx, token, "", true)
	if err != nil {
		return "", said(err)
	}
	address, err := l.people.Logout(ctx, w)
	return address, said(err)
}

// BeginLogin asks for any passkey that is known here.
func (l *Logins) BeginLogin(ctx context.Context, _ string) (json.RawMessage, string, error) {
	return challenge(l.people.BeginLogin(ctx))
}

func challenge(c people.Challenge, err error) (json.RawMessage, string, error) {
	return c.Options, c.Token, said(err)
}

// FinishLogin reads what the browser answered.
func (l *Logins) FinishLogin(ctx context.Context, state string, answer json.RawMessage, from string) (console.Entry, error) {
	in, err := l.people.Login(ctx, state, answer, from)
	return entry(in, nil, err)
}

// BeginProof asks for a passkey of this person.
func (l *Logins) BeginProof(ctx context.Context, w console.Who) (json.RawMessage, string, error) {
	pw, err := l.known(ctx, w)
	if err != nil {
		return nil, "", err
	}
	return challenge(l.people.BeginProof(ctx, pw))
}

// FinishProof shows again who somebody is.
func (l *Logins) FinishProof(ctx context.Context, w console.Who, _, state string, answer json.RawMessage) (console.Entry, error) {
	pw, err := l.known(ctx, w)
	if err != nil {
		return console.Entry{}, err
	}
	in, err := l.people.Prove(ctx, pw, state, answer)
	return entry(in, nil, err)
}

// Keys are what the person logs in with.
func (l *Logins) Keys(ctx context.Context, w console.Who) (console.Keys, error) {
	pw, err := l.known(ctx, w)
	if err != nil {
		return console.Keys{}, err
	}
	rows, err := l.people.Passkeys(ctx, pw)
	if err != nil {
		return console.Keys{}, said(err)
	}
	var out console.Keys
	for _, k := range rows {
		out.Passkeys = append(out.Passkeys, console.Key{ID: base64.RawURLEncoding.EncodeToString(k.ID), Name: k.Name, Created: k.Created, Used: k.Used})
	}
	if out.Password, err = l.people.HasPassword(ctx, pw); err != nil {
		return console.Keys{}, said(err)
	}
	out.Recovery, err = l.people.RecoveryLeft(ctx, pw)
	return out, said(err)
}

// BeginAdd asks for one more passkey.
func (l *Logins) BeginAdd(ctx context.Context, w console.Who) (json.RawMessage, string, error) {
	pw, err := l.known(ctx, w)
	if err != nil {
		return nil, "", err
	}
	return challenge(l.people.BeginPasskey(ctx, pw))
}

// FinishAdd keeps it.
func (l *Logins) FinishAdd(ctx context.Context, w console.Who, _, state string, answer json.RawMessage, name string) (console.Entry, error) {
	pw, err := l.known(ctx, w)
	if err != nil {
		return console.Entry{}, err
	}
	in, err := l.people.AddPasskey(ctx, pw, state, answer, name)
	return entry(in, nil, err)
}

// RemoveKey takes one away.
func (l *Logins) RemoveKey(ctx context.Context, w console.Who, id string) error {
	pw, err := l.known(ctx, w)
	if err != nil {
		return err
	}
	raw, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return console.ErrNotFound
	}
	return said(l.people.RemovePasskey(ctx, pw, raw))
}

// NewRecovery replaces the recovery codes.
func (l *Logins) NewRecovery(ctx context.Context, w console.Who) ([]string, error) {
	pw, err := l.known(ctx, w)
	if err != nil {
		return nil, err
	}
	codes, err := l.people.NewRecovery(ctx, pw)
	return codes, said(err)
}

// PasswordLogin takes all three at once.
func (l *Logins) PasswordLogin(ctx context.Context, email, password, code, from string) (console.Entry, error) {
	in, err := l.people.LoginPassword(ctx, email, password, code, from)
	return entry(in, nil, err)
}

// PasswordProof is FinishProof for those who have a password.
func (l *Logins) PasswordProof(ctx context.Context, w console.Who, _, password, code string) (console.Entry, error) {
	pw, err := l.known(ctx, w)
	if err != nil {
		return console.Entry{}, err
	}
	in, err := l.people.ProvePassword(ctx, pw, password, code)
	return entry(in, nil, err)
}

// RecoveryLogin lets in to make a new passkey.
func (l *Logins) RecoveryLogin(ctx context.Context, email, code, from string) (console.Entry, error) {
	in, err := l.people.LoginRecovery(ctx, email, code, from)
	return entry(in, nil, err)
}

// Joining is what an invitation is for.
func (l *Logins) Joining(ctx context.Context, token, _ string) (console.Joining, error) {
	i, err := l.people.Invited(ctx, token)
	if err != nil {
		return console.Joining{}, said(err)
	}
	return console.Joining{
		Name: i.Name, Email: i.Email, Structure: l.structure(ctx, i.Structure), Role: console.Role(i.Role),
		Password: i.Password, Again: i.Person != "",
	}, nil
}

// BeginJoin makes what a new passkey needs.
func (l *Logins) BeginJoin(ctx context.Context, token, _ string) (json.RawMessage, string, error) {
	return challenge(l.people.BeginJoin(ctx, token, people.Newcomer{}))
}

// FinishJoin uses the invitation up; the state says which one it is.
func (l *Logins) FinishJoin(ctx context.Context, _, state string, answer json.RawMessage, name, from string) (console.Entry, error) {
	in, codes, err := l.people.Join(ctx, state, answer, name, from)
	return entry(in, codes, err)
}

// BeginPassword makes the secret of one-time codes.
func (l *Logins) BeginPassword(ctx context.Context, token, _ string) (console.Secret, error) {
	s, err := l.people.BeginPassword(ctx, token, people.Newcomer{})
	if err != nil {
		return console.Secret{}, said(err)
	}
	return console.Secret{URI: s.URI, Key: s.Secret, State: s.Token}, nil
}

// FinishPassword keeps both.
func (l *Logins) FinishPassword(ctx context.Context, _, state, password, code, from string) (console.Entry, error) {
	in, codes, err := l.people.JoinPassword(ctx, state, password, code, from)
	return entry(in, codes, err)
}

// BeginProvider is where the browser goes.
func (l *Logins) BeginProvider(ctx context.Context, w console.Who, _ string) (string, string, error) {
	if w.Session == "" {
		address, state, err := l.people.BeginProvider(ctx, "", people.Newcomer{})
		return address, state, said(err)
	}
	pw, err := l.known(ctx, w)
	if err != nil {
		return "", "", err
	}
	address, state, err := l.people.BeginProviderProof(ctx, pw)
	return address, state, said(err)
}

// FinishProvider reads the query with which the browser came back.
func (l *Logins) FinishProvider(ctx context.Context, state string, query url.Values, from string) (console.Entry, error) {
	in, err := l.people.FinishProvider(ctx, state, query, from)
	return entry(in, nil, err)
}
