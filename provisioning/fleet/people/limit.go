package people

import (
	"net/netip"
	"sync"
	"time"
)

// maxKeys bounds a limiter's memory; the oldest keys are forgotten first.
const maxKeys = 20000

// limiter counts tries by account and by address, in this server's memory: n
// servers allow n times as many.
type limiter struct {
	max    int
	window time.Duration
	now    func() time.Time

	mu   sync.Mutex
	keys map[string][]time.Time // of tries, oldest first; never empty
}

func newLimiter(most int, window time.Duration, now func() time.Time) *limiter {
	return &limiter{max: most, window: window, now: now, keys: map[string][]time.Time{}}
}

// take counts a try for all keys, or for none when one of them has no more.
// It counts before anything is checked: a hundred tries at once are a hundred.
// first is true for the first one refused since the last one allowed.
func (l *limiter) take(keys ...string) (ok, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for _, k := range keys {
		t := l.recent(k, now)
		if len(t) > l.max {
			return false, false
		}
		if len(t) == l.max {
			// One more place remembers that the refusal was told.
			l.keys[k] = append(t, t[len(t)-1])
			return false, true
		}
	}
	for _, k := range keys {
		l.room(now)
		l.keys[k] = append(l.keys[k], now)
	}
	return true, false
}

// forget clears a key after a success.
func (l *limiter) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.keys, key)
}

// undo gives one try back after a success: those who share an address do not
// use up each other's.
func (l *limiter) undo(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t := l.keys[key]; len(t) > 1 {
		l.keys[key] = t[:len(t)-1]
	} else {
		delete(l.keys, key)
	}
}

// recent drops the tries of a key that are older than the window.
func (l *limiter) recent(key string, now time.Time) []time.Time {
	t := l.keys[key]
	for len(t) > 0 && now.Sub(t[0]) >= l.window {
		t = t[1:]
	}
	if len(t) == 0 {
		delete(l.keys, key)
	} else {
		l.keys[key] = t
	}
	return t
}

// room makes place for a key: first what is too old, then a tenth at random.
// Somebody who has that many addresses is not stopped by counting them.
func (l *limiter) room(now time.Time) {
	if len(l.keys) < maxKeys {
		return
	}
	for k := range l.keys {
		l.recent(k, now)
	}
	n := len(l.keys) - maxKeys*9/10
	for k := range l.keys {
		if n <= 0 {
			return
		}
		delete(l.keys, k)
		n--
	}
}

// network is what counts as one address: an IPv6 customer has 2⁶⁴ of them.
func network(from string) string {
	a, err := netip.ParseAddr(from)
	if err != nil {
		ap, err := netip.ParseAddrPort(from)
		if err != nil {
			return "address"
		}
		a = ap.Addr()
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
