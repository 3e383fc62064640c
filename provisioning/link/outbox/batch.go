package outbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"pointnum/provisioning"
)

// Limits of what is kept in memory while nothing can be written.
const (
	maxSlots  = 400
	maxEvents = 400
)

// batch is what was told since the last Flush. Its token is written with it:
// when the disk fails in the middle, that shows whether it was written.
type batch struct {
	token  int64
	counts map[slotKey]*tally
	events []line
	cmds   map[string]Command
}

type tally struct {
	up int64
	n  map[string]int64
}

// line is an event before it has a number.
type line struct {
	at    stamp
	event provisioning.Event
}

func newBatch() *batch {
	return &batch{token: 1 + rand.Int64N(1<<62), counts: map[slotKey]*tally{}, cmds: map[string]Command{}}
}

func (p *batch) empty() bool { return len(p.counts) == 0 && len(p.events) == 0 && len(p.cmds) == 0 }

// Count adds n to a counter of the present quarter of an hour, in memory. It
// takes no time. What is not one of the counters of package provisioning is
// not counted.
func (b *Box) Count(name string, n int64) {
	if n < 1 || !provisioning.ValidCounter(name) {
		return
	}
	b.mu.Lock()
	key, up := b.slot(b.stamp())
	t := b.pending.counts[key]
	if t == nil && len(b.pending.counts) >= maxSlots {
		for _, t = range b.pending.counts { // the disk is full since days: the sum is what matters
			break
		}
	}
	if t == nil {
		t = &tally{up: up, n: map[string]int64{}}
		b.pending.counts[key] = t
	}
	t.n[name] += n
	b.mu.Unlock()
	b.kick()
}

// Put takes an event, in memory. Only the newest state is kept.
func (b *Box) Put(e provisioning.Event) {
	b.mu.Lock()
	b.put(e)
	b.mu.Unlock()
	b.kick()
}

// put is Put while mu is held.
func (b *Box) put(e provisioning.Event) {
	p := b.pending
	if e.Kind == provisioning.EventCounts {
		return
	}
	kept := p.events[:0]
	for _, l := range p.events {
		if e.Kind != provisioning.EventState || l.event.Kind != provisioning.EventState {
			kept = append(kept, l)
		}
	}
	if len(kept) >= maxEvents {
		kept = kept[1:]
	}
	p.events = append(kept, line{b.stamp(), e})
}

// Flush writes what is in memory. It is durable when the error is nil; else
// the error is ErrNotKept, everything is still in memory and Flush can be
// called again. A quarter of an hour that has passed becomes an event.
func (b *Box) Flush(ctx context.Context) error {
	b.disk.Lock()
	defer b.disk.Unlock()
	for {
		again, err := b.flush(ctx)
		if err != nil || !again {
			return err
		}
	}
}

// flush writes one batch: the one that failed before, or what came since. It
// says whether there is another one.
func (b *Box) flush(ctx context.Context) (again bool, err error) {
	b.mu.Lock()
	now, _ := b.slot(b.stamp())
	over := b.open != slotKey{} && b.open != now
	if b.last == nil {
		if b.pending.empty() && !over {
			b.mu.Unlock()
			return false, nil
		}
		b.last, b.pending = b.pending, newBatch()
	}
	p := b.last
	b.mu.Unlock()
	if err := b.ready(ctx); err != nil {
		return false, err
	}
	open, waiting, err := b.write(ctx, p, now)
	if full(err) && b.compact(ctx) {
		open, waiting, err = b.write(ctx, p, now)
	}
	if err != nil {
		if ctx.Err() != nil {
			return false, fmt.Errorf("%w: %w", ErrNotKept, err)
		}
		return false, b.failed(err)
	}
	b.last = nil
	b.setKept(true)
	b.mu.Lock()
	b.open, b.waiting = open, waiting
	again = !b.pending.empty()
	b.mu.Unlock()
	return again, nil
}

// failed decides what a fault of the file means. disk is held.
func (b *Box) failed(err error) error {
	b.setKept(false)
	if broken(b.path, err) || foreign(err) {
		b.log.Warn("outbox broken", "err", err)
		_ = b.db.Close()
		b.db = nil // the next use finds it broken and begins anew
	}
	if foreign(err) { // which would not be found
		err = errors.Join(err, aside(b.path))
	}
	return fmt.Errorf("%w: %w", ErrNotKept, err)
}

// write is one transaction.
func (b *Box) write(ctx context.Context, p *batch, now slotKey) (open slotKey, waiting int, err error) {
	tx, err := b.db.BeginTx(ctx, nil)
	if err != nil {
		return open, 0, err
	}
	defer func() { _ = tx.Rollback() }()
	var token int64
	if err := tx.QueryRowContext(ctx, `SELECT token FROM meta`).Scan(&token); err != nil {
		return open, 0, err
	}
	if token != p.token {
		if err := b.apply(ctx, tx, p); err != nil {
			return open, 0, err
		}
	}
	if err := b.closeSlots(ctx, tx, now); err != nil {
		return open, 0, err
	}
	if open, err = openSlot(ctx, tx, b.boot); err != nil {
		return open, 0, err
	}
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM ev`).Scan(&waiting); err != nil {
		return open, 0, err
	}
	return open, waiting, tx.Commit()
}

func (b *Box) apply(ctx context.Context, tx *sql.Tx, p *batch) error {
	if err := b.applyCounts(ctx, tx, p); err != nil {
		return err
	}
	for _, l := range p.events {
		body, err := encode(l.event)
		if err != nil {
			return err
		}
		if l.event.Kind == provisioning.EventState {
			// The newest state is whole: older ones are not worth sending.
			if _, err := tx.ExecContext(ctx, `DELETE FROM ev WHERE kind=?`, string(provisioning.EventState)); err != nil {
				return err
			}
		}
		if err := insert(ctx, tx, l.event.Kind, b.mine, l.at.up, l.at.wall, body); err != nil {
			return err
		}
	}
	for id, c := range p.cmds {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO cmd(id, kind, expires, tries, status, code) VALUES(?,?,?,?,?,?)`,
			id, string(c.Kind), c.Expires, c.Tries, string(c.Result.Status), string(c.Result.Code)); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `UPDATE meta SET token=?`, p.token)
	return err
}

func (b *Box) applyCounts(ctx context.Context, tx *sql.Tx, p *batch) error {
	if len(p.counts) == 0 {
		return nil
	}
	add, err := tx.PrepareContext(ctx, `INSERT INTO slot(boot, wall, name, up, n) VALUES(?,?,?,?,?)
		ON CONFLICT(boot, wall, name) DO UPDATE SET n=n+excluded.n`)
	if err != nil {
		return err
	}
	defer func() { _ = add.Close() }()
	for key, t := range p.counts {
		for name, n := range t.n {
			if _, err := add.ExecContext(ctx, b.mine, key.wall, name, t.up, n); err != nil {
				return err
			}
		}
	}
	return nil
}

func encode(e provisioning.Event) ([]byte, error) {
	var v any = e.Result
	if e.Kind == provisioning.EventState {
		v = e.State
	}
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("outbox: %w", err)
	}
	return b, nil
}

func insert(ctx context.Context, tx *sql.Tx, kind provisioning.EventKind, boot, up, wall int64, body []byte) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO ev(kind, boot, up, wall, body) VALUES(?,?,?,?,?)`, string(kind), boot, up, wall, body)
	return err
}

// openSlot is the quarter in which is counted on the disk; zero for none. One
// of an earlier boot shows as any other.
func openSlot(ctx context.Context, tx *sql.Tx, boot string) (slotKey, error) {
	var id string
	var wall int64
	err := tx.QueryRowContext(ctx, `SELECT b.id, s.wall FROM slot s JOIN boot b ON b.n=s.boot ORDER BY b.id=?, s.wall LIMIT 1`, boot).Scan(&id, &wall)
	if err == sql.ErrNoRows {
		return slotKey{}, nil
	}
	return slotKey{id, wall}, err
}

// closeSlots makes events of the quarters that are over.
func (b *Box) closeSlots(ctx context.Context, tx *sql.Tx, now slotKey) error {
	rows, err := tx.QueryContext(ctx, `SELECT boot, wall, up, name, n FROM slot WHERE NOT (boot=? AND wall=?) ORDER BY boot, wall, name`, b.mine, now.wall)
	if err != nil {
		return err
	}
	sums, err := gather(rows)
	if err != nil || len(sums) == 0 {
		return err
	}
	for _, s := range sums {
		if err := b.insertCounts(ctx, tx, s); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `DELETE FROM slot WHERE NOT (boot=? AND wall=?)`, b.mine, now.wall)
	return err
}

// sum is what was counted in one quarter.
type sum struct {
	boot, wall, up int64 // wall in s since 1970
	n              map[string]int64
}

func gather(rows *sql.Rows) ([]sum, error) {
	defer func() { _ = rows.Close() }()
	var sums []sum
	for rows.Next() {
		var s sum
		var name string
		var n int64
		if err := rows.Scan(&s.boot, &s.wall, &s.up, &name, &n); err != nil {
			return nil, err
		}
		if l := len(sums) - 1; l >= 0 && sums[l].boot == s.boot && sums[l].wall == s.wall {
			sums[l].n[name] += n
			continue
		}
		s.n = map[string]int64{name: n}
		sums = append(sums, s)
	}
	return sums, rows.Err()
}

// insertCounts makes one event of a sum, or several when it is too much for
// one.
func (b *Box) insertCounts(ctx context.Context, tx *sql.Tx, s sum) error {
	for len(s.n) > 0 {
		part := map[string]int64{}
		for name, n := range s.n {
			if len(part) == provisioning.MaxCounters {
				break
			}
			part[name] = min(n, provisioning.MaxCount)
			if s.n[name] -= part[name]; s.n[name] == 0 {
				delete(s.n, name)
			}
		}
		body, err := json.Marshal(part)
		if err != nil {
			return fmt.Errorf("outbox: %w", err)
		}
		if err := insert(ctx, tx, provisioning.EventCounts, s.boot, s.up, s.wall*1e6, body); err != nil {
			return err
		}
	}
	return nil
}
