package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"pointnum/provisioning/fleet"
)

const kioskColumns = "SELECT id, structure, label, public, next_public, enrolled, renewed, expires, revoked, coalesce(heard.at, 0), copied, pilot, state, state_at, epoch FROM kiosk LEFT JOIN heard ON heard.kiosk = id "

func scanKiosk(row scanner) (fleet.Kiosk, error) {
	var (
		k                              fleet.Kiosk
		state                          string
		enrolled, renewed, expires     int64
		revoked, seen, copied, stateAt int64
		pilot                          int64
		err                            = row.Scan(&k.ID, &k.Structure, &k.Label, &k.Key, &k.NextKey, &enrolled, &renewed, &expires, &revoked, &seen, &copied, &pilot, &state, &stateAt, &k.Epoch)
	)
	if err != nil {
		return k, err
	}
	k.Enrolled, k.Renewed, k.Expires = moment(enrolled), moment(renewed), moment(expires)
	k.Revoked, k.Seen, k.Copied, k.StateAt = moment(revoked), moment(seen), moment(copied), moment(stateAt)
	k.Pilot = pilot != 0
	if state != "" {
		err = json.Unmarshal([]byte(state), &k.State)
	}
	return k, err
}

// Kiosk is the one of that ID, revoked or not.
func (s *Store) Kiosk(ctx context.Context, sc fleet.Scope, id string) (fleet.Kiosk, error) {
	return s.kiosk(ctx, s.reads, sc, id)
}

func (s *Store) kiosk(ctx context.Context, db runner, sc fleet.Scope, id string) (fleet.Kiosk, error) {
	return one(ctx, db, scanKiosk, scoped(kioskColumns+"WHERE id = $1 AND SCOPE", "structure", 2), inScope(sc, id)...)
}

// Kiosks are those of the scope, revoked ones too, by label.
func (s *Store) Kiosks(ctx context.Context, sc fleet.Scope) ([]fleet.Kiosk, error) {
	return list(ctx, s.reads, scanKiosk, scoped(kioskColumns+"WHERE SCOPE ORDER BY label, id", "structure", 1), inScope(sc)...)
}

// Rename says anew where a kiosk stands.
func (s *Store) Rename(ctx context.Context, sc fleet.Scope, id, label string) error {
	return changeOne(ctx, s.write, scoped("UPDATE kiosk SET label = $1 WHERE id = $2 AND SCOPE", "structure", 3), inScope(sc, label, id)...)
}

// Renew keeps the key that a kiosk will use next, and when that one's
// credential expires. A next key that was never used is revoked, unless it is
// the same. fleet.ErrExists when the key is another kiosk's, fleet.ErrForbidden
// when the kiosk was revoked.
func (s *Store) Renew(ctx context.Context, id, nextKey string, expires time.Time) error {
	return s.transaction(ctx, func(tx *sql.Tx) error {
		k, err := s.inService(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := s.unused(ctx, tx, id, nextKey); err != nil || nextKey == k.Key {
			return errors.Join(err, existsIf(nextKey == k.Key))
		}
		if k.NextKey != "" && k.NextKey != nextKey {
			if err := s.revokeKey(ctx, tx, id, k.NextKey); err != nil {
				return err
			}
		}
		return changeOne(ctx, tx, "UPDATE kiosk SET next_public = $1, next_expires = $2 WHERE id = $3", nextKey, micro(expires), id)
	})
}

func existsIf(yes bool) error {
	if yes {
		return fleet.ErrExists
	}
	return nil
}

// inService is a kiosk that was not revoked, and nobody changes it meanwhile.
func (s *Store) inService(ctx context.Context, tx *sql.Tx, id string) (fleet.Kiosk, error) {
	if err := changeOne(ctx, tx, "UPDATE kiosk SET id = id WHERE id = $1", id); err != nil {
		return fleet.Kiosk{}, err
	}
	k, err := s.kiosk(ctx, tx, fleet.Scope{All: true}, id)
	if err == nil && !k.Revoked.IsZero() {
		err = fleet.ErrForbidden
	}
	return k, err
}

// unused says fleet.ErrExists for a key that is or was any other kiosk's, or
// was revoked: its credential could come back to life.
func (s *Store) unused(ctx context.Context, tx *sql.Tx, id, key string) error {
	var n int64
	err := tx.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM kiosk WHERE id <> $1 AND (public = $2 OR next_public = $2)) + (SELECT count(*) FROM revoked_key WHERE public = $2)", id, key).Scan(&n)
	return errors.Join(wrap(err), existsIf(n > 0))
}

// KeyUsed says that a kiosk has come with a key. When that is its next one it
// becomes its key, and the old one, which is returned and revoked here, is to
// be refused from now on. fleet.ErrNotFound when it is neither of them,
// fleet.ErrForbidden when the kiosk was revoked.
func (s *Store) KeyUsed(ctx context.Context, id, key string) (old string, err error) {
	// Nearly always nothing changes: no transaction for that.
	k, err := s.Kiosk(ctx, fleet.Scope{All: true}, id)
	if err == nil && k.Revoked.IsZero() && key == k.Key {
		return "", nil
	}
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		old = ""
		k, err := s.inService(ctx, tx, id)
		switch {
		case err != nil || key == k.Key:
			return err
		case key == "" || key != k.NextKey:
			return fleet.ErrNotFound
		}
		if err := s.revokeKey(ctx, tx, id, k.Key); err != nil {
			return err
		}
		old = k.Key
		return changeOne(ctx, tx, "UPDATE kiosk SET public = next_public, expires = next_expires, renewed = $1, next_public = '', next_expires = 0 WHERE id = $2", s.now(), id)
	})
	if err != nil {
		return "", err
	}
	return old, nil
}

// revokeKey keeps a key of a kiosk as revoked until its credential would have
// ended by itself.
func (s *Store) revokeKey(ctx context.Context, tx *sql.Tx, id, key string) error {
	if key == "" {
		return nil
	}
	_, err := change(ctx, tx, `INSERT INTO revoked_key (public, kiosk, at, until)
		SELECT $1, id, $2, CASE WHEN next_public = $1 THEN next_expires ELSE expires END FROM kiosk WHERE id = $3
		ON CONFLICT DO NOTHING`, key, s.now(), id)
	return err
}

// Revoke takes a kiosk out of service for ever; it comes back as it is now.
// Revoking it again changes nothing.
func (s *Store) Revoke(ctx context.Context, sc fleet.Scope, id string) (k fleet.Kiosk, err error) {
	err = s.transaction(ctx, func(tx *sql.Tx) error {
		if _, err := s.kiosk(ctx, tx, sc, id); err != nil {
			return err
		}
		if err := s.revoke(ctx, tx, id); err != nil {
			return err
		}
		k, err = s.kiosk(ctx, tx, sc, id)
		return err
	})
	return k, err
}

func (s *Store) revoke(ctx context.Context, tx *sql.Tx, id string) error {
	k, err := s.inService(ctx, tx, id)
	if errors.Is(err, fleet.ErrForbidden) {
		return nil // it was revoked before
	}
	if err != nil {
		return err
	}
	for _, key := range []string{k.Key, k.NextKey} {
		if err := s.revokeKey(ctx, tx, id, key); err != nil {
			return err
		}
	}
	if _, err := change(ctx, tx, "UPDATE command SET status = 'expired', changed = $1 WHERE kiosk = $2 AND status IN ('queued', 'sent', 'waiting')", s.now(), id); err != nil {
		return err
	}
	return changeOne(ctx, tx, "UPDATE kiosk SET revoked = $1 WHERE id = $2", s.now(), id)
}

// RevokedKeys are the keys that are refused, with the time since when: those
// of revoked kiosks and those that were replaced, until their credentials have
// ended by themselves.
func (s *Store) RevokedKeys(ctx context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	_, err := list(ctx, s.reads, func(row scanner) (struct{}, error) {
		var (
			key string
			at  int64
		)
		err := row.Scan(&key, &at)
		out[key] = moment(at)
		return struct{}{}, err
	}, "SELECT public, at FROM revoked_key WHERE until > $1", s.now())
	return out, err
}

// Seen says when kiosks were last heard, by ID; kept to the minute. An earlier
// time than what is kept changes nothing.
func (s *Store) Seen(ctx context.Context, at map[string]time.Time) error {
	var rows [][]any
	for _, id := range slices.Sorted(maps.Keys(at)) {
		rows = append(rows, []any{id, micro(at[id].Truncate(time.Minute))})
	}
	return s.transaction(ctx, func(tx *sql.Tx) error {
		return s.dialect.insertRows(ctx, tx, "heard (kiosk, at)", " ON CONFLICT (kiosk) DO UPDATE SET at = excluded.at WHERE heard.at < excluded.at", rows, nil)
	})
}

// Copied says that two kiosks spoke under a name, or with the zero time that
// this was put right.
func (s *Store) Copied(ctx context.Context, id string, at time.Time) error {
	return changeOne(ctx, s.write, "UPDATE kiosk SET copied = $1 WHERE id = $2", micro(at), id)
}
