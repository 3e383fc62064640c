package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// lookAtOnce is how many kiosks one step looks at: it holds the rollout.
const lookAtOnce = 1000

// StepRollout takes the open rollout one step on: it reads what its kiosks
// have told, stops it when too many failed, begins the next stage when its
// time has come, and says which kiosks are to be told what now, at most limit.
// It may be called by several servers at once, and again after it was cut short
// anywhere: while one of them works, or without an open rollout, the others
// get a Step without a rollout. Only Queue makes an order, and only once.
func (s *Store) StepRollout(ctx context.Context, limit int) (out fleet.Step, err error) {
	cancels, err := s.cancels(ctx, limit)
	if err != nil {
		return fleet.Step{}, err
	}
	if _, err := s.OpenRollout(ctx); err != nil { // nearly always there is none
		if errors.Is(err, fleet.ErrNotFound) {
			err = nil
		}
		return fleet.Step{Orders: cancels}, err
	}
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		out = fleet.Step{}
		r, err := one(ctx, tx, scanRollout, rolloutColumns+"WHERE ended = 0"+s.dialect.skip)
		if errors.Is(err, fleet.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		w := &stepping{store: s, tx: tx, r: r, limit: limit}
		if err := w.run(ctx); err != nil {
			return err
		}
		out = fleet.Step{Rollout: w.r, Stages: w.stages, Orders: w.orders, Remind: w.remind, Changed: w.changed}
		return nil
	})
	if err != nil {
		return fleet.Step{}, err
	}
	out.Orders = append(cancels, out.Orders...)
	return out, nil
}

// stepping is one step.
type stepping struct {
	store   *Store
	tx      *sql.Tx
	r       fleet.Rollout
	limit   int
	stages  []fleet.StageProgress
	orders  []fleet.Order
	remind  []fleet.Order
	changed bool
}

func (w *stepping) run(ctx context.Context) error {
	if err := w.look(ctx); err != nil {
		return err
	}
	if err := w.lost(ctx); err != nil {
		return err
	}
	if err := w.count(ctx); err != nil || w.r.State != fleet.RolloutRunning {
		return err
	}
	before := w.r
	if err := w.decide(ctx); err != nil {
		return err
	}
	if w.r.State != before.State || w.r.Forgiven != before.Forgiven || w.r.Stage != before.Stage || !w.r.EnoughAt.Equal(before.EnoughAt) || !w.r.StageAt.Equal(before.StageAt) {
		w.changed = true
		now := w.store.now()
		w.r.Changed = moment(now)
		if w.r.State == fleet.RolloutDone {
			w.r.Ended = w.r.Changed
		}
		err := changeOne(ctx, w.tx, "UPDATE rollout SET state = $1, why = $2, stage = $3, stage_at = $4, enough_at = $5, changed = $6, ended = $7, forgiven = $8 WHERE id = $9",
			string(w.r.State), string(w.r.Why), w.r.Stage, micro(w.r.StageAt), micro(w.r.EnoughAt), now, micro(w.r.Ended), w.r.Forgiven, w.r.ID)
		if err != nil {
			return err
		}
	}
	if w.r.State == fleet.RolloutStopped {
		return w.store.withdraw(ctx, w.tx, w.r.ID)
	}
	if w.r.State != fleet.RolloutRunning || w.r.StageAt.IsZero() {
		return nil
	}
	if err := w.fill(ctx); err != nil {
		return err
	}
	if err := w.unsent(ctx); err != nil {
		return err
	}
	return w.turn(ctx)
}

// unsent finds the orders that a server has queued and then could not send any
// more, for kiosks that have a connection to another one.
func (w *stepping) unsent(ctx context.Context) (err error) {
	now := w.store.o.Now()
	w.remind, err = list(ctx, w.tx, func(row scanner) (o fleet.Order, err error) { return o, row.Scan(&o.ID, &o.Structure, &o.Kiosk) },
		`SELECT rk.command, rk.structure, rk.kiosk FROM rollout_kiosk rk JOIN command c ON c.id = rk.command JOIN heard h ON h.kiosk = rk.kiosk
		WHERE rk.rollout = $1 AND rk.phase = 'ordered' AND c.status = 'queued' AND c.changed < $2 AND h.at >= $3 ORDER BY rk.place LIMIT $4`,
		w.r.ID, micro(now.Add(-fleet.RemindAfter)), micro(now.Add(-5*fleet.RemindAfter)), w.limit)
	return err
}

// decide says what becomes of a running rollout.
func (w *stepping) decide(ctx context.Context) error {
	r, now, last := &w.r, moment(w.store.now()), len(w.r.Stages)-1
	so := sum(w.stages, r.Stage)
	all := sum(w.stages, last)
	if all.Bad() < r.Forgiven {
		r.Forgiven = all.Bad() // some came to the version after all
	}
	if r.Over(so.Progress) {
		r.State, r.Why = fleet.RolloutStopped, fleet.StopThreshold
		return nil
	}
	if r.StageAt.IsZero() {
		if now.Before(r.NotBefore) {
			return nil
		}
		r.StageAt = now
	}
	if r.Stage == last {
		n, err := w.late(ctx)
		if err != nil {
			return err
		}
		if n > 0 {
			return w.count(ctx)
		}
	}
	if r.EnoughAt.IsZero() && r.Satisfied(so) {
		r.EnoughAt = now
	}
	open := 0
	for phase, n := range all.Progress {
		if !phase.Ended() {
			open += n
		}
	}
	switch {
	case open == 0:
		r.State = fleet.RolloutDone
	case !r.EnoughAt.IsZero() && r.Stage < last && !now.Before(r.EnoughAt.Add(r.Stages[r.Stage].Wait)):
		r.Stage, r.StageAt, r.EnoughAt = r.Stage+1, now, moment(0)
	}
	return nil
}

// late takes kiosks into the last stage that came since the start.
func (w *stepping) late(ctx context.Context) (int, error) {
	release, err := one(ctx, w.tx, scanRelease, "SELECT version, minimum, arch, notes, size, created, added FROM release WHERE version = $1", w.r.Version)
	if err != nil {
		return 0, err
	}
	return w.store.choose(ctx, w.tx, w.r, release)
}

func (w *stepping) count(ctx context.Context) (err error) {
	w.stages, err = w.store.progress(ctx, w.tx, w.r)
	return err
}

// looked is a kiosk of which something is new.
type looked struct {
	kiosk, state, said, status string
	phase                      fleet.Phase
	revoked, stateAt, expires  int64
	ordered                    int64
	attempt                    int
	code                       kiosk.Code
}

// look reads what kiosks have told since they were looked at.
func (w *stepping) look(ctx context.Context) error {
	news, err := list(ctx, w.tx, func(row scanner) (l looked, err error) {
		return l, row.Scan(&l.kiosk, &l.phase, &l.said, &l.attempt, &l.revoked, &l.state, &l.stateAt, &l.status, &l.code, &l.expires, &l.ordered)
	}, `SELECT rk.kiosk, rk.phase, rk.said, rk.attempt, k.revoked, k.state, k.state_at, coalesce(c.status, ''), coalesce(c.code, ''), coalesce(c.expires, 0), rk.ordered
		FROM rollout_kiosk rk JOIN kiosk k ON k.id = rk.kiosk LEFT JOIN command c ON c.id = rk.command
		WHERE rk.rollout = $1 AND rk.phase NOT IN ('done', 'left') AND (k.revoked <> 0 OR k.state_at <> rk.looked
			OR rk.phase = 'ordered' AND (c.id IS NULL OR c.status IN ('failed', 'refused', 'expired') OR c.status <> 'done' AND c.expires < $2))
		LIMIT $3`, w.r.ID, w.store.expiredAt(), lookAtOnce)
	if err != nil {
		return err
	}
	for _, l := range news {
		if err := w.take(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// lost says that a kiosk has taken its order and no longer knows of it.
func (l looked) lost(version string, u *provisioning.UpdateState) bool {
	taken := l.phase == fleet.PhaseFetching || l.phase == fleet.PhaseWaiting || l.phase == fleet.PhaseOrdered && l.status == string(provisioning.StatusDone)
	return taken && u != nil && u.Wanted != version && u.Version != version && l.stateAt-l.ordered > fleet.LostAfter.Microseconds()
}

// take moves one kiosk on.
func (w *stepping) take(ctx context.Context, l looked) error {
	var s provisioning.State
	if l.state != "" {
		if err := json.Unmarshal([]byte(l.state), &s); err != nil {
			return wrap(err)
		}
	}
	phase, code := fleet.Told(w.r.Version, s.Update, l.phase, said(s.Update) != l.said)
	again := 0
	switch {
	case l.revoked != 0:
		phase, code = fleet.PhaseLeft, ""
	case phase == l.phase && l.lost(w.r.Version, s.Update):
		phase, again = fleet.PhaseChosen, 1
	case l.phase != fleet.PhaseOrdered || phase != fleet.PhaseOrdered:
	case l.status == string(provisioning.StatusFailed) || l.status == string(provisioning.StatusRefused):
		phase, code = fleet.PhaseFailed, l.code
	case l.status != string(provisioning.StatusDone) && (l.status == "" || l.status == string(provisioning.StatusExpired) || l.expires < w.store.expiredAt()):
		phase, again = fleet.PhaseChosen, 1 // it was away for too long
	}
	if phase == l.phase {
		_, err := change(ctx, w.tx, "UPDATE rollout_kiosk SET looked = $1, code = $2 WHERE rollout = $3 AND kiosk = $4", l.stateAt, string(code), w.r.ID, l.kiosk)
		return err
	}
	w.changed = true
	if again == 1 {
		if _, err := change(ctx, w.tx, "UPDATE rollout_kiosk SET command = '', ordered = 0 WHERE rollout = $1 AND kiosk = $2", w.r.ID, l.kiosk); err != nil {
			return err
		}
	}
	return changeOne(ctx, w.tx, "UPDATE rollout_kiosk SET phase = $1, code = $2, attempt = attempt + $3, looked = $4, changed = $5 WHERE rollout = $6 AND kiosk = $7",
		string(phase), string(code), again, l.stateAt, w.store.now(), w.r.ID, l.kiosk)
}

// lost takes kiosks that were trying the release and were not heard since:
// they may never be again.
func (w *stepping) lost(ctx context.Context) error {
	cut := micro(w.store.o.Now().Add(-fleet.AbsentAfter))
	n, err := change(ctx, w.tx, `UPDATE rollout_kiosk SET phase = 'failed', code = $1, changed = $2 WHERE rollout = $3 AND phase = 'trying' AND changed < $4
		AND NOT EXISTS (SELECT 1 FROM heard h WHERE h.kiosk = rollout_kiosk.kiosk AND h.at >= $4)`, string(kiosk.CodeNotResponding), w.store.now(), w.r.ID, cut)
	w.changed = w.changed || n > 0
	return err
}

// fill takes kiosks of later stages in place of those of this one that are
// away or have failed: whoever is away holds nobody up.
func (w *stepping) fill(ctx context.Context) error {
	last := len(w.r.Stages) - 1
	if w.r.Stage == last {
		return nil
	}
	all, so := sum(w.stages, last), sum(w.stages, w.r.Stage)
	missing := w.r.Stages[w.r.Stage].Size(all.Kiosks()) - (so.Kiosks() - so.Absent - so.Bad())
	if missing <= 0 {
		return nil
	}
	n, err := change(ctx, w.tx, `UPDATE rollout_kiosk SET stage = $1 WHERE rollout = $2 AND kiosk IN (
			SELECT rk.kiosk FROM rollout_kiosk rk JOIN heard h ON h.kiosk = rk.kiosk
			WHERE rk.rollout = $2 AND rk.stage > $1 AND rk.phase = 'chosen' AND h.at >= $3 ORDER BY rk.place LIMIT $4)`,
		w.r.Stage, w.r.ID, micro(w.store.o.Now().Add(-fleet.AbsentAfter)), missing)
	if n > 0 {
		w.changed = true
		err = errors.Join(err, w.count(ctx))
	}
	return err
}

// turn names the orders of those whose turn it is.
func (w *stepping) turn(ctx context.Context) error {
	type next struct {
		fleet.Order
		attempt int
		state   string
	}
	all, err := list(ctx, w.tx, func(row scanner) (n next, err error) {
		return n, row.Scan(&n.Kiosk, &n.Structure, &n.attempt, &n.state)
	}, `SELECT rk.kiosk, rk.structure, rk.attempt, k.state FROM rollout_kiosk rk JOIN kiosk k ON k.id = rk.kiosk
		WHERE rk.rollout = $1 AND rk.stage <= $2 AND rk.phase = 'chosen' AND k.revoked = 0 ORDER BY rk.place LIMIT $3`, w.r.ID, w.r.Stage, w.limit)
	if err != nil {
		return err
	}
	for _, n := range all {
		n.ID = orderOf(w.r.ID, n.Kiosk, n.attempt)
		n.Update = provisioning.UpdateOrder{Version: w.r.Version}
		if !w.r.NotBefore.IsZero() {
			n.Update.NotBefore = w.r.NotBefore.Unix()
		}
		var s provisioning.State
		if json.Unmarshal([]byte(n.state), &s) == nil && s.Update != nil {
			n.Update.Again = s.Update.Returned == w.r.Version // somebody wants it tried once more
		}
		if err := changeOne(ctx, w.tx, "UPDATE rollout_kiosk SET command = $1 WHERE rollout = $2 AND kiosk = $3", n.ID, w.r.ID, n.Kiosk); err != nil {
			return err
		}
		w.orders = append(w.orders, n.Order)
	}
	return nil
}
