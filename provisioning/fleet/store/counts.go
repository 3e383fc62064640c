package store

import (
	"context"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

func scanUsage(row scanner) (u fleet.Usage, err error) {
	return u, row.Scan(&u.Day, &u.Structure, &u.Kiosk, &u.Counter, &u.N)
}

// Usage are the counts of days, from and to included, by day, kiosk and
// counter; for as long as Retention keeps days. They are raw: fleet.Hide
// hides the small ones before they are shown or exported.
func (s *Store) Usage(ctx context.Context, sc fleet.Scope, from, to string) ([]fleet.Usage, error) {
	return list(ctx, s.reads, scanUsage, scoped("SELECT day, structure, kiosk, counter, n FROM counter_day WHERE day >= $1 AND day <= $2 AND SCOPE ORDER BY day, structure, kiosk, counter", "structure", 3),
		inScope(sc, from, to)...)
}

// Months are the counts of whole months, "2006-01" in Day, from and to
// included: the days that are kept and the sums of those that are not.
func (s *Store) Months(ctx context.Context, sc fleet.Scope, from, to string) ([]fleet.Usage, error) {
	return list(ctx, s.reads, scanUsage, scoped(`SELECT month, structure, kiosk, counter, CAST(sum(n) AS BIGINT) FROM (
			SELECT month, structure, kiosk, counter, n FROM counter_month
			UNION ALL SELECT substr(day, 1, 7), structure, kiosk, counter, n FROM counter_day) m
		WHERE month >= $1 AND month <= $2 AND SCOPE GROUP BY month, structure, kiosk, counter ORDER BY month, structure, kiosk, counter`, "structure", 3),
		inScope(sc, from, to)...)
}

// Slot is one count of a quarter of an hour.
type Slot struct {
	Begin   time.Time
	Kiosk   string
	Counter string
	N       int64
}

// Slots are the counts of quarters of an hour that begin from a time on and
// before another one, by time, kiosk and counter; for as long as Retention
// keeps them. They are for knowing at which hours a place needs somebody, as
// sums over many days: one alone says too much to be shown.
func (s *Store) Slots(ctx context.Context, sc fleet.Scope, from, to time.Time) ([]Slot, error) {
	return list(ctx, s.reads, func(row scanner) (Slot, error) {
		var (
			l     Slot
			begin int64
		)
		err := row.Scan(&begin, &l.Kiosk, &l.Counter, &l.N)
		l.Begin = moment(begin)
		return l, err
	}, scoped("SELECT slot, kiosk, counter, n FROM counter_slot WHERE slot >= $1 AND slot < $2 AND SCOPE ORDER BY slot, kiosk, counter", "structure", 3),
		inScope(sc, micro(from), micro(to))...)
}

// Events is how many events are kept, by kind.
func (s *Store) Events(ctx context.Context, sc fleet.Scope) (map[provisioning.EventKind]int64, error) {
	out := map[provisioning.EventKind]int64{}
	_, err := list(ctx, s.reads, func(row scanner) (struct{}, error) {
		var (
			kind provisioning.EventKind
			n    int64
		)
		err := row.Scan(&kind, &n)
		out[kind] = n
		return struct{}{}, err
	}, scoped("SELECT e.kind, count(*) FROM event e JOIN kiosk k ON k.id = e.kiosk WHERE SCOPE GROUP BY e.kind", "k.structure", 1), inScope(sc)...)
	return out, err
}
