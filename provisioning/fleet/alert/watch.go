package alert

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning/fleet"
)

// The names of problems that are no conditions of a kiosk.
const (
	Offline = "offline" // nothing is heard of it in opening hours
	Help    = "help"    // somebody waits for help and nobody comes
	Copied  = "copied"  // two speak under its name
)

// Watch looks at all kiosks once: problems begin and end, and messages about
// them and the digests that are due go into the outbox.
func (a *Alerts) Watch(ctx context.Context) error {
	all := fleet.Scope{All: true}
	structures, err := a.o.Store.Structures(ctx, all)
	if err != nil {
		return fmt.Errorf("alert: read the structures: %w", err)
	}
	kiosks, err := a.o.Store.Kiosks(ctx, all)
	if err != nil {
		return fmt.Errorf("alert: read the kiosks: %w", err)
	}
	open, err := a.o.Store.Alerts(ctx, all, true)
	if err != nil {
		return fmt.Errorf("alert: read the alerts: %w", err)
	}
	of := map[string][]fleet.Kiosk{}
	for _, k := range kiosks {
		of[k.Structure] = append(of[k.Structure], k)
	}
	ofOpen := map[string][]fleet.Alert{}
	for _, o := range open {
		ofOpen[o.Structure] = append(ofOpen[o.Structure], o)
	}
	var errs []error
	for _, s := range structures {
		// One that fails does not keep the others' messages back.
		errs = append(errs, a.structure(ctx, s, of[s.ID], ofOpen[s.ID]))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	errs = append(errs, a.rollout(ctx, ofOpen[""]))
	return errors.Join(errs...)
}

// key names a problem of a structure.
type key struct{ kiosk, name string }

func (a *Alerts) structure(ctx context.Context, s fleet.Structure, kiosks []fleet.Kiosk, open []fleet.Alert) error {
	now := a.o.Now().UTC()
	p := place{s: s, zone: zone(s.Alerts.Zone), kiosks: map[string]fleet.Kiosk{}, console: a.o.Console, say: a.o.Say}
	wrong := map[key]fleet.Alert{}
	for _, k := range kiosks {
		p.kiosks[k.ID] = k
		for _, w := range a.problems(p, k, now) {
			wrong[key{k.ID, w.Name}] = w
		}
	}
	var errs []error
	for _, o := range open {
		if w, still := wrong[key{o.Kiosk, o.Name}]; still {
			delete(wrong, key{o.Kiosk, o.Name})
			o.Code = w.Code
			errs = append(errs, a.tell(ctx, p, o, now))
		} else if !a.unknown(p, o, now) {
			errs = append(errs, a.solve(ctx, p, o, now))
		}
	}
	for _, w := range wrong {
		w.ID = newID()
		isNew, err := a.o.Store.OpenAlert(ctx, w)
		if err == nil && isNew {
			err = a.tell(ctx, p, w, now)
		}
		errs = append(errs, err)
	}
	errs = append(errs, a.daily(ctx, p, now))
	return errors.Join(errs...)
}

// silent says that nothing was heard of a kiosk for too long.
func (a *Alerts) silent(k fleet.Kiosk, now time.Time) bool {
	return now.Sub(k.Seen) > a.o.Offline
}

// unknown says that nobody can tell whether an alert is over: what a kiosk
// says of its devices when nothing is heard of it, and that nothing is heard
// outside of opening hours.
func (a *Alerts) unknown(p place, o fleet.Alert, now time.Time) bool {
	k, there := p.kiosks[o.Kiosk]
	if !there || !k.Revoked.IsZero() || o.Name == Help || o.Name == Copied {
		return false
	}
	return a.silent(k, now)
}

// problems are those of a kiosk that have lasted long enough.
func (a *Alerts) problems(p place, k fleet.Kiosk, now time.Time) (out []fleet.Alert) {
	if !k.Revoked.IsZero() || k.Seen.IsZero() {
		return nil // out of service for good, or never in
	}
	add := func(name string, code kiosk.Code, since time.Time, hold time.Duration) {
		if since.After(k.StateAt) && !k.StateAt.IsZero() {
			since = k.StateAt // its clock is ahead
		}
		if since = since.UTC(); now.Sub(since) >= hold {
			out = append(out, fleet.Alert{Structure: k.Structure, Kiosk: k.ID, Name: name, Code: code, Since: since})
		}
	}
	if !k.Copied.IsZero() {
		out = append(out, fleet.Alert{Structure: k.Structure, Kiosk: k.ID, Name: Copied, Since: k.Copied.UTC()})
	}
	if a.silent(k, now) {
		open := p.s.Settings
		if open.OpenAt(now.In(p.zone)) && open.OpenAt(now.Add(-a.o.Offline).In(p.zone)) {
			out = append(out, fleet.Alert{Structure: k.Structure, Kiosk: k.ID, Name: Offline, Since: k.Seen.UTC()})
		}
		return out
	}
	for _, c := range k.State.Conditions {
		add(c.Name, c.Code, time.UnixMicro(c.Since), a.o.Hold)
	}
	if h := k.State.Help; h > 0 && !k.State.Taken {
		add(Help, "", time.UnixMicro(h), a.o.Help)
	}
	return out
}

// minor are problems that can wait for the day's digest.
func minor(c kiosk.Code) bool { return c == kiosk.CodePaperLow || c == kiosk.CodeMarkerLow }

// tell puts the messages of a problem into the outbox, unless it was told, or
// the hours are quiet, or the digest is soon enough. A notice that is there
// already stays one.
func (a *Alerts) tell(ctx context.Context, p place, o fleet.Alert, now time.Time) error {
	if !o.Told.IsZero() || p.quiet(now) || minor(o.Code) && p.s.Alerts.DigestAt >= 0 {
		return nil
	}
	if err := a.queue(ctx, p, p.problem(o), now); err != nil {
		return err
	}
	if err := a.o.Store.AlertTold(ctx, o.ID, now); err != nil {
		return fmt.Errorf("alert: mark an alert: %w", err)
	}
	return nil
}

// solve ends a problem. Who was told of it is told that it is over, when the
// hours are not quiet.
func (a *Alerts) solve(ctx context.Context, p place, o fleet.Alert, now time.Time) error {
	o.Ended = now
	if !o.Told.IsZero() {
		if err := a.queue(ctx, p, p.solved(o), p.loud(now)); err != nil {
			return err
		}
	}
	if err := a.o.Store.EndAlert(ctx, o.Structure, o.Kiosk, o.Name, now); err != nil {
		return fmt.Errorf("alert: end an alert: %w", err)
	}
	return nil
}

// daily puts the day's digest into the outbox once its time has come. One
// that is six hours late, for the server was down, is left out.
func (a *Alerts) daily(ctx context.Context, p place, now time.Time) error {
	local := now.In(p.zone)
	day, minute := local.Format(time.DateOnly), local.Hour()*60+local.Minute()
	at := p.s.Alerts.DigestAt
	if at < 0 || minute < at || minute >= at+6*60 || a.digest[p.s.ID] == day || len(p.s.Alerts.Emails) == 0 && p.s.Alerts.Webhook == "" {
		return nil
	}
	recent, err := a.o.Store.Alerts(ctx, fleet.Scope{Structure: p.s.ID}, false)
	if err != nil {
		return fmt.Errorf("alert: read the alerts: %w", err)
	}
	if err := a.queue(ctx, p, p.digest(day, recent, now), now); err != nil {
		return err
	}
	a.digest[p.s.ID] = day
	return nil
}

// queue puts a message to everybody of a structure into the outbox.
func (a *Alerts) queue(ctx context.Context, p place, m message, due time.Time) error {
	var out []fleet.Notice
	for _, to := range p.s.Alerts.Emails {
		out = append(out, fleet.Notice{Channel: fleet.ByEmail, To: to, Subject: m.subject, Body: m.text})
	}
	if to := p.s.Alerts.Webhook; to != "" {
		out = append(out, fleet.Notice{Channel: fleet.ByWebhook, To: to, Body: m.json})
	}
	for _, n := range out {
		n.ID, n.Structure = m.id+"-"+short(string(n.Channel)+n.To), p.s.ID
		n.Created, n.Due = a.o.Now().UTC(), due.UTC()
		if err := a.o.Store.AddNotice(ctx, n); err != nil {
			return fmt.Errorf("alert: write the outbox: %w", err)
		}
	}
	return nil
}

func newID() string {
	b := make([]byte, 12)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
