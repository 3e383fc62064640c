package fetch

import (
	"context"
	"errors"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning/link/route"
)

// errStalled ends a request to a server that gives nothing.
var errStalled = errors.New("the server gives too little")

// lost names what happened on the way from a source. What ended the whole
// work is told as it is.
func lost(ctx context.Context, op string, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errStalled):
		return &kiosk.Error{Code: kiosk.CodeNotResponding, Op: op, Err: cause}
	case cause != nil:
		return cause
	}
	return route.Fault(op, err)
}

// watch calls gone when fewer than MinStall bytes came in a time.
type watch struct {
	time  time.Duration
	timer *time.Timer
	came  int
}

func newWatch(d time.Duration, gone func()) *watch {
	return &watch{time: d, timer: time.AfterFunc(d, gone)}
}

func (w *watch) stop() { w.timer.Stop() }

func (w *watch) count(n int) {
	if w.came += n; w.came >= MinStall {
		w.came = 0
		w.timer.Reset(w.time)
	}
}

// pacer keeps to a rate.
type pacer struct {
	rate  func() int64 // nil for none
	watch *watch
	next  time.Time
}

// wait waits until n more bytes are within the rate. That time is not the
// server's fault.
func (p *pacer) wait(ctx context.Context, n int) error {
	if p.rate == nil {
		return nil
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(float64(n) / float64(max(1, p.rate())) * float64(time.Second)))
	d := p.next.Sub(now)
	if d < 10*time.Millisecond { // not worth a nap
		return nil
	}
	p.watch.stop()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		p.watch.came = 0
		p.watch.timer.Reset(p.watch.time)
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
