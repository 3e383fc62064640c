package store_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

// scoped is every method that takes a Scope, as one of structure "town" calls
// it about "village", and what it must say of it: nothing that is there, by an
// empty list or by fleet.ErrNotFound.
var scoped = map[string]func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error){
	"Structure": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		_, err := s.Structure(ctx, sc, "village")
		return 0, err
	},
	"Structures": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Structures(ctx, sc)
		return others(v, func(x fleet.Structure) string { return x.ID }), err
	},
	"SaveSettings": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		_, err := s.SaveSettings(ctx, sc, "village", kiosk.Settings{})
		return 0, err
	},
	"SaveAlerts": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		return 0, s.SaveAlerts(ctx, sc, "village", fleet.AlertSettings{})
	},
	"Codes": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Codes(ctx, sc)
		return others(v, func(x fleet.Code) string { return x.Structure }), err
	},
	"Kiosk": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		_, err := s.Kiosk(ctx, sc, "v1")
		return 0, err
	},
	"Kiosks": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Kiosks(ctx, sc)
		return others(v, func(x fleet.Kiosk) string { return x.Structure }), err
	},
	"Rename": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		return 0, s.Rename(ctx, sc, "v1", "Mine")
	},
	"Queue": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		c := provisioning.Command{ID: "c2", Structure: "village", Kiosk: "v1", Issued: noon.Unix(), Expires: noon.Unix() + 60}
		return 0, s.Queue(ctx, sc, fleet.Queued{Command: c}, provisioning.Signed{Body: []byte("{}")})
	},
	"Commands": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Commands(ctx, sc, "v1", 10)
		return len(v), err
	},
	"People": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.People(ctx, sc)
		return others(v, func(x fleet.Person) string { return x.Structure }), err
	},
	"SavePerson": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		// Theirs taken into one's own structure; one's own moved to theirs is
		// in TestNobodyIsMovedIntoAnotherStructure.
		return 0, s.SavePerson(ctx, sc, fleet.Person{ID: "p-village", Structure: "town", Role: fleet.RoleDesk})
	},
	"Invitations": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Invitations(ctx, sc, noon)
		return others(v, func(x fleet.Invitation) string { return x.Structure }), err
	},
	"Audits": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Audits(ctx, sc, 0, 10)
		return others(v, func(x fleet.Audit) string { return x.Structure }), err
	},
	"Usage": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Usage(ctx, sc, "2000-01-01", "2100-01-01")
		return others(v, func(x fleet.Usage) string { return x.Structure }), err
	},
	"Months": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Months(ctx, sc, "2000-01", "2100-01")
		return others(v, func(x fleet.Usage) string { return x.Structure }), err
	},
	"Slots": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Slots(ctx, sc, noon.Add(-time.Hour), noon.Add(time.Hour))
		return others(v, func(x store.Slot) string { return map[bool]string{true: "town"}[x.Kiosk == "t1"] }), err
	},
	"Events": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Events(ctx, sc)
		return int(v[provisioning.EventCounts]) - map[bool]int{true: 1}[sc.Structure == "town"], err
	},
	"Alerts": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		v, err := s.Alerts(ctx, sc, false)
		return others(v, func(x fleet.Alert) string { return x.Structure }), err
	},
	"SetPilot": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		return 0, s.SetPilot(ctx, sc, "v1", true)
	},
	"RolloutKiosks": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		r, err := s.Rollouts(ctx, 1)
		if err != nil || len(r) != 1 {
			return 99, err
		}
		v, err := s.RolloutKiosks(ctx, sc, r[0].ID, nil, 10)
		return others(v, func(x fleet.RolloutKiosk) string { return x.Structure }), err
	},
	"Revoke": func(ctx context.Context, s *store.Store, sc fleet.Scope) (int, error) {
		_, err := s.Revoke(ctx, sc, "v1")
		return 0, err
	},
}

// others counts what is not of structure "town".
func others[T any](list []T, structure func(T) string) (n int) {
	for _, v := range list {
		if structure(v) != "town" {
			n++
		}
	}
	return n
}

func TestAStructureNeverSeesAnothers(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		twoStructures(t, s)
		for _, sc := range []fleet.Scope{of("town"), of("elsewhere"), of("%"), of("town' OR ''='"), {}} {
			for _, name := range slices.Sorted(maps.Keys(scoped)) {
				n, err := scoped[name](t.Context(), s, sc)
				if n != 0 || err != nil && !errors.Is(err, fleet.ErrNotFound) {
					t.Errorf("%s of %q shows %d of another structure: %v", name, sc.Structure, n, err)
				}
				changes := slices.Contains([]string{"Structure", "SaveSettings", "SaveAlerts", "Kiosk", "Rename", "Queue", "SavePerson", "SetPilot", "Revoke"}, name)
				if changes && err == nil {
					t.Errorf("%s of %q found what it must not see", name, sc.Structure)
				}
			}
		}
		// Everything is as it was, and the same calls find it where they may.
		if k := got[fleet.Kiosk](t)(s.Kiosk(t.Context(), all, "v1")); k.Label != "Place v1" || !k.Revoked.IsZero() {
			t.Errorf("the other's kiosk was changed: %+v", k)
		}
		for _, name := range slices.Sorted(maps.Keys(scoped)) {
			if n, err := scoped[name](t.Context(), s, all); err != nil || n == 0 && !strings.HasPrefix(name, "S") && name != "Kiosk" && name != "Rename" && name != "Queue" && name != "Revoke" {
				t.Errorf("%s of all: %d, %v", name, n, err)
			}
		}
	})
}

// What the zero Scope sees is nothing at all, not even what is of no structure.
func TestTheZeroScopeSeesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		twoStructures(t, s)
		ctx, none := t.Context(), fleet.Scope{}
		n := len(got[[]fleet.Structure](t)(s.Structures(ctx, none))) + len(got[[]fleet.Kiosk](t)(s.Kiosks(ctx, none))) + len(got[[]fleet.Person](t)(s.People(ctx, none))) +
			len(got[[]fleet.Audit](t)(s.Audits(ctx, none, 0, 10))) + len(got[[]fleet.Invitation](t)(s.Invitations(ctx, none, noon))) +
			len(got[[]fleet.Usage](t)(s.Usage(ctx, none, "2000-01-01", "2100-01-01"))) + len(got[[]fleet.Code](t)(s.Codes(ctx, none))) +
			len(got[[]fleet.Alert](t)(s.Alerts(ctx, none, false)))
		if n != 0 {
			t.Errorf("it sees %d things", n)
		}
	})
}

// A method that takes a Scope and is not in the table above is not tested.
func TestEveryMethodThatTakesAScopeIsInTheTable(t *testing.T) {
	typ := reflect.TypeFor[*store.Store]()
	for i := range typ.NumMethod() {
		m := typ.Method(i)
		for j := range m.Type.NumIn() {
			if m.Type.In(j) == reflect.TypeFor[fleet.Scope]() && scoped[m.Name] == nil {
				t.Errorf("%s takes a Scope: add it to the table", m.Name)
			}
		}
	}
}

func TestNobodyIsMovedIntoAnotherStructure(t *testing.T) {
	onBoth(t, func(t *testing.T, dsn string) {
		s := open(t, dsn)
		twoStructures(t, s)
		for _, p := range []fleet.Person{
			{ID: "p-town", Structure: "village", Role: fleet.RoleDesk},
			{ID: "p-town", Structure: "", Role: fleet.RoleFleet},
			{ID: "p-town", Structure: "nowhere", Role: fleet.RoleDesk},
			{ID: "p-fleet", Structure: "town", Role: fleet.RoleDesk},
		} {
			if err := s.SavePerson(t.Context(), of("town"), p); !errors.Is(err, fleet.ErrNotFound) {
				t.Errorf("%+v: %v", p, err)
			}
		}
		// Who has all rights by role has no structure, and the other way round.
		for _, p := range []fleet.Person{
			{ID: "p-town", Structure: "town", Role: fleet.RoleFleet},
			{ID: "p-town", Structure: "town", Role: "king"},
			{ID: "p-town", Structure: "", Role: fleet.RoleDesk},
		} {
			if err := s.SavePerson(t.Context(), all, p); !errors.Is(err, fleet.ErrForbidden) {
				t.Errorf("%+v: %v", p, err)
			}
		}
	})
}

// twoStructures fills "town" and "village" with one of everything.
func twoStructures(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	for structure, id := range map[string]string{"town": "t1", "village": "v1"} {
		settle(t, s, structure, id)
		ingest(t, s, structure, id, counts(1, 1, noon, 3))
		c := provisioning.Command{ID: "cmd-" + id, Structure: structure, Kiosk: id, Issued: noon.Unix(), Expires: noon.Unix() + 60}
		must(t, s.Queue(ctx, of(structure), fleet.Queued{Command: c}, provisioning.Signed{Body: []byte("{}")}))
		must(t, s.AddPerson(ctx, fleet.Person{ID: "p-" + structure, Structure: structure, Name: structure, Role: fleet.RoleAdmin, Email: structure + "@example.org"}))
		must(t, s.AddInvitation(ctx, fleet.Invitation{Hash: "i-" + structure, Structure: structure, Role: fleet.RoleDesk, Expires: noon.Add(time.Hour)}))
		must(t, s.Audit(ctx, fleet.Audit{Structure: structure, Action: "code", OK: true}))
		if !got[bool](t)(s.OpenAlert(ctx, fleet.Alert{ID: "a-" + id, Structure: structure, Kiosk: id, Name: "offline", Since: noon})) {
			t.Error("the alert was open already")
		}
		runs(t, s, structure, id, "1.0.0")
	}
	must(t, s.AddRelease(ctx, fleet.Release{Version: "2.0.0"}))
	start(t, s, "2.0.0")
	must(t, s.AddPerson(ctx, fleet.Person{ID: "p-fleet", Name: "Fleet", Role: fleet.RoleFleet}))
	must(t, s.AddInvitation(ctx, fleet.Invitation{Hash: "i-fleet", Role: fleet.RoleFleet, Expires: noon.Add(time.Hour)}))
	must(t, s.Audit(ctx, fleet.Audit{Person: "server", Action: "start", OK: true}))
}
