// Package outbox keeps on the kiosk's disk what the fleet's server has to
// hear, until the server has it on its own: through power cuts, and for a year
// without a network. It is one SQLite file.
//
// What is told first goes into memory, which takes no time and never fails:
// Count and Put. Flush makes it durable; Add does both. While the disk is full
// it stays in memory and is merged, and the next Flush tries again.
//
// Nothing is counted twice: events have numbers that are never used again, in
// an epoch that is born with the file, and what has once been given out to be
// sent is never changed. Nothing finer than a quarter of an hour is written of
// visits, not even here.
//
// Times are right even if the kiosk's clock is not: with each event stands the
// time since the machine started (CLOCK_BOOTTIME), and Learn tells when the
// server says that was.
package outbox

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"pointnum/provisioning"
)

// DefaultBytes is how long the file may become: more than 400 days of counts,
// around the clock.
const DefaultBytes = 24 << 20

// pageSize is SQLite's, in bytes.
const pageSize = 4096

// Options are the choices of Open. The zero value is what a kiosk takes.
type Options struct {
	Log   *slog.Logger // nil for none
	Clock Clock        // zero for the machine's
	Bytes int64        // of the file at the most; 0 for DefaultBytes
}

// Errors of Box.
var (
	ErrUsed   = errors.New("outbox: another process has the file open")
	ErrClosed = errors.New("outbox: closed")
	// ErrNotKept wraps what is wrong with the disk. What was told is kept in
	// memory meanwhile.
	ErrNotKept = errors.New("outbox: not on the disk")
)

// Box is an outbox. Its methods can be called at the same time.
type Box struct {
	path  string
	log   *slog.Logger
	clock Clock
	boot  string // ID of the present boot
	pages int64
	fresh chan struct{}

	disk sync.Mutex // held while the file is used; mu may be taken within
	db   *sql.DB    // nil while the file cannot be opened
	mine int64      // number of the present boot in the file
	gone bool       // Close was called
	last *batch     // written or not: the disk failed in the middle

	mu      sync.Mutex
	pending *batch
	epoch   int64
	waiting int
	zero    int64 // when the present boot began by the server's clock, µs since 1970; 0 unknown
	heard   int64 // the last server's time that was learnt, µs since 1970
	open    slotKey
	cmds    map[string]Command
	kept    bool
}

// Open opens or makes the outbox at path. A file that is broken is moved aside
// (path with ".broken" behind) and a new one begun. With a disk that is full
// or read-only the box works in memory and tries again at each Flush. The
// error is ErrUsed when another process has it. The caller closes it.
func Open(path string, o Options) (*Box, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes
	}
	b := &Box{
		path: path, log: o.Log, clock: o.Clock.orMachine(), pages: max(o.Bytes/pageSize, 32), fresh: make(chan struct{}, 1),
		pending: newBatch(), cmds: map[string]Command{},
	}
	b.boot, _ = b.clock.Boot()
	b.disk.Lock()
	defer b.disk.Unlock()
	if err := b.ready(context.Background()); errors.Is(err, ErrUsed) {
		return nil, err
	}
	return b, nil
}

// Close closes the file, after a last try to write what is in memory.
func (b *Box) Close() error {
	err := b.Flush(context.Background())
	b.disk.Lock()
	defer b.disk.Unlock()
	b.gone = true
	if b.db == nil {
		return err
	}
	err = errors.Join(err, b.db.Close())
	b.db = nil
	return err
}

// Epoch names the file; 0 while there is none.
func (b *Box) Epoch() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.epoch
}

// Waiting is how many events are on the disk to be sent.
func (b *Box) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waiting
}

// Kept says whether the last Flush could write: false while the disk is full
// or broken.
func (b *Box) Kept() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kept
}

// Fresh receives when something was told, which is to be flushed. One reader
// at a time.
func (b *Box) Fresh() <-chan struct{} { return b.fresh }

func (b *Box) kick() {
	select {
	case b.fresh <- struct{}{}:
	default:
	}
}

// ready opens the file when it is not. disk is held.
func (b *Box) ready(ctx context.Context) error {
	if b.gone {
		return ErrClosed
	}
	if b.db != nil {
		return nil
	}
	db, err := b.try(ctx)
	if broken(b.path, err) || foreign(err) {
		b.log.Warn("outbox broken, begun anew", "err", err)
		if err = aside(b.path); err == nil {
			db, err = b.try(ctx)
		}
	}
	if err != nil {
		b.setKept(false)
		if busy(err) {
			return ErrUsed
		}
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	b.db = db
	b.setKept(true)
	return nil
}

func (b *Box) setKept(kept bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept && !kept {
		b.log.Warn("outbox in memory only")
	}
	b.kept = kept
}

const schema = `
CREATE TABLE IF NOT EXISTS meta(one INTEGER PRIMARY KEY CHECK(one=1), epoch INTEGER NOT NULL,
	token INTEGER NOT NULL DEFAULT 0,    -- of the last batch that was written
	offered INTEGER NOT NULL DEFAULT 0,  -- the highest number that was given out to be sent
	heard INTEGER NOT NULL DEFAULT 0);   -- the last server's time
CREATE TABLE IF NOT EXISTS boot(n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, zero INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS ev(q INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, boot INTEGER NOT NULL,
	up INTEGER NOT NULL, wall INTEGER NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS slot(boot INTEGER NOT NULL, wall INTEGER NOT NULL, name TEXT NOT NULL, up INTEGER NOT NULL, n INTEGER NOT NULL,
	PRIMARY KEY(boot, wall, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS cmd(id TEXT PRIMARY KEY, kind TEXT NOT NULL, expires INTEGER NOT NULL, tries INTEGER NOT NULL,
	status TEXT NOT NULL, code TEXT NOT NULL) WITHOUT ROWID;
PRAGMA user_version=1;`

// try opens the file and reads what is remembered.
func (b *Box) try(ctx context.Context) (*sql.DB, error) {
	// Exclusive: two agents on one outbox would use each other's numbers.
	db, err := sql.Open("sqlite", "file:"+escape(b.path)+"?_pragma=busy_timeout(2000)&_pragma=page_size(4096)&_pragma=locking_mode(EXCLUSIVE)"+
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=journal_size_limit(1048576)"+fmt.Sprintf("&_pragma=max_page_count(%d)", b.pages))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := b.load(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

func (b *Box) load(ctx context.Context, db *sql.DB) error {
	var check string
	if err := db.QueryRowContext(ctx, `PRAGMA quick_check(1)`).Scan(&check); err != nil {
		return err
	}
	if check != "ok" {
		return fmt.Errorf("%w: %s", errBroken, check)
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	// 53 bits: programs that know only floating numbers read it right, too.
	for _, s := range []struct {
		q string
		a []any
	}{
		{schema, nil},
		{`INSERT INTO meta(one, epoch) VALUES(1, ?) ON CONFLICT DO NOTHING`, []any{1 + rand.Int64N(1<<53-1)}},
		{`INSERT INTO boot(id) VALUES(?) ON CONFLICT DO NOTHING`, []any{b.boot}},
		{`DELETE FROM boot WHERE id<>? AND n NOT IN (SELECT boot FROM ev) AND n NOT IN (SELECT boot FROM slot)`, []any{b.boot}},
	} {
		if _, err := tx.ExecContext(ctx, s.q, s.a...); err != nil {
			return err
		}
	}
	var epoch, heard, zero, mine int64
	var waiting int
	if err := tx.QueryRowContext(ctx, `SELECT epoch, heard, (SELECT count(*) FROM ev) FROM meta`).Scan(&epoch, &heard, &waiting); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, `SELECT n, zero FROM boot WHERE id=?`, b.boot).Scan(&mine, &zero); err != nil {
		return err
	}
	cmds, err := commands(ctx, tx)
	if err != nil {
		return err
	}
	open, err := openSlot(ctx, tx, b.boot)
	if err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	b.mine = mine
	b.mu.Lock()
	defer b.mu.Unlock()
	b.epoch, b.waiting, b.heard, b.open = epoch, waiting, max(heard, b.heard), open
	if b.zero == 0 {
		b.zero = zero
	}
	for id, c := range cmds {
		if _, newer := b.cmds[id]; !newer {
			b.cmds[id] = c
		}
	}
	return nil
}

// Add makes an event durable: it is on the disk when the error is nil, and
// else in memory until there is room. Only Kind and what it says are taken
// from e; counts are told with Count.
func (b *Box) Add(ctx context.Context, e provisioning.Event) error {
	b.Put(e)
	return b.Flush(ctx)
}

// escape makes a path part of a URI.
func escape(path string) string {
	var s []byte
	for i := range len(path) {
		switch c := path[i]; c {
		case '%', '?', '#':
			s = fmt.Appendf(s, "%%%02X", c)
		default:
			s = append(s, c)
		}
	}
	return string(s)
}

// aside moves a broken file away. One is kept for the technician.
func aside(path string) error {
	to := path + ".broken"
	if err := os.RemoveAll(to); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	if err := os.Rename(path, to); err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	var errs []error
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Learn tells what the server's clock says now. Events of this boot get their
// times by it, those of before, too. It is remembered for the next start as
// far as the disk allows.
func (b *Box) Learn(ctx context.Context, server time.Time) {
	_, up := b.clock.Boot()
	zero, heard := server.UnixMicro()-up.Microseconds(), server.UnixMicro()
	b.mu.Lock()
	moved := b.zero == 0 || abs(zero-b.zero) > time.Second.Microseconds() || abs(heard-b.heard) > time.Hour.Microseconds()
	b.zero, b.heard = zero, heard
	b.mu.Unlock()
	if !moved {
		return
	}
	b.disk.Lock()
	defer b.disk.Unlock()
	if b.ready(ctx) != nil {
		return
	}
	_, err := b.db.ExecContext(ctx, `UPDATE boot SET zero=? WHERE n=?`, zero, b.mine)
	if err == nil {
		_, err = b.db.ExecContext(ctx, `UPDATE meta SET heard=?`, heard)
	}
	if err != nil {
		b.log.Debug("clock not kept", "err", err)
	}
}

func abs(n int64) int64 { return max(n, -n) }

// Now is the time by the server's clock, and by the kiosk's as long as the
// server was not heard in this boot; known tells which.
func (b *Box) Now() (now time.Time, known bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.UnixMicro(b.now(b.stamp())).UTC(), b.zero != 0
}

// Wall is the time by the kiosk's own clock, right or wrong.
func (b *Box) Wall() time.Time { return b.clock.Now() }

// Heard is the last time of a server that was heard, in this boot or an
// earlier one; zero never.
func (b *Box) Heard() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.heard == 0 {
		return time.Time{}
	}
	return time.UnixMicro(b.heard).UTC()
}
