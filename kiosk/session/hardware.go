package session

import (
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/devices"
)

// slots is how each kind of device is doing.
type slots map[kiosk.Kind]Slot

func (s slots) of(k kiosk.Kind) Slot { return s[k] }

// slotsOf sums up the devices: of several of one kind the best counts.
func slotsOf(all []devices.State) slots {
	s := make(slots)
	for _, d := range all {
		old, seen := s[d.Info.Kind]
		if seen && (old.Ready || !d.Status.Ready) {
			continue
		}
		s[d.Info.Kind] = Slot{Present: true, Ready: d.Status.Ready, Busy: d.Busy || old.Busy,
			Conditions: slices.Clone(d.Status.Conditions)}
	}
	return s
}

// followDevices keeps the slots of the state right.
func (e *Engine) followDevices(ctx context.Context) {
	all, seq := e.cfg.Devices.State().Load()
	for {
		if err := e.call(ctx, func() {
			if now := slotsOf(all); !reflect.DeepEqual(now, e.slots) {
				e.slots = now
				e.publish()
			}
		}); err != nil {
			return
		}
		var err error
		if all, seq, err = e.cfg.Devices.State().Wait(ctx, seq); err != nil {
			return
		}
	}
}

// followSensors feels the kiosk's buttons and switches its lamp, as long as it
// has any.
func (e *Engine) followSensors(ctx context.Context) {
	for {
		_, seq := e.cfg.Devices.State().Load()
		lease, err := e.cfg.Devices.Sensors(ctx)
		switch {
		case err == nil:
			err = e.feel(ctx, lease.Device)
			if ctx.Err() == nil {
				e.cfg.Log.Warn("sensors gone", "err", lease.Report(err))
			}
			lease.Close()
			if !pause(ctx, time.Second) {
				return
			}
			continue
		case kiosk.CodeOf(err) == kiosk.CodeNoDevice:
			return
		}
		if _, _, err := e.cfg.Devices.State().Wait(ctx, seq); err != nil {
			return
		}
	}
}

// pause paces tries; it returns false when ctx ends.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// feel serves open sensors until they are gone or ctx ends.
func (e *Engine) feel(ctx context.Context, dev kiosk.Sensors) error {
	ctx, cancel := context.WithCancel(ctx)
	var lamp sync.WaitGroup
	lamp.Go(func() {
		on, seq := e.lamp.Load()
		for {
			if err := dev.Set(ctx, kiosk.OutputLamp, on); err != nil && ctx.Err() == nil {
				e.cfg.Log.Warn("lamp not switched", "err", err)
			}
			var err error
			if on, seq, err = e.lamp.Wait(ctx, seq); err != nil {
				return
			}
		}
	})
	err := dev.Watch(ctx, func(s kiosk.Signal, active bool) {
		_ = e.call(ctx, func() { e.felt(s, active) })
	})
	cancel()
	lamp.Wait()
	return err
}

// felt takes a signal over.
func (e *Engine) felt(s kiosk.Signal, active bool) {
	n := 0
	if active {
		n = 1
	}
	switch s {
	case kiosk.SignalHelp:
		if active && e.callHelp(true) {
			e.changed()
		}
	case kiosk.SignalPresence:
		e.count(Event{Kind: EventPresence, Count: n})
	case kiosk.SignalTamper:
		e.count(Event{Kind: EventTamper, Count: n})
	}
}
