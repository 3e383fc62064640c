package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"pointnum/provisioning/fleet"
)

// Options say how people are told. Store must be set.
type Options struct {
	Store   Store
	Mailer  *Mailer // nil: e-mails are given up
	Console string  // address in messages; "" for none
	// Private lets webhooks be inside the server's own network.
	Private bool
	Client  *http.Client // whose transport calls webhooks; nil is a careful one

	Look    time.Duration // how often kiosks are looked at; 0 is 1 min
	Hold    time.Duration // how long a problem lasts before it is told; 0 is 1 min
	Help    time.Duration // how long somebody waits who called; 0 is 3 min
	Offline time.Duration // how long nothing is heard in opening hours; 0 is 15 min

	// Say is a problem and what to do about it in French; nil is Say.
	Say func(a fleet.Alert) (problem, gesture string)
	// Counted is told each try, for metrics; nil for nobody.
	Counted func(c fleet.Channel, ok bool)
	Log     *slog.Logger     // nil drops
	Now     func() time.Time // nil is time.Now
}

// Alerts watches kiosks and tells people. Several servers may do so on one
// store: each problem is told once.
type Alerts struct {
	o      Options
	client *http.Client
	nudge  chan struct{}
	digest map[string]string // structure: day of its newest digest; of Run's goroutine
}

// New checks the options.
func New(o Options) (*Alerts, error) {
	if o.Store == nil {
		return nil, errors.New("alert: no store")
	}
	if o.Mailer != nil {
		if err := o.Mailer.Check(); err != nil {
			return nil, err
		}
	}
	for d, def := range map[*time.Duration]time.Duration{
		&o.Look: time.Minute, &o.Hold: time.Minute, &o.Help: 3 * time.Minute, &o.Offline: 15 * time.Minute,
	} {
		if *d <= 0 {
			*d = def
		}
	}
	if o.Say == nil {
		o.Say = Say
	}
	if o.Counted == nil {
		o.Counted = func(fleet.Channel, bool) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := client(o.Private)
	if o.Client != nil {
		c.Transport = o.Client.Transport // the rest of the care stays
	}
	return &Alerts{o: o, client: c, nudge: make(chan struct{}, 1), digest: map[string]string{}}, nil
}

// Nudge has kiosks looked at soon: something has changed.
func (a *Alerts) Nudge() {
	select {
	case a.nudge <- struct{}{}:
	default:
	}
}

// Try tells everybody of a structure that messages reach them. It asks for
// nothing else.
func (a *Alerts) Try(ctx context.Context, structure string) error {
	ss, err := a.o.Store.Structures(ctx, fleet.Scope{Structure: structure})
	if err != nil {
		return fmt.Errorf("alert: read a structure: %w", err)
	}
	if len(ss) == 0 {
		return fleet.ErrNotFound
	}
	now := a.o.Now()
	p := place{s: ss[0], zone: zone(ss[0].Alerts.Zone), console: a.o.Console, say: a.o.Say}
	if err := a.queue(ctx, p, p.trial(now), now); err != nil {
		return err
	}
	a.Nudge()
	return nil
}

// Run looks and sends until ctx ends. A store that fails is asked again.
func (a *Alerts) Run(ctx context.Context) error {
	look, send := time.NewTicker(a.o.Look), time.NewTicker(a.o.Look/6)
	defer look.Stop()
	defer send.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
			a.warn(ctx, a.Watch(ctx))
		case <-a.nudge:
			a.warn(ctx, a.Watch(ctx))
		case <-send.C:
		}
		for ctx.Err() == nil {
			n, err := a.Send(ctx)
			a.warn(ctx, err)
			if n < atOnce || err != nil {
				break
			}
		}
	}
}

func (a *Alerts) warn(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		a.o.Log.Error("alerts are late", "error", err)
	}
}
