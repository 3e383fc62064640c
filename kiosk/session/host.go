package session

import "context"

// Host is what the place that hosts the kiosk has decided for now. The zero
// Host lets everything be.
type Host struct {
	Message string // one line for all visitors; "" none
	Paused  string // why no visit can begin, in one line; "" they can
	Closed  bool   // the place is closed: no visit can begin
	Sides   int    // printed sides of one visit; 0 any number
}

// SetHost takes over what the host has decided. A visit in hand goes on; only
// the next one meets a pause. The error is ctx's cause: the engine does not
// run.
func (e *Engine) SetHost(ctx context.Context, h Host) error {
	return e.told(ctx, func() { e.host = h })
}

// Come tells the visitor who called that somebody is on their way. It does
// nothing when nobody waits.
func (e *Engine) Come(ctx context.Context) error {
	return e.told(ctx, func() { e.coming = e.waited() })
}

// HelpDone puts a call for help away, for the person who came. Nobody touched
// the screen by that.
func (e *Engine) HelpDone(ctx context.Context) error {
	return e.told(ctx, func() {
		if e.waited() {
			e.callHelp(false)
			e.save()
		}
	})
}

// told runs f in the actor's goroutine and shows what it changed.
func (e *Engine) told(ctx context.Context, f func()) error {
	return e.call(ctx, func() {
		f()
		e.publish()
	})
}

// waited says whether somebody waits for a person.
func (e *Engine) waited() bool {
	if e.visit != nil {
		return e.visit.Help
	}
	return e.help
}

// shut says that no visit can begin.
func (e *Engine) shut() bool { return e.host.Paused != "" || e.host.Closed }

// mayPrint says whether a visit has that many sides left. Receipts are not
// counted.
func (e *Engine) mayPrint(sides int) bool {
	return e.host.Sides == 0 || e.visit.Sides+sides <= e.host.Sides
}
