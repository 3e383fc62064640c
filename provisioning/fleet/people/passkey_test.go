package people_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
)

func TestAPasskeyThatIsNotRightIsRefused(t *testing.T) {
	h := newHouse(t)
	boss, a := h.founder()
	luc, b, _ := h.member(boss, "centre", "Luc", fleet.RoleDesk)
	for _, c := range []struct {
		name string
		lie  func(a *authenticator)
		want string
	}{
		{"another origin", func(a *authenticator) { a.origin = "https://bornes.example.evil" }, "passkey"},
		{"another relying party", func(a *authenticator) { a.rp = "evil.example" }, "passkey"},
		{"nobody was verified", func(a *authenticator) { a.flags = present }, "passkey"},
		{"nobody was there", func(a *authenticator) { a.flags = 0 }, "passkey"},
		{"inside another page", func(a *authenticator) { a.cross = true }, "passkey"},
		{"another's handle", func(a *authenticator) { a.handle = []byte(luc.Person.ID) }, "handle"},
		{"no handle", func(a *authenticator) { a.handle = nil }, "passkey"},
		{"another's key", func(a *authenticator) { a.key = b.key }, "passkey"},
		{"an unknown credential", func(a *authenticator) { a.id = []byte("0123456789abcdef") }, "unknown"},
		{"a counter that went back", func(a *authenticator) { a.count, a.steps = 0, 1 }, "counter"},
		{"a counter that stood still", func(a *authenticator) { a.steps = 0 }, "counter"},
		{"backed up and not to be", func(a *authenticator) { a.flags |= 16 }, "passkey"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := h.login(a); err != nil {
				t.Fatal("before:", err)
			}
			liar := *a
			c.lie(&liar)
			_, err := h.login(&liar)
			is(t, err, people.ErrRefused)
			if got := h.last(); got != "login passkey "+c.want+" refused" {
				t.Errorf("audit: %q", got)
			}
		})
	}
	if _, err := h.login(a); err != nil {
		t.Error("the true one is kept out:", err)
	}
}

func TestAChallengeIsAnsweredOnceInTimeAndWhereItWasAsked(t *testing.T) {
	h := newHouse(t)
	who, a := h.founder()
	begin := func() people.Challenge {
		c, err := h.BeginLogin(h.ctx)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	refused := func(name, token string, answer []byte) {
		t.Helper()
		if _, err := h.Login(h.ctx, token, answer, home); err == nil {
			t.Errorf("%s was let in", name)
		}
	}
	c := begin()
	answer := a.get(c.Options)
	if _, err := h.Login(h.ctx, c.Token, answer, home); err != nil {
		t.Fatal(err)
	}
	refused("a replay", c.Token, answer)
	refused("an answer to another challenge", begin().Token, answer)
	c = begin()
	h.pass(6 * time.Minute)
	refused("a late answer", c.Token, a.get(c.Options))
	c = begin()
	changed := []byte(c.Token)
	changed[40] ^= 1 // another letter, or none
	refused("a changed token", string(changed), a.get(c.Options))
	p, err := h.BeginProof(h.ctx, who)
	if err != nil {
		t.Fatal(err)
	}
	refused("a proof's token", p.Token, a.get(p.Options))
	for name, answer := range map[string]string{"nothing": "", "no object": "[]", "no answer": "{}", "too much": `{"id":"` + strings.Repeat("A", 1<<17) + `"}`} {
		refused(name, begin().Token, []byte(answer))
	}
	// Another server with the same key and store takes the answer, once.
	other, err := people.New(h.o)
	if err != nil {
		t.Fatal(err)
	}
	c = begin()
	answer = a.get(c.Options)
	if _, err := other.Login(h.ctx, c.Token, answer, home); err != nil {
		t.Error(err)
	}
	refused("a replay at another server", c.Token, answer)
	o := h.o
	o.Key = []byte(strings.Repeat("x", 32))
	if other, err = people.New(o); err != nil {
		t.Fatal(err)
	}
	c = begin()
	_, err = other.Login(h.ctx, c.Token, a.get(c.Options), home)
	is(t, err, people.ErrRefused)
}

func TestANewPasskeyThatIsNotRightIsRefused(t *testing.T) {
	h := newHouse(t)
	boss, _ := h.founder()
	link, err := h.Invite(h.ctx, boss, people.Guest{Structure: "centre", Email: "luc@example.org", Name: "Luc", Role: fleet.RoleDesk})
	if err != nil {
		t.Fatal(err)
	}
	for name, lie := range map[string]func(a *authenticator){
		"another origin":        func(a *authenticator) { a.origin = "https://evil.example" },
		"another relying party": func(a *authenticator) { a.rp = "evil.example" },
		"nobody was verified":   func(a *authenticator) { a.flags = present },
	} {
		c, err := h.BeginJoin(h.ctx, h.token(link), people.Newcomer{})
		if err != nil {
			t.Fatal(err)
		}
		liar := newAuthenticator(t)
		lie(liar)
		if _, _, err := h.Join(h.ctx, c.Token, liar.create(c.Options), "Clé", home); err == nil {
			t.Errorf("%s was let in", name)
		}
	}
	h.join(link) // and the invitation is still good
}

func TestPasskeysAreAddedNamedAndRemoved(t *testing.T) {
	h := newHouse(t)
	who, first := h.founder()
	h.pass(time.Second)
	c, err := h.BeginPasskey(h.ctx, who)
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		PublicKey struct {
			ExcludeCredentials     []struct{ ID string }
			AuthenticatorSelection struct{ ResidentKey, UserVerification string }
			Attestation            string
			User                   struct{ Name, DisplayName string }
		} `json:"publicKey"`
	}
	if err := json.Unmarshal(c.Options, &o); err != nil {
		t.Fatal(err)
	}
	if k := o.PublicKey; len(k.ExcludeCredentials) != 1 || k.ExcludeCredentials[0].ID != b64(first.id) || k.AuthenticatorSelection.ResidentKey != "required" ||
		k.AuthenticatorSelection.UserVerification != "required" || k.Attestation != "none" || k.User.Name != "ana@bornes.example" {
		t.Errorf("asked: %+v", k)
	}
	second := newAuthenticator(t)
	if l, err := h.AddPasskey(h.ctx, who, c.Token, second.create(c.Options), "Téléphone"); err != nil || l.Cookie != "" {
		t.Fatal(l, err)
	}
	if _, err := h.login(second); err != nil {
		t.Error(err)
	}
	keys, err := h.Passkeys(h.ctx, who)
	if err != nil || len(keys) != 2 || keys[1].Name != "Téléphone" || keys[1].Used.IsZero() || keys[0].Data != nil {
		t.Errorf("%+v, %v", keys, err)
	}
	// A credential that is somebody's already is nobody else's.
	luc, _, _ := h.member(who, "centre", "Luc", fleet.RoleDesk)
	c, _ = h.BeginPasskey(h.ctx, luc)
	_, err = h.AddPasskey(h.ctx, luc, c.Token, second.create(c.Options), "Téléphone")
	is(t, err, fleet.ErrExists)
	second.handle = []byte(who.Person.ID)

	is(t, h.RemovePasskey(h.ctx, luc, first.id), people.ErrInput) // the last of his
	if err := h.RemovePasskey(h.ctx, who, first.id); err != nil {
		t.Error(err)
	}
	is(t, h.RemovePasskey(h.ctx, who, second.id), people.ErrInput)
	_, err = h.login(first)
	is(t, err, people.ErrRefused)
	h.pass(6 * time.Minute)
	_, err = h.BeginPasskey(h.ctx, who)
	is(t, err, people.ErrProof)
	is(t, h.RemovePasskey(h.ctx, who, second.id), people.ErrProof)
}

func TestARecoveryCodeLetsInOnceToMakeAPasskey(t *testing.T) {
	h := newHouse(t)
	boss, _ := h.founder()
	luc, _, codes := h.member(boss, "centre", "Luc", fleet.RoleAdmin)
	typed := strings.ToLower(strings.ReplaceAll(codes[3], "-", " "))
	l, err := h.LoginRecovery(h.ctx, "Luc@example.org", typed, home)
	if err != nil {
		t.Fatal(err)
	}
	is(t, h.May(l.Who, fleet.MayPeople), people.ErrProof)
	is(t, h.May(l.Who, fleet.MaySee), people.ErrProof)
	if n, err := h.RecoveryLeft(h.ctx, l.Who); n != 7 || err != nil {
		t.Errorf("%d left, %v", n, err)
	}
	for _, bad := range []struct{ email, code string }{
		{"luc@example.org", codes[3]}, {"ana@bornes.example", codes[4]}, {"nobody@example.org", codes[4]}, {"", ""},
	} {
		_, err = h.LoginRecovery(h.ctx, bad.email, bad.code, home)
		is(t, err, people.ErrRefused)
	}
	c, err := h.BeginPasskey(h.ctx, l.Who)
	if err != nil {
		t.Fatal(err)
	}
	a := newAuthenticator(t)
	now, err := h.AddPasskey(h.ctx, l.Who, c.Token, a.create(c.Options), "Neuf")
	if err != nil || now.Cookie == "" || now.Session.Method != fleet.ByPasskey {
		t.Fatal(now, err)
	}
	is(t, h.May(now.Who, fleet.MayPeople), nil)
	_, err = h.Session(h.ctx, l.Cookie, home, false)
	is(t, err, people.ErrSession)
	again, err := h.NewRecovery(h.ctx, now.Who)
	if err != nil || len(again) != 8 {
		t.Fatal(again, err)
	}
	h.pass(16 * time.Minute)
	_, err = h.LoginRecovery(h.ctx, luc.Person.Email, codes[5], home)
	is(t, err, people.ErrRefused)
	if _, err = h.LoginRecovery(h.ctx, luc.Person.Email, again[0], home); err != nil {
		t.Error(err)
	}
}

func TestWhoLostAllPasskeysComesBackByInvitation(t *testing.T) {
	h := newHouse(t)
	boss, _ := h.founder()
	luc, lost, codes := h.member(boss, "centre", "Luc", fleet.RoleReferent)
	l, err := h.login(lost)
	if err != nil {
		t.Fatal(err)
	}
	link, err := h.Reinvite(h.ctx, boss, luc.Person.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.login(lost); err != nil {
		t.Error("the old passkey ended before the link was used:", err)
	}
	back, found, _ := h.join(link)
	if back.Person.ID != luc.Person.ID || back.Person.Role != fleet.RoleReferent {
		t.Errorf("%+v", back.Person)
	}
	_, err = h.login(lost)
	is(t, err, people.ErrRefused)
	_, err = h.Session(h.ctx, l.Cookie, home, false)
	is(t, err, people.ErrSession)
	_, err = h.LoginRecovery(h.ctx, luc.Person.Email, codes[0], home)
	is(t, err, people.ErrRefused)
	if _, err := h.login(found); err != nil {
		t.Error(err)
	}
	if _, err := h.Session(h.ctx, back.Cookie, home, false); err != nil {
		t.Error(err)
	}
}
