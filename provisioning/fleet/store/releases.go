package store

import (
	"context"
	"database/sql"
	"errors"

	"pointnum/provisioning/fleet"
)

// AddRelease keeps that the server has a release; fleet.ErrExists when it has
// one of that version, which is left as it is.
func (s *Store) AddRelease(ctx context.Context, r fleet.Release) error {
	added := micro(r.Added)
	if added == 0 {
		added = s.now()
	}
	_, err := change(ctx, s.write, "INSERT INTO release (version, minimum, arch, notes, size, created, added) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		r.Version, r.Minimum, r.Arch, r.Notes, r.Size, micro(r.Created), added)
	return err
}

// Releases are those that the server has, the newest added first. They are no
// structure's.
func (s *Store) Releases(ctx context.Context) ([]fleet.Release, error) {
	return list(ctx, s.reads, scanRelease, "SELECT version, minimum, arch, notes, size, created, added FROM release ORDER BY added DESC, version DESC")
}

func scanRelease(row scanner) (fleet.Release, error) {
	var (
		r              fleet.Release
		created, added int64
	)
	err := row.Scan(&r.Version, &r.Minimum, &r.Arch, &r.Notes, &r.Size, &created, &added)
	r.Created, r.Added = moment(created), moment(added)
	return r, err
}

// RemoveRelease forgets one; fleet.ErrInUse while an open rollout brings it to
// kiosks.
func (s *Store) RemoveRelease(ctx context.Context, version string) error {
	return s.transaction(ctx, func(tx *sql.Tx) error {
		if err := changeOne(ctx, tx, "DELETE FROM release WHERE version = $1", version); err != nil {
			return err
		}
		_, err := one(ctx, tx, scanOne, "SELECT 1 FROM rollout WHERE version = $1 AND ended = 0", version)
		if errors.Is(err, fleet.ErrNotFound) {
			return nil
		}
		return errors.Join(err, fleet.ErrInUse)
	})
}

func scanOne(row scanner) (x int, err error) { return x, row.Scan(&x) }

// SetPilot says whether a kiosk may be among the first to get a release.
func (s *Store) SetPilot(ctx context.Context, sc fleet.Scope, id string, pilot bool) error {
	return changeOne(ctx, s.write, scoped("UPDATE kiosk SET pilot = $1 WHERE id = $2 AND SCOPE", "structure", 3), inScope(sc, flag(pilot), id)...)
}
