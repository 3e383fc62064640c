package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

const (
	queueLen  = 8192             // calls that wait for their commit
	maxGroup  = 2000             // events of one commit
	commitFor = 60 * time.Second // longest try
)

// ingest is one call of Ingest on its way.
type ingest struct {
	structure, kiosk string
	evs              []provisioning.Event
	fresh            []provisioning.Event // after done: those seen for the first time
	err              error                // after done
	done             chan struct{}
}

// Ingest stores events of one kiosk, all of one outbox, and counts those that
// it sees for the first time; fresh is how many that were. It returns after
// the commit: then the kiosk may forget them. Calls that wait together are
// committed together, and what is wrong with one is no matter to the others.
//
// A kiosk's clock may be wrong: a time later than 10 minutes from now or older
// than 400 days is replaced by now, that of a state as that of a slot. So a
// count is never lost, only its day.
//
// Errors: fleet.ErrNotFound when the structure has no such kiosk,
// fleet.ErrForbidden when the kiosk was revoked, provisioning.ErrInvalid for
// events that no Decode function would return. After any other error, and when
// ctx ends, the events may be stored or not: sent again, they are counted once.
func (s *Store) Ingest(ctx context.Context, structure, kiosk string, evs []provisioning.Event) (fresh int, err error) {
	if err := check(evs); err != nil {
		return 0, err
	}
	r := &ingest{structure: structure, kiosk: kiosk, evs: evs, done: make(chan struct{})}
	if err := s.enqueue(ctx, r); err != nil {
		return 0, err
	}
	select {
	case <-r.done:
		return len(r.fresh), r.err
	case <-ctx.Done():
		return 0, fmt.Errorf("store: ingest: %w", context.Cause(ctx))
	}
}

func (s *Store) enqueue(ctx context.Context, r *ingest) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	select {
	case s.queue <- r:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("store: ingest: %w", context.Cause(ctx))
	}
}

// check refuses what would break a promise of the tables.
func check(evs []provisioning.Event) error {
	if len(evs) == 0 || len(evs) > provisioning.MaxBatch {
		return fmt.Errorf("%w: number of events", provisioning.ErrInvalid)
	}
	for i, e := range evs {
		ok := e.Seq > 0 && e.Epoch == evs[0].Epoch && (i == 0 || e.Seq > evs[i-1].Seq)
		switch e.Kind {
		case provisioning.EventCounts:
			ok = ok && e.Counts != nil && e.Counts.Slot%int64(provisioning.Slot/time.Second) == 0 && counted(e.Counts.N)
		case provisioning.EventState:
			ok = ok && e.State != nil
		case provisioning.EventResult:
			ok = ok && e.Result != nil
		default:
			ok = false
		}
		if !ok {
			return fmt.Errorf("%w: event", provisioning.ErrInvalid)
		}
	}
	return nil
}

func counted(n map[string]int64) bool {
	for name, n := range n {
		if n < 1 || !provisioning.ValidCounter(name) {
			return false
		}
	}
	return true
}

// run is the only one that ingests: it commits whatever has queued up, in one
// transaction, until Close.
func (s *Store) run() {
	defer close(s.ended)
	for first := range s.queue {
		group, n := []*ingest{first}, len(first.evs)
	gather:
		for n < maxGroup {
			select {
			case r, ok := <-s.queue:
				if !ok {
					break gather
				}
				group, n = append(group, r), n+len(r.evs)
			default:
				break gather
			}
		}
		s.ingestAll(group)
		for _, r := range group {
			if r.err == nil && len(r.fresh) > 0 && s.o.Fresh != nil {
				s.o.Fresh(r.structure, r.kiosk, r.fresh)
			}
			close(r.done)
		}
	}
}

// ingestAll commits a group and leaves what became of it in each.
func (s *Store) ingestAll(group []*ingest) {
	err := s.commit(group)
	if err == nil {
		return
	}
	// One of them may be what the database refuses: the others are tried
	// without it. When the database itself is away each would only wait.
	if len(group) > 1 && s.answers() {
		for _, r := range group {
			s.ingestAll([]*ingest{r})
		}
		return
	}
	s.o.Log.Error("events not stored", "calls", len(group), "error", err)
	for _, r := range group {
		r.err, r.fresh = err, nil
	}
}

func (s *Store) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.Ready(ctx) == nil
}

func (s *Store) commit(group []*ingest) error {
	ctx, cancel := context.WithTimeout(context.Background(), commitFor)
	defer cancel()
	b := &batch{store: s, ctx: ctx, group: group}
	err := s.transaction(ctx, b.run)
	if errors.Is(err, fleet.ErrNotFound) || errors.Is(err, fleet.ErrExists) {
		// These mean something to callers; here they would be a bug.
		err = fmt.Errorf("store: ingest: %v", err)
	}
	return err
}
