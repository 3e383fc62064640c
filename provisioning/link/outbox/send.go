package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"

	"modernc.org/sqlite"

	"pointnum/provisioning"
)

// maxBytes is how much of the events' JSON goes into one message: well below
// provisioning.MaxMessage.
const maxBytes = 160 << 10

// row is an event as it lies in the file.
type row struct {
	q              int64
	kind           provisioning.EventKind
	zero, up, wall int64
	body           []byte
}

// Next gives the oldest events, at most limit (1 to provisioning.MaxBatch) and
// as many as fit into one message, with their times as they are known now. It
// gives the same ones until Done.
func (b *Box) Next(ctx context.Context, limit int) ([]provisioning.Event, error) {
	b.disk.Lock()
	defer b.disk.Unlock()
	if err := b.ready(ctx); err != nil {
		return nil, err
	}
	rows, err := b.oldest(ctx, min(max(limit, 1), provisioning.MaxBatch))
	if err != nil {
		return nil, b.failed(err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	// From here on they may be known to the server: they must not change.
	if _, err := b.db.ExecContext(ctx, `UPDATE meta SET offered=? WHERE offered<?`, rows[len(rows)-1].q, rows[len(rows)-1].q); err != nil {
		return nil, b.failed(err)
	}
	b.mu.Lock()
	epoch, zero := b.epoch, b.zero
	b.mu.Unlock()
	evs := make([]provisioning.Event, 0, len(rows))
	for _, r := range rows {
		if r.zero < 0 { // of this boot, see oldest
			r.zero = zero
		}
		e, err := r.event(epoch)
		if err != nil {
			b.log.Warn("outbox row not understood", "row", r.q, "err", err)
			continue
		}
		evs = append(evs, e)
	}
	if len(evs) == 0 { // nothing of it can be sent, ever
		return nil, b.forget(ctx, rows[len(rows)-1].q)
	}
	return evs, nil
}

func (b *Box) oldest(ctx context.Context, limit int) ([]row, error) {
	rows, err := b.db.QueryContext(ctx, `SELECT e.q, e.kind, CASE WHEN e.boot=? THEN -1 ELSE coalesce(b.zero, 0) END, e.up, e.wall, e.body
		FROM ev e LEFT JOIN boot b ON b.n=e.boot ORDER BY e.q LIMIT ?`, b.mine, limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var out []row
	size := 0
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.q, &r.kind, &r.zero, &r.up, &r.wall, &r.body); err != nil {
			return nil, err
		}
		if size += len(r.body) + 120; len(out) > 0 && size > maxBytes {
			break
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func (r *row) event(epoch int64) (provisioning.Event, error) {
	e := provisioning.Event{Epoch: epoch, Seq: r.q, Kind: r.kind, At: right(r.zero, r.up, r.wall)}
	var err error
	switch r.kind {
	case provisioning.EventCounts:
		c := provisioning.Counts{Slot: rightSlot(r.zero, r.up, r.wall)}
		err = json.Unmarshal(r.body, &c.N)
		e.Counts, e.At = &c, c.Slot*1e6
	case provisioning.EventState:
		e.State = &provisioning.State{}
		err = json.Unmarshal(r.body, e.State)
		shift(e.State, e.At-r.wall)
	case provisioning.EventResult:
		e.Result = &provisioning.Result{}
		err = json.Unmarshal(r.body, e.Result)
	default:
		err = errors.New("unknown kind")
	}
	return e, err
}

// Done forgets the events of Next up to a number: the server has them on its
// disk.
func (b *Box) Done(ctx context.Context, epoch, seq int64) error {
	b.disk.Lock()
	defer b.disk.Unlock()
	if err := b.ready(ctx); err != nil {
		return err
	}
	if epoch != b.Epoch() {
		return nil // of a file that is gone
	}
	return b.forget(ctx, seq)
}

// forget deletes events up to a number. disk is held.
func (b *Box) forget(ctx context.Context, seq int64) error {
	if _, err := b.db.ExecContext(ctx, `DELETE FROM ev WHERE q<=?`, seq); err != nil {
		return b.failed(err)
	}
	var n int
	if err := b.db.QueryRowContext(ctx, `SELECT count(*) FROM ev`).Scan(&n); err != nil {
		return b.failed(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting = n
	return nil
}

// mergeRows is how many of the oldest events are looked at when the file is
// full.
const mergeRows = 4000

// compact makes room: of the oldest counts that were never given out, those of
// one day become one event at the first of its quarters. It says whether there
// is something gained. disk is held.
func (b *Box) compact(ctx context.Context) bool {
	n, err := b.merge(ctx)
	if err != nil {
		b.log.Warn("outbox full", "err", err)
		return false
	}
	if n > 0 {
		b.log.Warn("outbox full, days merged", "events", n)
	}
	return n > 0
}

func (b *Box) merge(ctx context.Context) (gained int, err error) {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }()
	rows, err := tx.QueryContext(ctx, `SELECT q, boot, up, wall, body FROM ev
		WHERE kind=? AND q>(SELECT offered FROM meta) ORDER BY q LIMIT ?`, string(provisioning.EventCounts), mergeRows)
	if err != nil {
		return 0, err
	}
	days, gone, err := gatherDays(rows)
	if err != nil {
		return 0, err
	}
	for _, q := range gone {
		if _, err := tx.ExecContext(ctx, `DELETE FROM ev WHERE q=?`, q); err != nil {
			return 0, err
		}
	}
	for _, d := range days {
		if err := b.insertCounts(ctx, tx, *d); err != nil {
			return 0, err
		}
	}
	return len(gone) - len(days), tx.Commit()
}

// gatherDays sums days of which there are several events.
func gatherDays(rows *sql.Rows) (days []*sum, gone []int64, err error) {
	defer func() { _ = rows.Close() }()
	type day struct{ boot, n int64 }
	of := map[day]*sum{}
	first := map[day]int64{}
	for rows.Next() {
		var q int64
		var s sum
		var body []byte
		if err := rows.Scan(&q, &s.boot, &s.up, &s.wall, &body); err != nil {
			return nil, nil, err
		}
		s.wall /= 1e6
		if json.Unmarshal(body, &s.n) != nil || s.n == nil {
			continue
		}
		key := day{s.boot, s.wall / 86400}
		before := of[key]
		if before == nil {
			of[key], first[key] = &s, q
			continue
		}
		if first[key] != 0 {
			gone, days = append(gone, first[key]), append(days, before)
			first[key] = 0
		}
		gone = append(gone, q)
		for name, n := range s.n {
			before.n[name] += n
		}
	}
	return days, gone, rows.Err()
}

// errBroken is a file that SQLite opens and finds wrong.
var errBroken = errors.New("outbox: broken")

// The primary result codes of SQLite (sqlite.org/rescode.html).
const (
	sqliteError    = 1
	sqliteBusy     = 5
	sqliteLocked   = 6
	sqliteCorrupt  = 11
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteNotADB   = 26

	sqliteShortRead = 10 | 2<<8 // SQLITE_IOERR_SHORT_READ
)

func primary(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func busy(err error) bool { return primary(err) == sqliteBusy || primary(err) == sqliteLocked }

func full(err error) bool { return err != nil && primary(err) == sqliteFull }

// broken says whether a file is to be moved aside: it is there, and it is not
// the disk that is at fault.
func broken(path string, err error) bool {
	if errors.Is(err, errBroken) {
		return true
	}
	e, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return false
	}
	switch primary(err) {
	case sqliteCorrupt, sqliteNotADB:
		return true
	case sqliteCantOpen:
		_, err := os.Lstat(path)
		return err == nil
	}
	return e.Code() == sqliteShortRead
}

// foreign is a file with other tables than ours.
func foreign(err error) bool { return primary(err) == sqliteError }
