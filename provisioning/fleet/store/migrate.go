package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// The steps of the schema: N.sql for both databases, then N.sqlite.sql or
// N.postgres.sql where there is one. A step that was released is never
// changed: the next one is added.
//
//go:embed schema/*.sql
var steps embed.FS

// Schema is the version of the schema that this program uses.
const Schema = 3

// ErrNewer says that a newer version of the program has used the database.
var ErrNewer = errors.New("store: the database is of a newer version")

// applicationID marks SQLite files as ours: "pnfl".
const applicationID = 0x706e666c

// migrate brings the database to Schema, each step in one transaction.
func (s *Store) migrate(ctx context.Context) error {
	for {
		more := false
		err := s.transaction(ctx, func(tx *sql.Tx) error {
			if err := alone(ctx, tx, s.dialect.migrating); err != nil {
				return err
			}
			version, err := s.version(ctx, tx)
			if err != nil {
				return err
			}
			if version > Schema {
				return fmt.Errorf("%w: schema %d, not %d", ErrNewer, version, Schema)
			}
			if more = version < Schema; !more {
				return nil
			}
			return s.step(ctx, tx, version+1)
		})
		if err != nil || !more {
			return err
		}
	}
}

// version is the database's, 0 for an empty one.
func (s *Store) version(ctx context.Context, tx *sql.Tx) (int, error) {
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema (version BIGINT NOT NULL)"); err != nil {
		return 0, wrap(err)
	}
	var version int
	err := tx.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM schema").Scan(&version)
	return version, wrap(err)
}

func (s *Store) step(ctx context.Context, tx *sql.Tx, n int) error {
	for _, name := range []string{fmt.Sprintf("schema/%d.sql", n), fmt.Sprintf("schema/%d.%s.sql", n, s.dialect.name)} {
		text, err := fs.ReadFile(steps, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, s.dialect.words.Replace(string(text))); err != nil {
			return fmt.Errorf("%s: %w", name, wrap(err))
		}
	}
	if s.dialect.name == "sqlite" {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return wrap(err)
		}
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM schema"); err != nil {
		return wrap(err)
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO schema (version) VALUES ($1)", n)
	return wrap(err)
}
