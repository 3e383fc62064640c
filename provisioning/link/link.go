// Package link ties a kiosk to the fleet's server: it carries what was counted
// and what is wrong there, and brings back commands.
//
// It speaks NATS over a WebSocket on the server's HTTPS port. Where a proxy
// breaks WebSocket, it asks once a minute with POST /sync. Whatever it has to
// tell goes through an outbox on the kiosk's disk first, so that nothing is
// lost by power cuts and nothing is counted twice; no visit ever waits for it.
//
//	l, err := link.New(link.Options{Identity: id, Save: …, Box: box, Do: …, Busy: …, Beat: …})
//	go … l.Run(ctx)
//	l.Count(provisioning.CountPages, 3)
package link

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link/outbox"
	"pointnum/provisioning/link/route"
)

// Codes of what keeps a kiosk from its server, beside those of package route
// and kiosk.CodeNoNetwork.
const (
	CodeRefused   kiosk.Code = "identity_refused"  // the server does not let this kiosk in: revoked, or of another fleet
	CodeExpired   kiosk.Code = "identity_expired"  // it was away for longer than its credential was good: enrol it again
	CodeWebSocket kiosk.Code = "websocket_blocked" // something on the way breaks WebSocket
	CodeLater     kiosk.Code = "server_busy"       // the server cannot store at the moment
)

// Options say what a link is made of. All but Log, CA, Proxy and Pace are
// needed.
type Options struct {
	Identity *enrol.Identity
	// Save puts a changed identity on the disk; what it returns nil for is
	// there after a power cut.
	Save func(*enrol.Identity) error
	Box  *outbox.Box // closed by the caller, after Run has returned
	Log  *slog.Logger
	// Version is the agent's.
	Version string
	CA      *x509.CertPool // authorities of servers; nil for the system's
	Proxy   *url.URL       // http, with its name and password; nil for none
	// Do does a command and says how it ended: StatusDone, StatusFailed with
	// a code, or StatusRefused for what this kiosk does not know. It is called
	// once for each, never during a visit for those that disturb, one of
	// those at a time and one of the others. For CommandRestart and
	// CommandReboot it returns first or does not return at all: either counts
	// as done.
	Do func(context.Context, provisioning.Command) provisioning.Result
	// Busy says whether a visit goes on.
	Busy func() bool
	// Beat says what the kiosk is doing (Use, Help); the rest is filled in.
	Beat func() provisioning.Beat
	Pace Pace
}

// Pace is how often things are done; 0 for what a kiosk takes.
type Pace struct {
	Beat    time.Duration // between two beats, as long as the server says nothing else; 30 s
	Backoff time.Duration // the longest wait, as long as the server says nothing else; 30 s
	Sync    time.Duration // between two POST /sync; 1 min
	Retry   time.Duration // of WebSocket while /sync works; 10 min
	Ping    time.Duration // two without an answer are the end of a connection; 30 s
	Hello   time.Duration // repeats hello on a long connection: clock, commands, renewal; 1 h
	Answer  time.Duration // a request without one is the end of a connection; 20 s
	Visit   time.Duration // between two looks whether a visit has ended; 500 ms
}

func (p Pace) orDefault() Pace {
	for _, d := range []struct {
		at *time.Duration
		to time.Duration
	}{
		{&p.Beat, 30 * time.Second}, {&p.Backoff, 30 * time.Second}, {&p.Sync, time.Minute}, {&p.Retry, 10 * time.Minute},
		{&p.Ping, 30 * time.Second}, {&p.Hello, time.Hour}, {&p.Answer, 20 * time.Second}, {&p.Visit, 500 * time.Millisecond},
	} {
		if *d.at == 0 {
			*d.at = d.to
		}
	}
	return p
}

// Link is a kiosk's link. Its methods can be called at the same time, before,
// during and after Run, and never wait for a network.
type Link struct {
	o      Options
	log    *slog.Logger
	route  *route.Route
	client *http.Client
	run    string      // provisioning.Beat.Run
	wall   atomic.Bool // judge certificates by the kiosk's own clock

	news  chan struct{} // something may be in the outbox
	hurry chan struct{} // it cannot wait for the next /sync
	quick chan job
	slow  chan job

	mu      sync.Mutex
	id      *enrol.Identity
	second  bool // try the second of the identity's pairs
	beat    time.Duration
	backoff time.Duration
	state   *provisioning.State
	status  Status
	active  map[string]bool // commands in the queues
	answers []provisioning.Result
	running bool
}

// New checks the options and makes a link. Commands that an earlier run began
// are brought to an end.
func New(o Options) (*Link, error) {
	if o.Identity == nil || o.Save == nil || o.Box == nil || o.Do == nil || o.Busy == nil || o.Beat == nil {
		return nil, errors.New("link: options are missing")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Pace = o.Pace.orDefault()
	l := &Link{
		o: o, log: o.Log, run: rand.Text(), id: o.Identity, beat: o.Pace.Beat, backoff: o.Pace.Backoff,
		news: make(chan struct{}, 1), hurry: make(chan struct{}, 1), quick: make(chan job, maxJobs), slow: make(chan job, maxJobs),
		active: map[string]bool{}, status: Status{Since: time.Now()},
	}
	var err error
	if l.route, err = route.New(o.Identity.Server, o.Proxy, o.CA, l.now); err != nil {
		return nil, err
	}
	l.client = l.route.Client()
	return l, nil
}

// now is the time by which certificates are judged: the server's where it was
// heard since the machine started.
func (l *Link) now() time.Time {
	if l.wall.Load() {
		return l.o.Box.Wall()
	}
	now, _ := l.o.Box.Now()
	return now
}

// Count adds n to a counter (see provisioning.ValidCounter) of the present
// quarter of an hour. It takes no time; a moment later it is on the disk.
func (l *Link) Count(name string, n int64) { l.o.Box.Count(name, n) }

// SetState tells what the host should know. Nothing happens when it is as it
// was; the newest one is sent. Its times are by the kiosk's own clock.
func (l *Link) SetState(s provisioning.State) {
	s.Conditions, s.Supplies, s.Refused = slices.Clone(s.Conditions), slices.Clone(s.Supplies), slices.Clone(s.Refused)
	if s.Wiped != nil {
		s.Wiped = &provisioning.Wiped{OK: s.Wiped.OK}
	}
	l.mu.Lock()
	was := l.state
	same := was != nil && reflect.DeepEqual(*was, s)
	l.state = &s
	urgent := was == nil && s.Help != 0 || was != nil && (was.Help != s.Help || was.Taken != s.Taken)
	l.mu.Unlock()
	if same {
		return
	}
	l.o.Box.Put(provisioning.Event{Kind: provisioning.EventState, State: &s})
	if urgent {
		poke(l.hurry)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run keeps the link until ctx ends. It writes what was told as soon as it
// can, whether or not there is a network. It can be called once.
func (l *Link) Run(ctx context.Context) error {
	l.mu.Lock()
	if l.running {
		l.mu.Unlock()
		return errors.New("link: run twice")
	}
	l.running = true
	l.mu.Unlock()
	defer l.client.CloseIdleConnections()
	l.endBegun(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { l.write(ctx) })
	wg.Go(func() { l.work(ctx, l.quick) })
	wg.Go(func() { l.work(ctx, l.slow) })
	l.keep(ctx)
	wg.Wait()
	l.set(func(s *Status) { s.Via = ViaNone })
	return context.Cause(ctx)
}

// How often the outbox is looked after.
const (
	flushEvery = 20 * time.Second // a quarter of an hour may have ended
	flushAgain = 2 * time.Second  // while the disk is full
	pruneEvery = 6 * time.Hour
	lastFlush  = 5 * time.Second
)

// write brings what was told to the disk, and quarters of an hour to their
// end.
func (l *Link) write(ctx context.Context) {
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	next := time.NewTimer(flushEvery)
	defer next.Stop()
	for ctx.Err() == nil {
		next.Reset(flushEvery)
		fresh := l.o.Box.Fresh()
		if err := l.o.Box.Flush(ctx); err != nil {
			next.Reset(flushAgain)
			fresh = nil // a full disk is not asked at every count
		}
		poke(l.news)
		select {
		case <-fresh:
		case <-next.C:
		case <-prune.C:
			if err := l.o.Box.Prune(ctx); err != nil {
				l.log.Debug("commands not forgotten", "err", err)
			}
		case <-ctx.Done():
		}
	}
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), lastFlush)
	defer stop()
	if err := l.o.Box.Flush(last); err != nil {
		l.log.Warn("not written at the end", "err", err)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Via is how a kiosk reaches its server.
type Via string

// The ways.
const (
	ViaNone      Via = "not" // not at all at the moment
	ViaWebSocket Via = "websocket"
	ViaSync      Via = "sync" // POST /sync, because WebSocket does not work
)

// Status is how the link does, for the technician.
type Status struct {
	Via   Via
	Since time.Time // since when Via is what it is, by the kiosk's clock
	// Code is what went wrong last; "" when nothing has since the connection
	// was made. Err is its text.
	Code    kiosk.Code
	Err     string
	Heard   time.Time // when the server answered last, by the kiosk's clock; zero never
	Waiting int       // events to be sent
	// Kept says that what was told is on the disk: false while that is full.
	Kept  bool
	Epoch int64 // of the outbox
	// Behind is how much the kiosk's clock is behind the server's; 0 as long
	// as that is not known.
	Behind  time.Duration
	Expires time.Time // of the credential
}

// Status says how the link does.
func (l *Link) Status() Status {
	l.mu.Lock()
	s, id := l.status, l.id
	l.mu.Unlock()
	if s.Via == "" {
		s.Via = ViaNone
	}
	s.Waiting, s.Kept, s.Epoch = l.o.Box.Waiting(), l.o.Box.Kept(), l.o.Box.Epoch()
	s.Expires = time.Unix(id.Present.Credential.Expires, 0).UTC()
	if now, known := l.o.Box.Now(); known {
		s.Behind = now.Sub(l.o.Box.Wall()).Round(time.Millisecond)
	}
	return s
}

func (l *Link) set(change func(*Status)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.status.Via
	change(&l.status)
	if l.status.Via != was {
		l.status.Since = time.Now()
	}
}

// failed notes what went wrong with a connection; via is what is left.
func (l *Link) failed(err error, via Via) {
	code := kiosk.CodeOf(err)
	l.mu.Lock()
	same := l.status.Code == code && l.status.Via == via
	l.mu.Unlock()
	l.set(func(s *Status) { s.Via, s.Code, s.Err = via, code, err.Error() })
	if !same { // one line for each change, not for each try
		l.log.Warn("link to the server", "via", via, "code", code, "err", err)
	}
}

// heard notes that the server has answered.
func (l *Link) heard(via Via) {
	l.mu.Lock()
	news := l.status.Via != via
	l.mu.Unlock()
	l.set(func(s *Status) {
		s.Via, s.Heard = via, time.Now()
		if via == ViaWebSocket {
			s.Code, s.Err = "", ""
		}
	})
	if news {
		l.log.Info("linked to the server", "via", via)
	}
}
