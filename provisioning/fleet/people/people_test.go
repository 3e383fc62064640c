package people_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
)

const (
	origin = "https://bornes.example"
	home   = "192.0.2.7"
)

// kept is what tests need of a store besides.
type kept interface {
	people.Store
	AddStructure(ctx context.Context, s fleet.Structure) error
	Audits(ctx context.Context, sc fleet.Scope, before int64, limit int) ([]fleet.Audit, error)
}

// house is a server with a structure, its time and what it has counted.
type house struct {
	*people.People
	t     *testing.T
	ctx   context.Context
	store kept
	o     people.Options
	clock time.Time
	in    []string // "passkey true"
}

func (h *house) pass(d time.Duration) { h.clock = h.clock.Add(d) }

func newHouse(t *testing.T, change ...func(*people.Options)) *house {
	t.Helper()
	return newHouseOn(t, newStore(t), change...)
}

func newHouseOn(t *testing.T, s kept, change ...func(*people.Options)) *house {
	t.Helper()
	h := &house{t: t, ctx: t.Context(), store: s, clock: time.Now().UTC().Truncate(time.Second)}
	h.o = people.Options{
		Store: s, Origins: []string{origin}, Key: []byte(strings.Repeat("k", 32)), Cost: people.Cost{Passes: 1, Memory: 64, Threads: 1},
		Now: func() time.Time { return h.clock },
		Counted: func(m fleet.Method, ok bool) {
			if ok {
				h.in = append(h.in, string(m))
			}
		},
	}
	for _, f := range change {
		f(&h.o)
	}
	for _, id := range []string{"centre", "mairie"} {
		if err := s.AddStructure(h.ctx, fleet.Structure{ID: id, Name: id, SIRET: map[string]string{"centre": "21920023500014", "mairie": "21750001600019"}[id], Created: h.clock}); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if h.People, err = people.New(h.o); err != nil {
		t.Fatal(err)
	}
	return h
}

// token is the end of an invitation's link.
func (h *house) token(link string) string {
	h.t.Helper()
	token, ok := strings.CutPrefix(link, origin+"/join/")
	if !ok {
		h.t.Fatalf("the link is %q", link)
	}
	return token
}

// join lets somebody in with a new passkey.
func (h *house) join(link string) (people.Login, *authenticator, []string) {
	h.t.Helper()
	c, err := h.BeginJoin(h.ctx, h.token(link), people.Newcomer{})
	if err != nil {
		h.t.Fatal(err)
	}
	if len(c.Token) > 3800 {
		h.t.Errorf("a token of %d bytes is no cookie", len(c.Token))
	}
	a := newAuthenticator(h.t)
	l, codes, err := h.Join(h.ctx, c.Token, a.create(c.Options), "Ordinateur de l’accueil", home)
	if err != nil {
		h.t.Fatal(err)
	}
	return l, a, codes
}

// founder is the first administrator.
func (h *house) founder() (people.Who, *authenticator) {
	h.t.Helper()
	link, err := h.Setup(h.ctx, "Ana Roux", "ana@bornes.example")
	if err != nil {
		h.t.Fatal(err)
	}
	l, a, _ := h.join(link)
	return l.Who, a
}

// member is somebody of a structure, let in by a founder.
func (h *house) member(by people.Who, structure, name string, role fleet.Role) (people.Who, *authenticator, []string) {
	h.t.Helper()
	link, err := h.Invite(h.ctx, by, people.Guest{Structure: structure, Email: strings.ToLower(name) + "@example.org", Name: name, Role: role})
	if err != nil {
		h.t.Fatal(err)
	}
	l, a, codes := h.join(link)
	return l.Who, a, codes
}

func (h *house) login(a *authenticator) (people.Login, error) {
	h.t.Helper()
	c, err := h.BeginLogin(h.ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.Login(h.ctx, c.Token, a.get(c.Options), home)
}

// lines are the newest lines of the audit log, newest first: "login passkey
// handle refused".
func (h *house) lines() []string {
	h.t.Helper()
	all, err := h.store.Audits(h.ctx, fleet.Scope{All: true}, 0, 500)
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for _, a := range all {
		s := strings.TrimSpace(a.Action + " " + a.Detail)
		if !a.OK {
			s += " refused"
		}
		out = append(out, s)
	}
	return out
}

func (h *house) last() string { return h.lines()[0] }

func is(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheFirstAdministratorComesOnce(t *testing.T) {
	h := newHouse(t)
	first, err := h.Setup(h.ctx, "", "")
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Setup(h.ctx, "Ana Roux", "Ana@Bornes.example")
	if err != nil || again == first {
		t.Fatal("a second start gave no other link", err)
	}
	_, err = h.BeginJoin(h.ctx, h.token(first), people.Newcomer{Name: "Ana"})
	is(t, err, people.ErrInput) // nobody said the address
	l, a, codes := h.join(again)
	if l.Person.Role != fleet.RoleFleet || l.Person.Email != "ana@bornes.example" || len(codes) != 8 || !h.Fresh(l.Who) {
		t.Errorf("%+v, %d codes", l.Person, len(codes))
	}
	for _, link := range []string{first, again} {
		_, err = h.BeginJoin(h.ctx, h.token(link), people.Newcomer{Name: "Eve", Email: "eve@example.org"})
		is(t, err, fleet.ErrCode)
	}
	if link, err := h.Setup(h.ctx, "", ""); link != "" || err != nil {
		t.Errorf("a server with an administrator gave %q, %v", link, err)
	}
	if _, err := h.login(a); err != nil {
		t.Error(err)
	}
	want := []string{"login passkey", "login passkey", "join fleet passkey", "invite fleet", "invite fleet"}
	if got := h.lines(); !slices.Equal(got, want) {
		t.Errorf("audit: %q, want %q", got, want)
	}
}

func TestAnInvitationLetsOnePersonInOnce(t *testing.T) {
	h := newHouse(t)
	boss, _ := h.founder()
	link, err := h.Invite(h.ctx, boss, people.Guest{Structure: "centre", Email: " Luc@Example.org ", Name: " Luc  Petit ", Role: fleet.RoleDesk})
	if err != nil {
		t.Fatal(err)
	}
	if i, err := h.Invited(h.ctx, h.token(link)); err != nil || i.Email != "luc@example.org" || i.Name != "Luc Petit" {
		t.Errorf("%+v, %v", i, err)
	}
	two := make([]people.Challenge, 2)
	for i := range two {
		if two[i], err = h.BeginJoin(h.ctx, h.token(link), people.Newcomer{}); err != nil {
			t.Fatal(err)
		}
	}
	a := newAuthenticator(t)
	answer := a.create(two[0].Options)
	l, _, err := h.Join(h.ctx, two[0].Token, answer, "Clé", home)
	if err != nil || l.Person.Structure != "centre" || !l.Person.Confirmed {
		t.Fatal(l.Person, err)
	}
	_, _, err = h.Join(h.ctx, two[0].Token, answer, "Clé", home)
	is(t, err, people.ErrRefused)
	_, _, err = h.Join(h.ctx, two[1].Token, newAuthenticator(t).create(two[1].Options), "Clé", home)
	is(t, err, fleet.ErrCode)
	_, err = h.Invited(h.ctx, h.token(link))
	is(t, err, fleet.ErrCode)
	_, err = h.Invite(h.ctx, boss, people.Guest{Structure: "centre", Email: "luc@example.org", Name: "Luc", Role: fleet.RoleDesk})
	is(t, err, fleet.ErrExists)

	link, _ = h.Invite(h.ctx, boss, people.Guest{Structure: "centre", Email: "eve@example.org", Name: "Eve", Role: fleet.RoleDesk})
	h.pass(73 * time.Hour)
	_, err = h.Invited(h.ctx, h.token(link))
	is(t, err, fleet.ErrCode)
}

func TestOnlyWhoMayInvitesAndGivesNoMoreThanTheirs(t *testing.T) {
	h := newHouse(t)
	boss, _ := h.founder()
	admin, _, _ := h.member(boss, "centre", "Rose", fleet.RoleAdmin)
	desk, _, _ := h.member(boss, "centre", "Luc", fleet.RoleDesk)
	far, _, _ := h.member(boss, "mairie", "Zoe", fleet.RoleDesk)
	guest := func(structure string, role fleet.Role) people.Guest {
		return people.Guest{Structure: structure, Email: "new@example.org", Name: "New", Role: role}
	}
	for _, c := range []struct {
		name string
		by   people.Who
		g    people.Guest
		want error
	}{
		{"a receptionist", desk, guest("centre", fleet.RoleDesk), fleet.ErrForbidden},
		{"another structure", admin, guest("mairie", fleet.RoleDesk), fleet.ErrNotFound},
		{"the fleet", admin, guest("", fleet.RoleFleet), fleet.ErrForbidden},
		{"a role of no structure", boss, guest("", fleet.RoleAdmin), people.ErrInput},
		{"the fleet at a structure", boss, guest("centre", fleet.RoleFleet), people.ErrInput},
		{"no role", boss, guest("centre", "chef"), people.ErrInput},
	} {
		_, err := h.Invite(h.ctx, c.by, c.g)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	_, again := h.Reinvite(h.ctx, admin, far.Person.ID, false)
	_, above := h.Reinvite(h.ctx, admin, boss.Person.ID, false)
	for name, err := range map[string]error{
		"another structure invited":   again,
		"the fleet's invited":         above,
		"another structure's role":    h.SetRole(h.ctx, admin, far.Person.ID, fleet.RoleAdmin),
		"another structure disabled":  h.Disable(h.ctx, admin, far.Person.ID),
		"the fleet's administrator":   h.Disable(h.ctx, admin, boss.Person.ID),
		"somebody who is not there":   h.Disable(h.ctx, admin, "p0"),
		"another structure confirmed": h.Confirm(h.ctx, admin, far.Person.ID, fleet.RoleDesk),
	} {
		if !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	is(t, h.SetRole(h.ctx, admin, desk.Person.ID, fleet.RoleFleet), people.ErrInput)
	is(t, h.Disable(h.ctx, boss, boss.Person.ID), people.ErrInput)
	is(t, h.SetRole(h.ctx, boss, boss.Person.ID, fleet.RoleFleet), people.ErrInput)
	h.pass(6 * time.Minute)
	_, err := h.Invite(h.ctx, admin, guest("centre", fleet.RoleDesk))
	is(t, err, people.ErrProof)
	if all, err := h.People.People(h.ctx, admin); err != nil || len(all) != 2 {
		t.Errorf("an administrator sees %d people of 2, %v", len(all), err)
	}
	if got := h.Roles(admin, "centre"); len(got) != 4 {
		t.Errorf("may give %v", got)
	}
	if got := append(h.Roles(admin, "mairie"), append(h.Roles(admin, ""), h.Roles(desk, "centre")...)...); len(got) != 0 {
		t.Errorf("may give %v", got)
	}
}

// letter is a Mail.
type letter struct {
	to, link string
	err      error
}

func (l *letter) Invite(_ context.Context, i fleet.Invitation, link string) error {
	l.to, l.link = i.Email, link
	return l.err
}

func TestAnInvitationThatCouldNotBeSentIsWithdrawn(t *testing.T) {
	post := &letter{}
	h := newHouse(t, func(o *people.Options) { o.Mail = post })
	boss, _ := h.founder()
	g := people.Guest{Structure: "centre", Email: "luc@example.org", Name: "Luc", Role: fleet.RoleDesk}
	if link, err := h.Invite(h.ctx, boss, g); err != nil || link != "" || post.to != "luc@example.org" {
		t.Fatalf("%q, %v, %+v", link, err, post)
	}
	if _, err := h.Invited(h.ctx, h.token(post.link)); err != nil {
		t.Error(err)
	}
	open, err := h.Invitations(h.ctx, boss)
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	if err := h.Withdraw(h.ctx, boss, open[0].Hash); err != nil {
		t.Error(err)
	}
	_, err = h.Invited(h.ctx, h.token(post.link))
	is(t, err, fleet.ErrCode)
	post.err = errors.New("the post is closed")
	_, err = h.Invite(h.ctx, boss, g)
	is(t, err, post.err)
	_, err = h.Invited(h.ctx, h.token(post.link))
	is(t, err, fleet.ErrCode)
}

func TestAChangedRoleAndADisabledAccountEndSessions(t *testing.T) {
	h := newHouse(t)
	boss, _ := h.founder()
	_, a, _ := h.member(boss, "centre", "Luc", fleet.RoleDesk)
	enter := func() (people.Login, string) {
		l, err := h.login(a)
		if err != nil {
			t.Fatal(err)
		}
		return l, l.Cookie
	}
	l, cookie := enter()
	if err := h.SetRole(h.ctx, boss, l.Person.ID, fleet.RoleReferent); err != nil {
		t.Fatal(err)
	}
	_, err := h.Session(h.ctx, cookie, home, false)
	is(t, err, people.ErrSession)
	l, cookie = enter()
	if l.Person.Role != fleet.RoleReferent {
		t.Errorf("the role is %s", l.Person.Role)
	}
	if err := h.Disable(h.ctx, boss, l.Person.ID); err != nil {
		t.Fatal(err)
	}
	_, err = h.Session(h.ctx, cookie, home, false)
	is(t, err, people.ErrSession)
	_, err = h.login(a)
	is(t, err, people.ErrRefused)
	if got := h.last(); got != "login passkey disabled refused" {
		t.Errorf("audit: %q", got)
	}
	if err := h.Enable(h.ctx, boss, l.Person.ID); err != nil {
		t.Fatal(err)
	}
	enter()
}

func TestSessionsEndIdleAndAtTheirTime(t *testing.T) {
	h := newHouse(t)
	_, a := h.founder()
	l, err := h.login(a)
	if err != nil {
		t.Fatal(err)
	}
	h.pass(7 * time.Hour)
	if _, err := h.Session(h.ctx, l.Cookie, home, true); err != nil {
		t.Error("a page that asks by itself:", err)
	}
	h.pass(30 * time.Minute)
	if w, err := h.Session(h.ctx, l.Cookie, home, false); err != nil || w.Person.Name != "Ana Roux" {
		t.Error(w.Person, err)
	}
	h.pass(270 * time.Minute)
	_, err = h.Session(h.ctx, l.Cookie, home, false)
	is(t, err, people.ErrSession) // 12 h whatever it did

	l, _ = h.login(a)
	h.pass(7 * time.Hour)
	_, _ = h.Session(h.ctx, l.Cookie, home, true)
	h.pass(time.Hour)
	_, err = h.Session(h.ctx, l.Cookie, home, false)
	is(t, err, people.ErrSession) // what a page asks by itself kept nothing alive

	l, _ = h.login(a)
	if _, err := h.Logout(h.ctx, l.Who); err != nil {
		t.Error(err)
	}
	for _, cookie := range []string{l.Cookie, "", "x", strings.Repeat("A", 43)} {
		_, err = h.Session(h.ctx, cookie, home, false)
		is(t, err, people.ErrSession)
	}
	one, _ := h.login(a)
	two, _ := h.login(a)
	if one.Cookie == two.Cookie {
		t.Error("two logins have one cookie")
	}
	if err := h.LogoutAll(h.ctx, two.Who); err != nil {
		t.Error(err)
	}
	_, err = h.Session(h.ctx, one.Cookie, home, false)
	is(t, err, people.ErrSession)
}

func TestSensitiveActionsWantAFreshProof(t *testing.T) {
	h := newHouse(t)
	who, a := h.founder()
	is(t, h.May(who, fleet.MayRevoke), nil)
	h.pass(6 * time.Minute)
	is(t, h.May(who, fleet.MayRevoke), people.ErrProof)
	is(t, h.May(who, fleet.MayMessage), nil)
	c, err := h.BeginProof(h.ctx, who)
	if err != nil {
		t.Fatal(err)
	}
	answer := a.get(c.Options)
	l, err := h.Prove(h.ctx, who, c.Token, answer)
	if err != nil {
		t.Fatal(err)
	}
	is(t, h.May(l.Who, fleet.MayRevoke), nil)
	if w, err := h.Session(h.ctx, l.Cookie, home, false); err != nil || !h.Fresh(w) || !w.Session.Expires.Equal(who.Session.Expires) {
		t.Errorf("%+v, %v", w.Session, err)
	}
	_, err = h.Known(h.ctx, who.Session.Hash, home, false)
	is(t, err, people.ErrSession) // the cookie from before is worth nothing
	_, err = h.Prove(h.ctx, l.Who, c.Token, answer)
	is(t, err, people.ErrRefused)

	// Another's passkey, and another's challenge, prove nothing.
	luc, b, _ := h.member(l.Who, "centre", "Luc", fleet.RoleDesk)
	c, _ = h.BeginProof(h.ctx, l.Who)
	_, err = h.Prove(h.ctx, l.Who, c.Token, b.get(c.Options))
	is(t, err, people.ErrRefused)
	c, _ = h.BeginProof(h.ctx, l.Who)
	_, err = h.Prove(h.ctx, luc, c.Token, b.get(c.Options))
	is(t, err, people.ErrRefused)
	elsewhere, err := h.login(a)
	if err != nil {
		t.Fatal(err)
	}
	c, _ = h.BeginProof(h.ctx, l.Who)
	_, err = h.Prove(h.ctx, elsewhere.Who, c.Token, a.get(c.Options))
	is(t, err, people.ErrRefused)
	is(t, h.May(luc, fleet.MayRevoke), fleet.ErrForbidden)
}
