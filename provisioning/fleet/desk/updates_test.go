package desk_test

import (
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/ui/console"
)

// says stores what a kiosk tells of its version.
func (s *site) says(structure, id string, u provisioning.UpdateState) {
	s.t.Helper()
	s.tells(structure, id, provisioning.Event{Kind: provisioning.EventState, State: &provisioning.State{Version: "1", Update: &u}})
}

// step takes a step of the open rollout and tells its kiosks by the engine.
func (s *site) step() fleet.Step {
	s.t.Helper()
	st, err := s.store.StepRollout(s.t.Context(), 10)
	s.must(err)
	for _, o := range st.Orders {
		c := provisioning.Command{ID: o.ID, Structure: o.Structure, Kiosk: o.Kiosk, Kind: provisioning.CommandUpdate, Update: &o.Update}
		_, err := s.engine.Command(s.t.Context(), everything, "", c)
		s.must(err)
		s.must(s.store.SetCommand(s.t.Context(), o.Kiosk, o.ID, fleet.QueueStatus(provisioning.StatusDone), ""))
	}
	return st
}

func TestTheBoardSaysWhichVersionsRunAndHowTheRolloutGoes(t *testing.T) {
	s := newSite(t)
	w := s.fresh("", fleet.RoleFleet)
	place := map[string]string{}
	for _, structure := range []string{mairie, mairie, musee, musee} {
		id, _ := s.kiosk(structure, "Hall "+structure)
		place[id] = structure
		s.must(s.store.Seen(t.Context(), map[string]time.Time{id: time.Now()}))
	}
	old, _ := s.kiosk(musee, "Cave")
	s.tells(musee, old, provisioning.Event{Kind: provisioning.EventState, State: &provisioning.State{Version: "1.4.0"}})
	board := func() console.UpdateBoard {
		t.Helper()
		b, err := s.desk.Updates(t.Context(), w)
		s.must(err)
		return b
	}
	b := board()
	if len(b.Versions) != 1 || b.Versions[0] != (console.VersionCount{Version: "1.0.0", Kiosks: 4}) || b.Others != 1 || len(b.Releases) != 1 || b.Releases[0].Kiosks != 4 || b.Open != nil {
		t.Fatalf("before: %+v", b)
	}
	plan := console.Plan{Version: "2.0.0", Stages: []console.Stage{{Kiosks: 2, Wait: time.Hour}, {Percent: 100}}, StopPercent: 60}
	s.must(s.desk.StartRollout(t.Context(), w, plan))
	if err := s.desk.StartRollout(t.Context(), w, plan); kind(err) != console.ErrConflict {
		t.Errorf("twice: %v", err)
	}
	for name, bad := range map[string]console.Plan{
		"no version": {Stages: plan.Stages, StopNumber: 1}, "not there": {Version: "3.0.0", Stages: plan.Stages, StopNumber: 1}, "no stop": {Version: "2.0.0", Stages: plan.Stages},
		"backwards": {Version: "2.0.0", Stages: []console.Stage{{Percent: 100}, {Percent: 10}}, StopNumber: 1},
	} {
		if err := s.desk.StartRollout(t.Context(), w, bad); kind(err) != console.ErrInvalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	orders := s.step().Orders
	if len(orders) != 2 || place[orders[0].Kiosk] == place[orders[1].Kiosk] {
		t.Fatalf("the first two are %+v", orders)
	}
	s.says(orders[0].Structure, orders[0].Kiosk, provisioning.UpdateState{Version: "2.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateDone})
	s.says(orders[1].Structure, orders[1].Kiosk, provisioning.UpdateState{Version: "1.0.0", Wanted: "2.0.0", Phase: provisioning.UpdateReturned, Returned: "2.0.0", Code: provisioning.CodeUpdateUnhealthy})
	s.step()
	b = board()
	o := b.Open
	if o == nil || o.State != console.RolloutRunning || o.Bad != 1 || o.StopAt != 2 || o.By != w.Name || len(o.Stages) != 2 || o.Stages[0].Done != 1 || o.Next.IsZero() {
		t.Fatalf("under way: %+v", o)
	}
	if f := o.Failed; len(f) != 1 || f[0].ID != orders[1].Kiosk || !f[0].Returned || f[0].Code != provisioning.CodeUpdateUnhealthy || f[0].Structure == "" || f[0].Label == "" {
		t.Errorf("failed: %+v", o.Failed)
	}
	if len(b.Versions) != 2 || b.Versions[0].Version != "2.0.0" {
		t.Errorf("versions: %+v", b.Versions)
	}
	k, err := s.desk.Kiosk(t.Context(), s.fresh(orders[1].Structure, fleet.RoleDesk), orders[1].Kiosk)
	if err != nil || k.Version != "1.0.0" || k.Update == nil || k.Update.Phase != console.UpdateReturned || k.Update.Code != provisioning.CodeUpdateUnhealthy {
		t.Errorf("the kiosk's page: %+v, %v", k.Update, err)
	}
	if c := k.Commands; len(c) != 1 || c[0].Kind != console.OrderUpdate || c[0].Text != "2.0.0" {
		t.Errorf("what happened: %+v", c)
	}
	s.must(s.desk.SteerRollout(t.Context(), w, o.ID, console.SteerStop))
	if b = board(); b.Open != nil || len(b.Past) != 1 || b.Past[0].State != console.RolloutEnded {
		t.Errorf("after the end: %+v", b)
	}
	if a := s.audits(1)[0]; a.Action != "rollout/stop" || a.Detail != "2.0.0" || a.Person != w.Person || a.Structure != "" {
		t.Errorf("the newest line is %+v", a)
	}
}

func TestAPilotIsSaidByItsHost(t *testing.T) {
	s := newSite(t)
	id, _ := s.kiosk(mairie, "Hall")
	w := s.fresh(mairie, fleet.RoleReferent)
	s.must(s.desk.Pilot(t.Context(), w, id, true))
	k, err := s.desk.Kiosk(t.Context(), w, id)
	if err != nil || !k.Pilot {
		t.Errorf("no pilot: %v", err)
	}
	if a := s.audits(1)[0]; a.Action != "pilot" || a.Kiosk != id || a.Structure != mairie {
		t.Errorf("the newest line is %+v", a)
	}
	// Who takes its place takes that, too.
	hash, now := "h"+id, time.Now()
	s.must(s.store.AddCode(t.Context(), fleet.Code{ID: "c" + id, Structure: mairie, Replaces: id, Created: now, Expires: now.Add(time.Hour)}, hash))
	next, err := s.store.Enrol(t.Context(), hash, "next", "KEY", now.Add(time.Hour))
	if err != nil || !next.Pilot || next.Label != "Hall" {
		t.Errorf("in its place: %+v, %v", next, err)
	}
}
