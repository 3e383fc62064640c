package alert

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"pointnum/provisioning/fleet"
)

// How the outbox is worked off.
const (
	atOnce    = 16
	lease     = 3 * time.Minute // longer than a mail or a call can take
	firstWait = time.Minute     // after a failure; doubled each time
	longest   = time.Hour
	giveUp    = 24 * time.Hour // old news
)

// Send sends what is due and returns how many notices it tried. Each ends with
// NoticeDone or NoticeRetry; a server that is killed leaves them leased, and
// they go out later, perhaps twice, under one ID.
func (a *Alerts) Send(ctx context.Context) (int, error) {
	due, err := a.o.Store.DueNotices(ctx, a.o.Now().UTC(), atOnce, lease)
	if err != nil {
		return 0, fmt.Errorf("alert: read the outbox: %w", err)
	}
	if len(due) == 0 {
		return 0, nil
	}
	secrets, err := a.secrets(ctx, due)
	if err != nil {
		return 0, err
	}
	errs := make([]error, len(due))
	var wg sync.WaitGroup
	for i, n := range due {
		wg.Go(func() { errs[i] = a.one(ctx, n, secrets[n.Structure]) })
	}
	wg.Wait()
	return len(due), errors.Join(errs...)
}

// secrets are those of the structures whose webhooks are called.
func (a *Alerts) secrets(ctx context.Context, due []fleet.Notice) (map[string]string, error) {
	out := map[string]string{}
	for _, n := range due {
		if _, done := out[n.Structure]; done || n.Channel != fleet.ByWebhook {
			continue
		}
		ss, err := a.o.Store.Structures(ctx, fleet.Scope{Structure: n.Structure})
		if err != nil {
			return nil, fmt.Errorf("alert: read a structure: %w", err)
		}
		for _, s := range ss {
			out[s.ID] = s.Alerts.Secret
		}
	}
	return out, nil
}

// one sends a notice and says what became of it.
func (a *Alerts) one(ctx context.Context, n fleet.Notice, secret string) error {
	err := a.deliver(ctx, n, secret)
	if ctx.Err() != nil {
		return nil // we are being stopped; the lease runs out
	}
	now := a.o.Now().UTC()
	a.o.Counted(n.Channel, err == nil)
	why := word(err)
	switch {
	case err == nil, errors.Is(err, errRefused):
		err = a.o.Store.NoticeDone(ctx, n.ID, why, now)
	case now.Sub(n.Created) >= giveUp:
		a.o.Log.Warn("notice given up", "channel", n.Channel, "structure", n.Structure, "why", why)
		err = a.o.Store.NoticeDone(ctx, n.ID, "given up: "+why, now)
	default:
		a.o.Log.Info("notice not sent yet", "channel", n.Channel, "structure", n.Structure, "why", why, "tries", n.Tries+1)
		err = a.o.Store.NoticeRetry(ctx, n.ID, why, now.Add(wait(n.Tries)))
	}
	if err != nil {
		return fmt.Errorf("alert: write the outbox: %w", err)
	}
	return nil
}

func (a *Alerts) deliver(ctx context.Context, n fleet.Notice, secret string) error {
	switch {
	case n.Channel == fleet.ByWebhook:
		return call(ctx, a.client, n.To, secret, n.ID, []byte(n.Body), a.o.Now())
	case n.Channel == fleet.ByEmail && a.o.Mailer != nil:
		reply := ""
		if rest, solved := strings.CutPrefix(n.ID, "solved-"); solved {
			reply = "problem-" + rest
		}
		return a.o.Mailer.Send(ctx, n.To, n.Subject, n.Body, n.ID, reply)
	}
	return fmt.Errorf("%w: no such channel", errRefused)
}

// wait doubles from a minute to an hour, with jitter: many that failed
// together are not tried together.
func wait(tries int) time.Duration {
	d := min(firstWait<<min(tries, 10), longest)
	return d/2 + rand.N(d/2+1)
}

// word is a constant word for an error, which may hold addresses.
func word(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errRefused):
		return "refused"
	case errors.Is(err, context.DeadlineExceeded):
		return "too slow"
	}
	return "failed"
}
