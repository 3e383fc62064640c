package people

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/webauthn"

	"pointnum/provisioning/fleet"
)

// cleanName is a name as it is kept: one line of 1 to 80 letters.
func cleanName(s string) (string, error) {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" || utf8.RuneCountInString(s) > 80 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", fmt.Errorf("%w: the name", ErrInput)
	}
	return s, nil
}

// cleanEmail is an address as it is kept: in lower case, nothing around it.
func cleanEmail(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 || strings.ContainsAny(s, "\r\n\x00 ") {
		return "", fmt.Errorf("%w: the e-mail address", ErrInput)
	}
	return s, nil
}

// Setup is the link for the first administrator of an empty server, once; ""
// when an administrator of the fleet is there. Each start of an empty server
// gives another, and the first one used ends all. An address or name that is
// "" is asked of the Newcomer.
func (p *People) Setup(ctx context.Context, name, email string) (string, error) {
	var err error
	if email != "" {
		if email, err = cleanEmail(email); err != nil {
			return "", err
		}
	}
	if name != "" {
		if name, err = cleanName(name); err != nil {
			return "", err
		}
	}
	if there, err := p.founded(ctx); there || err != nil {
		return "", err
	}
	now := p.o.Now().UTC()
	token := secret()
	i := fleet.Invitation{Hash: hash(token), Name: name, Email: email, Role: fleet.RoleFleet, By: "server", Created: now, Expires: now.Add(p.o.Invite)}
	if err := p.o.Store.AddInvitation(ctx, i); err != nil {
		return "", fmt.Errorf("people: invite the first administrator: %w", err)
	}
	if err := p.audit(ctx, fleet.Audit{Person: "server", Name: "server", Action: "invite", Detail: string(fleet.RoleFleet), OK: true}); err != nil {
		return "", err
	}
	return p.o.Link(token), nil
}

func (p *People) founded(ctx context.Context) (bool, error) {
	all, err := p.o.Store.People(ctx, fleet.Scope{All: true})
	if err != nil {
		return false, fmt.Errorf("people: look for administrators: %w", err)
	}
	for _, a := range all {
		if a.Role == fleet.RoleFleet {
			return true, nil
		}
	}
	return false, nil
}

// Guest is somebody to be invited.
type Guest struct {
	Structure string // "" for RoleFleet
	Email     string
	Name      string
	Role      fleet.Role
	Password  bool // they may choose a password: no authenticator at their post
}

// Invite sends somebody a link that lets them in once. Without Options.Mail
// the link is returned, to be handed over; else it is "".
func (p *People) Invite(ctx context.Context, w Who, g Guest) (string, error) {
	if err := p.mayGive(w, g.Structure, g.Role); err != nil {
		return "", err
	}
	email, err := cleanEmail(g.Email)
	if err != nil {
		return "", err
	}
	name, err := cleanName(g.Name)
	if err != nil {
		return "", err
	}
	if _, err := p.o.Store.PersonByEmail(ctx, email); err == nil {
		return "", fleet.ErrExists
	} else if !errors.Is(err, fleet.ErrNotFound) {
		return "", fmt.Errorf("people: look for the address: %w", err)
	}
	return p.send(ctx, w, fleet.Invitation{Structure: g.Structure, Email: email, Name: name, Role: g.Role, Password: g.Password})
}

// Reinvite sends somebody who lost their passkeys a link for a new one. Their
// old passkeys, password and sessions end when it is used, not before.
func (p *People) Reinvite(ctx context.Context, w Who, person string, password bool) (string, error) {
	who, err := p.other(ctx, w, person)
	if err != nil {
		return "", err
	}
	return p.send(ctx, w, fleet.Invitation{Structure: who.Structure, Email: who.Email, Name: who.Name, Role: who.Role, Person: who.ID, Password: password})
}

func (p *People) send(ctx context.Context, w Who, i fleet.Invitation) (string, error) {
	token := secret()
	i.Hash, i.By, i.Created = hash(token), w.Person.ID, p.o.Now().UTC()
	i.Expires = i.Created.Add(p.o.Invite)
	if err := p.o.Store.AddInvitation(ctx, i); err != nil {
		return "", fmt.Errorf("people: keep the invitation: %w", err)
	}
	if err := p.did(ctx, w, i.Structure, "invite", string(i.Role)); err != nil {
		return "", err
	}
	if p.o.Mail == nil {
		return p.o.Link(token), nil
	}
	if err := p.o.Mail.Invite(ctx, i, p.o.Link(token)); err != nil {
		back := p.o.Store.UseInvitation(context.WithoutCancel(ctx), i.Hash, i.Created, fleet.Joined{})
		return "", errors.Join(fmt.Errorf("people: send the invitation: %w", err), back)
	}
	return "", nil
}

// Invitations are those of the scope that are open.
func (p *People) Invitations(ctx context.Context, w Who) ([]fleet.Invitation, error) {
	if !w.Person.Role.May(fleet.MayPeople) {
		return nil, fleet.ErrForbidden
	}
	return p.o.Store.Invitations(ctx, w.Scope(), p.o.Now().UTC())
}

// Withdraw ends an invitation that nobody has used.
func (p *People) Withdraw(ctx context.Context, w Who, hash string) error {
	if err := p.May(w, fleet.MayPeople); err != nil {
		return err
	}
	i, err := p.o.Store.Invitation(ctx, hash)
	if err != nil {
		return err
	}
	if !w.Scope().Sees(i.Structure) {
		return fleet.ErrNotFound
	}
	if err := p.o.Store.UseInvitation(ctx, hash, p.o.Now().UTC(), fleet.Joined{}); err != nil {
		return err
	}
	return p.did(ctx, w, i.Structure, "invite", "withdrawn")
}

// Invited is the invitation of a link's token, for its page: fleet.ErrCode
// when there is none, or it is used or too old.
func (p *People) Invited(ctx context.Context, token string) (fleet.Invitation, error) {
	if len(token) != 43 {
		return fleet.Invitation{}, fleet.ErrCode
	}
	return p.invited(ctx, hash(token))
}

func (p *People) invited(ctx context.Context, hash string) (fleet.Invitation, error) {
	i, err := p.o.Store.Invitation(ctx, hash)
	if errors.Is(err, fleet.ErrNotFound) {
		return i, fleet.ErrCode
	}
	if err != nil {
		return i, fmt.Errorf("people: read the invitation: %w", err)
	}
	if !i.Used.IsZero() || !p.o.Now().Before(i.Expires) {
		return i, fleet.ErrCode
	}
	if i.By == "server" {
		if there, err := p.founded(ctx); err != nil {
			return i, err
		} else if there {
			return i, fleet.ErrCode
		}
	}
	return i, nil
}

// joining is the ceremony of an invitation.
type joining struct {
	Invitation string // hash
	Person     string // of the new ID
	Name       string
	Email      string
	Lang       string
	Data       webauthn.SessionData
}

// Newcomer is what somebody invited says about themselves. An e-mail address
// is only asked of the first administrator; elsewhere it is the invitation's.
type Newcomer struct {
	Name  string // "" is the invitation's
	Email string
	Lang  string // BCP 47
}

// arrive checks what a newcomer says against the invitation.
func (p *People) arrive(ctx context.Context, token string, n Newcomer) (j joining, i fleet.Invitation, err error) {
	if i, err = p.Invited(ctx, token); err != nil {
		return j, i, err
	}
	j = joining{Invitation: i.Hash, Person: i.Person, Name: i.Name, Email: i.Email, Lang: n.Lang}
	if j.Person == "" {
		j.Person = "p" + random(16)
	}
	if n.Name != "" || j.Name == "" {
		if j.Name, err = cleanName(n.Name); err != nil {
			return j, i, err
		}
	}
	if j.Email == "" {
		if j.Email, err = cleanEmail(n.Email); err != nil {
			return j, i, err
		}
	}
	if len(j.Lang) > 20 {
		j.Lang = ""
	}
	return j, i, nil
}

// BeginJoin asks somebody with an invitation for a passkey.
func (p *People) BeginJoin(ctx context.Context, token string, n Newcomer) (Challenge, error) {
	j, _, err := p.arrive(ctx, token, n)
	if err != nil {
		return Challenge{}, err
	}
	options, session, err := p.register(user{id: j.Person, name: j.Name, email: j.Email})
	if err != nil {
		return Challenge{}, err
	}
	j.Data = *session
	return p.challenge(forJoin, options, j)
}

// Join checks the answer, lets the person in and logs them in. The recovery
// codes are shown once, now.
func (p *People) Join(ctx context.Context, token string, answer []byte, passkeyName, from string) (Login, []string, error) {
	if ok, first := p.attempts.take(network(from)); !ok {
		return Login{}, nil, p.limited(ctx, fleet.ByPasskey, from, first)
	}
	j, err := answered[joining](ctx, p, forJoin, token)
	if errors.Is(err, errToken) {
		return Login{}, nil, p.refuse(ctx, fleet.ByPasskey, fleet.Person{}, from, "challenge")
	}
	if err != nil {
		return Login{}, nil, err
	}
	k, err := p.created(user{id: j.Person, name: j.Name, email: j.Email}, j.Data, answer, passkeyName)
	if errors.Is(err, ErrRefused) {
		return Login{}, nil, p.refuse(ctx, fleet.ByPasskey, fleet.Person{}, from, "passkey")
	}
	if err != nil {
		return Login{}, nil, err
	}
	codes, hashes := recoveryCodes(j.Person)
	l, err := p.letIn(ctx, j, fleet.Joined{Passkey: k, Recovery: hashes}, fleet.ByPasskey, from, nil)
	if err != nil {
		return Login{}, nil, err
	}
	p.attempts.undo(network(from))
	return l, codes, nil
}

// letIn uses the invitation with what it brought, and opens a session.
func (p *People) letIn(ctx context.Context, j joining, with fleet.Joined, m fleet.Method, from string, hint []byte) (Login, error) {
	i, err := p.invited(ctx, j.Invitation)
	if err != nil {
		return Login{}, err
	}
	now := p.o.Now().UTC()
	who := fleet.Person{ID: j.Person, Structure: i.Structure, Role: i.Role, Created: now}
	var old []fleet.Passkey
	if i.Person != "" {
		if who, err = p.o.Store.Person(ctx, i.Person); err != nil {
			return Login{}, fmt.Errorf("people: read the person: %w", err)
		}
		if !who.Disabled.IsZero() {
			return Login{}, fleet.ErrCode
		}
		if old, err = p.o.Store.Passkeys(ctx, who.ID); err != nil {
			return Login{}, fmt.Errorf("people: read the passkeys: %w", err)
		}
	}
	who.Name, who.Email, who.Confirmed = j.Name, j.Email, true
	if j.Lang != "" {
		who.Lang = j.Lang
	}
	if with.Person.Subject != "" {
		who.Issuer, who.Subject = with.Person.Issuer, with.Person.Subject
	}
	with.Person = who
	if err := p.o.Store.UseInvitation(ctx, i.Hash, now, with); err != nil {
		return Login{}, fmt.Errorf("people: use the invitation: %w", err)
	}
	w := Who{Person: who, From: from}
	if err := p.did(ctx, w, who.Structure, "join", string(who.Role)+" "+string(m)); err != nil {
		return Login{}, err
	}
	if i.Person != "" {
		if err := p.outdated(ctx, w, old, m); err != nil {
			return Login{}, err
		}
	}
	proved := now
	if m == fleet.ByProvider {
		proved = time.Time{} // the provider may have known them since this morning
	}
	return p.start(ctx, who, m, from, proved, hint)
}

// outdated ends what somebody has lost: the old passkeys, the sessions, and
// the password that a passkey or a provider replaces.
func (p *People) outdated(ctx context.Context, w Who, old []fleet.Passkey, m fleet.Method) error {
	for _, k := range old {
		if err := p.o.Store.RemovePasskey(ctx, w.Person.ID, k.ID); err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return fmt.Errorf("people: remove a lost passkey: %w", err)
		}
	}
	if err := p.o.Store.EndSessions(ctx, w.Person.ID); err != nil {
		return fmt.Errorf("people: end the sessions: %w", err)
	}
	if m != fleet.ByPassword {
		// A password of nobody: no hash of it matches anything.
		if has, err := p.HasPassword(ctx, w); err != nil {
			return err
		} else if has {
			if err := p.o.Store.SetPassword(ctx, fleet.Password{Person: w.Person.ID, Changed: p.o.Now().UTC()}); err != nil {
				return fmt.Errorf("people: end the password: %w", err)
			}
		}
	}
	return p.did(ctx, w, w.Person.Structure, "passkey", "lost ones removed")
}
