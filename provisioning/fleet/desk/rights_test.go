package desk_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/ui/console"
)

// kind is the console's word for an error.
func kind(err error) error {
	for _, e := range []error{console.ErrNotFound, console.ErrForbidden, console.ErrStale, console.ErrConflict, console.ErrInvalid, console.ErrRefused, console.ErrTooMany} {
		if errors.Is(err, e) {
			return e
		}
	}
	return err
}

func may(w who, r fleet.Role) bool {
	for word := range strings.FieldsSeq(w.roles) {
		if word == string(r) {
			return true
		}
	}
	return false
}

// What is another structure's is answered like what is nowhere, to every role,
// and it leaves a line; lists have nothing of it.
func TestAnotherStructureIsNotThere(t *testing.T) {
	s := newSite(t)
	theirs := s.target(musee)
	s.target(mairie)
	s.counts(musee, theirs.kiosk, "2026-11-02", map[string]int64{"visits": 123457})
	s.must(s.store.Audit(t.Context(), fleet.Audit{At: time.Now(), Person: theirs.person, Name: "Quelqu’un du musee", Structure: musee, Action: "login", OK: true}))
	for _, role := range roles {
		if role == fleet.RoleFleet {
			continue // sees all
		}
		w := s.fresh(mairie, role)
		for name, c := range calls() {
			t.Run(string(role)+"/"+name, func(t *testing.T) {
				out, err := c.do(t.Context(), s.desk, w, theirs)
				if text := strings.ToLower(fmt.Sprintf("%+v", out)); strings.Contains(text, musee) || strings.Contains(text, "musée") || strings.Contains(text, theirs.kiosk) || strings.Contains(text, "123457") {
					t.Errorf("something of another structure: %s", text)
				}
				if !c.named {
					return
				}
				want := console.ErrForbidden
				if may(c.who, role) {
					want = console.ErrNotFound
				}
				if kind(err) != want {
					t.Errorf("%v, want %v", err, want)
				}
				if a := s.audits(1)[0]; a.OK || a.Person != w.Person || a.Structure != mairie || a.From != "192.0.2.7" {
					t.Errorf("no line for it, the newest is %+v", a)
				}
				if _, there := c.do(t.Context(), s.desk, w, nowhere()); kind(there) != want {
					t.Errorf("what is nowhere is %v", there)
				}
			})
		}
	}
	if n := s.tried.Load(); n != 0 {
		t.Errorf("%d tries of alerts went out", n)
	}
	k, err := s.store.Kiosk(t.Context(), everything, theirs.kiosk)
	s.must(err)
	if queued, err := s.store.Commands(t.Context(), everything, theirs.kiosk, 10); err != nil || len(queued) != 0 || !k.Revoked.IsZero() || k.Label != "Hall musee" {
		t.Errorf("the kiosk was reached: %+v %v %v", k, queued, err)
	}
	if _, err := s.store.CheckAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

// Each role does what fleet.md gives it; what is sensitive wants a proof of the
// last minutes; whoever came by a recovery code may do nothing.
func TestRolesMayDoTheirPart(t *testing.T) {
	s := newSite(t)
	for _, role := range roles {
		p := s.person(mairie, role)
		now, old, recovery := s.login(p, fleet.ByPasskey, 0), s.login(p, fleet.ByPasskey, time.Hour), s.login(p, fleet.ByRecovery, 0)
		for name, c := range calls() {
			t.Run(string(role)+"/"+name, func(t *testing.T) {
				own := s.target(mairie)
				_, err := c.do(t.Context(), s.desk, recovery, own)
				if kind(err) != console.ErrForbidden {
					t.Errorf("by a recovery code: %v", err)
				}
				_, err = c.do(t.Context(), s.desk, old, own)
				allowed := may(c.who, role)
				if stale := allowed && c.who.sensitive; (kind(err) == console.ErrStale) != stale {
					t.Errorf("with an old proof: %v", err)
				}
				if err == nil && c.named {
					own = s.target(mairie) // done with the other one
				}
				_, err = c.do(t.Context(), s.desk, now, own)
				switch kind(err) {
				case nil, console.ErrConflict: // somebody may; the revision is of no settings
					if !allowed {
						t.Errorf("was done: %v", err)
					}
				case console.ErrForbidden:
					if a := s.audits(1)[0]; allowed || a.OK || a.Person != p.ID {
						t.Errorf("refused, and the newest line is %+v", a)
					}
				default:
					t.Errorf("%v", err)
				}
			})
		}
	}
	if _, err := s.store.CheckAudit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWhoeverIsDisabledIsOutAtOnce(t *testing.T) {
	s := newSite(t)
	p := s.person(mairie, fleet.RoleReferent)
	w, admin := s.login(p, fleet.ByPasskey, 0), s.fresh(mairie, fleet.RoleAdmin)
	if _, err := s.desk.Home(t.Context(), w, mairie); err != nil {
		t.Fatal(err)
	}
	s.must(s.desk.Disable(t.Context(), admin, p.ID, true))
	own := s.target(mairie)
	for name, c := range calls() {
		if _, err := c.do(t.Context(), s.desk, w, own); kind(err) != console.ErrRefused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNobodyKnownMayNothing(t *testing.T) {
	s := newSite(t)
	own := s.target(mairie)
	for name, c := range calls() {
		for _, w := range []console.Who{{}, {Person: own.person, Role: console.RoleFleet, Session: strings.Repeat("0", 64)}} {
			if _, err := c.do(t.Context(), s.desk, w, own); kind(err) != console.ErrRefused {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestChangesOfAnotherStructureWakeNobody(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ours, err := s.desk.Changes(ctx, s.fresh(mairie, fleet.RoleDesk))
	s.must(err)
	theirs, err := s.desk.Changes(ctx, s.fresh(musee, fleet.RoleDesk))
	s.must(err)
	s.engine.Tell(fleet.Change{Structure: musee, What: "state"})
	if _, ok := <-theirs; !ok {
		t.Fatal("nobody was woken up")
	}
	select {
	case <-ours:
		t.Error("woken up by another structure")
	default:
	}
	s.engine.Tell(fleet.Change{Structure: mairie, What: "state"})
	if _, ok := <-ours; !ok {
		t.Error("nobody was woken up")
	}
}
