package gpio

import (
	"context"
	"errors"
	"sync"
	"time"

	"pointnum/kiosk"
)

// change is one signal that changed.
type change struct {
	signal kiosk.Signal
	active bool
}

// Watch implements kiosk.Sensors. Only one Watch runs at a time; a second one
// is CodeDeviceBusy.
func (d *Sensors) Watch(ctx context.Context, on func(kiosk.Signal, bool)) error {
	if !d.watching.TryLock() {
		return fault(d.info.ID, "watch", kiosk.CodeDeviceBusy, errors.New("already watched"))
	}
	defer d.watching.Unlock()
	lines, stop := context.WithCancel(ctx)
	defer context.AfterFunc(d.life, stop)()
	changes, gone := make(chan change), make(chan error, len(d.inputs))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	for _, in := range d.inputs {
		wg.Go(func() {
			if err := d.follow(lines, in, changes); err != nil {
				gone <- err
			}
		})
	}
	for {
		select {
		case c := <-changes:
			on(c.signal, c.active)
		case err := <-gone:
			return fault(d.info.ID, "watch", kiosk.CodeUnplugged, err)
		case <-lines.Done():
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fault(d.info.ID, "watch", kiosk.CodeUnplugged, errClosed)
		}
	}
}

// follow tells the changes of one line until ctx ends, or why it can't. The
// level is read again after every wait, edge or none: the first edge after a
// request may be none, and edges get lost while nobody waits.
func (d *Sensors) follow(ctx context.Context, in input, changes chan<- change) error {
	last := false
	for ctx.Err() == nil {
		if err := d.chip.Alive(); err != nil {
			return err
		}
		if now := in.active(); now != last {
			in.quiet(ctx)
			// A chip that went away meanwhile reads as low: not a change.
			if err := d.chip.Alive(); err != nil {
				return err
			}
			if now = in.active(); now != last {
				last = now
				select {
				case changes <- change{in.signal, now}:
				case <-ctx.Done():
				}
			}
		}
		in.wait(ctx)
	}
	return nil
}

// wait waits for an edge, or edgeWait.
func (i input) wait(ctx context.Context) {
	start := time.Now()
	if i.pin.WaitForEdge(edgeWait) {
		return
	}
	// A wait that fails returns at once: it must not become a busy loop.
	pause(ctx, edgeWait-time.Since(start))
}

// quiet waits until the line has no edge for a while.
func (i input) quiet(ctx context.Context) {
	for end := time.Now().Add(settleMost); time.Now().Before(end) && ctx.Err() == nil; {
		start := time.Now()
		if !i.pin.WaitForEdge(settle) {
			pause(ctx, settle-time.Since(start))
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
