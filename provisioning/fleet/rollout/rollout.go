// Package rollout brings kiosks to a release, a few first and then more and
// more: it takes the open rollout on step by step, and orders the update of
// the kiosks whose turn it is. What was decided, and who was told, is in the
// store alone, so that several servers may do so at once and each may be
// killed anywhere: no kiosk is told twice.
package rollout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// Store is where rollouts are; provisioning/fleet/store is one.
type Store interface {
	// StepRollout takes the open rollout one step on. Without one, or while
	// another server does, the Step has no rollout.
	StepRollout(ctx context.Context, limit int) (fleet.Step, error)
	// OpenRollout is the one that has not ended; fleet.ErrNotFound without.
	OpenRollout(ctx context.Context) (fleet.Rollout, error)
	// RolloutProgress is the progress of each stage.
	RolloutProgress(ctx context.Context, r fleet.Rollout) ([]fleet.StageProgress, error)
}

// Engine reaches the kiosks; *engine.Engine is one.
type Engine interface {
	// Command signs, queues and sends. For an order to update it is
	// fleet.ErrConflict when the kiosk was ordered, or is not to be any more.
	Command(ctx context.Context, sc fleet.Scope, by string, c provisioning.Command) (fleet.Queued, error)
	// Remind sends a kiosk that is there what waits for it.
	Remind(ctx context.Context, structure, kiosk string) error
	// Tell says to all consoles that something has changed.
	Tell(c fleet.Change)
}

// Options of New. Store and Engine are needed.
type Options struct {
	Store  Store
	Engine Engine
	// Every is the time between two steps; 0 is 10 s. AtOnce is how many
	// kiosks are told in one step at most, which bounds how many fetch the
	// release at one time; 0 is 100.
	Every  time.Duration
	AtOnce int
	// Metrics takes the counts of the open rollout; nil for none.
	Metrics prometheus.Registerer
	Log     *slog.Logger     // nil drops
	Now     func() time.Time // nil is time.Now
}

// Rollouts works on the open rollout.
type Rollouts struct {
	o     Options
	nudge chan struct{}
}

// OrderLife is how long an order waits for its kiosk. A kiosk that was away
// for longer gets another one.
const OrderLife = 30 * 24 * time.Hour

// New checks the options.
func New(o Options) (*Rollouts, error) {
	if o.Store == nil || o.Engine == nil {
		return nil, errors.New("rollout: store and engine are needed")
	}
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	if o.AtOnce <= 0 {
		o.AtOnce = 100
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Metrics != nil {
		if err := o.Metrics.Register(newGauges(o.Store, o.Log)); err != nil {
			return nil, fmt.Errorf("rollout: metrics: %w", err)
		}
	}
	return &Rollouts{o: o, nudge: make(chan struct{}, 1)}, nil
}

// Nudge has the next step taken soon: somebody has started something.
func (r *Rollouts) Nudge() {
	select {
	case r.nudge <- struct{}{}:
	default:
	}
}

// Run takes step after step until ctx ends. A store that fails is asked again.
func (r *Rollouts) Run(ctx context.Context) error {
	t := time.NewTicker(r.o.Every)
	defer t.Stop()
	for {
		if err := r.Step(ctx); err != nil && ctx.Err() == nil {
			r.o.Log.Error("rollout is late", "error", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
		case <-r.nudge:
		}
	}
}

// Step takes the open rollout one step on and tells the kiosks whose turn it
// is. A kiosk that cannot be told is left for the next step.
func (r *Rollouts) Step(ctx context.Context) error {
	step, err := r.o.Store.StepRollout(ctx, r.o.AtOnce)
	if err != nil {
		return fmt.Errorf("rollout: step: %w", err)
	}
	if step.Changed {
		r.o.Log.Info("rollout", "version", step.Rollout.Version, "state", string(step.Rollout.State), "stage", step.Rollout.Stage+1)
	}
	var errs []error
	for _, o := range step.Remind {
		errs = append(errs, r.o.Engine.Remind(ctx, o.Structure, o.Kiosk))
	}
	for _, o := range step.Orders {
		err := r.order(ctx, step.Rollout.By, o)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && !errors.Is(err, fleet.ErrConflict) && !errors.Is(err, fleet.ErrExists) && !errors.Is(err, fleet.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	if step.Changed || len(step.Orders) > 0 {
		r.o.Engine.Tell(fleet.Change{Structure: fleet.Everybody, What: "rollout"})
	}
	return errors.Join(errs...)
}

func (r *Rollouts) order(ctx context.Context, by string, o fleet.Order) error {
	c := provisioning.Command{
		ID: o.ID, Structure: o.Structure, Kiosk: o.Kiosk, Kind: provisioning.CommandUpdate,
		Expires: r.o.Now().Add(OrderLife).Unix(), Update: &o.Update,
	}
	_, err := r.o.Engine.Command(ctx, fleet.Scope{Structure: o.Structure}, by, c)
	if err != nil {
		return fmt.Errorf("rollout: order: %w", err)
	}
	return nil
}
