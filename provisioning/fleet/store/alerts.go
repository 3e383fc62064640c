package store

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"pointnum/provisioning/fleet"
)

// OpenAlert begins a problem; false when the kiosk has an open one of that
// name, which is left as it is.
func (s *Store) OpenAlert(ctx context.Context, a fleet.Alert) (bool, error) {
	n, err := change(ctx, s.write, "INSERT INTO alert (id, structure, kiosk, name, code, since, told, ended) VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT DO NOTHING",
		a.ID, a.Structure, a.Kiosk, a.Name, string(a.Code), micro(a.Since), micro(a.Told))
	return n > 0, err
}

// AlertTold says when people were told of an alert, unless that is known.
func (s *Store) AlertTold(ctx context.Context, id string, at time.Time) error {
	_, err := change(ctx, s.write, "UPDATE alert SET told = $1 WHERE id = $2 AND told = 0", micro(at), id)
	return err
}

// EndAlert ends the open one of that name, if there is one.
func (s *Store) EndAlert(ctx context.Context, structure, kiosk, name string, at time.Time) error {
	_, err := change(ctx, s.write, "UPDATE alert SET ended = $1 WHERE structure = $2 AND kiosk = $3 AND name = $4 AND ended = 0", micro(at), structure, kiosk, name)
	return err
}

// Alerts are those of the scope, newest first; open: only those.
func (s *Store) Alerts(ctx context.Context, sc fleet.Scope, open bool) ([]fleet.Alert, error) {
	return list(ctx, s.reads, func(row scanner) (fleet.Alert, error) {
		var (
			a                  fleet.Alert
			since, told, ended int64
		)
		err := row.Scan(&a.ID, &a.Structure, &a.Kiosk, &a.Name, &a.Code, &since, &told, &ended)
		a.Since, a.Told, a.Ended = moment(since), moment(told), moment(ended)
		return a, err
	}, scoped("SELECT id, structure, kiosk, name, code, since, told, ended FROM alert WHERE (ended = 0 OR $1 = 0) AND SCOPE ORDER BY since DESC, id", "structure", 2), inScope(sc, flag(open))...)
}

// AddNotice puts one into the outbox; one of that ID that is or was there, as
// long as Retention keeps it, is no error and changes nothing.
func (s *Store) AddNotice(ctx context.Context, n fleet.Notice) error {
	created := micro(n.Created)
	if created == 0 {
		created = s.now()
	}
	_, err := change(ctx, s.write, "INSERT INTO notice (id, structure, channel, addressee, subject, body, created, due, tries, why, done) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0) ON CONFLICT DO NOTHING",
		n.ID, n.Structure, string(n.Channel), n.To, n.Subject, n.Body, created, micro(n.Due), n.Tries, n.Why)
	return err
}

// DueNotices takes up to limit notices that are due, oldest first, and moves
// their Due to now+lease in the same transaction, so that another server does
// not send them meanwhile.
func (s *Store) DueNotices(ctx context.Context, now time.Time, limit int, lease time.Duration) (ns []fleet.Notice, err error) {
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		ns, err = list(ctx, tx, scanNotice, `UPDATE notice SET due = $1 WHERE id IN (
				SELECT id FROM notice WHERE done = 0 AND due <= $2 ORDER BY due, created, id LIMIT $3`+s.dialect.skip+`)
			RETURNING id, structure, channel, addressee, subject, body, created, due, tries, why`, micro(now.Add(lease)), micro(now), limit)
		return err
	})
	slices.SortFunc(ns, func(x, y fleet.Notice) int { return cmp.Or(x.Created.Compare(y.Created), cmp.Compare(x.ID, y.ID)) })
	return ns, err
}

func scanNotice(row scanner) (fleet.Notice, error) {
	var (
		n            fleet.Notice
		created, due int64
	)
	err := row.Scan(&n.ID, &n.Structure, &n.Channel, &n.To, &n.Subject, &n.Body, &created, &due, &n.Tries, &n.Why)
	n.Created, n.Due = moment(created), moment(due)
	return n, err
}

// NoticeDone says that it has gone, or never will: why is "" or a constant
// word. Whom it was for and what it said are forgotten.
func (s *Store) NoticeDone(ctx context.Context, id, why string, at time.Time) error {
	return changeOne(ctx, s.write, "UPDATE notice SET done = $1, why = $2, addressee = '', subject = '', body = '' WHERE id = $3", micro(at), why, id)
}

// NoticeRetry counts a failed try and says when the next one is due.
func (s *Store) NoticeRetry(ctx context.Context, id, why string, due time.Time) error {
	return changeOne(ctx, s.write, "UPDATE notice SET tries = tries + 1, why = $1, due = $2 WHERE id = $3 AND done = 0", why, micro(due), id)
}
