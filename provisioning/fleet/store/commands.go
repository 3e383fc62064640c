package store

import (
	"context"
	"encoding/json"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// Queue keeps a command until its kiosk has told its end, with its status, or
// fleet.Waiting if it has none. fleet.ErrNotFound when the kiosk is not in the
// scope, not of the command's structure, or revoked; fleet.ErrExists when the
// command's ID was used. An order to update is kept only if it is one of
// StepRollout's, and once; else it is fleet.ErrConflict.
func (s *Store) Queue(ctx context.Context, sc fleet.Scope, q fleet.Queued, signed provisioning.Signed) error {
	if q.Command.Kind == provisioning.CommandUpdate {
		return s.queueUpdate(ctx, sc, q, signed)
	}
	return s.keep(ctx, s.write, sc, q, signed)
}

func (s *Store) keep(ctx context.Context, db runner, sc fleet.Scope, q fleet.Queued, signed provisioning.Signed) error {
	if q.Status == "" {
		q.Status = fleet.Waiting
	}
	return changeOne(ctx, db, scoped(`INSERT INTO command (id, structure, kiosk, body, signature, by_person, issued, expires, status, code, changed)
		SELECT $1, structure, id, $2, $3, $4, $5, $6, $7, $8, $9 FROM kiosk WHERE id = $10 AND structure = $11 AND revoked = 0 AND SCOPE`, "structure", 12),
		inScope(sc, q.Command.ID, blob(signed.Body), blob(signed.Signature), q.By, q.Command.Issued, q.Command.Expires, string(q.Status), string(q.Code), s.now(), q.Command.Kiosk, q.Command.Structure)...)
}

// Pending are the commands of a kiosk that have not ended and not expired, the
// oldest first: what it is to be told when it comes. A kiosk does a command
// once, however often it is told.
func (s *Store) Pending(ctx context.Context, id string) ([]provisioning.Signed, error) {
	return list(ctx, s.reads, func(row scanner) (c provisioning.Signed, err error) {
		return c, row.Scan(&c.Body, &c.Signature)
	}, "SELECT body, signature FROM command WHERE kiosk = $1 AND expires > $2 AND status IN ('queued', 'sent', 'waiting') ORDER BY issued, changed, id", id, s.o.Now().Unix())
}

// Commands are the newest of a kiosk, newest first. One that expired before it
// was sent has provisioning.StatusExpired.
func (s *Store) Commands(ctx context.Context, sc fleet.Scope, id string, limit int) ([]fleet.Queued, error) {
	now := s.o.Now().Unix()
	return list(ctx, s.reads, func(row scanner) (fleet.Queued, error) {
		var (
			q            fleet.Queued
			body         []byte
			status, code string
			changed      int64
		)
		if err := row.Scan(&body, &q.By, &status, &code, &changed); err != nil {
			return q, err
		}
		q.Status, q.Code, q.Changed = fleet.QueueStatus(status), kiosk.Code(code), moment(changed)
		if err := json.Unmarshal(body, &q.Command); err != nil {
			return q, err
		}
		if q.Status == fleet.Waiting && now >= q.Command.Expires {
			q.Status, q.Changed = fleet.QueueStatus(provisioning.StatusExpired), time.Unix(q.Command.Expires, 0).UTC()
		}
		return q, nil
	}, scoped("SELECT body, by_person, status, code, changed FROM command WHERE kiosk = $1 AND SCOPE ORDER BY issued DESC, changed DESC, id LIMIT $4", "structure", 2), append(inScope(sc, id), limit)...)
}

// SetCommand says what became of a kiosk's command. What the kiosk told as its
// end is never changed; that the server took it for expired may be.
// fleet.ErrNotFound when the kiosk has no such command.
func (s *Store) SetCommand(ctx context.Context, id, command string, st fleet.QueueStatus, code kiosk.Code) error {
	n, err := setCommand(ctx, s.write, id, command, st, code, s.now())
	if err != nil || n > 0 {
		return err
	}
	_, err = one(ctx, s.reads, func(row scanner) (x int, err error) { return x, row.Scan(&x) },
		"SELECT 1 FROM command WHERE id = $1 AND kiosk = $2", command, id)
	return err
}

func setCommand(ctx context.Context, db runner, id, command string, st fleet.QueueStatus, code kiosk.Code, now int64) (int64, error) {
	return change(ctx, db, `UPDATE command SET status = $1, code = $2, changed = $3 WHERE id = $4 AND kiosk = $5
		AND (status IN ('queued', 'sent', 'waiting') AND NOT (status = 'waiting' AND $6 = 1)
			OR status = 'expired' AND $7 = 1)`, string(st), string(code), now, command, id,
		flag(st == fleet.Waiting || st == fleet.Sent), flag(st.Ended() && st != fleet.QueueStatus(provisioning.StatusExpired)))
}
