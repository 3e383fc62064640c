package desk_test

import (
	"context"
	"reflect"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning/fleet"
	"pointnum/ui/console"
)

// target is what a call is about.
type target struct{ structure, kiosk, call, person, invitation string }

// target makes new ones of a structure, so that no call meets what another did.
func (s *site) target(structure string) target {
	s.t.Helper()
	k, call := s.kiosk(structure, "Hall "+structure)
	return target{structure: structure, kiosk: k, call: call, person: s.person(structure, fleet.RoleDesk).ID, invitation: s.invitation(structure)}
}

// nowhere is what nobody has.
func nowhere() target {
	return target{structure: "nowhere", kiosk: "knowhere", call: "1", person: "pnowhere", invitation: "nowhere"}
}

// who says which roles may do something, as fleet.md §6 has it, and whether it
// wants a fresh proof.
type who struct {
	roles     string
	sensitive bool
}

const (
	all        = "desk referent technician admin fleet"
	pausing    = "referent technician admin fleet"
	reporting  = "referent admin fleet"
	technical  = "technician admin fleet"
	governing  = "admin fleet"
	everywhere = "fleet"
)

// call is one way to ask.
type call struct {
	method string // of console.Fleet
	who    who
	// named says that something is asked for by its ID.
	named bool
	do    func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error)
}

// calls are all that can be asked. TestEveryMethodIsAsked sees to it that none
// is forgotten.
func calls() map[string]call {
	m := map[string]call{}
	boards(m)
	ordering(m)
	places(m)
	staff(m)
	updates(m)
	return m
}

func boards(m map[string]call) {
	m["Structures"] = call{"Structures", who{all, false}, false, func(ctx context.Context, f console.Fleet, w console.Who, _ target) (any, error) {
		return f.Structures(ctx, w, "", "", 100)
	}}
	m["Structures/after"] = call{"Structures", who{all, false}, false, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.Structures(ctx, w, "m", t.structure, 100)
	}}
	m["Home"] = call{"Home", who{all, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.Home(ctx, w, t.structure)
	}}
	m["Kiosk"] = call{"Kiosk", who{all, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.Kiosk(ctx, w, t.kiosk)
	}}
	m["Changes"] = call{"Changes", who{all, false}, false, func(ctx context.Context, f console.Fleet, w console.Who, _ target) (any, error) {
		ctx, cancel := context.WithCancel(ctx)
		c, err := f.Changes(ctx, w)
		cancel()
		if err == nil {
			for range c { // closed with ctx
			}
		}
		return nil, err
	}}
	for name, a := range map[string]console.Ask{"day": {By: console.ByDay}, "kiosk": {By: console.ByKiosk}, "export": {By: console.ByDay, Export: true}} {
		a.From, a.To = "2026-11-01", "2026-11-30"
		m["Usage/"+name] = call{"Usage", who{reporting, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
			a.Structure = t.structure
			return f.Usage(ctx, w, a)
		}}
	}
	m["Usage/one kiosk"] = call{"Usage", who{reporting, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		of := t.structure
		if w.Structure != "" {
			of = w.Structure // one's own, with another's kiosk
		}
		return f.Usage(ctx, w, console.Ask{Structure: of, Kiosk: t.kiosk, From: "2026-11-01", To: "2026-11-30", By: console.ByDay})
	}}
	m["Usage/all"] = call{"Usage", who{reporting, false}, false, func(ctx context.Context, f console.Fleet, w console.Who, _ target) (any, error) {
		return f.Usage(ctx, w, console.Ask{From: "2026-11-01", To: "2026-11-30", By: console.ByStructure})
	}}
	m["Audit"] = call{"Audit", who{governing, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.Audit(ctx, w, t.structure, 0, 100, false)
	}}
	m["Audit/all"] = call{"Audit", who{governing, false}, false, func(ctx context.Context, f console.Fleet, w console.Who, _ target) (any, error) {
		return f.Audit(ctx, w, "", 0, 100, true)
	}}
}

// act is a call that answers with an error only.
func act(method string, w who, do func(context.Context, console.Fleet, console.Who, target) error) call {
	return call{method, w, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return nil, do(ctx, f, w, t)
	}}
}

func ordering(m map[string]call) {
	for kind, w := range map[console.OrderKind]who{
		console.OrderFixed: {all, false}, console.OrderMessage: {all, false}, console.OrderPause: {pausing, false}, console.OrderResume: {pausing, false},
		console.OrderRestart: {pausing, true}, console.OrderReboot: {pausing, true}, console.OrderSelfTest: {technical, false},
	} {
		o := console.Order{Kind: kind}
		switch kind {
		case console.OrderMessage:
			o.Text, o.Until = "Fermé à midi", time.Now().Add(time.Hour)
		case console.OrderPause:
			o.Text = "En panne"
		}
		m["Order/"+string(kind)] = act("Order", w, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
			return f.Order(ctx, w, t.kiosk, o)
		})
	}
	m["TakeCall"] = act("TakeCall", who{all, false}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.TakeCall(ctx, w, t.kiosk, t.call)
	})
	m["EndCall"] = act("EndCall", who{all, false}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.EndCall(ctx, w, t.kiosk, t.call)
	})
	m["Rename"] = act("Rename", who{pausing, false}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.Rename(ctx, w, t.kiosk, "Couloir")
	})
	m["Revoke"] = act("Revoke", who{governing, true}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.Revoke(ctx, w, t.kiosk)
	})
	m["Codes"] = call{"Codes", who{technical, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.Codes(ctx, w, t.structure)
	}}
	m["NewCode"] = call{"NewCode", who{technical, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.NewCode(ctx, w, t.structure, "Hall", "")
	}}
	m["NewCode/replaces"] = call{"NewCode", who{technical, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		of := t.structure
		if w.Structure != "" {
			of = w.Structure
		}
		return f.NewCode(ctx, w, of, "Hall", t.kiosk)
	}}
}

func places(m map[string]call) {
	m["Settings"] = call{"Settings", who{pausing, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.Settings(ctx, w, t.structure)
	}}
	m["SaveSettings"] = call{"SaveSettings", who{pausing, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.SaveSettings(ctx, w, t.structure, kiosk.Settings{Revision: 999, Place: kiosk.Place{Name: "Vif"}})
	}}
	m["Alerts"] = call{"Alerts", who{governing, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.Alerts(ctx, w, t.structure)
	}}
	m["SaveAlerts"] = call{"SaveAlerts", who{governing, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.SaveAlerts(ctx, w, t.structure, console.Alerts{DigestAt: -1, Version: "old"})
	}}
	m["TryAlerts"] = act("TryAlerts", who{governing, false}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.TryAlerts(ctx, w, t.structure)
	})
	m["AddStructure"] = call{"AddStructure", who{everywhere, true}, false, func(ctx context.Context, f console.Fleet, w console.Who, _ target) (any, error) {
		return f.AddStructure(ctx, w, "Médiathèque", "")
	}}
}

func staff(m map[string]call) {
	m["People"] = call{"People", who{governing, false}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.People(ctx, w, t.structure)
	}}
	m["Invite"] = call{"Invite", who{governing, true}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.Invite(ctx, w, t.structure, console.Invite{Name: "Nour", Email: "nour" + t.call + "@example.fr", Role: console.RoleDesk})
	}}
	m["Reinvite"] = call{"Reinvite", who{governing, true}, true, func(ctx context.Context, f console.Fleet, w console.Who, t target) (any, error) {
		return f.Reinvite(ctx, w, t.person)
	}}
	m["Withdraw"] = act("Withdraw", who{governing, true}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.Withdraw(ctx, w, t.invitation)
	})
	m["SetRole"] = act("SetRole", who{governing, true}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.SetRole(ctx, w, t.person, console.RoleReferent)
	})
	m["Disable"] = act("Disable", who{governing, true}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.Disable(ctx, w, t.person, true)
	})
	m["Disable/enable"] = act("Disable", who{governing, true}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.Disable(ctx, w, t.person, false)
	})
	m["Confirm"] = act("Confirm", who{governing, true}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.Confirm(ctx, w, t.person)
	})
}

func updates(m map[string]call) {
	m["Updates"] = call{"Updates", who{everywhere, false}, false, func(ctx context.Context, f console.Fleet, w console.Who, _ target) (any, error) {
		return f.Updates(ctx, w)
	}}
	m["StartRollout"] = call{"StartRollout", who{everywhere, true}, false, func(ctx context.Context, f console.Fleet, w console.Who, _ target) (any, error) {
		return nil, f.StartRollout(ctx, w, console.Plan{Version: "2.0.0", Stages: []console.Stage{{Kiosks: 1}, {Percent: 100}}, StopNumber: 1})
	}}
	for do, sensitive := range map[console.Steer]bool{console.SteerPause: false, console.SteerResume: true, console.SteerStop: false} {
		m["SteerRollout/"+string(do)] = call{"SteerRollout", who{everywhere, sensitive}, false, func(ctx context.Context, f console.Fleet, w console.Who, _ target) (any, error) {
			return nil, f.SteerRollout(ctx, w, "none", do)
		}}
	}
	m["Pilot"] = act("Pilot", who{pausing, false}, func(ctx context.Context, f console.Fleet, w console.Who, t target) error {
		return f.Pilot(ctx, w, t.kiosk, true)
	})
}

func TestEveryMethodIsAsked(t *testing.T) {
	asked := map[string]bool{}
	for _, c := range calls() {
		asked[c.method] = true
	}
	for m := range reflect.TypeFor[console.Fleet]().Methods() {
		if !asked[m.Name] {
			t.Errorf("no test asks %s for what is another structure's", m.Name)
		}
	}
}
