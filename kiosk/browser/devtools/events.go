package devtools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// ErrOverflow ends a reading of events that fell too far behind.
var ErrOverflow = errors.New("devtools: too many events were not read")

// Event is something the browser tells by itself.
type Event struct {
	Session string // "" for the browser's own
	Method  string
	Params  json.RawMessage
}

// Decode reads the event's parameters into v.
func (e Event) Decode(v any) error {
	if err := json.Unmarshal(e.Params, v); err != nil {
		return fmt.Errorf("devtools: event %s: %w", e.Method, err)
	}
	return nil
}

// Events is a queue of the events that came since Subscribe, in order. It is
// read by one goroutine, which may Call the browser in between.
type Events struct {
	b       *Browser
	methods []string
	session *string // nil: of every session

	mu     sync.Mutex
	queue  []Event
	err    error
	signal chan struct{} // holds one token while there is something to look at
}

// Subscribe starts to collect events of the given methods, of all methods when
// none is given, from every session. The caller closes it.
func (b *Browser) Subscribe(methods ...string) *Events {
	return b.subscribe(nil, methods)
}

func (b *Browser) subscribe(session *string, methods []string) *Events {
	e := &Events{b: b, methods: methods, session: session, signal: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		e.end()
		return e
	}
	b.readers[e] = struct{}{}
	return e
}

// Next returns the next event. Errors: ErrClosed when the browser is gone and
// everything was read, ErrOverflow, context.Cause(ctx).
func (e *Events) Next(ctx context.Context) (Event, error) {
	for {
		e.mu.Lock()
		if len(e.queue) > 0 {
			ev := e.queue[0]
			e.queue = e.queue[1:]
			e.mu.Unlock()
			return ev, nil
		}
		err := e.err
		e.mu.Unlock()
		if err != nil {
			return Event{}, err
		}
		select {
		case <-e.signal:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("devtools: wait for an event: %w", context.Cause(ctx))
		}
	}
}

// Close stops the collecting. It may be called twice.
func (e *Events) Close() {
	e.b.mu.Lock()
	delete(e.b.readers, e)
	e.b.mu.Unlock()
	e.fail(ErrClosed)
}

// put adds an event. It never waits: the browser's pipe must be read on, or
// Chromium itself stops.
func (e *Events) put(ev Event) {
	if e.session != nil && *e.session != ev.Session {
		return
	}
	if len(e.methods) > 0 && !slices.Contains(e.methods, ev.Method) {
		return
	}
	e.mu.Lock()
	if len(e.queue) >= maxQueued {
		e.mu.Unlock()
		e.fail(ErrOverflow)
		return
	}
	if e.err == nil {
		e.queue = append(e.queue, ev)
	}
	e.mu.Unlock()
	e.wake()
}

func (e *Events) end() { e.fail(ErrClosed) }

func (e *Events) fail(err error) {
	e.mu.Lock()
	if e.err == nil {
		e.err = err
	}
	e.mu.Unlock()
	e.wake()
}

func (e *Events) wake() {
	select {
	case e.signal <- struct{}{}:
	default:
	}
}
