package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrPostgres is what Backup and Restore say of a PostgreSQL database, which
// has its own programs for that.
var ErrPostgres = errors.New("store: a PostgreSQL database is saved by pg_dump -Fc and restored by pg_restore")

// Backup writes the database as it is at one moment into a new file, while
// everything goes on: one SQLite file, of mode 0600, without any beside it.
// What was acknowledged before Backup was called is in it. A file that is
// there is not replaced (fs.ErrExist), and an error leaves none.
func (s *Store) Backup(ctx context.Context, path string) error {
	if s.dialect.name != "sqlite" {
		return ErrPostgres
	}
	err := appear(path, func(part string) error {
		// Not one of the connections that only read: it writes another file.
		db, err := sql.Open("sqlite", sqliteName(s.dialect.path))
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, "VACUUM INTO $1", part)
		if err = errors.Join(err, db.Close()); err != nil {
			return err
		}
		return verify(ctx, part)
	})
	if err != nil {
		return fmt.Errorf("store: backup: %w", err)
	}
	return nil
}

// Restore copies a backup to where no database is yet, after it has checked
// that every page of it is good and that it is a database of this program, of
// this version or one before; Open brings it to the present schema. A database
// that is there, or what is left of one, is not replaced (fs.ErrExist).
//
// What came after the backup is missing. Events that were acknowledged since
// then are not sent again, and keys that were revoked since then are good
// again: whoever restores revokes those kiosks anew.
func Restore(ctx context.Context, from, to string) error {
	if isPostgres(to) || isPostgres(from) {
		return ErrPostgres
	}
	for _, other := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(to + other); err == nil {
			return fmt.Errorf("store: restore: %s%s: %w", to, other, fs.ErrExist)
		}
	}
	err := appear(to, func(part string) error {
		if err := copyFile(from, part); err != nil {
			return err
		}
		return verify(ctx, part)
	})
	if err != nil {
		return fmt.Errorf("store: restore: %w", err)
	}
	return nil
}

// appear makes a file by filling another one beside it, so that the name is
// there with all its content or not at all.
func appear(path string, fill func(part string) error) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part") // of mode 0600
	if err != nil {
		return err
	}
	part := f.Name()
	err = f.Close()
	if err == nil {
		err = fill(part)
	}
	if err == nil {
		err = syncFile(part)
	}
	if err == nil {
		err = os.Link(part, path) // unlike a rename it replaces nothing
	}
	err = errors.Join(err, os.Remove(part))
	if err != nil {
		return err
	}
	return syncFile(filepath.Dir(path))
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func copyFile(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return errors.Join(err, src.Close())
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, src.Close(), dst.Close())
}

// ErrNoBackup says that a file is no good backup of a fleet's database.
var ErrNoBackup = errors.New("store: not a backup of a fleet's database, or damaged")

// verify reads all of a file that nobody has open.
func verify(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", sqliteName(path, "query_only(1)")+"&immutable=1")
	if err != nil {
		return err
	}
	defer db.Close()
	var (
		id, version int
		found       string
	)
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil || id != applicationID {
		return fmt.Errorf("%w: not its mark (%v)", ErrNoBackup, err)
	}
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&found); err != nil || found != "ok" {
		return fmt.Errorf("%w: %s (%v)", ErrNoBackup, found, err)
	}
	if err := db.QueryRowContext(ctx, "SELECT version FROM schema").Scan(&version); err != nil || version < 1 {
		return fmt.Errorf("%w: no schema (%v)", ErrNoBackup, err)
	}
	if version > Schema {
		return fmt.Errorf("%w: schema %d, not %d", ErrNewer, version, Schema)
	}
	return nil
}
