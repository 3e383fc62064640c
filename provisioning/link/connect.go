package link

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link/route"
)

// After so many WebSockets that did not work, /sync is tried.
const tries = 3

// errAgain ends a connection to make another one at once: the keys have
// changed.
var errAgain = errors.New("link: the keys have changed")

// keep connects until ctx ends.
func (l *Link) keep(ctx context.Context) {
	via := ViaNone // what works without WebSocket
	for fails := 0; ctx.Err() == nil; {
		linked, err := l.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if linked {
			fails, via = 0, ViaNone
		}
		if errors.Is(err, errAgain) {
			continue
		}
		fails++
		l.failed(err, via)
		l.mend(ctx, err)
		if via = ViaNone; fails >= tries && l.bySync(ctx) {
			fails, via = tries, ViaSync // WebSocket is tried once, then /sync again
			continue
		}
		if pause(ctx, l.wait(fails)) != nil {
			return
		}
	}
}

// wait is a pause before the next try: full jitter, so that the kiosks of a
// fleet do not come back in one moment.
func (l *Link) wait(fails int) time.Duration {
	l.mu.Lock()
	longest := l.backoff
	l.mu.Unlock()
	return 20*time.Millisecond + rand.N(min(longest, time.Second<<min(fails, 20)))
}

// bySync speaks by requests until it is time to try WebSocket again, or a
// request fails. It says whether requests work.
func (l *Link) bySync(ctx context.Context) (works bool) {
	again := time.Now().Add(l.o.Pace.Retry/2 + rand.N(l.o.Pace.Retry))
	for {
		err := l.sync(ctx)
		if ctx.Err() != nil {
			return true
		}
		if err != nil {
			l.failed(err, ViaNone)
			l.mend(ctx, err)
			return false
		}
		if !time.Now().Before(again) {
			return true
		}
		t := time.NewTimer(l.o.Pace.Sync/2 + rand.N(l.o.Pace.Sync))
		select {
		case <-t.C:
		case <-l.hurry:
		case <-ctx.Done():
		}
		t.Stop()
		if pause(ctx, l.o.Pace.Sync/60) != nil { // hurry has its bounds
			return true
		}
	}
}

// mend does what can be done about a fault before the next try.
func (l *Link) mend(ctx context.Context, err error) {
	switch kiosk.CodeOf(err) {
	case route.CodeClock:
		// The clock is wrong, or what was learnt of it is.
		if _, known := l.o.Box.Now(); known && !l.wall.Load() {
			l.wall.Store(true)
			return
		}
		l.wall.Store(false)
		at, err := l.route.ServerTime(ctx, l.o.Box.Heard())
		if err != nil {
			l.failed(err, ViaNone)
			return
		}
		l.log.Warn("clock wrong, the server's is taken", "server", at, "kiosk", l.o.Box.Wall())
		l.o.Box.Learn(ctx, at)
	case CodeRefused, CodeExpired:
		l.mu.Lock()
		l.second = !l.second && len(l.id.Pairs()) > 1
		l.mu.Unlock()
	}
}

// pair is what the kiosk says it is, on the next connection.
func (l *Link) pair() enrol.Pair {
	l.mu.Lock()
	defer l.mu.Unlock()
	pairs := l.id.Pairs()
	if l.second && len(pairs) > 1 {
		return pairs[1]
	}
	return pairs[0]
}

// refusal is the error of a server that does not let a pair in.
func (l *Link) refusal(p enrol.Pair, err error) error {
	code := CodeRefused
	if now, known := l.o.Box.Now(); known && p.Credential.Expires != 0 && now.Unix() >= p.Credential.Expires {
		code = CodeExpired
	}
	return &kiosk.Error{Code: code, Op: "link", Err: err}
}

// hello is what the kiosk says first.
func (l *Link) hello() provisioning.Hello {
	l.mu.Lock()
	var settings int64
	if l.state != nil {
		settings = l.state.Settings
	}
	keys := l.id.Pairs()[0].Credential.Keys
	l.mu.Unlock()
	h := provisioning.Hello{
		Words: provisioning.Version, Version: l.o.Version, Clock: l.o.Box.Wall().UnixMicro(), Settings: settings, Beat: l.fullBeat(),
	}
	if len(keys) > 0 {
		h.Key = keys[0]
	}
	return h
}

func (l *Link) fullBeat() provisioning.Beat {
	b := l.o.Beat()
	b.Run, b.Epoch, b.Waiting = l.run, l.o.Box.Epoch(), l.o.Box.Waiting()
	return b
}

// welcomed takes the server's answer to hello, which took a time to come.
func (l *Link) welcomed(ctx context.Context, w provisioning.Welcome, took time.Duration, p enrol.Pair, answer func(provisioning.Result)) {
	l.o.Box.Learn(ctx, time.UnixMicro(w.Clock).Add(took/2))
	l.wall.Store(false)
	l.mu.Lock()
	if d := time.Duration(w.Beat) * time.Second; d >= provisioning.MinBeat && d <= provisioning.MaxBeat {
		l.beat = d
	}
	if d := time.Duration(w.Backoff) * time.Second; d >= provisioning.MinBackoff && d <= provisioning.MaxBackoff {
		l.backoff = d
	}
	l.mu.Unlock()
	l.used(p)
	for _, s := range w.Commands {
		l.take(ctx, s, answer)
	}
}

// used settles which keys stay, now that a server has let one in.
func (l *Link) used(p enrol.Pair) {
	l.mu.Lock()
	id := l.id
	l.second = false
	l.mu.Unlock()
	if id.Next == nil || id.Next.Credential.Token == "" {
		return
	}
	next := id.Promote()
	if p.Key == id.Present.Key { // the next one was refused before
		next = id.Forget()
	}
	// The pair that goes is of no use any more whether or not this is written.
	if l.save(next) == nil {
		l.log.Info("keys changed")
	}
}

func (l *Link) save(id *enrol.Identity) error {
	if err := l.o.Save(id); err != nil {
		l.log.Warn("identity not saved", "err", err)
		return err
	}
	l.mu.Lock()
	l.id = id
	l.mu.Unlock()
	return nil
}

// renewal begins a change of keys: nil when it is not the time.
func (l *Link) renewal(w provisioning.Welcome) *provisioning.RenewAsk {
	l.mu.Lock()
	id := l.id
	l.mu.Unlock()
	if !w.Renew || len(id.Pairs()) > 1 {
		return nil
	}
	next, ask, err := id.Renew()
	if err != nil {
		l.log.Warn("keys not changed", "err", err)
		return nil
	}
	if l.save(next) != nil {
		return nil
	}
	return &ask
}

// granted takes the credential of the next key. When the error is nil, the
// next connection uses it.
func (l *Link) granted(c provisioning.Credential) error {
	l.mu.Lock()
	id := l.id
	l.mu.Unlock()
	next, err := id.Granted(c)
	if err != nil {
		return err
	}
	return l.save(next)
}
