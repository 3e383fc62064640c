package desk_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/ui/console"
)

// Two people say "J'arrive" at once, again and again: one comes, the other
// reads who.
func TestACallIsTakenByOnePerson(t *testing.T) {
	s := newSite(t)
	two := []fleet.Person{s.person(mairie, fleet.RoleDesk), s.person(mairie, fleet.RoleReferent)}
	both := []console.Who{s.login(two[0], fleet.ByPasskey, 0), s.login(two[1], fleet.ByPasskey, 0)}
	for range 8 {
		id, call := s.kiosk(mairie, "Hall")
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i, w := range both {
			wg.Go(func() { errs[i] = s.desk.TakeCall(t.Context(), w, id, call) })
		}
		wg.Wait()
		first := 0
		if errs[0] != nil {
			first = 1
		}
		if errs[first] != nil || kind(errs[1-first]) != console.ErrConflict {
			t.Fatalf("%v and %v", errs[0], errs[1])
		}
		for i, w := range both {
			k, err := s.desk.Kiosk(t.Context(), w, id)
			s.must(err)
			if k.Call == nil || k.Call.Taken != two[first].Name || k.Call.Mine != (i == first) {
				t.Errorf("%+v, taken by %s", k.Call, two[first].Name)
			}
		}
		if a := s.audits(2); a[0].OK == a[1].OK || a[0].Kiosk != id || a[0].Action != "command/help_taken" {
			t.Errorf("lines %+v", a)
		}
	}
}

func TestACallThatHasEndedIsNobodys(t *testing.T) {
	s := newSite(t)
	w := s.fresh(mairie, fleet.RoleDesk)
	id, call := s.kiosk(mairie, "Hall")
	s.must(s.desk.TakeCall(t.Context(), w, id, call))
	s.must(s.desk.EndCall(t.Context(), w, id, call))
	s.tells(mairie, id, provisioning.Event{Kind: provisioning.EventState, State: &provisioning.State{Version: "1"}})
	if err := s.desk.TakeCall(t.Context(), w, id, call); kind(err) != console.ErrConflict {
		t.Errorf("taken after its end: %v", err)
	}
	s.must(s.desk.EndCall(t.Context(), w, id, call))
	h, err := s.desk.Home(t.Context(), w, mairie)
	s.must(err)
	if h.Structure.Calls != 0 || h.Cards[0].Call != nil {
		t.Errorf("still rings: %+v", h)
	}
}

func TestSettingsAreSavedOnceAndGoToTheKiosks(t *testing.T) {
	s := newSite(t)
	w := s.fresh(mairie, fleet.RoleReferent)
	id, _ := s.kiosk(mairie, "Hall")
	gone, _ := s.kiosk(mairie, "Cave")
	s.must(s.desk.Revoke(t.Context(), s.fresh(mairie, fleet.RoleAdmin), gone))
	seen, err := s.desk.Settings(t.Context(), w, mairie)
	s.must(err)
	n := seen.Current
	n.Place.Name = "Mairie, rez-de-chaussée"
	saved, err := s.desk.SaveSettings(t.Context(), w, mairie, n)
	s.must(err)
	if saved.Revision <= seen.Current.Revision || saved.Place.Name != n.Place.Name {
		t.Errorf("saved %+v", saved)
	}
	if _, err := s.desk.SaveSettings(t.Context(), w, mairie, n); kind(err) != console.ErrConflict {
		t.Errorf("the older revision again: %v", err)
	}
	now, err := s.desk.Settings(t.Context(), w, mairie)
	s.must(err)
	if now.By != w.Name || now.At.IsZero() || len(now.Waiting) != 1 || now.Waiting[0] != "Hall" {
		t.Errorf("%+v", now)
	}
	queued, err := s.store.Commands(t.Context(), everything, id, 10)
	s.must(err)
	if len(queued) != 1 || queued[0].Command.Kind != provisioning.CommandSettings || queued[0].Command.Settings.Revision != saved.Revision {
		t.Errorf("queued %+v", queued)
	}
	s.tells(mairie, id, provisioning.Event{Kind: provisioning.EventState, State: &provisioning.State{Version: "1", Settings: saved.Revision}})
	if now, err = s.desk.Settings(t.Context(), w, mairie); err != nil || len(now.Waiting) != 0 {
		t.Errorf("still waiting: %v %v", now.Waiting, err)
	}
	if _, err := s.desk.SaveSettings(t.Context(), w, mairie, kiosk.Settings{Revision: saved.Revision, Place: kiosk.Place{Name: "a\nb"}}); kind(err) != console.ErrInvalid {
		t.Errorf("two lines: %v", err)
	}
}

func TestTheWebhooksSecretIsShownOnce(t *testing.T) {
	s := newSite(t)
	w := s.fresh(mairie, fleet.RoleAdmin)
	a, err := s.desk.Alerts(t.Context(), w, mairie)
	s.must(err)
	first := a
	a.Webhook = "https://hooks.example/bornes"
	secret, err := s.desk.SaveAlerts(t.Context(), w, mairie, a)
	s.must(err)
	if len(secret) < 32 {
		t.Errorf("secret of %d characters", len(secret))
	}
	if _, err := s.desk.SaveAlerts(t.Context(), w, mairie, first); kind(err) != console.ErrConflict {
		t.Errorf("an older version: %v", err)
	}
	a, err = s.desk.Alerts(t.Context(), w, mairie)
	s.must(err)
	if !a.HasSecret || a.Webhook == "" {
		t.Errorf("%+v", a)
	}
	a.DigestAt = 9 * 60
	if again, err := s.desk.SaveAlerts(t.Context(), w, mairie, a); err != nil || again != "" {
		t.Errorf("shown again: %q %v", again, err)
	}
	a, err = s.desk.Alerts(t.Context(), w, mairie)
	s.must(err)
	a.NewSecret = true
	if other, err := s.desk.SaveAlerts(t.Context(), w, mairie, a); err != nil || other == "" || other == secret {
		t.Errorf("no new one: %v", err)
	}
	for _, bad := range []string{"http://hooks.example/", "https://", "https://a:b@hooks.example/", "ftp://hooks.example"} {
		a, err = s.desk.Alerts(t.Context(), w, mairie)
		s.must(err)
		a.Webhook = bad
		if _, err := s.desk.SaveAlerts(t.Context(), w, mairie, a); kind(err) != console.ErrInvalid {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for n, want := range map[int]error{40: nil, 41: console.ErrInvalid} {
		a, err = s.desk.Alerts(t.Context(), w, mairie)
		s.must(err)
		a.Emails = slices.Repeat([]string{"a@exemple.fr"}, n)
		if _, err := s.desk.SaveAlerts(t.Context(), w, mairie, a); kind(err) != want {
			t.Errorf("%d addresses: %v", n, err)
		}
	}
	s.must(s.desk.TryAlerts(t.Context(), w, mairie))
	if s.tried.Load() != 1 {
		t.Error("no try")
	}
}

// Two who save at once from the same page: one of them reads that it changed.
func TestAlertsAreSavedByOneOfTwo(t *testing.T) {
	s := newSite(t)
	w := s.fresh(mairie, fleet.RoleAdmin)
	a, err := s.desk.Alerts(t.Context(), w, mairie)
	s.must(err)
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i := range errs {
		mine := a
		mine.DigestAt = 60 * (i + 1)
		wg.Go(func() { _, errs[i] = s.desk.SaveAlerts(t.Context(), w, mairie, mine) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Errorf("%v and %v", errs[0], errs[1])
	}
}

func TestARevokedKioskIsOnNoCard(t *testing.T) {
	s := newSite(t)
	w := s.fresh(mairie, fleet.RoleAdmin)
	id, call := s.kiosk(mairie, "Hall")
	s.kiosk(mairie, "Salle")
	s.must(s.desk.Revoke(t.Context(), w, id))
	h, err := s.desk.Home(t.Context(), w, mairie)
	s.must(err)
	if len(h.Cards) != 1 || h.Cards[0].Label != "Salle" || h.Structure.Kiosks != 1 || h.Structure.Calls != 1 {
		t.Errorf("%+v", h)
	}
	d, err := s.desk.Kiosk(t.Context(), w, id)
	if err != nil || d.Revoked.IsZero() {
		t.Errorf("its page: %+v %v", d, err)
	}
	for what, err := range map[string]error{
		"a command":     s.desk.Order(t.Context(), w, id, console.Order{Kind: console.OrderReboot}),
		"a call":        s.desk.TakeCall(t.Context(), w, id, call),
		"a replacement": second(s.desk.NewCode(t.Context(), w, mairie, "Hall", id)),
	} {
		if kind(err) != console.ErrNotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// The code is shown once; what is kept cannot tell it.
func TestACodeIsShownOnce(t *testing.T) {
	s := newSite(t)
	w := s.fresh(mairie, fleet.RoleTechnician)
	id, _ := s.kiosk(mairie, "Hall")
	made, err := s.desk.NewCode(t.Context(), w, mairie, "Hall", id)
	s.must(err)
	if made.Text == "" || made.Replaces != "Hall" || made.By != w.Name || made.Expires.Sub(made.Created).Round(time.Minute) != 72*time.Hour {
		t.Errorf("%+v", made)
	}
	codes, err := s.desk.Codes(t.Context(), w, mairie)
	s.must(err)
	found := false
	for _, c := range codes {
		found = found || c.ID == made.ID
	}
	if !found {
		t.Errorf("not among %+v", codes)
	}
}
