package session

import (
	"context"
	"errors"
	"time"

	"pointnum/kiosk"
)

var (
	errLeft     = &kiosk.Error{Code: kiosk.CodeCanceled, Op: "session: the visit ends"}
	errCanceled = &kiosk.Error{Code: kiosk.CodeCanceled, Op: "session: cancelled by the visitor"}
)

// task is work in a goroutine of its own. The fields below are the actor's.
type task struct {
	e    *Engine
	kind TaskKind
	// ctx ends with the visit. work ends before, too, when the visitor
	// cancels: what came so far is still made good under ctx.
	ctx, work context.Context
	cancel    context.CancelCauseFunc
	halt      context.CancelCauseFunc

	started, moved time.Time
	done, total    int
	waiting        kiosk.Code
	added          int  // leaves added to the paper
	halted         bool // the visitor cancelled
	stalled        bool // it was cancelled for want of progress
}

// outcome is how a task ended.
type outcome struct {
	err   error
	kind  kiosk.Kind // of the device that err is about; "" none
	sheet int
	final bool   // trying again makes no sense, whatever the code
	then  func() // in the actor, when there is no error
	// failed is called in the actor when there is one, unless the visit ends.
	failed func()
	// held is a browser that was opened; whatever else happened, it has to be
	// closed.
	held *held
}

// begin starts a task; again is what Retry does if it fails.
func (e *Engine) begin(kind TaskKind, again Action, work func(*task) outcome) {
	e.hush() // another screen comes
	now := e.cfg.Now()
	t := &task{e: e, kind: kind, started: now, moved: now}
	t.ctx, t.cancel = context.WithCancelCause(e.ctx)
	t.work, t.halt = context.WithCancelCause(t.ctx)
	e.task = t
	if e.visit != nil {
		e.visit.Fault, e.again = nil, again
	}
	e.workers.Go(func() {
		o := work(t)
		t.cancel(nil)
		e.finished <- o // has room: one task at a time
	})
}

func (t *task) public() *Task {
	return &Task{Kind: t.kind, Done: t.done, Total: t.total, Waiting: t.waiting,
		Started: t.started, CanCancel: t.kind != TaskWipe && !t.halted}
}

// do runs f in the actor. It fails only when the visit ends, and then f did
// not run.
func (t *task) do(f func()) error {
	return t.e.call(t.ctx, func() {
		t.moved = t.e.cfg.Now()
		f()
	})
}

// progress shows how far the task is.
func (t *task) progress(done, total int, waiting kiosk.Code) {
	_ = t.do(func() {
		t.done, t.total, t.waiting = done, total, waiting
		t.e.publish()
	})
}

// finish takes over how the task in hand ended.
func (e *Engine) finish(o outcome) {
	t := e.task
	e.task = nil
	e.hush()
	e.hold(o)
	switch {
	case e.stuck: // it was wiped without it: wipe again
		e.stuck = false
		e.wipe()
		return
	case t.kind == TaskWipe:
		e.wipedOr(o.err)
		return
	case e.ending != "":
		e.wipe()
		e.publish()
		return
	}
	e.touched = e.cfg.Now() // the clock stood still
	e.settle(t, o)
	if e.browse != nil {
		e.browse.ask()
		e.takeDownload()
	}
	e.takeOffer()
	e.changed()
}

// settle makes a fault or the next screen of how a task ended.
func (e *Engine) settle(t *task, o outcome) {
	code := kiosk.CodeOf(o.err)
	if o.err != nil && o.failed != nil {
		o.failed()
	}
	switch {
	case o.err == nil:
		if o.then != nil {
			o.then()
		}
		return
	case t.halted && code == kiosk.CodeCanceled:
		return
	}
	if o.kind == "" {
		e.cfg.Log.Warn("task failed", "task", t.kind, "code", code, "err", o.err)
	} else {
		e.cfg.Log.Warn("task failed", "task", t.kind, "device", o.kind, "code", code, "err", o.err)
	}
	sheet := o.sheet
	if ke, ok := errors.AsType[*kiosk.Error](o.err); ok && sheet == 0 {
		sheet = ke.Sheet
	}
	e.visit.Fault = &Fault{Code: code, Kind: o.kind, Task: t.kind, Sheet: sheet, Kept: t.added,
		Retry: !o.final && e.again != nil && worthRetrying(t.kind, code)}
	e.count(Event{Kind: EventFault, Code: code, Device: o.kind, Task: t.kind})
}

// worthRetrying says whether the same action may end better.
func worthRetrying(kind TaskKind, c kiosk.Code) bool {
	switch c {
	case kiosk.CodeNoDevice, kiosk.CodeSpoolFull, kiosk.CodeBadRequest, kiosk.CodeCannotFit, kiosk.CodeOutOfOrder,
		// Pages may have come out: only a person decides to print again.
		kiosk.CodeJobRejected, kiosk.CodeJobAborted, kiosk.CodeJobUnknown,
		kiosk.CodeFileEmpty, kiosk.CodeFileUnknown, kiosk.CodeFileBroken, kiosk.CodeFilePassword,
		kiosk.CodeFileTooBig, kiosk.CodeFileTooLong, kiosk.CodeFileBlank, kiosk.CodeFileUnsupported:
		return false
	case kiosk.CodeFileTooSlow:
		return kind == TaskConvert || kind == TaskAttach
	}
	return true
}
