package alert_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/alert"
	"pointnum/provisioning/fleet/store"
)

// A rollout that has stopped by itself is told once to each administrator of
// the fleet, whoever of the servers sees it, until it goes on or ends.
func TestARolloutThatStoppedIsToldToTheAdministrators(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "fleet.db"), store.Options{Now: func() time.Time { return now }})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	t.Cleanup(func() { must(s.Close()) })
	must(s.AddStructure(t.Context(), fleet.Structure{ID: "town", Name: "Mairie", Alerts: fleet.AlertSettings{Emails: []string{"accueil@town.example"}, DigestAt: -1}}))
	for _, p := range []fleet.Person{
		{ID: "p1", Name: "Ada", Email: "ada@parc.example", Role: fleet.RoleFleet, Confirmed: true}, {ID: "p2", Name: "Bob", Email: "bob@parc.example", Role: fleet.RoleFleet, Confirmed: true, Disabled: now},
		{ID: "p3", Name: "Zoé", Email: "zoe@parc.example", Role: fleet.RoleFleet}, {ID: "p4", Name: "Max", Email: "max@town.example", Role: fleet.RoleAdmin, Structure: "town", Confirmed: true},
	} {
		must(s.AddPerson(t.Context(), p))
	}
	must(s.AddCode(t.Context(), fleet.Code{ID: "c", Structure: "town", Expires: now.Add(time.Hour)}, "h"))
	_, err = s.Enrol(t.Context(), "h", "k", "KEY", now.Add(time.Hour))
	must(err)
	must(s.AddRelease(t.Context(), fleet.Release{Version: "2.0.0"}))
	seq := int64(0)
	says := func(u provisioning.UpdateState) {
		seq++
		_, err := s.Ingest(t.Context(), "town", "k", []provisioning.Event{{Epoch: 1, Seq: seq, At: now.UnixMicro() + seq, Kind: provisioning.EventState, State: &provisioning.State{Version: "1", Update: &u}}})
		must(err)
	}
	says(provisioning.UpdateState{Version: "1.0.0", Phase: provisioning.UpdateIdle})
	must(s.Seen(t.Context(), map[string]time.Time{"k": now}))
	r, err := s.StartRollout(t.Context(), fleet.Rollout{Version: "2.0.0", Stages: []fleet.Stage{{Percent: 100}}, Enough: 80, StopNumber: 1})
	must(err)
	one, err := alert.New(alert.Options{Store: s, Console: "https://bornes.example", Now: func() time.Time { return now }})
	must(err)
	other, err := alert.New(alert.Options{Store: s, Console: "https://bornes.example", Now: func() time.Time { return now }})
	must(err)
	watch := func(alerts, notices int) []fleet.Notice {
		t.Helper()
		for _, a := range []*alert.Alerts{one, other, one} {
			must(a.Watch(t.Context()))
		}
		open, err := s.Alerts(t.Context(), fleet.Scope{All: true}, true)
		must(err)
		due, err := s.DueNotices(t.Context(), now.Add(time.Minute), 10, 0)
		must(err)
		if len(open) != alerts || len(due) != notices {
			t.Fatalf("%d alerts, %d notices: %+v", len(open), len(due), due)
		}
		return due
	}
	_, err = s.StepRollout(t.Context(), 1)
	must(err)
	watch(0, 0)
	says(provisioning.UpdateState{Version: "1.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateFailed, Code: provisioning.CodeUpdateAltered})
	_, err = s.StepRollout(t.Context(), 1)
	must(err)
	n := watch(1, 1)[0]
	if n.To != "ada@parc.example" || n.Subject != "Déploiement arrêté : version 2.0.0" ||
		!strings.HasPrefix(n.Body, "Le déploiement de la version 2.0.0 s’est arrêté seul : 1 borne a échoué ou est revenue à sa version, sur 1.\n") || !strings.Contains(n.Body, "https://bornes.example/updates\n") {
		t.Errorf("told: %+v", n)
	}
	if mine, err := s.Alerts(t.Context(), fleet.Scope{Structure: "town"}, true); err != nil || len(mine) != 0 {
		t.Errorf("a structure sees it: %+v, %v", mine, err)
	}
	_, err = s.SteerRollout(t.Context(), r.ID, fleet.SteerStop)
	must(err)
	watch(0, 1)
	if got := alert.SayRollout("2.0.0", 3, 12); got != "Le déploiement de la version 2.0.0 s’est arrêté seul : 3 bornes ont échoué ou sont revenues à leur version, sur 12." {
		t.Errorf("says %q", got)
	}
}
