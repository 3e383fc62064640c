package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// How far a kiosk's time may be from the server's.
const (
	maxAhead = 10 * time.Minute
	maxAge   = 400 * 24 * time.Hour
)

// batch is one transaction of a group of calls.
//
// Every server takes the same tables in the same order, and rows in the order
// of their keys, so that two of them do not deadlock.
type batch struct {
	store *Store
	ctx   context.Context // of the transaction
	group []*ingest
	tx    *sql.Tx
	now   time.Time

	zones map[string]*time.Location // by kiosk
	boxes map[outbox]boxState

	slots map[slotKey]int64
	days  map[dayKey]int64
}

type (
	outbox struct {
		kiosk string
		epoch int64
	}
	boxState struct{ began, mark int64 }
	eventKey struct {
		outbox
		seq int64
	}
	slotKey struct {
		structure, kiosk string
		slot             int64
		counter          string
	}
	dayKey struct{ structure, kiosk, day, counter string }
)

// run does it, and may be run again after a deadlock.
func (b *batch) run(tx *sql.Tx) error {
	b.tx, b.now = tx, b.store.o.Now()
	b.zones, b.boxes = map[string]*time.Location{}, map[outbox]boxState{}
	b.slots, b.days = map[slotKey]int64{}, map[dayKey]int64{}
	for _, r := range b.group {
		r.fresh, r.err = nil, nil
	}
	for _, step := range []func() error{b.kiosks, b.outboxes, b.events, b.counters, b.results, b.states} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// good are the calls that nothing was found wrong with.
func (b *batch) good() []*ingest {
	return slices.DeleteFunc(slices.Clone(b.group), func(r *ingest) bool { return r.err != nil })
}

// kiosks finds who they are.
func (b *batch) kiosks() error {
	type known struct {
		id, structure, zone string
		revoked             int64
	}
	ids := map[string]bool{}
	for _, r := range b.group {
		ids[r.kiosk] = true
	}
	found := map[string]known{}
	err := b.store.dialect.inChunks(slices.Sorted(maps.Keys(ids)), func(marks string, args []any) error {
		ks, err := list(b.ctx, b.tx, func(row scanner) (k known, err error) {
			return k, row.Scan(&k.id, &k.structure, &k.zone, &k.revoked)
		}, "SELECT k.id, k.structure, s.zone, k.revoked FROM kiosk k JOIN structure s ON s.id = k.structure WHERE k.id IN ("+marks+")", args...)
		for _, k := range ks {
			found[k.id] = k
			b.zones[k.id] = b.store.zone(k.zone)
		}
		return err
	})
	for _, r := range b.group {
		k, ok := found[r.kiosk]
		switch {
		case !ok || k.structure != r.structure:
			r.err = fleet.ErrNotFound
		case k.revoked != 0:
			r.err = fleet.ErrForbidden
		}
	}
	return err
}

// outboxes finds the marks of their outboxes and keeps Prune from moving them
// before the commit.
func (b *batch) outboxes() error {
	kiosks, seen := map[string]bool{}, map[outbox]bool{}
	for _, r := range b.good() {
		kiosks[r.kiosk], seen[outbox{r.kiosk, r.evs[0].Epoch}] = true, true
	}
	read := func() error {
		return b.store.dialect.inChunks(slices.Sorted(maps.Keys(kiosks)), func(marks string, args []any) error {
			_, err := list(b.ctx, b.tx, func(row scanner) (o outbox, err error) {
				var st boxState
				if err = row.Scan(&o.kiosk, &o.epoch, &st.began, &st.mark); err == nil {
					b.boxes[o] = st
				}
				return o, err
			}, "SELECT kiosk, epoch, began, mark FROM outbox WHERE kiosk IN ("+marks+") ORDER BY kiosk, epoch"+b.store.dialect.share, args...)
			return err
		})
	}
	if err := read(); err != nil {
		return err
	}
	// Of a kiosk's outboxes each began after those before it, whatever the
	// clocks of servers say.
	latest := map[string]int64{}
	for o, st := range b.boxes {
		latest[o.kiosk] = max(latest[o.kiosk], st.began)
	}
	var rows [][]any
	for _, o := range slices.SortedFunc(maps.Keys(seen), outbox.compare) {
		if _, ok := b.boxes[o]; !ok {
			latest[o.kiosk] = max(latest[o.kiosk]+1, micro(b.now))
			rows = append(rows, []any{o.kiosk, o.epoch, latest[o.kiosk], int64(0)})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	err := b.store.dialect.insertRows(b.ctx, b.tx, "outbox (kiosk, epoch, began, mark)", " ON CONFLICT DO NOTHING", rows, nil)
	if err != nil {
		return err
	}
	return read() // another server may have been first
}

func (o outbox) compare(p outbox) int {
	return cmp.Or(cmp.Compare(o.kiosk, p.kiosk), cmp.Compare(o.epoch, p.epoch))
}

// events finds out which are seen for the first time.
func (b *batch) events() error {
	first := map[eventKey]*ingest{} // the call that an event is counted for
	var rows [][]any
	for _, r := range b.good() {
		box := outbox{r.kiosk, r.evs[0].Epoch}
		for _, e := range r.evs {
			key := eventKey{box, e.Seq}
			if first[key] != nil || e.Seq <= b.boxes[box].mark {
				continue
			}
			first[key] = r
			at := b.when(e.Time()).Truncate(provisioning.Slot)
			rows = append(rows, []any{r.kiosk, e.Epoch, e.Seq, string(e.Kind), at.UnixMicro()})
		}
	}
	slices.SortFunc(rows, func(x, y []any) int {
		return cmp.Or(cmp.Compare(x[0].(string), y[0].(string)), cmp.Compare(x[1].(int64), y[1].(int64)), cmp.Compare(x[2].(int64), y[2].(int64)))
	})
	fresh := make(map[eventKey]bool, len(rows))
	err := b.store.dialect.insertRows(b.ctx, b.tx, "event (kiosk, epoch, seq, kind, at)", " ON CONFLICT DO NOTHING RETURNING kiosk, epoch, seq", rows, func(row scanner) error {
		var k eventKey
		err := row.Scan(&k.kiosk, &k.epoch, &k.seq)
		fresh[k] = true
		return err
	})
	for _, r := range b.good() {
		for _, e := range r.evs {
			if k := (eventKey{outbox{r.kiosk, e.Epoch}, e.Seq}); fresh[k] && first[k] == r {
				r.fresh = append(r.fresh, e)
			}
		}
	}
	return err
}

// counters adds what the fresh ones count, and nothing else.
func (b *batch) counters() error {
	for _, r := range b.good() {
		for _, e := range r.fresh {
			if e.Kind != provisioning.EventCounts {
				continue
			}
			slot := b.when(time.Unix(e.Counts.Slot, 0)).Truncate(provisioning.Slot)
			day := slot.In(b.zones[r.kiosk]).Format(time.DateOnly)
			for name, n := range e.Counts.N {
				b.slots[slotKey{r.structure, r.kiosk, slot.UnixMicro(), name}] += n
				b.days[dayKey{r.structure, r.kiosk, day, name}] += n
			}
		}
	}
	var slots, days [][]any
	for _, k := range slices.SortedFunc(maps.Keys(b.slots), func(x, y slotKey) int {
		return cmp.Or(cmp.Compare(x.kiosk, y.kiosk), cmp.Compare(x.slot, y.slot), cmp.Compare(x.counter, y.counter))
	}) {
		slots = append(slots, []any{k.structure, k.kiosk, k.slot, k.counter, b.slots[k]})
	}
	for _, k := range slices.SortedFunc(maps.Keys(b.days), func(x, y dayKey) int {
		return cmp.Or(cmp.Compare(x.kiosk, y.kiosk), cmp.Compare(x.day, y.day), cmp.Compare(x.counter, y.counter))
	}) {
		days = append(days, []any{k.structure, k.kiosk, k.day, k.counter, b.days[k]})
	}
	err := b.store.dialect.insertRows(b.ctx, b.tx, "counter_slot (structure, kiosk, slot, counter, n)",
		" ON CONFLICT (kiosk, slot, counter) DO UPDATE SET n = counter_slot.n + excluded.n", slots, nil)
	if err != nil {
		return err
	}
	return b.store.dialect.insertRows(b.ctx, b.tx, "counter_day (structure, kiosk, day, counter, n)",
		" ON CONFLICT (kiosk, day, counter) DO UPDATE SET n = counter_day.n + excluded.n", days, nil)
}

// results says what became of commands.
func (b *batch) results() error {
	type told struct {
		kiosk string
		*provisioning.Result
	}
	var all []told
	for _, r := range b.good() {
		for _, e := range r.fresh {
			if e.Kind == provisioning.EventResult {
				all = append(all, told{r.kiosk, e.Result})
			}
		}
	}
	// Those of one command stay in the order in which they were told.
	slices.SortStableFunc(all, func(x, y told) int { return cmp.Compare(x.ID, y.ID) })
	for _, t := range all {
		if _, err := setCommand(b.ctx, b.tx, t.kiosk, t.ID, fleet.QueueStatus(t.Status), t.Code, micro(b.now)); err != nil {
			return err
		}
	}
	return nil
}

// states keeps the newest state of each kiosk, whole: that of the outbox which
// began last, as the server saw it, and of the highest number in it. Times
// that kiosks tell do not matter.
func (b *batch) states() error {
	newest := map[outbox]provisioning.Event{}
	for _, r := range b.good() {
		for _, e := range r.fresh {
			box := outbox{r.kiosk, e.Epoch}
			if now, ok := newest[box]; !ok {
				newest[box] = provisioning.Event{Epoch: e.Epoch} // so that the epoch is set
			} else if now.Seq > e.Seq {
				continue
			}
			if e.Kind == provisioning.EventState {
				newest[box] = e
			}
		}
	}
	for _, box := range slices.SortedFunc(maps.Keys(newest), outbox.compare) {
		if _, err := b.tx.ExecContext(b.ctx, "UPDATE kiosk SET epoch = $1, began = $2, state_seq = 0 WHERE id = $3 AND epoch <> $1 AND began < $2",
			box.epoch, b.boxes[box].began, box.kiosk); err != nil {
			return wrap(err)
		}
		e := newest[box]
		if e.State == nil {
			continue
		}
		text, err := json.Marshal(e.State)
		if err != nil {
			return err
		}
		if _, err := b.tx.ExecContext(b.ctx, "UPDATE kiosk SET state = $1, state_seq = $2, state_at = $3 WHERE id = $4 AND epoch = $5 AND state_seq < $2",
			string(text), e.Seq, b.when(e.Time()).UnixMicro(), box.kiosk, box.epoch); err != nil {
			return wrap(err)
		}
	}
	return nil
}

// when is a kiosk's time, or now in place of one that cannot be; see Ingest.
func (b *batch) when(t time.Time) time.Time {
	if t.After(b.now.Add(maxAhead)) || t.Before(b.now.Add(-maxAge)) {
		return b.now
	}
	return t
}
