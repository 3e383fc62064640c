package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

const rolloutColumns = "SELECT id, version, by_person, created, not_before, stages, enough, stop_number, stop_percent, state, why, stage, stage_at, enough_at, forgiven, changed, ended FROM rollout "

func scanRollout(row scanner) (fleet.Rollout, error) {
	var (
		r                                                       fleet.Rollout
		stages                                                  string
		created, notBefore, stageAt, enoughAt, changed, endedAt int64
	)
	err := row.Scan(&r.ID, &r.Version, &r.By, &created, &notBefore, &stages, &r.Enough, &r.StopNumber, &r.StopPercent, &r.State, &r.Why,
		&r.Stage, &stageAt, &enoughAt, &r.Forgiven, &changed, &endedAt)
	if err != nil {
		return r, err
	}
	r.Created, r.NotBefore, r.StageAt, r.EnoughAt = moment(created), moment(notBefore), moment(stageAt), moment(enoughAt)
	r.Changed, r.Ended = moment(changed), moment(endedAt)
	return r, json.Unmarshal([]byte(stages), &r.Stages)
}

// StartRollout begins to bring a release to the kiosks that want it; it fills
// in the ID and what has happened so far. A rollout in whose last stage enough
// kiosks are done ends for it. Errors: fleet.ErrNotFound without such a
// release, fleet.ErrConflict while another rollout is open, fleet.ErrNobody,
// provisioning.ErrInvalid for a plan that cannot be worked.
func (s *Store) StartRollout(ctx context.Context, r fleet.Rollout) (fleet.Rollout, error) {
	if !r.Valid() {
		return r, fmt.Errorf("store: rollout: %w", provisioning.ErrInvalid)
	}
	stages, err := json.Marshal(r.Stages)
	if err != nil {
		return r, wrap(err)
	}
	now := moment(s.now())
	r.ID, r.Created, r.Changed, r.State = "r"+strings.ToLower(rand.Text()[:15]), now, now, fleet.RolloutRunning
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		release, err := one(ctx, tx, scanRelease, "SELECT version, minimum, arch, notes, size, created, added FROM release WHERE version = $1"+s.dialect.share, r.Version)
		if err != nil {
			return err
		}
		if err := s.supersede(ctx, tx, r.Version); err != nil {
			return err
		}
		_, err = change(ctx, tx, `INSERT INTO rollout (id, version, by_person, created, not_before, stages, enough, stop_number, stop_percent, state, why, stage, stage_at, enough_at, forgiven, changed, ended)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 0, 0, 0, 0, $4, 0)`,
			r.ID, r.Version, r.By, micro(r.Created), micro(r.NotBefore), string(stages), r.Enough, r.StopNumber, r.StopPercent, string(r.State))
		if errors.Is(err, fleet.ErrExists) {
			return fleet.ErrConflict
		}
		if err != nil {
			return err
		}
		n, err := s.choose(ctx, tx, r, release)
		if err == nil && n == 0 {
			err = fleet.ErrNobody
		}
		return err
	})
	return r, err
}

// supersede ends an open rollout of an older version that has only stragglers
// left.
func (s *Store) supersede(ctx context.Context, tx *sql.Tx, version string) error {
	old, err := one(ctx, tx, scanRollout, rolloutColumns+"WHERE ended = 0"+s.dialect.update)
	if errors.Is(err, fleet.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if old.State != fleet.RolloutRunning || old.Stage < len(old.Stages)-1 || old.EnoughAt.IsZero() || !fleet.Older(old.Version, version) {
		return fleet.ErrConflict
	}
	if err := s.withdraw(ctx, tx, old.ID); err != nil {
		return err
	}
	return s.setState(ctx, tx, old, fleet.RolloutDone, fleet.StopNewer, true)
}

// choose adds the kiosks that want a release and are not in its rollout yet:
// to its stages at the start, to the last one later.
func (s *Store) choose(ctx context.Context, tx *sql.Tx, r fleet.Rollout, release fleet.Release) (int, error) {
	all, err := list(ctx, tx, scanKiosk, kioskColumns+"WHERE revoked = 0 AND NOT EXISTS (SELECT 1 FROM rollout_kiosk rk WHERE rk.rollout = $1 AND rk.kiosk = kiosk.id) ORDER BY id", r.ID)
	if err != nil {
		return 0, err
	}
	var want []fleet.Kiosk
	for _, k := range all {
		if release.Wants(k) {
			want = append(want, k)
		}
	}
	place, stage := int64(0), 0
	if !r.StageAt.IsZero() {
		stage = len(r.Stages) - 1
		if err := tx.QueryRowContext(ctx, "SELECT coalesce(max(place) + 1, 0) FROM rollout_kiosk WHERE rollout = $1", r.ID).Scan(&place); err != nil {
			return 0, wrap(err)
		}
	}
	var rows [][]any
	for i, k := range fleet.Choose(r.Version, want, s.o.Now()) {
		for stage < len(r.Stages)-1 && i >= r.Stages[stage].Size(len(want)) {
			stage++
		}
		rows = append(rows, []any{r.ID, k.ID, k.Structure, place + int64(i), int64(stage), string(fleet.PhaseChosen), "", k.State.Update.Version, int64(0), "", int64(0), said(k.State.Update), micro(k.StateAt), int64(0), s.now()})
	}
	return len(rows), s.dialect.insertRows(ctx, tx, "rollout_kiosk (rollout, kiosk, structure, place, stage, phase, code, was, attempt, command, cancel, said, looked, ordered, changed)", "", rows, nil)
}

// said is what a kiosk tells of updates, to notice that it tells something
// else.
func said(u *provisioning.UpdateState) string {
	if u == nil {
		return ""
	}
	b, err := json.Marshal(u)
	if err != nil { // texts and numbers only
		return ""
	}
	return string(b)
}

// Rollouts are the newest ones, newest first. They are no structure's.
func (s *Store) Rollouts(ctx context.Context, limit int) ([]fleet.Rollout, error) {
	return list(ctx, s.reads, scanRollout, rolloutColumns+"ORDER BY created DESC, id LIMIT $1", limit)
}

// OpenRollout is the one that has not ended; fleet.ErrNotFound without one.
func (s *Store) OpenRollout(ctx context.Context) (fleet.Rollout, error) {
	return one(ctx, s.reads, scanRollout, rolloutColumns+"WHERE ended = 0")
}

// RolloutProgress is the progress of each stage.
func (s *Store) RolloutProgress(ctx context.Context, r fleet.Rollout) ([]fleet.StageProgress, error) {
	return s.progress(ctx, s.reads, r)
}

func (s *Store) progress(ctx context.Context, db runner, r fleet.Rollout) ([]fleet.StageProgress, error) {
	out := make([]fleet.StageProgress, len(r.Stages))
	for i := range out {
		out[i].Progress = fleet.Progress{}
	}
	_, err := list(ctx, db, func(row scanner) (struct{}, error) {
		var (
			stage, n, away int
			phase          fleet.Phase
		)
		err := row.Scan(&stage, &phase, &away, &n)
		if err == nil && stage < len(out) {
			out[stage].Progress[phase] += n
			if away == 1 && !phase.Ended() {
				out[stage].Absent += n
			}
		}
		return struct{}{}, err
	}, `SELECT stage, phase, away, count(*) FROM (
			SELECT rk.stage, rk.phase, CASE WHEN coalesce(h.at, 0) < $2 THEN 1 ELSE 0 END AS away
			FROM rollout_kiosk rk LEFT JOIN heard h ON h.kiosk = rk.kiosk WHERE rk.rollout = $1) x
		GROUP BY stage, phase, away`, r.ID, micro(s.o.Now().Add(-fleet.AbsentAfter)))
	return out, err
}

// sum is the progress of the stages up to one.
func sum(stages []fleet.StageProgress, last int) fleet.StageProgress {
	out := fleet.StageProgress{Progress: fleet.Progress{}}
	for i, s := range stages {
		if i > last {
			break
		}
		out.Absent += s.Absent
		for phase, n := range s.Progress {
			out.Progress[phase] += n
		}
	}
	return out
}

// RolloutKiosks are those of a rollout inside the scope that are in one of the
// phases (none: all), those that changed last first.
func (s *Store) RolloutKiosks(ctx context.Context, sc fleet.Scope, rollout string, phases []fleet.Phase, limit int) ([]fleet.RolloutKiosk, error) {
	in := ""
	for _, p := range phases {
		in += string(p) + " "
	}
	return list(ctx, s.reads, func(row scanner) (fleet.RolloutKiosk, error) {
		var (
			k                fleet.RolloutKiosk
			ordered, changed int64
		)
		err := row.Scan(&k.Rollout, &k.Kiosk, &k.Structure, &k.Label, &k.Rank, &k.Stage, &k.Phase, &k.Code, &k.Was, &ordered, &changed)
		k.Ordered, k.Changed = moment(ordered), moment(changed)
		return k, err
	}, scoped(`SELECT rk.rollout, rk.kiosk, rk.structure, k.label, rk.place, rk.stage, rk.phase, rk.code, rk.was, rk.ordered, rk.changed
		FROM rollout_kiosk rk JOIN kiosk k ON k.id = rk.kiosk
		WHERE rk.rollout = $1 AND ($2 = '' OR $2 LIKE '%' || rk.phase || ' %') AND SCOPE ORDER BY rk.changed DESC, rk.place LIMIT $5`, "rk.structure", 3),
		append(inScope(sc, rollout, in), limit)...)
}

// SteerRollout does it; fleet.ErrConflict when the rollout is not, or no more,
// in a state for that. What kiosks have not been told yet they are not told
// any more, until it is resumed.
func (s *Store) SteerRollout(ctx context.Context, id string, do fleet.Steer) (r fleet.Rollout, err error) {
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		r, err = one(ctx, tx, scanRollout, rolloutColumns+"WHERE id = $1 AND ended = 0"+s.dialect.update, id)
		if errors.Is(err, fleet.ErrNotFound) {
			return fleet.ErrConflict
		}
		if err != nil {
			return err
		}
		switch {
		case do == fleet.SteerPause && r.State == fleet.RolloutRunning:
			err = s.setState(ctx, tx, r, fleet.RolloutPaused, "", false)
		case do == fleet.SteerResume && r.State != fleet.RolloutRunning:
			err = s.resume(ctx, tx, r)
		case do == fleet.SteerStop:
			err = s.setState(ctx, tx, r, fleet.RolloutStopped, fleet.StopPerson, true)
		default:
			err = fleet.ErrConflict
		}
		if err == nil && do != fleet.SteerResume {
			err = s.withdraw(ctx, tx, id)
		}
		if err == nil {
			r, err = one(ctx, tx, scanRollout, rolloutColumns+"WHERE id = $1", id)
		}
		return err
	})
	return r, err
}

// resume lets a rollout go on; what failed so far does not stop it again.
func (s *Store) resume(ctx context.Context, tx *sql.Tx, r fleet.Rollout) error {
	if r.State == fleet.RolloutStopped {
		stages, err := s.progress(ctx, tx, r)
		if err != nil {
			return err
		}
		r.Forgiven = sum(stages, len(stages)).Bad()
	}
	return changeOne(ctx, tx, "UPDATE rollout SET state = $1, why = '', forgiven = $2, changed = $3 WHERE id = $4", string(fleet.RolloutRunning), r.Forgiven, s.now(), r.ID)
}

func (s *Store) setState(ctx context.Context, tx *sql.Tx, r fleet.Rollout, state fleet.RolloutState, why fleet.StopReason, ended bool) error {
	return changeOne(ctx, tx, "UPDATE rollout SET state = $1, why = $2, changed = $3, ended = $4 WHERE id = $5", string(state), string(why), s.now(), flag(ended)*s.now(), r.ID)
}

// withdraw takes back the orders of kiosks that have not begun to install: they
// are chosen anew, for another order with another ID, and are to be told.
func (s *Store) withdraw(ctx context.Context, tx *sql.Tx, rollout string) error {
	type told struct {
		kiosk, command, state string
		at                    int64
	}
	all, err := list(ctx, tx, func(row scanner) (t told, err error) { return t, row.Scan(&t.kiosk, &t.command, &t.state, &t.at) },
		"SELECT rk.kiosk, rk.command, k.state, k.state_at FROM rollout_kiosk rk JOIN kiosk k ON k.id = rk.kiosk WHERE rk.rollout = $1 AND rk.phase IN ('ordered', 'fetching', 'waiting')", rollout)
	if err != nil {
		return err
	}
	for _, t := range all {
		var state provisioning.State
		if t.state != "" {
			if err := json.Unmarshal([]byte(t.state), &state); err != nil {
				return wrap(err)
			}
		}
		err := changeOne(ctx, tx, "UPDATE rollout_kiosk SET phase = 'chosen', code = '', attempt = attempt + 1, command = '', cancel = 1, ordered = 0, said = $1, looked = $2, changed = $3 WHERE rollout = $4 AND kiosk = $5",
			said(state.Update), t.at, s.now(), rollout, t.kiosk)
		if err == nil {
			_, err = change(ctx, tx, "UPDATE command SET status = 'expired', changed = $1 WHERE id = $2 AND status IN ('queued', 'sent', 'waiting')", s.now(), t.command)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// orderOf names the order of a kiosk of a rollout, and cancelOf that which takes
// it back: there is one of each name.
func orderOf(rollout, kiosk string, attempt int) string {
	return "u" + digest(fmt.Sprintf("%s\n%s\n%d", rollout, kiosk, attempt))
}

func cancelOf(rollout, kiosk string, attempt int) string {
	return "x" + digest(fmt.Sprintf("%s\n%s\n%d", rollout, kiosk, attempt))
}

// digest is a name for a long text: 32 letters and digits.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}

// queueUpdate keeps the order of a kiosk whose turn it is, and that it was
// ordered, in one transaction; fleet.ErrConflict when its rollout does not run
// (any more) or it was ordered already.
func (s *Store) queueUpdate(ctx context.Context, sc fleet.Scope, q fleet.Queued, signed provisioning.Signed) error {
	if q.Command.Update == nil {
		return provisioning.ErrInvalid
	}
	return s.transaction(ctx, func(tx *sql.Tx) error {
		if _, err := s.kiosk(ctx, tx, sc, q.Command.Kiosk); err != nil {
			return err
		}
		err := s.takeTurn(ctx, tx, q.Command)
		if q.Command.Update.Version == "" {
			err = s.takeCancel(ctx, tx, q.Command)
		}
		if err != nil {
			return err
		}
		return s.keep(ctx, tx, sc, q, signed)
	})
}

// takeTurn marks a kiosk as ordered. What it had to be told of earlier orders
// is over with that.
func (s *Store) takeTurn(ctx context.Context, tx *sql.Tx, c provisioning.Command) error {
	if c.Update.Version == "" {
		return nil
	}
	r, err := one(ctx, tx, scanRollout, rolloutColumns+"WHERE ended = 0 AND state = 'running'"+s.dialect.share)
	if errors.Is(err, fleet.ErrNotFound) || err == nil && r.Version != c.Update.Version {
		return fleet.ErrConflict
	}
	if err != nil {
		return err
	}
	n, err := change(ctx, tx, "UPDATE rollout_kiosk SET phase = 'ordered', ordered = $1, changed = $1 WHERE rollout = $2 AND kiosk = $3 AND command = $4 AND phase = 'chosen' AND stage <= $5",
		s.now(), r.ID, c.Kiosk, c.ID, r.Stage)
	if err != nil {
		return err
	}
	if n == 0 {
		return fleet.ErrConflict
	}
	k, err := s.kiosk(ctx, tx, fleet.Scope{All: true}, c.Kiosk)
	if err != nil {
		return err
	}
	if err := changeOne(ctx, tx, "UPDATE rollout_kiosk SET said = $1, looked = $2 WHERE rollout = $3 AND kiosk = $4", said(k.State.Update), micro(k.StateAt), r.ID, k.ID); err != nil {
		return err
	}
	_, err = change(ctx, tx, "UPDATE rollout_kiosk SET cancel = 0 WHERE kiosk = $1 AND cancel = 1", c.Kiosk)
	return err
}

func (s *Store) takeCancel(ctx context.Context, tx *sql.Tx, c provisioning.Command) error {
	n, err := change(ctx, tx, "UPDATE rollout_kiosk SET cancel = 0 WHERE kiosk = $1 AND cancel = 1", c.Kiosk)
	if err == nil && n == 0 {
		return fleet.ErrConflict
	}
	return err
}

// cancels are the kiosks to be told that an order is taken back, of whatever
// rollout.
func (s *Store) cancels(ctx context.Context, limit int) ([]fleet.Order, error) {
	return list(ctx, s.reads, func(row scanner) (o fleet.Order, err error) {
		var (
			rollout string
			attempt int
		)
		err = row.Scan(&rollout, &o.Kiosk, &o.Structure, &attempt)
		o.ID = cancelOf(rollout, o.Kiosk, attempt)
		return o, err
	}, "SELECT rk.rollout, rk.kiosk, rk.structure, rk.attempt FROM rollout_kiosk rk JOIN kiosk k ON k.id = rk.kiosk WHERE rk.cancel = 1 AND k.revoked = 0 ORDER BY rk.changed, rk.kiosk LIMIT $1", limit)
}

// expiredAt is when an order that nobody took has expired, in s.
func (s *Store) expiredAt() int64 { return s.o.Now().Add(-time.Minute).Unix() }
