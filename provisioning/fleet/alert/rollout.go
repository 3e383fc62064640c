package alert

import (
	"context"
	"fmt"
	"slices"

	"pointnum/provisioning/fleet"
)

// Rollout is the name of the problem that a rollout has stopped by itself. It
// is of no structure and no kiosk: the fleet's administrators are told.
const Rollout = "rollout"

// rollout begins and ends that problem; open are the alerts of no structure.
func (a *Alerts) rollout(ctx context.Context, open []fleet.Alert) error {
	newest, err := a.o.Store.Rollouts(ctx, 1)
	if err != nil {
		return fmt.Errorf("alert: read the rollouts: %w", err)
	}
	now := a.o.Now().UTC()
	i := slices.IndexFunc(open, func(o fleet.Alert) bool { return o.Name == Rollout })
	if len(newest) == 0 || newest[0].State != fleet.RolloutStopped || !newest[0].Ended.IsZero() {
		if i < 0 {
			return nil
		}
		if err := a.o.Store.EndAlert(ctx, "", "", Rollout, now); err != nil {
			return fmt.Errorf("alert: end an alert: %w", err)
		}
		return nil
	}
	r := newest[0]
	o := fleet.Alert{ID: newID(), Name: Rollout, Since: r.Changed}
	if i >= 0 {
		o = open[i]
	} else if isNew, err := a.o.Store.OpenAlert(ctx, o); err != nil || !isNew {
		return err // another server tells
	}
	if !o.Told.IsZero() {
		return nil
	}
	if err := a.tellRollout(ctx, r); err != nil {
		return err
	}
	if err := a.o.Store.AlertTold(ctx, o.ID, now); err != nil {
		return fmt.Errorf("alert: mark an alert: %w", err)
	}
	return nil
}

// tellRollout puts an e-mail to each administrator into the outbox. One that is
// there already, by another server or before this one was killed, stays one.
func (a *Alerts) tellRollout(ctx context.Context, r fleet.Rollout) error {
	stages, err := a.o.Store.RolloutProgress(ctx, r)
	if err != nil {
		return fmt.Errorf("alert: read a rollout: %w", err)
	}
	bad, kiosks := 0, 0
	for i, s := range stages {
		if i <= r.Stage {
			bad, kiosks = bad+s.Bad(), kiosks+s.Kiosks()
		}
	}
	people, err := a.o.Store.People(ctx, fleet.Scope{All: true})
	if err != nil {
		return fmt.Errorf("alert: read the people: %w", err)
	}
	text := SayRollout(r.Version, bad, kiosks) + "\n\nRegardez pourquoi, puis reprenez ou arrêtez.\n"
	if a.o.Console != "" {
		text += "\n" + a.o.Console + "/updates\n"
	}
	for _, p := range people {
		if p.Role != fleet.RoleFleet || !p.Disabled.IsZero() || !p.Confirmed || p.Email == "" {
			continue
		}
		n := fleet.Notice{
			ID: fmt.Sprintf("rollout-%s-%d-%s", r.ID, r.Changed.Unix(), short(p.Email)), Channel: fleet.ByEmail, To: p.Email,
			Subject: "Déploiement arrêté : version " + r.Version, Body: text, Created: a.o.Now().UTC(), Due: a.o.Now().UTC(),
		}
		if err := a.o.Store.AddNotice(ctx, n); err != nil {
			return fmt.Errorf("alert: write the outbox: %w", err)
		}
	}
	return nil
}

// SayRollout is, in one sentence of French, that a rollout has stopped by
// itself: so many of the kiosks of its stages so far did not come to the
// version.
func SayRollout(version string, bad, kiosks int) string {
	what := "bornes ont échoué ou sont revenues à leur version"
	if bad == 1 {
		what = "borne a échoué ou est revenue à sa version"
	}
	return fmt.Sprintf("Le déploiement de la version %s s’est arrêté seul : %d %s, sur %d.", version, bad, what, kiosks)
}
