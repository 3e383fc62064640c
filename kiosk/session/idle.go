package session

import (
	"context"
	"errors"
	"image"
	"time"

	"pointnum/kiosk"
)

// tryAgain is how often a broken kiosk tries to wipe.
const tryAgain = time.Minute

// touch notes that somebody is there.
func (e *Engine) touch() {
	e.touched = e.cfg.Now()
	e.acted = e.touched
	e.warned = time.Time{}
	if e.visit != nil {
		e.visit.Restarts = 0
	}
}

// idle is how long nobody may touch the screen of a visit: whoever waits for
// a person does not come back to erased papers.
func (e *Engine) idle() time.Duration {
	idle := e.cfg.Idle
	if e.visit.Help {
		idle = max(idle, e.cfg.HelpIdle)
	}
	if e.browse != nil && e.browse.waiting {
		idle = max(idle, e.cfg.CodeIdle)
	}
	if p := e.phone; p != nil && p.shown && p.state.Code != "" { // they look at the other screen
		idle = max(idle, e.cfg.CodeIdle)
	}
	return idle
}

// next is when something is due though nobody acts.
func (e *Engine) next() time.Time {
	now := e.cfg.Now()
	at := now.Add(time.Hour)
	due := func(t time.Time) {
		if t.Before(at) {
			at = t
		}
	}
	switch {
	case e.ending != "":
		due(e.canceled.Add(e.cfg.Grace))
	case e.visit != nil:
		due(e.saved.Add(heartbeat))
		switch {
		case e.task != nil: // a task in hand stops the clock
			due(e.task.moved.Add(e.cfg.Stall))
		case !e.warned.IsZero():
			due(e.warned)
		case e.reading != nil: // somebody listens; it is limited itself
		default:
			due(e.touched.Add(e.idle()))
		}
	case e.screen == ScreenGoodbye:
		due(e.shown.Add(e.cfg.Goodbye))
	case e.screen == ScreenBroken && e.task == nil:
		due(e.shown.Add(tryAgain))
	case e.screen == ScreenWelcome && e.lang != e.cfg.Lang:
		due(e.touched.Add(e.cfg.Idle))
	}
	return at
}

// tick does what is due.
func (e *Engine) tick() {
	now := e.cfg.Now()
	past := func(t time.Time) bool { return !now.Before(t) }
	switch {
	case e.ending != "":
		if past(e.canceled.Add(e.cfg.Grace)) {
			e.wipeWithout()
		}
	case e.visit != nil:
		e.tickVisit(now, past)
	case e.screen == ScreenGoodbye && past(e.shown.Add(e.cfg.Goodbye)):
		e.screen, e.wiped = ScreenWelcome, false
		e.publish()
	case e.screen == ScreenBroken && e.task == nil && past(e.shown.Add(tryAgain)):
		e.wipe()
	case e.screen == ScreenWelcome && e.lang != e.cfg.Lang && past(e.touched.Add(e.cfg.Idle)):
		e.lang = e.cfg.Lang
		e.publish()
	}
}

func (e *Engine) tickVisit(now time.Time, past func(time.Time) bool) {
	switch {
	case e.task != nil:
		if past(e.task.moved.Add(e.cfg.Stall)) {
			if e.task.stalled {
				e.end(ReasonIdle)
				return
			}
			e.task.stalled = true
			e.cfg.Log.Error("task without progress cancelled", "task", e.task.kind)
			e.task.moved = now
			e.task.halt(&kiosk.Error{Code: kiosk.CodeNotResponding, Op: "session: no progress"})
		}
	case !e.warned.IsZero() && past(e.warned):
		e.end(ReasonIdle)
		return
	case e.warned.IsZero() && e.reading == nil && past(e.touched.Add(e.idle())):
		e.warned = now.Add(e.cfg.Warning)
		e.publish()
	}
	if past(e.saved.Add(heartbeat)) {
		e.save()
	}
}

// end ends the visit: the task in hand is cancelled; once it let go of the
// visit's pages they are wiped.
func (e *Engine) end(why Reason) {
	e.count(e.endedEvent(why))
	e.cfg.Log.Info("visit ends", "reason", why)
	e.ending, e.canceled = why, e.cfg.Now()
	e.visit.Ending = why
	e.save() // a crash from here on must not bring the visit back
	e.hush()
	e.warned, e.keys = time.Time{}, nil
	if e.browse != nil {
		e.browse.place.Set(image.Rectangle{}) // off the screen at once
	}
	if e.task == nil {
		e.wipe()
	} else {
		e.task.cancel(errLeft)
	}
	e.publish()
}

// wipe starts the wipe; nothing else runs. The browser goes first: it might
// still ask for a page.
func (e *Engine) wipe() {
	e.canceled = e.cfg.Now() // a wipe that hangs is a wipe that failed
	h, quiet, p := e.held, e.quiet, e.dropPhone()
	e.dropBrowse()
	e.begin(TaskWipe, nil, func(t *task) outcome {
		open := e.silence(quiet)
		if h != nil {
			open = errors.Join(open, h.close(t.ctx, e.closing()))
		}
		e.forgetKey(t.ctx)
		p.close(e)
		rep, err := e.cfg.Spool.Wipe()
		if err == nil {
			e.cfg.Log.Info("visit wiped", "files", rep.Files, "bytes", rep.Bytes,
				"canaries", rep.Canaries, "took", rep.Took)
		}
		return outcome{err: errors.Join(open, err)}
	})
}

// forgetKey has the key's driver forget the names of the visitor's files. One
// that can't be had is closed, and has forgotten them.
func (e *Engine) forgetKey(ctx context.Context) {
	lease, err := e.cfg.Devices.Key(ctx)
	if err != nil {
		return
	}
	defer lease.Close()
	if _, err := lease.Device.List(ctx, 0); err != nil {
		e.cfg.Log.Warn("list of the key not forgotten", "code", kiosk.CodeOf(err))
	}
}

// wipeWithout wipes though a task did not let go. Nobody else gets the kiosk
// before it does, and all is wiped again then.
func (e *Engine) wipeWithout() {
	e.cfg.Log.Error("task does not end", "task", e.task.kind)
	stuck := e.task
	if _, err := e.cfg.Spool.Wipe(); err != nil {
		e.cfg.Log.Error("wipe failed", "err", err)
	}
	if h := e.held; h != nil && stuck.kind != TaskWipe {
		e.workers.Go(func() {
			if err := h.close(e.ctx, e.closing()); err != nil {
				e.cfg.Log.Error("portal browser not closed", "code", kiosk.CodeOf(err), "err", err)
			}
		})
	}
	e.forget()
	e.task, e.stuck = stuck, true
	e.screen, e.shown = ScreenBroken, e.cfg.Now()
	e.count(Event{Kind: EventFault, Code: kiosk.CodeOutOfOrder, Task: TaskWipe})
	e.publish()
}

// wipedOr takes over how a wipe ended.
func (e *Engine) wipedOr(err error) {
	e.forget()
	if err != nil {
		e.cfg.Log.Error("wipe could not be verified", "err", err)
		e.count(Event{Kind: EventFault, Code: kiosk.CodeOutOfOrder, Task: TaskWipe})
		e.screen, e.wiped = ScreenBroken, false
	} else {
		e.screen, e.wiped = ScreenGoodbye, true
		e.held, e.unclean = nil, false
		e.cfg.Scrub()
		e.count(Event{Kind: EventWiped, Took: e.since(e.canceled)})
	}
	e.shown = e.cfg.Now()
	e.publish()
}
