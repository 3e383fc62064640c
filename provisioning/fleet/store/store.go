package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // days are those of the structure, on a machine without zones too

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// Options of a Store.
type Options struct {
	Log *slog.Logger     // nil for none
	Now func() time.Time // nil for time.Now
	// Fresh is called after each commit, before Ingest returns, with the
	// events of one call that were seen for the first time. It must be quick:
	// nothing is ingested meanwhile, so it must not call Ingest either. It is
	// called from another goroutine, one call at a time. Nobody is told of
	// events whose commit's answer was lost with the connection to PostgreSQL.
	Fresh func(structure, kiosk string, evs []provisioning.Event)
}

// Store is an open database. Its methods may be called from many goroutines;
// several servers may share one PostgreSQL database. Times come back in UTC,
// to the microsecond.
type Store struct {
	o       Options
	dialect dialect
	write   *sql.DB // of one connection in SQLite, which has one writer
	read    *sql.DB // the same as write in PostgreSQL
	reads   runner  // read, with its queries parsed once

	zones sync.Map // by name: *time.Location, which time reads from disk each time

	mu     sync.RWMutex // held for reading while something is put into queue
	closed bool
	queue  chan *ingest
	ended  chan struct{} // closed when run has returned
}

// ErrClosed is what Ingest returns after Close.
var ErrClosed = errors.New("store: closed")

// Open opens a database and brings it to the present schema: a path is that of
// a SQLite file, which is made if it is not there, "postgres://…" a PostgreSQL
// database. Servers that start together wait for each other. The caller closes
// the Store. A database that a newer version has used is ErrNewer.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{o: o, queue: make(chan *ingest, queueLen), ended: make(chan struct{})}
	var err error
	if isPostgres(dsn) {
		err = s.openPostgres(dsn)
	} else {
		err = s.openSQLite(dsn)
	}
	if err == nil {
		err = s.migrate(ctx)
	}
	if err == nil {
		err = s.warn(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open: %w", err), s.closeDatabases())
	}
	go s.run()
	return s, nil
}

// Close waits for what is being committed and closes the database.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.queue)
	s.mu.Unlock()
	<-s.ended
	return s.closeDatabases()
}

func (s *Store) closeDatabases() error {
	var err error
	if s.read != nil {
		err = s.read.Close()
	}
	if s.write != nil && s.write != s.read {
		err = errors.Join(err, s.write.Close())
	}
	return err
}

// Ready says whether the database answers.
func (s *Store) Ready(ctx context.Context) error {
	var version int
	if err := s.read.QueryRowContext(ctx, "SELECT version FROM schema").Scan(&version); err != nil {
		return fmt.Errorf("store: not ready: %w", err)
	}
	return nil
}

// now is the present time as it is stored.
func (s *Store) now() int64 { return s.o.Now().UnixMicro() }

// micro is a time as it is stored.
func micro(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// moment is a stored time.
func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// blob is never NULL.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// scoped is a query with the scope's filter in place of its word SCOPE, on the
// given column. Its last two arguments are those of inScope. The zero Scope
// has no line, not even those without a structure.
func scoped(query, column string, n int) string {
	return strings.ReplaceAll(query, "SCOPE", fmt.Sprintf("($%d = 1 OR ($%d <> '' AND %s = $%d))", n, n+1, column, n+1))
}

// inScope puts the scope behind the arguments of a query.
func inScope(sc fleet.Scope, args ...any) []any {
	return append(args, flag(sc.All), sc.Structure)
}

// runner is a database or a transaction of it.
type runner interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// scanner is a row or the present one of several.
type scanner interface{ Scan(into ...any) error }

// list reads all rows of a query.
func list[T any](ctx context.Context, db runner, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, wrap(err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, wrap(err)
		}
		out = append(out, v)
	}
	return out, wrap(rows.Err())
}

// one reads the row of a query; none is fleet.ErrNotFound.
func one[T any](ctx context.Context, db runner, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	v, err := scan(db.QueryRowContext(ctx, query, args...))
	if err != nil {
		var none T
		return none, wrap(err)
	}
	return v, nil
}

// change runs a statement and says how many rows it changed.
func change(ctx context.Context, db runner, query string, args ...any) (int64, error) {
	res, err := db.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, wrap(err)
	}
	n, err := res.RowsAffected()
	return n, wrap(err)
}

// changeOne runs a statement that must change something; else it is
// fleet.ErrNotFound.
func changeOne(ctx context.Context, db runner, query string, args ...any) error {
	n, err := change(ctx, db, query, args...)
	if err == nil && n == 0 {
		return fleet.ErrNotFound
	}
	return err
}

// maxTries is how often a transaction is begun that another one was in the way
// of (PostgreSQL's deadlocks and serialization failures).
const maxTries = 5

// transaction runs f in a transaction and commits it if f returns nil. f may
// be run again from its beginning.
func (s *Store) transaction(ctx context.Context, f func(tx *sql.Tx) error) error {
	for try := 1; ; try++ {
		err := s.once(ctx, f)
		if try == maxTries || !s.dialect.again(err) {
			return err
		}
	}
}

func (s *Store) once(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return wrap(err)
	}
	if err := f(tx); err != nil {
		_ = tx.Rollback() // the error that counts is f's
		return err
	}
	return wrap(tx.Commit())
}
