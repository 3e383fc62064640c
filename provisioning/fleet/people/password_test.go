package people_test

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/provisioning/fleet/people/totp"
)

const words = "cheval agrafe pile juste"

// phone is an application for one-time codes.
type phone struct{ secret []byte }

func (p phone) code(at time.Time) string { return totp.Code(p.secret, totp.Step(at), totp.Digits) }

// joinPassword lets Luc of the centre in with a password.
func (h *house) joinPassword(by people.Who) (people.Login, phone, []string) {
	h.t.Helper()
	link, err := h.Invite(h.ctx, by, people.Guest{Structure: "centre", Email: "luc@example.org", Name: "Luc Petit", Role: fleet.RoleReferent, Password: true})
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := h.BeginPassword(h.ctx, h.token(link), people.Newcomer{})
	if err != nil {
		h.t.Fatal(err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s.Secret)
	if err != nil {
		h.t.Fatal(err)
	}
	p := phone{secret}
	_, _, err = h.JoinPassword(h.ctx, s.Token, "motdepasse", p.code(h.clock), home)
	is(h.t, err, people.ErrInput)
	_, _, err = h.JoinPassword(h.ctx, s.Token, "luc@example.org 1", p.code(h.clock), home)
	is(h.t, err, people.ErrInput)
	_, _, err = h.JoinPassword(h.ctx, s.Token, words, "000000", home)
	is(h.t, err, people.ErrRefused)
	l, codes, err := h.JoinPassword(h.ctx, s.Token, words, p.code(h.clock), home)
	if err != nil {
		h.t.Fatal(err)
	}
	_, _, err = h.JoinPassword(h.ctx, s.Token, words, p.code(h.clock.Add(totp.Period)), home)
	is(h.t, err, fleet.ErrCode)
	return l, p, codes
}

func TestAPasswordIsWorthNothingWithoutItsCode(t *testing.T) {
	h := newHouse(t)
	boss, _ := h.founder()
	l, p, codes := h.joinPassword(boss)
	if len(codes) != 8 || !h.Fresh(l.Who) {
		t.Errorf("%d codes", len(codes))
	}
	try := func(email, password, code string) error {
		t.Helper()
		h.pass(15 * time.Minute)
		if code == "now" {
			code = p.code(h.clock)
		}
		_, err := h.LoginPassword(h.ctx, email, password, code, home)
		return err
	}
	is(t, try(" Luc@Example.org", words, "now"), nil)
	for name, err := range map[string]error{
		"no code":           try("luc@example.org", words, ""),
		"a wrong code":      try("luc@example.org", words, "123456"),
		"a wrong password":  try("luc@example.org", words+"s", "now"),
		"no password":       try("luc@example.org", "", "now"),
		"a huge password":   try("luc@example.org", strings.Repeat("a", 1<<20), "now"),
		"an unknown person": try("eve@example.org", words, "now"),
		"one with a key":    try("ana@bornes.example", words, "now"),
		"no address":        try("", words, "now"),
		"a broken address":  try("luc@example.org\r\nBcc: x@y.z", words, "now"),
	} {
		if !errors.Is(err, people.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A code is good once, also for another server.
	h.pass(time.Hour)
	code := p.code(h.clock)
	is(t, errOf(h.LoginPassword(h.ctx, "luc@example.org", words, code[:3]+" "+code[3:], home)), nil)
	is(t, errOf(h.LoginPassword(h.ctx, "luc@example.org", words, code, home)), people.ErrRefused)
	if got := h.last(); got != "login password code refused" {
		t.Errorf("audit: %q", got)
	}
	// The password of the same letters typed otherwise is the same.
	h.pass(time.Hour)
	now, err := h.LoginPassword(h.ctx, "luc@example.org", words, p.code(h.clock), home)
	is(t, err, nil)
	is(t, h.ChangePassword(h.ctx, now.Who, "chevale\u0301 agrafe"), nil)
	if _, err := h.Session(h.ctx, now.Cookie, home, false); err != nil {
		t.Error("the session that changed it ended:", err)
	}
	_, err = h.Known(h.ctx, l.Session.Hash, home, false)
	is(t, err, people.ErrSession)
	is(t, try("luc@example.org", "cheval\u00e9 agrafe", "now"), nil)
	is(t, try("luc@example.org", words, "now"), people.ErrRefused)
	h.pass(10 * time.Minute)
	is(t, h.ChangePassword(h.ctx, now.Who, words), people.ErrProof)
	proved, err := h.ProvePassword(h.ctx, now.Who, "chevalé agrafe", p.code(h.clock))
	if err != nil || !h.Fresh(proved.Who) || proved.Cookie == now.Cookie {
		t.Error(err)
	}
	// No secret lies in the store.
	kept, err := h.store.Password(h.ctx, now.Person.ID)
	if err != nil || strings.Contains(string(kept.TOTP), string(p.secret)) || !strings.HasPrefix(kept.Hash, "$argon2id$v=19$m=64,t=1,p=1$") {
		t.Errorf("%+v, %v", kept, err)
	}
}

func errOf(_ people.Login, err error) error { return err }

func TestAPasswordIsOnlyForThoseInvitedToHaveOne(t *testing.T) {
	h := newHouse(t)
	boss, _ := h.founder()
	link, err := h.Invite(h.ctx, boss, people.Guest{Structure: "centre", Email: "eve@example.org", Name: "Eve", Role: fleet.RoleDesk})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.BeginPassword(h.ctx, h.token(link), people.Newcomer{})
	is(t, err, fleet.ErrForbidden)

	// Somebody whose password is replaced by a passkey has none any more.
	l, p, _ := h.joinPassword(boss)
	link, err = h.Reinvite(h.ctx, boss, l.Person.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	now, _, _ := h.join(link)
	h.pass(time.Hour)
	is(t, errOf(h.LoginPassword(h.ctx, "luc@example.org", words, p.code(h.clock), home)), people.ErrRefused)
	is(t, errOf(h.LoginPassword(h.ctx, "luc@example.org", "", p.code(h.clock), home)), people.ErrRefused)
	if has, err := h.HasPassword(h.ctx, now.Who); has || err != nil {
		t.Error(has, err)
	}
}

func TestFiveTriesInAQuarterOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouseOn(t, newMemory(), func(o *people.Options) { o.Now = nil })
		try := func(email, from string) error {
			return errOf(h.LoginPassword(t.Context(), email, "x", "000000", from))
		}
		for n := range 5 {
			is(t, try("luc@example.org", fmt.Sprint("192.0.2.", n)), people.ErrRefused)
		}
		is(t, try("LUC@example.org ", "192.0.2.99"), people.ErrTooMany) // the account, from anywhere
		is(t, try("luc@example.org", "192.0.2.98"), people.ErrTooMany)
		for n := range 5 {
			is(t, try(fmt.Sprint("a", n, "@example.org"), fmt.Sprint("[2001:db8::", n, "]:4242")), people.ErrRefused)
		}
		is(t, try("b@example.org", "2001:db8::ffff"), people.ErrTooMany) // the network, for anybody
		is(t, try("b@example.org", "2001:db8:0:1::1"), people.ErrRefused)
		is(t, errOf(h.LoginRecovery(t.Context(), "luc@example.org", "0", "192.0.2.97")), people.ErrTooMany)
		if got := h.lines(); strings.Count(strings.Join(got, "\n"), "too many tries") != 2 {
			t.Errorf("audit: %q", got)
		}
		time.Sleep(14 * time.Minute)
		is(t, try("luc@example.org", "192.0.2.60"), people.ErrTooMany)
		time.Sleep(time.Minute)
		is(t, try("luc@example.org", "192.0.2.61"), people.ErrRefused)
	})
}

func TestAHundredTriesAtOnceAreFive(t *testing.T) {
	h := newHouseOn(t, newMemory())
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[error]int{}
	for n := range 100 {
		wg.Go(func() {
			_, err := h.LoginPassword(h.ctx, "luc@example.org", "x", fmt.Sprintf("%06d", n), fmt.Sprint("192.0.2.", n))
			mu.Lock()
			count[err]++
			mu.Unlock()
		})
	}
	wg.Wait()
	if count[people.ErrRefused] != 5 || count[people.ErrTooMany] != 95 {
		t.Errorf("%v", count)
	}
}

// Those who are right share an address as they like.
func TestWhoGetsInUsesUpNobodysTries(t *testing.T) {
	h := newHouseOn(t, newMemory())
	boss, a := h.founder()
	_, p, _ := h.joinPassword(boss)
	h.pass(time.Hour)
	for range 12 {
		h.pass(totp.Period)
		if _, err := h.LoginPassword(h.ctx, "luc@example.org", words, p.code(h.clock), home); err != nil {
			t.Fatal(err)
		}
	}
	for range 100 {
		if _, err := h.login(a); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFloodOfBadPasskeysFromOneAddressIsCutOff(t *testing.T) {
	h := newHouseOn(t, newMemory())
	_, a := h.founder()
	liar := *a
	liar.rp = "evil.example"
	for range 60 {
		if _, err := h.login(&liar); !errors.Is(err, people.ErrRefused) {
			t.Fatal(err)
		}
	}
	lines := len(h.lines())
	for range 20 {
		if _, err := h.login(&liar); !errors.Is(err, people.ErrTooMany) {
			t.Fatal(err)
		}
	}
	if got := len(h.lines()) - lines; got != 1 {
		t.Errorf("%d lines of the audit log", got)
	}
}

func TestAnUnknownAccountTakesAsLongAsAKnownOne(t *testing.T) {
	h := newHouseOn(t, newMemory(), func(o *people.Options) { o.Cost = people.Cost{} })
	boss, _ := h.founder()
	h.joinPassword(boss)
	took := func(email string) time.Duration {
		h.pass(time.Hour)
		start := time.Now()
		is(t, errOf(h.LoginPassword(h.ctx, email, "not the password", "000000", home)), people.ErrRefused)
		return time.Since(start)
	}
	known, unknown := took("luc@example.org"), took("eve@example.org")
	t.Logf("known %v, unknown %v", known, unknown)
	if unknown < known/10 || known < unknown/10 {
		t.Errorf("a known account takes %v, an unknown one %v", known, unknown)
	}
}

func TestWhoHasGoneIsNotHashedFor(t *testing.T) {
	h := newHouse(t)
	ctx, cancel := context.WithCancel(h.ctx)
	cancel()
	is(t, errOf(h.LoginPassword(ctx, "luc@example.org", words, "000000", home)), context.Canceled)
}

func TestAStoreThatFailsLetsNobodyIn(t *testing.T) {
	m := newMemory()
	h := newHouseOn(t, m)
	who, a := h.founder()
	l, err := h.login(a)
	if err != nil {
		t.Fatal(err)
	}
	m.fail = errors.New("the disk is full")
	_, err = h.login(a)
	is(t, err, m.fail)
	_, err = h.Session(h.ctx, l.Cookie, home, false)
	is(t, err, m.fail)
	_, err = h.LoginPassword(h.ctx, "ana@bornes.example", words, "000000", home)
	is(t, err, m.fail)
	_, err = h.LoginRecovery(h.ctx, "ana@bornes.example", "0", home)
	is(t, err, m.fail)
	_, err = h.Invite(h.ctx, who, people.Guest{Structure: "centre", Email: "luc@example.org", Name: "Luc", Role: fleet.RoleDesk})
	is(t, err, m.fail)
}

func FuzzPasswordHashes(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=3,p=2$c2FsdHNhbHRzYWx0$c3Vtc3Vtc3Vtc3Vtc3Vtc3VtcQ")
	f.Add("$argon2id$v=19$m=4294967295,t=3,p=2$c2FsdHNhbHRzYWx0$c3Vtc3Vtc3Vtc3Vtc3Vtc3VtcQ")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		if back, ok := people.ReadHash(s); ok && back != s {
			t.Errorf("%q is read as %q", s, back)
		}
	})
}

func FuzzTokensAndAnswers(f *testing.F) {
	m := newMemory()
	p, err := people.New(people.Options{Store: m, Origins: []string{origin}, Key: []byte(strings.Repeat("k", 32))})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", `{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"AAAA","signature":"AAAA","userHandle":"AAAA"}}`)
	f.Add("AAAA", "[]")
	f.Fuzz(func(t *testing.T, token, answer string) {
		if p.OpenAny(token) {
			t.Fatalf("%q is taken for ours", token)
		}
		c, err := p.BeginLogin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Login(t.Context(), c.Token, []byte(answer), ""); err == nil {
			t.Fatalf("%q was let in", answer)
		}
	})
}
