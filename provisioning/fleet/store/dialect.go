package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"pointnum/provisioning/fleet"
)

// dialect is what the two databases do not say alike. Both know "$1".
type dialect struct {
	name      string // of the files in schema
	path      string // of the SQLite file
	words     *strings.Replacer
	share     string // keeps rows that are read from being changed until the commit
	update    string // lets one transaction at a time have rows
	skip      string // takes rows that no other transaction is taking
	migrating string // lets one server at a time change the schema
	auditing  string // lets one server at a time add to the audit
}

const (
	readers     = 4                // connections of SQLite that read
	connections = 16               // of PostgreSQL
	busy        = 20 * time.Second // for another process that writes into the SQLite file
)

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

func (s *Store) openPostgres(dsn string) error {
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		return err
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "fleetd"
	}
	s.dialect = dialect{
		name:      "postgres",
		words:     strings.NewReplacer("BYTES", "BYTEA", "CLUSTERED", ""),
		share:     " FOR SHARE",
		update:    " FOR UPDATE",
		skip:      " FOR UPDATE SKIP LOCKED",
		migrating: "SELECT pg_advisory_xact_lock(7101)",
		auditing:  "SELECT pg_advisory_xact_lock(7102)",
	}
	s.write = stdlib.OpenDB(*config)
	s.write.SetMaxOpenConns(connections)
	s.write.SetMaxIdleConns(connections)
	s.write.SetConnMaxIdleTime(5 * time.Minute)
	s.read, s.reads = s.write, s.write
	return nil
}

// openSQLite opens a file: one connection writes, each commit is on the disk
// (synchronous=FULL: a power cut takes nothing that was acknowledged), and
// others read meanwhile (WAL).
func (s *Store) openSQLite(path string) error {
	// It holds hashes of passwords; SQLite gives its other files the same mode.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	s.dialect = dialect{
		name:  "sqlite",
		path:  path,
		words: strings.NewReplacer("BYTES", "BLOB", "CLUSTERED", "WITHOUT ROWID"),
	}
	if s.write, err = sql.Open("sqlite", sqliteName(path, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)")+"&_txlock=immediate"); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if s.read, err = sql.Open("sqlite", sqliteName(path, "query_only(1)")); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	s.reads = &prepared{DB: s.read, statements: map[string]*sql.Stmt{}}
	return nil
}

// sqliteName is the driver's name of a file, whatever characters are in it.
func sqliteName(path string, pragmas ...string) string {
	if !filepath.IsAbs(path) {
		path = "./" + path // "a:b" would be another scheme
	}
	q := url.Values{"_pragma": append([]string{fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds())}, pragmas...)}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// wrap gives errors of the database their meaning here.
func wrap(err error) error {
	var pg *pgconn.PgError
	var lite *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fleet.ErrNotFound
	case errors.As(err, &pg) && pg.Code == "23505": // unique_violation
		return fleet.ErrExists
	case errors.As(err, &lite) && (lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY):
		return fleet.ErrExists
	}
	return fmt.Errorf("store: %w", err)
}

// again says that a transaction failed by another one's doing.
func (d dialect) again(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01") // serialization_failure, deadlock_detected
}

// alone makes other servers wait for the end of this transaction.
func alone(ctx context.Context, tx *sql.Tx, lock string) error {
	if lock == "" { // the only writer
		return nil
	}
	_, err := tx.ExecContext(ctx, lock)
	return wrap(err)
}

// warn says when a PostgreSQL server acknowledges what a power cut may take.
func (s *Store) warn(ctx context.Context) error {
	if s.dialect.name != "postgres" {
		return nil
	}
	for _, setting := range []string{"fsync", "synchronous_commit"} {
		var value string
		if err := s.read.QueryRowContext(ctx, "SHOW "+setting).Scan(&value); err != nil {
			return wrap(err)
		}
		if value == "off" {
			s.o.Log.Warn("the database may lose acknowledged events in a power cut", "setting", setting)
		}
	}
	return nil
}
