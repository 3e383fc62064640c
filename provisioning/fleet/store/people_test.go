package store_test

import (
	"bytes"
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/provisioning/fleet"
)

func TestPeopleAreWhoTheyWere(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		settle(t, s, "town")
		ctx := t.Context()
		p := fleet.Person{ID: "p1", Structure: "town", Name: "Anaïs", Email: "anais@example.org", Role: fleet.RoleReferent, Lang: "fr", Created: noon, Issuer: "https://idp.example", Subject: "42", Confirmed: true}
		must(t, s.AddPerson(ctx, p))
		if q := got[fleet.Person](t)(s.PersonByEmail(ctx, "Anais@Example.org")); !reflect.DeepEqual(q, p) {
			t.Errorf("by e-mail: %+v", q)
		}
		if q := got[fleet.Person](t)(s.PersonBySubject(ctx, "https://idp.example", "42")); !reflect.DeepEqual(q, p) {
			t.Errorf("by subject: %+v", q)
		}
		for _, bad := range []fleet.Person{
			{ID: "p1", Structure: "town", Role: fleet.RoleDesk},
			{ID: "p2", Structure: "town", Role: fleet.RoleDesk, Email: "ANAIS@example.org"},
			{ID: "p2", Structure: "town", Role: fleet.RoleDesk, Issuer: "https://idp.example", Subject: "42"},
		} {
			if err := s.AddPerson(ctx, bad); !errors.Is(err, fleet.ErrExists) {
				t.Errorf("%+v: %v", bad, err)
			}
		}
		must(t, s.AddPerson(ctx, fleet.Person{ID: "p2", Structure: "town", Role: fleet.RoleDesk}))
		must(t, s.AddPerson(ctx, fleet.Person{ID: "p3", Structure: "town", Role: fleet.RoleDesk}))
		if _, err := s.PersonByEmail(ctx, ""); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("nobody's address: %v", err)
		}
		if _, err := s.PersonBySubject(ctx, "", ""); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("nobody's subject: %v", err)
		}
		p.Disabled, p.Role, p.Name = noon, fleet.RoleDesk, "A"
		must(t, s.SavePerson(ctx, of("town"), p))
		if q := got[fleet.Person](t)(s.Person(ctx, "p1")); !reflect.DeepEqual(q, p) {
			t.Errorf("saved: %+v", q)
		}
		if err := s.AddPerson(ctx, fleet.Person{ID: "p9", Structure: "nowhere", Role: fleet.RoleDesk}); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("of no structure: %v", err)
		}
		if err := s.AddPerson(ctx, fleet.Person{ID: "p9", Structure: "town", Role: fleet.RoleFleet}); !errors.Is(err, fleet.ErrForbidden) {
			t.Errorf("one of a structure who sees all: %v", err)
		}
	})
}

func TestWhatPeopleLogInWith(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		twoStructures(t, s)
		ctx := t.Context()
		key := fleet.Passkey{ID: []byte{0, 255, 1}, Person: "p-town", Name: "Accueil", Data: []byte(`{"a":1}`), Created: noon}
		must(t, s.AddPasskey(ctx, key))
		if err := s.AddPasskey(ctx, fleet.Passkey{ID: key.ID, Person: "p-village"}); !errors.Is(err, fleet.ErrExists) {
			t.Errorf("somebody else's passkey: %v", err)
		}
		if owner := got[string](t)(s.PasskeyOwner(ctx, key.ID)); owner != "p-town" {
			t.Errorf("owner %q", owner)
		}
		key.Used, key.Data = noon, []byte(`{"a":2}`)
		must(t, s.SavePasskey(ctx, key))
		if ks := got[[]fleet.Passkey](t)(s.Passkeys(ctx, "p-town")); len(ks) != 1 || !reflect.DeepEqual(ks[0], key) {
			t.Errorf("passkeys: %+v", ks)
		}
		stolen := key
		stolen.Person = "p-village"
		if err := s.SavePasskey(ctx, stolen); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("saved by another: %v", err)
		}
		if err := s.RemovePasskey(ctx, "p-village", key.ID); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("removed by another: %v", err)
		}
		must(t, s.RemovePasskey(ctx, "p-town", key.ID))

		must(t, s.SetRecovery(ctx, "p-town", []string{"a", "b"}))
		must(t, s.SetRecovery(ctx, "p-town", []string{"b", "c"}))
		for hash, want := range map[string]error{"a": fleet.ErrCode, "c": nil} {
			if err := s.UseRecovery(ctx, "p-town", hash); !errors.Is(err, want) {
				t.Errorf("recovery %s: %v", hash, err)
			}
		}
		if n := got[int](t)(s.RecoveryLeft(ctx, "p-town")); n != 1 {
			t.Errorf("%d are left", n)
		}

		for _, hash := range []string{"first", "second"} {
			must(t, s.SetPassword(ctx, fleet.Password{Person: "p-town", Hash: hash, TOTP: []byte{0, 1}, Changed: noon}))
		}
		if p := got[fleet.Password](t)(s.Password(ctx, "p-town")); p.Hash != "second" || !bytes.Equal(p.TOTP, []byte{0, 1}) || !p.Changed.Equal(noon) {
			t.Errorf("password: %+v", p)
		}
		if _, err := s.Password(ctx, "p-village"); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("somebody without: %v", err)
		}
	})
}

func TestSessionsEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		twoStructures(t, s)
		ctx := t.Context()
		want := fleet.Session{Hash: "h1", Person: "p-town", Created: noon, Seen: noon, Expires: noon.Add(time.Hour), Method: fleet.ByPasskey, From: "192.0.2.1", Hint: []byte{7}}
		must(t, s.AddSession(ctx, want))
		must(t, s.AddSession(ctx, fleet.Session{Hash: "h2", Person: "p-town", Expires: noon}))
		must(t, s.AddSession(ctx, fleet.Session{Hash: "h3", Person: "p-village", Expires: noon}))
		must(t, s.TouchSession(ctx, "h1", time.Time{}, noon.Add(time.Minute)))
		must(t, s.TouchSession(ctx, "h1", noon.Add(2*time.Minute), time.Time{}))
		want.Proved, want.Seen = noon.Add(time.Minute), noon.Add(2*time.Minute)
		if n := got[fleet.Session](t)(s.Session(ctx, "h1")); !reflect.DeepEqual(n, want) {
			t.Errorf("got %+v", n)
		}
		must(t, s.EndSession(ctx, "h1"))
		must(t, s.EndSession(ctx, "h1"))
		must(t, s.EndSessions(ctx, "p-town"))
		for hash, want := range map[string]error{"h1": fleet.ErrNotFound, "h2": fleet.ErrNotFound, "h3": nil} {
			if _, err := s.Session(ctx, hash); !errors.Is(err, want) {
				t.Errorf("%s: %v", hash, err)
			}
		}
		if err := s.TouchSession(ctx, "h1", noon, noon); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("an ended one moves: %v", err)
		}
	})
}

func TestAnInvitationIsUsedOnceAndBringsAllOrNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		twoStructures(t, s)
		ctx := t.Context()
		must(t, s.AddPasskey(ctx, fleet.Passkey{ID: []byte("taken"), Person: "p-village"}))
		joined := fleet.Joined{Person: fleet.Person{ID: "new", Structure: "town", Role: fleet.RoleDesk, Email: "new@example.org"},
			Passkey: &fleet.Passkey{ID: []byte("taken")}, Recovery: []string{"r1"}}
		if err := s.UseInvitation(ctx, "i-town", noon, joined); !errors.Is(err, fleet.ErrExists) {
			t.Errorf("a passkey of somebody else: %v", err)
		}
		if _, err := s.Person(ctx, "new"); !errors.Is(err, fleet.ErrNotFound) {
			t.Errorf("half let in: %v", err)
		}
		joined.Passkey.ID = []byte("mine")
		for _, more := range []fleet.Person{{ID: "new", Structure: "town", Role: fleet.RoleAdmin}, {ID: "new", Structure: "village", Role: fleet.RoleDesk}, {ID: "new", Role: fleet.RoleFleet}} {
			if err := s.UseInvitation(ctx, "i-town", noon, fleet.Joined{Person: more}); !errors.Is(err, fleet.ErrForbidden) {
				t.Errorf("more than was invited (%+v): %v", more, err)
			}
		}
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := s.UseInvitation(ctx, "i-town", noon, joined); err == nil {
					won.Add(1)
				} else if !errors.Is(err, fleet.ErrCode) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if owner, err := s.PasskeyOwner(ctx, []byte("mine")); won.Load() != 1 || owner != "new" || err != nil {
			t.Errorf("%d won; %q, %v", won.Load(), owner, err)
		}
		if i := got[fleet.Invitation](t)(s.Invitation(ctx, "i-town")); !i.Used.Equal(noon) {
			t.Errorf("invitation: %+v", i)
		}
		if err := s.UseInvitation(ctx, "i-village", noon.Add(2*time.Hour), joined); !errors.Is(err, fleet.ErrCode) {
			t.Errorf("an expired one: %v", err)
		}
		must(t, s.UseInvitation(ctx, "i-village", noon, fleet.Joined{})) // withdrawn
		if left := got[[]fleet.Invitation](t)(s.Invitations(ctx, all, noon)); len(left) != 1 || left[0].Hash != "i-fleet" {
			t.Errorf("left: %+v", left)
		}
		// Somebody who is there already gets a new passkey.
		must(t, s.AddInvitation(ctx, fleet.Invitation{Hash: "again", Structure: "town", Role: fleet.RoleDesk, Person: "new", Expires: noon.Add(time.Hour)}))
		if err := s.UseInvitation(ctx, "again", noon, fleet.Joined{Person: fleet.Person{ID: "p-village", Structure: "village", Role: fleet.RoleAdmin}}); !errors.Is(err, fleet.ErrForbidden) {
			t.Errorf("for somebody else: %v", err)
		}
		joined.Passkey.ID = []byte("second")
		must(t, s.UseInvitation(ctx, "again", noon, joined))
		if ks := got[[]fleet.Passkey](t)(s.Passkeys(ctx, "new")); len(ks) != 2 {
			t.Errorf("passkeys: %+v", ks)
		}
	})
}

func TestWhatIsSpentIsSpentOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		var won atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := s.Spend(t.Context(), "challenge", noon); err == nil {
					won.Add(1)
				} else if !errors.Is(err, fleet.ErrCode) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d spent it", won.Load())
		}
	})
}

func TestNoticesAreSentByOneServer(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		ctx := t.Context()
		for _, id := range []string{"n1", "n2", "n3", "n1"} {
			must(t, s.AddNotice(ctx, fleet.Notice{ID: id, Structure: "town", Channel: fleet.ByEmail, To: "a@example.org", Subject: id, Body: "b", Created: noon, Due: noon}))
		}
		must(t, s.AddNotice(ctx, fleet.Notice{ID: "n4", Created: noon, Due: noon.Add(time.Hour)}))
		seen := map[string]int{}
		var mu sync.Mutex
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				ns, err := s.DueNotices(ctx, noon, 2, time.Minute)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				for _, n := range ns {
					seen[n.ID]++
				}
			})
		}
		wg.Wait()
		if !reflect.DeepEqual(seen, map[string]int{"n1": 1, "n2": 1, "n3": 1}) {
			t.Errorf("taken: %v", seen)
		}
		must(t, s.NoticeDone(ctx, "n1", "", noon))
		must(t, s.NoticeRetry(ctx, "n2", "refused", noon.Add(2*time.Minute)))
		// n3's server was killed: its lease is over.
		ns := got[[]fleet.Notice](t)(s.DueNotices(ctx, noon.Add(time.Minute), 9, time.Minute))
		if len(ns) != 1 || ns[0].ID != "n3" || ns[0].To != "a@example.org" {
			t.Errorf("after the lease: %+v", ns)
		}
		ns = got[[]fleet.Notice](t)(s.DueNotices(ctx, noon.Add(3*time.Minute), 9, time.Minute))
		if len(ns) != 2 || ns[0].ID != "n2" || ns[0].Tries != 1 || ns[0].Why != "refused" {
			t.Errorf("the second try: %+v", ns)
		}
		must(t, s.AddNotice(ctx, fleet.Notice{ID: "n1", Created: noon, Due: noon})) // it has gone already
		if ns := got[[]fleet.Notice](t)(s.DueNotices(ctx, noon.Add(time.Minute), 9, time.Minute)); len(ns) != 0 {
			t.Errorf("sent again: %+v", ns)
		}
	})
}

func TestAProblemIsOneAlertUntilItEnds(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		ctx := t.Context()
		begin := func(id string) bool {
			return got[bool](t)(s.OpenAlert(ctx, fleet.Alert{ID: id, Structure: "town", Kiosk: "k1", Name: "printer", Code: "paper_jam", Since: noon}))
		}
		first, second := begin("a1"), begin("a2")
		must(t, s.EndAlert(ctx, "town", "k1", "printer", noon.Add(time.Hour)))
		must(t, s.EndAlert(ctx, "town", "k1", "printer", noon.Add(2*time.Hour)))
		third := begin("a3")
		if !first || second || !third {
			t.Errorf("new: %v %v %v", first, second, third)
		}
		if a := got[[]fleet.Alert](t)(s.Alerts(ctx, of("town"), true)); len(a) != 1 || a[0].ID != "a3" {
			t.Errorf("open: %+v", a)
		}
		if a := got[[]fleet.Alert](t)(s.Alerts(ctx, of("town"), false)); len(a) != 2 || !a[0].Ended.Equal(noon.Add(time.Hour)) {
			t.Errorf("all: %+v", a)
		}
	})
}
