package engine

import (
	"sync"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// Times of presence.
const (
	missed       = 3                // beats, until a kiosk is offline
	syncEvery    = time.Minute      // between two POST /sync
	copiedEvery  = 10 * time.Minute // between two reports of one copy
	copiedWindow = time.Minute      // at least; two copies beat once each in it
	faces        = 4                // that are remembered of one name
	catchUpEvery = time.Hour        // between two settings commands that nobody asked for
)

// presence is which kiosks are there, in memory. All servers hear all beats,
// so that each knows it.
type presence struct {
	now     func() time.Time
	beat    time.Duration
	changed func(structure, kiosk string)

	mu    sync.Mutex
	seats map[string]*seat // by kiosk
}

// seat is what is known of one kiosk.
type seat struct {
	structure string
	online    bool
	since     time.Time
	last      time.Time // the newest beat
	until     time.Time // offline after that
	written   time.Time // last as it is in SQL
	beat      provisioning.Beat
	version   string
	faces     []face // that beat under this name, the newest first
	reported  time.Time
	caughtUp  time.Time
	conn      conn
	key       string // with which it connected
	next      string // key that it was given and has not used yet
}

// face is one of those that beat under a name.
type face struct {
	run   string
	epoch int64
	at    time.Time
}

// conn names one connection to NATS.
type conn struct {
	server string
	id     uint64
}

func newPresence(beat time.Duration, now func() time.Time, changed func(structure, kiosk string)) *presence {
	return &presence{beat: beat, now: now, changed: changed, seats: map[string]*seat{}}
}

// at returns a kiosk's seat; the lock is held.
func (p *presence) at(structure, kiosk string) *seat {
	s := p.seats[kiosk]
	if s == nil {
		s = &seat{}
		p.seats[kiosk] = s
	}
	s.structure = structure
	return s
}

// known takes what SQL knows at the start.
func (p *presence) known(structure, kiosk string, seen time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.at(structure, kiosk)
	s.since, s.last, s.written = seen, seen, seen
}

func (p *presence) get(kiosk string) fleet.Presence {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seats[kiosk]
	if s == nil {
		return fleet.Presence{}
	}
	out := fleet.Presence{Online: s.online, Since: s.since, Beat: s.beat}
	if s.online {
		out.Use = s.beat.Use
	}
	return out
}

// hear takes a beat. copied says that two kiosks speak under one name and that
// this is to be reported.
func (p *presence) hear(b beatOf) (copied bool) {
	every := p.beat
	if b.Sync != "" {
		every = max(every, syncEvery)
	}
	p.mu.Lock()
	now := p.now()
	s := p.at(b.Structure, b.Kiosk)
	news := !s.online || s.beat.Use != b.Beat.Use || s.beat.Help != b.Beat.Help
	if !s.online {
		s.online, s.since = true, now
	}
	s.last, s.until, s.beat = now, now.Add(missed*every), b.Beat
	if b.Version != "" {
		s.version = b.Version
	}
	if s.faced(b.Beat, now, max(copiedWindow, missed*every)) && now.Sub(s.reported) >= copiedEvery {
		s.reported, copied = now, true
	}
	p.mu.Unlock()
	if news {
		p.changed(b.Structure, b.Kiosk)
	}
	return copied
}

// faced says whether a beat is of one that was thought to be gone: agents that
// start again never come back as who they were, so there are two of them.
func (s *seat) faced(b provisioning.Beat, now time.Time, window time.Duration) bool {
	f := face{run: b.Run, epoch: b.Epoch, at: now}
	for i, old := range s.faces {
		if old.run == f.run && old.epoch == f.epoch {
			copy(s.faces[1:i+1], s.faces[:i])
			s.faces[0] = f
			return i > 0 && now.Sub(old.at) <= window
		}
	}
	if len(s.faces) < faces {
		s.faces = append(s.faces, face{})
	}
	copy(s.faces[1:], s.faces)
	s.faces[0] = f
	return false
}

// sweep notices who has not beaten for too long.
func (p *presence) sweep() {
	type who struct{ structure, kiosk string }
	var gone []who
	p.mu.Lock()
	now := p.now()
	for kiosk, s := range p.seats {
		if s.online && now.After(s.until) {
			s.online, s.since = false, s.last
			gone = append(gone, who{s.structure, kiosk})
		}
	}
	p.mu.Unlock()
	for _, g := range gone {
		p.changed(g.structure, g.kiosk)
	}
}

// connected takes that a kiosk's connection is up. It says whether the key was
// given for renewal and is used for the first time.
func (p *presence) connected(structure, kiosk, key string, c conn) (next bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.at(structure, kiosk)
	s.conn, s.key = c, key
	return s.next != "" && s.next == key
}

// awaits takes the key that a kiosk was given, "" for none, and says whether
// its connection uses it already. Either connected or awaits comes first.
func (p *presence) awaits(structure, kiosk, next string) (used bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.at(structure, kiosk)
	s.next = next
	return next != "" && s.key == next
}

// disconnected takes that a connection is down. A kiosk that is not back soon
// is offline without waiting for beats that cannot come.
func (p *presence) disconnected(kiosk string, c conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.seats[kiosk]
	if s == nil || s.conn != c {
		return // an older one than that which it has now
	}
	s.conn = conn{}
	if until := p.now().Add(p.beat / 3); until.Before(s.until) {
		s.until = until
	}
}

// out forgets a kiosk whose identity has ended.
func (p *presence) out(kiosk string) {
	p.mu.Lock()
	s := p.seats[kiosk]
	delete(p.seats, kiosk)
	p.mu.Unlock()
	if s != nil {
		p.changed(s.structure, kiosk)
	}
}

// catchUp says whether a kiosk may be sent settings that nobody asked for.
func (p *presence) catchUp(structure, kiosk string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, now := p.at(structure, kiosk), p.now()
	if now.Sub(s.caughtUp) < catchUpEvery {
		return false
	}
	s.caughtUp = now
	return true
}

// unwritten is who was heard since it was written, by the minute.
func (p *presence) unwritten() map[string]time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]time.Time{}
	for kiosk, s := range p.seats {
		if s.last.After(s.written) {
			out[kiosk] = s.last.Truncate(time.Minute)
		}
	}
	return out
}

// written takes that whatever was heard until then is in SQL.
func (p *presence) written(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.seats {
		if s.written.Before(until) {
			s.written = until
		}
	}
}
