package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// AddCode keeps a one-time code as the hash of what was shown. fleet.ErrNotFound
// when its structure, or the kiosk in it that it replaces, is not there.
func (s *Store) AddCode(ctx context.Context, c fleet.Code, hash string) error {
	return changeOne(ctx, s.write, `INSERT INTO code (id, hash, structure, label, replaces, by_person, created, expires, used, kiosk)
		SELECT $1, $2, s.id, $4, $5, $6, $7, $8, 0, '' FROM structure s
		WHERE s.id = $3 AND ($5 = '' OR EXISTS (SELECT 1 FROM kiosk k WHERE k.id = $5 AND k.structure = s.id))`,
		c.ID, hash, c.Structure, c.Label, c.Replaces, c.By, micro(c.Created), micro(c.Expires))
}

// Codes are those of the scope, newest first, used and expired ones too until
// they are pruned.
func (s *Store) Codes(ctx context.Context, sc fleet.Scope) ([]fleet.Code, error) {
	return list(ctx, s.reads, func(row scanner) (fleet.Code, error) {
		var (
			c                      fleet.Code
			created, expires, used int64
		)
		err := row.Scan(&c.ID, &c.Structure, &c.Label, &c.Replaces, &c.By, &created, &expires, &used, &c.Kiosk)
		c.Created, c.Expires, c.Used = moment(created), moment(expires), moment(used)
		return c, err
	}, scoped("SELECT id, structure, label, replaces, by_person, created, expires, used, kiosk FROM code WHERE SCOPE ORDER BY created DESC, id", "structure", 1), inScope(sc)...)
}

// Enrol spends a code on a kiosk with that ID and public key, whose credential
// expires then. The kiosk that the code replaces is revoked, and its label
// taken over unless the code has one: see RevokedKeys. Errors: fleet.ErrCode
// when the code is unknown, used or too old, and fleet.ErrExists when the ID or
// the key is or was a kiosk's; then the code is not spent.
func (s *Store) Enrol(ctx context.Context, hash, id, key string, expires time.Time) (k fleet.Kiosk, err error) {
	if !provisioning.ValidID(id) || key == "" {
		return fleet.Kiosk{}, fmt.Errorf("store: not an ID of a kiosk: %q", id)
	}
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		k, err = s.enrol(ctx, tx, hash, id, key, expires)
		return err
	})
	if err != nil {
		return fleet.Kiosk{}, err
	}
	return k, nil
}

func (s *Store) enrol(ctx context.Context, tx *sql.Tx, hash, id, key string, expires time.Time) (fleet.Kiosk, error) {
	now := s.now()
	c, err := one(ctx, tx, func(row scanner) (c fleet.Code, err error) {
		return c, row.Scan(&c.Structure, &c.Label, &c.Replaces)
	}, "UPDATE code SET used = $1, kiosk = $2 WHERE hash = $3 AND used = 0 AND expires > $1 RETURNING structure, label, replaces", now, id, hash)
	if errors.Is(err, fleet.ErrNotFound) {
		return fleet.Kiosk{}, fleet.ErrCode
	}
	if err != nil {
		return fleet.Kiosk{}, err
	}
	if err := s.unused(ctx, tx, "", key); err != nil {
		return fleet.Kiosk{}, err
	}
	pilot := false
	if c.Replaces != "" {
		old, err := s.kiosk(ctx, tx, fleet.Scope{Structure: c.Structure}, c.Replaces)
		if err != nil {
			return fleet.Kiosk{}, err
		}
		if err := s.revoke(ctx, tx, old.ID); err != nil {
			return fleet.Kiosk{}, err
		}
		if c.Label == "" {
			c.Label = old.Label
		}
		pilot = old.Pilot
	}
	_, err = change(ctx, tx, `INSERT INTO kiosk (id, structure, label, public, next_public, next_expires, enrolled, renewed, expires, revoked, epoch, began, state, state_seq, state_at, pilot)
		VALUES ($1, $2, $3, $4, '', 0, $5, $5, $6, 0, 0, 0, '', 0, 0, $7)`, id, c.Structure, c.Label, key, now, micro(expires), flag(pilot))
	if err != nil {
		return fleet.Kiosk{}, err
	}
	return s.kiosk(ctx, tx, fleet.Scope{Structure: c.Structure}, id)
}
