package people

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people/openid"
)

// HasProvider says whether people can log in at a provider.
func (p *People) HasProvider() bool { return p.provider != nil }

// asked is the ceremony of a login at the provider.
type asked struct {
	openid.Asked
	Invitation        string // hash; "" none
	Name, Email, Lang string // of a newcomer
	Session           string // hash, of a proof; "" for a login
}

// BeginProvider is where the browser goes to log in at the provider, and the
// state, which stays in the browser's cookie (HttpOnly, SameSite=Lax) until it
// comes back: only that browser may finish. fleet.ErrNotFound without a
// provider. invitation is a link's token, whose newcomer wants to log in
// there from now on; "" for none.
func (p *People) BeginProvider(ctx context.Context, invitation string, n Newcomer) (address, state string, err error) {
	a := asked{}
	if invitation != "" {
		j, i, err := p.arrive(ctx, invitation, n)
		if err != nil {
			return "", "", err
		}
		a.Invitation, a.Name, a.Email, a.Lang = i.Hash, j.Name, j.Email, j.Lang
	}
	return p.ask(ctx, a)
}

// BeginProviderProof is BeginProvider for somebody who is logged in: the
// provider asks them again.
func (p *People) BeginProviderProof(ctx context.Context, w Who) (address, state string, err error) {
	return p.ask(ctx, asked{Session: w.Session.Hash})
}

func (p *People) ask(ctx context.Context, a asked) (address, state string, err error) {
	if p.provider == nil {
		return "", "", fleet.ErrNotFound
	}
	if address, a.Asked, err = p.provider.Begin(ctx, a.Session != ""); err != nil {
		return "", "", err
	}
	state, err = sealCeremony(p.seal, forProvider, a, 2*p.o.Answer)
	return address, state, err
}

// FinishProvider reads the query with which the browser came back, and logs
// in or, after BeginProviderProof, renews the session. ErrUnconfirmed is for
// somebody whom an administrator has yet to let in, ErrInvite for somebody
// who needs an invitation.
func (p *People) FinishProvider(ctx context.Context, state string, query url.Values, from string) (Login, error) {
	if p.provider == nil {
		return Login{}, fleet.ErrNotFound
	}
	if ok, first := p.attempts.take(network(from)); !ok {
		return Login{}, p.limited(ctx, fleet.ByProvider, from, first)
	}
	a, err := answered[asked](ctx, p, forProvider, state)
	if errors.Is(err, errToken) {
		return Login{}, p.refuse(ctx, fleet.ByProvider, fleet.Person{}, from, "state")
	}
	if err != nil {
		return Login{}, err
	}
	s, err := p.provider.Finish(ctx, a.Asked, query)
	if no, ok := errors.AsType[openid.Refusal](err); ok {
		return Login{}, p.refuse(ctx, fleet.ByProvider, fleet.Person{}, from, string(no))
	}
	if err != nil {
		return Login{}, err
	}
	l, err := p.bySubject(ctx, a, s, from)
	if err == nil {
		p.attempts.undo(network(from))
	}
	return l, err
}

// bySubject is who a provider means.
func (p *People) bySubject(ctx context.Context, a asked, s openid.Said, from string) (Login, error) {
	who, err := p.o.Store.PersonBySubject(ctx, p.provider.Issuer(), s.Subject)
	if errors.Is(err, fleet.ErrNotFound) {
		switch {
		case a.Session != "":
			return Login{}, p.refuse(ctx, fleet.ByProvider, fleet.Person{}, from, "somebody else")
		case a.Invitation != "":
			return p.joinProvider(ctx, a, s, from)
		}
		return p.firstTime(ctx, s, from)
	}
	if err != nil {
		return Login{}, fmt.Errorf("people: find the person: %w", err)
	}
	structures, err := p.structuresOf(ctx, s.SIRET)
	if err != nil {
		return Login{}, err
	}
	why := ""
	switch {
	case !who.Disabled.IsZero():
		why = "disabled"
	case len(structures) > 0 && who.Role != fleet.RoleFleet && !slices.Contains(structures, who.Structure):
		// They came for another host than the one that let them in.
		why = "other structure"
	}
	if why != "" {
		return Login{}, p.refuse(ctx, fleet.ByProvider, who, from, why)
	}
	if !who.Confirmed {
		p.o.Counted(fleet.ByProvider, false)
		return Login{}, ErrUnconfirmed
	}
	if a.Session != "" {
		return p.proveProvider(ctx, a, s, who, from)
	}
	hint, err := p.seal.bytes(forHint, who.ID, []byte(s.IDToken))
	if err != nil {
		return Login{}, err
	}
	return p.start(ctx, who, fleet.ByProvider, from, p.justNow(s), hint)
}

// justNow is the time of the login at the provider if it says that it was
// just now; zero for somebody it knew since this morning.
func (p *People) justNow(s openid.Said) time.Time {
	if within(s.At, p.o.Now(), p.o.Fresh) {
		return s.At
	}
	return time.Time{}
}

func (p *People) proveProvider(ctx context.Context, a asked, s openid.Said, who fleet.Person, from string) (Login, error) {
	w, err := p.Known(ctx, a.Session, from, false)
	if errors.Is(err, ErrSession) || err == nil && w.Person.ID != who.ID {
		return Login{}, p.refuse(ctx, fleet.ByProvider, who, from, "somebody else")
	}
	if err != nil {
		return Login{}, err
	}
	if p.justNow(s).IsZero() {
		return Login{}, p.refuse(ctx, fleet.ByProvider, who, from, "old login")
	}
	return p.renew(ctx, w, fleet.ByProvider)
}

// joinProvider lets somebody in who has both an invitation and a login at the
// provider.
func (p *People) joinProvider(ctx context.Context, a asked, s openid.Said, from string) (Login, error) {
	i, err := p.invited(ctx, a.Invitation)
	if err != nil {
		return Login{}, err
	}
	j := joining{Invitation: i.Hash, Person: i.Person, Name: a.Name, Email: a.Email, Lang: a.Lang}
	if j.Person == "" {
		j.Person = "p" + random(16)
	}
	hint, err := p.seal.bytes(forHint, j.Person, []byte(s.IDToken))
	if err != nil {
		return Login{}, err
	}
	with := fleet.Joined{Person: fleet.Person{Issuer: p.provider.Issuer(), Subject: s.Subject}}
	return p.letIn(ctx, j, with, fleet.ByProvider, from, hint)
}

// firstTime keeps somebody whom the provider knows, for an administrator of
// the structure with their SIRET to let in.
func (p *People) firstTime(ctx context.Context, s openid.Said, from string) (Login, error) {
	structures, err := p.structuresOf(ctx, s.SIRET)
	if err != nil {
		return Login{}, err
	}
	name, nameErr := cleanName(s.Name)
	email, emailErr := cleanEmail(s.Email)
	if len(structures) != 1 || nameErr != nil || emailErr != nil {
		if err := p.refuse(ctx, fleet.ByProvider, fleet.Person{}, from, "not invited"); !errors.Is(err, ErrRefused) {
			return Login{}, err
		}
		return Login{}, ErrInvite
	}
	who := fleet.Person{
		ID: "p" + random(16), Structure: structures[0], Name: name, Email: email, Role: fleet.RoleDesk,
		Created: p.o.Now().UTC(), Issuer: p.provider.Issuer(), Subject: s.Subject,
	}
	err = p.o.Store.AddPerson(ctx, who)
	if errors.Is(err, fleet.ErrExists) {
		if err := p.refuse(ctx, fleet.ByProvider, fleet.Person{}, from, "address taken"); !errors.Is(err, ErrRefused) {
			return Login{}, err
		}
		return Login{}, ErrInvite
	}
	if err != nil {
		return Login{}, fmt.Errorf("people: keep the person: %w", err)
	}
	p.o.Counted(fleet.ByProvider, false)
	if err := p.did(ctx, Who{Person: who, From: from}, who.Structure, "join", "unconfirmed "+string(fleet.ByProvider)); err != nil {
		return Login{}, err
	}
	return Login{}, ErrUnconfirmed
}

// structuresOf are those with that SIRET; none for none.
func (p *People) structuresOf(ctx context.Context, number string) (ids []string, err error) {
	if number == "" {
		return nil, nil
	}
	all, err := p.o.Store.Structures(ctx, fleet.Scope{All: true})
	if err != nil {
		return nil, fmt.Errorf("people: read the structures: %w", err)
	}
	for _, s := range all {
		if openid.SIRET(s.SIRET) == number {
			ids = append(ids, s.ID)
		}
	}
	return ids, nil
}
