package desk

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/ui/console"
)

const (
	// enough is the share of a stage's kiosks, in percent, that must have the
	// version before the next one.
	enough = 80
	// pastRollouts is how many of them are shown.
	pastRollouts = 10
	// failedKiosks is how many are named.
	failedKiosks = 50
)

// UpdateStore is where releases and rollouts are; *store.Store is one.
type UpdateStore interface {
	// Releases are those that the server has, the newest added first.
	Releases(ctx context.Context) ([]fleet.Release, error)
	// Rollouts are the newest ones, newest first.
	Rollouts(ctx context.Context, limit int) ([]fleet.Rollout, error)
	// RolloutProgress is the progress of each stage.
	RolloutProgress(ctx context.Context, r fleet.Rollout) ([]fleet.StageProgress, error)
	// RolloutKiosks are those of the scope in some phases.
	RolloutKiosks(ctx context.Context, sc fleet.Scope, rollout string, phases []fleet.Phase, limit int) ([]fleet.RolloutKiosk, error)
	// StartRollout begins one; fleet.ErrConflict while one is open,
	// fleet.ErrNobody, fleet.ErrNotFound without the release.
	StartRollout(ctx context.Context, r fleet.Rollout) (fleet.Rollout, error)
	// SteerRollout pauses, resumes or ends the open one; else
	// fleet.ErrConflict.
	SteerRollout(ctx context.Context, id string, do fleet.Steer) (fleet.Rollout, error)
	// SetPilot says whether a kiosk may be among the first.
	SetPilot(ctx context.Context, sc fleet.Scope, id string, pilot bool) error
}

// mayUpdate is may for what wants no fresh proof: to look, and to hold.
func (d *Desk) mayUpdate(ctx context.Context, w console.Who) (people.Who, error) {
	pw, err := d.may(ctx, w, fleet.MayUpdate)
	if errors.Is(err, console.ErrStale) {
		err = nil
	}
	return pw, err
}

// Updates is how updates of the whole server go.
func (d *Desk) Updates(ctx context.Context, w console.Who) (console.UpdateBoard, error) {
	pw, err := d.mayUpdate(ctx, w)
	if err != nil {
		return console.UpdateBoard{}, err
	}
	kiosks, err := d.o.Store.Kiosks(ctx, pw.Scope())
	if err != nil {
		return console.UpdateBoard{}, said(err)
	}
	releases, err := d.o.Store.Releases(ctx)
	if err != nil {
		return console.UpdateBoard{}, said(err)
	}
	b := versions(kiosks)
	for _, r := range releases {
		v := console.Release{Version: r.Version, Notes: r.Notes, Added: r.Added, Size: r.Size}
		for _, k := range kiosks {
			if r.Wants(k) {
				v.Kiosks++
			}
		}
		b.Releases = append(b.Releases, v)
	}
	all, err := d.o.Store.Rollouts(ctx, pastRollouts+1)
	if err != nil {
		return b, said(err)
	}
	for _, r := range all {
		v, err := d.rollout(ctx, pw, r)
		if err != nil {
			return b, err
		}
		if r.Ended.IsZero() {
			b.Open = &v
		} else {
			b.Past = append(b.Past, v)
		}
	}
	return b, nil
}

// versions counts the kiosks in service.
func versions(kiosks []fleet.Kiosk) (b console.UpdateBoard) {
	counts := map[string]int{}
	for _, k := range kiosks {
		switch {
		case !k.Revoked.IsZero():
		case k.State.Update == nil && !k.StateAt.IsZero():
			b.Others++
		default:
			counts[versionOf(k)]++
		}
	}
	for v, n := range counts {
		b.Versions = append(b.Versions, console.VersionCount{Version: v, Kiosks: n})
	}
	slices.SortFunc(b.Versions, func(x, y console.VersionCount) int {
		return cmp.Or(-provisioning.CompareVersions(x.Version, y.Version), cmp.Compare(x.Version, y.Version))
	})
	return b
}

// versionOf is what a kiosk runs: its system, or its program where that is all
// that is updated.
func versionOf(k fleet.Kiosk) string {
	if u := k.State.Update; u != nil {
		return u.Version
	}
	return k.State.Version
}

// updateOf is what a kiosk tells of its version.
func updateOf(k fleet.Kiosk) *console.Update {
	u := k.State.Update
	if u == nil {
		return nil
	}
	return &console.Update{Version: u.Version, Wanted: u.Wanted, Phase: console.UpdatePhase(u.Phase), Percent: u.Percent, Code: u.Code}
}

// rollout is one in the console's words.
func (d *Desk) rollout(ctx context.Context, pw people.Who, r fleet.Rollout) (console.Rollout, error) {
	out := console.Rollout{
		ID: r.ID, Version: r.Version, By: d.nameOf(ctx, r.By), Created: r.Created, Ended: r.Ended, NotBefore: r.NotBefore, Stage: r.Stage, State: stateOf(r),
	}
	stages, err := d.o.Store.RolloutProgress(ctx, r)
	if err != nil {
		return out, said(err)
	}
	so := 0
	for i, s := range stages {
		st := r.Stages[i]
		out.Stages = append(out.Stages, console.StageProgress{
			Stage: console.Stage{Kiosks: st.Kiosks, Percent: st.Percent, Wait: st.Wait},
			Of:    s.Kiosks(), Done: s.Progress[fleet.PhaseDone], Bad: s.Bad(), Absent: s.Absent,
		})
		out.Bad += s.Bad()
		if i <= r.Stage {
			so += s.Kiosks()
		}
	}
	out.StopAt = r.Forgiven + stopAt(r, so)
	if !r.EnoughAt.IsZero() && r.Stage < len(r.Stages)-1 {
		out.Next = r.EnoughAt.Add(r.Stages[r.Stage].Wait)
	}
	if !r.Ended.IsZero() || out.Bad == 0 {
		return out, nil
	}
	out.Failed, err = d.failed(ctx, pw, r)
	return out, err
}

// stopAt is how many failures stop a rollout that so many kiosks are in.
func stopAt(r fleet.Rollout, kiosks int) int {
	n := r.StopNumber
	if r.StopPercent > 0 {
		if share := max(1, (kiosks*r.StopPercent+99)/100); n == 0 || share < n {
			n = share
		}
	}
	return n
}

func stateOf(r fleet.Rollout) console.RolloutState {
	switch r.State {
	case fleet.RolloutPaused:
		return console.RolloutPaused
	case fleet.RolloutDone:
		return console.RolloutDone
	case fleet.RolloutStopped:
		if r.Ended.IsZero() {
			return console.RolloutHeld
		}
		return console.RolloutEnded
	}
	return console.RolloutRunning
}

// failed names the kiosks that did not come to the version.
func (d *Desk) failed(ctx context.Context, pw people.Who, r fleet.Rollout) (out []console.FailedKiosk, err error) {
	bad, err := d.o.Store.RolloutKiosks(ctx, pw.Scope(), r.ID, []fleet.Phase{fleet.PhaseFailed, fleet.PhaseReturned}, failedKiosks)
	if err != nil {
		return nil, said(err)
	}
	names := map[string]string{}
	for _, k := range bad {
		if _, ok := names[k.Structure]; !ok {
			s, err := d.o.Store.Structure(ctx, pw.Scope(), k.Structure)
			if err != nil {
				return nil, said(err)
			}
			names[k.Structure] = s.Name
		}
		out = append(out, console.FailedKiosk{ID: k.Kiosk, Label: k.Label, Structure: names[k.Structure], Returned: k.Phase == fleet.PhaseReturned, Code: k.Code, At: k.Changed})
	}
	return out, nil
}

// StartRollout begins to bring a version to the kiosks that want it.
func (d *Desk) StartRollout(ctx context.Context, w console.Who, p console.Plan) error {
	pw, err := d.may(ctx, w, fleet.MayUpdate)
	if err != nil {
		return err
	}
	r := fleet.Rollout{Version: p.Version, By: pw.Person.ID, NotBefore: p.NotBefore, Enough: enough, StopNumber: p.StopNumber, StopPercent: p.StopPercent}
	for _, s := range p.Stages {
		r.Stages = append(r.Stages, fleet.Stage{Kiosks: s.Kiosks, Percent: s.Percent, Wait: s.Wait})
	}
	if !provisioning.ValidVersion(p.Version) {
		return console.ErrInvalid
	}
	_, err = d.o.Store.StartRollout(ctx, r)
	if errors.Is(err, fleet.ErrNobody) || errors.Is(err, fleet.ErrNotFound) {
		return errors.Join(console.ErrInvalid, d.did(ctx, pw, "", "", "rollout/start", p.Version, false))
	}
	return d.steered(ctx, pw, "rollout/start", p.Version, err)
}

// SteerRollout pauses, resumes or ends the open rollout. To hold it must not
// wait for a proof.
func (d *Desk) SteerRollout(ctx context.Context, w console.Who, id string, do console.Steer) error {
	pw, err := d.mayUpdate(ctx, w)
	if do == console.SteerResume {
		pw, err = d.may(ctx, w, fleet.MayUpdate)
	}
	if err != nil {
		return err
	}
	if do != console.SteerPause && do != console.SteerResume && do != console.SteerStop {
		return console.ErrInvalid
	}
	r, err := d.o.Store.SteerRollout(ctx, id, fleet.Steer(do))
	return d.steered(ctx, pw, "rollout/"+string(do), r.Version, err)
}

// steered leaves a line, and has all servers and consoles look.
func (d *Desk) steered(ctx context.Context, pw people.Who, action, version string, err error) error {
	if err == nil {
		d.o.Engine.Tell(fleet.Change{Structure: fleet.Everybody, What: "rollout"})
		if d.o.Nudge != nil {
			d.o.Nudge()
		}
	}
	return errors.Join(said(err), d.did(ctx, pw, "", "", action, version, err == nil))
}

// Pilot says whether a kiosk may be among the first to be updated.
func (d *Desk) Pilot(ctx context.Context, w console.Who, id string, on bool) error {
	pw, err := d.may(ctx, w, fleet.MaySettings)
	if err != nil {
		return err
	}
	k, err := d.borne(ctx, pw, fleet.MaySettings, id)
	if err != nil {
		return err
	}
	if err := d.o.Store.SetPilot(ctx, pw.Scope(), id, on); err != nil {
		return said(err)
	}
	detail := "off"
	if on {
		detail = "on"
	}
	d.o.Engine.Tell(fleet.Change{Structure: k.Structure, Kiosk: k.ID, What: "state"})
	return d.did(ctx, pw, k.Structure, k.ID, "pilot", detail, true)
}
