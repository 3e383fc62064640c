package store

import (
	"context"
	"database/sql"
	"time"
)

const day = 24 * time.Hour

// Retention is how long what is kept. A field that is 0 takes its default; the
// reasons stand beside those.
type Retention struct {
	Events   time.Duration
	Slots    time.Duration
	Days     time.Duration
	Commands time.Duration
	Alerts   time.Duration
	Notices  time.Duration
	Codes    time.Duration
	Audit    time.Duration
	Sessions time.Duration
}

// Defaults are the periods that hold unless a host decides otherwise.
func Defaults() Retention {
	return Retention{
		// A kiosk that was off for a season sends again what it has; behind
		// the pruned ones its high-water mark refuses what was counted.
		Events: 90 * day,
		// At which hours a place needs somebody is asked for the last months;
		// older quarters of an hour would be details without a purpose.
		Slots: 90 * day,
		// A year's report compares with the same month of the year before;
		// after that months are kept, which speak of no day.
		Days: 396 * day,
		// Who sent which command stays in the audit; its content need not.
		Commands: 90 * day,
		// Solved problems and rollouts that have ended, for "how often did it
		// break this year".
		Alerts: 396 * day,
		// Those that have gone, without their content: so that the same one is
		// not sent again.
		Notices: 30 * day,
		// Used or expired codes and invitations, for whoever asks what became
		// of one.
		Codes: 30 * day,
		// The CNIL's recommendation on logs of access: six months to a year.
		Audit: 365 * day,
		// Expired ones are good for nothing; a day leaves clocks some room.
		Sessions: day,
	}
}

func (r Retention) withDefaults() Retention {
	d := Defaults()
	for _, f := range []struct{ have, def *time.Duration }{
		{&r.Events, &d.Events}, {&r.Slots, &d.Slots}, {&r.Days, &d.Days}, {&r.Commands, &d.Commands}, {&r.Alerts, &d.Alerts},
		{&r.Notices, &d.Notices}, {&r.Codes, &d.Codes}, {&r.Audit, &d.Audit}, {&r.Sessions, &d.Sessions},
	} {
		if *f.have == 0 {
			*f.have = *f.def
		}
	}
	return r
}

// Prune removes what is older than its period and says how many rows that
// were. Days that go are added to their months; outboxes remember how far they
// had come; the audit keeps the hash of the last line that went, so that
// CheckAudit still verifies the others. It works in small transactions, so
// that kiosks do not wait, and may be run again after an error.
func (s *Store) Prune(ctx context.Context, r Retention) (n int64, err error) {
	r = r.withDefaults()
	now := s.o.Now()
	for _, step := range []func(context.Context, Retention, time.Time) (int64, error){
		s.pruneEvents, s.pruneCounts, s.pruneCommands, s.pruneRest, s.pruneAudit,
	} {
		k, err := step(ctx, r, now)
		n += k
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// ids are all kiosks'.
func (s *Store) ids(ctx context.Context) ([]string, error) {
	return list(ctx, s.reads, func(row scanner) (id string, err error) { return id, row.Scan(&id) }, "SELECT id FROM kiosk ORDER BY id")
}

// pruneEvents takes one kiosk at a time: its events stand together. The mark
// is written first, which waits for batches of that outbox to be committed and
// lets later ones see it.
func (s *Store) pruneEvents(ctx context.Context, r Retention, now time.Time) (n int64, err error) {
	ids, err := s.ids(ctx)
	if err != nil {
		return 0, err
	}
	before := micro(now.Add(-r.Events))
	for _, id := range ids {
		var k int64
		err := s.transaction(ctx, func(tx *sql.Tx) error {
			_, err := change(ctx, tx, `UPDATE outbox SET mark = (SELECT max(seq) FROM event e WHERE e.kiosk = outbox.kiosk AND e.epoch = outbox.epoch AND e.at < $1)
				WHERE kiosk = $2 AND mark < (SELECT coalesce(max(seq), 0) FROM event e WHERE e.kiosk = outbox.kiosk AND e.epoch = outbox.epoch AND e.at < $1)`, before, id)
			if err != nil {
				return err
			}
			// A batch that was committed meanwhile may have brought old ones
			// behind the mark: they are left for the next time.
			k, err = change(ctx, tx, `DELETE FROM event WHERE kiosk = $1 AND at < $2
				AND seq <= (SELECT mark FROM outbox o WHERE o.kiosk = event.kiosk AND o.epoch = event.epoch)`, id, before)
			return err
		})
		if err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}

// pruneCounts adds whole days of one kiosk at a time to their months.
func (s *Store) pruneCounts(ctx context.Context, r Retention, now time.Time) (n int64, err error) {
	ids, err := s.ids(ctx)
	if err != nil {
		return 0, err
	}
	slot, first := micro(now.Add(-r.Slots)), now.Add(-r.Days).UTC().Format(time.DateOnly)
	for _, id := range ids {
		var slots, days int64
		err := s.transaction(ctx, func(tx *sql.Tx) (err error) {
			if slots, err = change(ctx, tx, "DELETE FROM counter_slot WHERE kiosk = $1 AND slot < $2", id, slot); err != nil {
				return err
			}
			days, err = s.toMonths(ctx, tx, id, first)
			return err
		})
		if err != nil {
			return n, err
		}
		n += slots + days
	}
	return n, nil
}

// toMonths moves exactly the counts that it deletes, whatever is counted
// meanwhile.
func (s *Store) toMonths(ctx context.Context, tx *sql.Tx, id, first string) (int64, error) {
	gone, err := list(ctx, tx, scanUsage, "DELETE FROM counter_day WHERE kiosk = $1 AND day < $2 RETURNING day, structure, kiosk, counter, n", id, first)
	if err != nil {
		return 0, err
	}
	for _, u := range gone {
		_, err := change(ctx, tx, `INSERT INTO counter_month (structure, kiosk, month, counter, n) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (kiosk, month, counter) DO UPDATE SET n = counter_month.n + excluded.n`, u.Structure, u.Kiosk, u.Day[:len("2006-01")], u.Counter, u.N)
		if err != nil {
			return 0, err
		}
	}
	return int64(len(gone)), nil
}

// resultGrace is how long after its end a command may still be told done: a
// kiosk may begin it just in time and be offline then.
const resultGrace = day

func (s *Store) pruneCommands(ctx context.Context, r Retention, now time.Time) (int64, error) {
	if _, err := change(ctx, s.write, "UPDATE command SET status = 'expired', changed = $1 WHERE status IN ('queued', 'sent', 'waiting') AND expires < $2", micro(now), now.Add(-resultGrace).Unix()); err != nil {
		return 0, err
	}
	return change(ctx, s.write, "DELETE FROM command WHERE issued < $1 AND status NOT IN ('queued', 'sent', 'waiting')", now.Add(-r.Commands).Unix())
}

func (s *Store) pruneRest(ctx context.Context, r Retention, now time.Time) (n int64, err error) {
	codes := micro(now.Add(-r.Codes))
	for _, d := range []struct {
		query  string
		before int64
	}{
		{"DELETE FROM alert WHERE ended > 0 AND ended < $1", micro(now.Add(-r.Alerts))},
		{"DELETE FROM rollout_kiosk WHERE rollout IN (SELECT id FROM rollout WHERE ended > 0 AND ended < $1)", micro(now.Add(-r.Alerts))},
		{"DELETE FROM rollout WHERE ended > 0 AND ended < $1", micro(now.Add(-r.Alerts))},
		{"DELETE FROM notice WHERE done > 0 AND done < $1", micro(now.Add(-r.Notices))},
		{"DELETE FROM code WHERE expires < $1", codes},
		{"DELETE FROM invitation WHERE expires < $1", codes},
		{"DELETE FROM session WHERE expires < $1", micro(now.Add(-r.Sessions))},
		{"DELETE FROM spent WHERE until < $1", micro(now.Add(-r.Sessions))},
		{"DELETE FROM revoked_key WHERE until < $1", micro(now.Add(-r.Sessions))},
	} {
		k, err := change(ctx, s.write, d.query, d.before)
		if err != nil {
			return n, err
		}
		n += k
	}
	return n, nil
}

// pruneAudit moves the anchor onto the last line before the first one that is
// kept; the triggers of the table let go only what lies up to there.
func (s *Store) pruneAudit(ctx context.Context, r Retention, now time.Time) (n int64, err error) {
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		if err := alone(ctx, tx, s.dialect.auditing); err != nil {
			return err
		}
		moved, err := change(ctx, tx, `UPDATE audit_anchor SET (n, hash) = (SELECT n, hash FROM audit
				WHERE n < coalesce((SELECT min(n) FROM audit WHERE at >= $1), (SELECT max(n) + 1 FROM audit)) ORDER BY n DESC LIMIT 1)
			WHERE EXISTS (SELECT 1 FROM audit WHERE n < coalesce((SELECT min(n) FROM audit WHERE at >= $1), (SELECT max(n) + 1 FROM audit)))`, micro(now.Add(-r.Audit)))
		if err != nil || moved == 0 {
			return err
		}
		n, err = change(ctx, tx, "DELETE FROM audit WHERE n <= (SELECT n FROM audit_anchor WHERE id = 1)")
		return err
	})
	return n, err
}
