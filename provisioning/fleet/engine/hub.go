package engine

import (
	"context"
	"sync"

	"pointnum/provisioning/fleet"
)

// backlog is how many changes a reader may be behind.
const backlog = 256

// hub passes changes on to consoles.
type hub struct {
	mu       sync.Mutex
	watchers map[*watcher]struct{}
	closed   bool
}

type watcher struct {
	scope fleet.Scope
	to    chan fleet.Change
	stop  func() bool
}

func newHub() *hub { return &hub{watchers: map[*watcher]struct{}{}} }

func (h *hub) subscribe(ctx context.Context, sc fleet.Scope) <-chan fleet.Change {
	w := &watcher{scope: sc, to: make(chan fleet.Change, backlog)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || ctx.Err() != nil {
		close(w.to)
		return w.to
	}
	h.watchers[w] = struct{}{}
	w.stop = context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(w)
	})
	return w.to
}

// drop is called with the lock held.
func (h *hub) drop(w *watcher) {
	if _, ok := h.watchers[w]; !ok {
		return
	}
	delete(h.watchers, w)
	w.stop()
	close(w.to)
}

func (h *hub) send(c fleet.Change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		if !w.scope.Sees(c.Structure) {
			continue
		}
		select {
		case w.to <- c:
		default:
			h.drop(w)
		}
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for w := range h.watchers {
		h.drop(w)
	}
}
