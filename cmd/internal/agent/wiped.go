package agent

import (
	"sync"
	"time"

	"pointnum/kiosk/control"
	"pointnum/kiosk/session"
)

// lastWipe remembers how the last erasing of a visit went. The zero lastWipe
// knows of none.
type lastWipe struct {
	mu   sync.Mutex
	wipe *control.Wipe
}

// follow takes the visit's events.
func (l *lastWipe) follow(e session.Event) {
	ok := e.Kind == session.EventWiped
	if !ok && (e.Kind != session.EventFault || e.Task != session.TaskWipe) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wipe = &control.Wipe{OK: ok, At: time.Now()}
}

// last is nil when nothing was erased yet.
func (l *lastWipe) last() *control.Wipe {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.wipe == nil {
		return nil
	}
	w := *l.wipe
	return &w
}
