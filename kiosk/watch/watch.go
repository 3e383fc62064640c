// Package watch holds a value that changes and lets any number of readers
// follow it. A reader gets the latest value, never a queue of old ones: a slow
// reader misses intermediate values and never the last one.
package watch

import (
	"context"
	"sync"
)

// Value is a value that can be followed. The zero Value holds the zero T. It
// must not be copied after first use. Values are shared between goroutines:
// T should be treated as read-only once it was set.
type Value[T any] struct {
	mu      sync.Mutex
	value   T
	seq     uint64
	changed chan struct{} // closed at the next Set; made when somebody waits
}

// Set stores v and wakes everyone who waits.
func (w *Value[T]) Set(v T) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.value = v
	w.seq++
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
}

// Load returns the latest value and its sequence number: 0 before the first
// Set.
func (w *Value[T]) Load() (T, uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.value, w.seq
}

// Wait returns the latest value as soon as its sequence number is another one
// than after. It returns context.Cause(ctx) when ctx ends first.
func (w *Value[T]) Wait(ctx context.Context, after uint64) (T, uint64, error) {
	for {
		w.mu.Lock()
		if w.seq != after {
			v, seq := w.value, w.seq
			w.mu.Unlock()
			return v, seq, nil
		}
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		ch := w.changed
		w.mu.Unlock()
		select {
		case <-ch:
		case <-ctx.Done():
			var zero T
			return zero, 0, context.Cause(ctx)
		}
	}
}
