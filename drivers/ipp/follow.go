package ipp

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/OpenPrinting/goipp"

	"pointnum/kiosk"
)

// watch is what is known of a job that is being followed.
type watch struct {
	id     int // 0 until the printer gave one (Print-Job)
	s      *sending
	sent   bool  // s has ended, sendErr is its error
	lost   error // why the send failed without an answer of the printer
	last   job
	bytes  int64
	waits  []kiosk.Code
	moved  time.Time // when anything last changed
	silent time.Time // since when the printer does not answer; zero when it does
	orphan time.Time // since when the job waits for a document that was lost
}

// follow asks after a job until it ends. s is nil when its document is already
// there.
func (r *run) follow(ctx context.Context, id int, s *sending) error {
	w := &watch{id: id, s: s, sent: s == nil, last: job{id: id, state: jobPending, sides: -1}, moved: time.Now()}
	for pause := pollMin; ; pause = min(pause*3/2, pollMax) {
		var sendDone <-chan struct{}
		if !w.sent {
			sendDone = s.done
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-sendDone:
			w.sent = true
			if s.id > 0 {
				w.id = s.id
			}
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return r.abandon(ctx, w)
		}
		if over, err := r.sendOver(ctx, w); over {
			return err
		}
		if over, err := r.poll(ctx, w); over {
			return err
		}
	}
}

// sendOver looks at how the sending ended, once.
func (r *run) sendOver(ctx context.Context, w *watch) (over bool, err error) {
	if !w.sent || w.s == nil || w.s.err == nil || w.lost != nil {
		return false, nil
	}
	err = w.s.err
	status, refused := errors.AsType[*statusError](err)
	_, ours := errors.AsType[*kiosk.Error](err)
	if !refused && !ours {
		// The printer may have all of it, or a part. Only the job's state
		// can tell.
		r.log.Warn("no answer to a document", "device", r.info.ID, "job", w.id, "err", err)
		w.lost = err
		return false, nil
	}
	if w.id > 0 {
		j, ended := r.cancelJob(ctx, w.id)
		// Not possible: the job ended while its document was on the way.
		notPossible := refused && status.status == goipp.StatusErrorNotPossible && j.state != jobCanceled
		if ended && (j.state == jobCompleted || notPossible) {
			return true, r.verdict(j)
		}
	}
	return true, r.fault(ctx, "send document", err)
}

// poll asks once and says whether the job is over.
func (r *run) poll(ctx context.Context, w *watch) (over bool, err error) {
	j, found, err := r.look(ctx, w)
	now := time.Now()
	if err != nil {
		return r.unanswered(ctx, w, now, err)
	}
	w.silent = time.Time{}
	if !found {
		return r.missing(ctx, w, now)
	}
	if j.ended() {
		r.report(j, nil)
		return true, r.verdict(j)
	}
	var waits []kiosk.Code
	if a, err := r.attributes(ctx); err == nil {
		waits = stateOf(a).waitsFor()
	}
	r.report(j, waits)
	return r.judge(ctx, w, j, waits, now)
}

// look finds the job's state. Not found is not an error.
func (r *run) look(ctx context.Context, w *watch) (job, bool, error) {
	if w.id > 0 {
		j, err := r.jobByID(ctx, w.id)
		if err == nil {
			return j, true, nil
		}
		e, ok := errors.AsType[*statusError](err)
		if !ok || e.status != goipp.StatusErrorNotFound && e.status != goipp.StatusErrorGone {
			return job{}, false, err
		}
	}
	j, err := r.jobByName(ctx, r.name)
	if err != nil || j == nil {
		return job{}, false, err
	}
	w.id = j.id
	return *j, true, nil
}

// unanswered decides on a printer that does not say how the job is.
func (r *run) unanswered(ctx context.Context, w *watch, now time.Time, cause error) (bool, error) {
	if ctx.Err() != nil {
		return true, r.abandon(ctx, w)
	}
	if !w.sent && w.s.sent.Load() > w.bytes {
		// It is taking the document; a small printer does one thing at a time.
		w.bytes, w.silent = w.s.sent.Load(), time.Time{}
		return false, nil
	}
	if w.silent.IsZero() {
		w.silent = now
	}
	if now.Sub(w.silent) < r.patience {
		return false, nil
	}
	if w.s != nil && w.s.sent.Load() == 0 {
		// Not a byte of the document has left us.
		return true, r.fault(ctx, "send document", cause)
	}
	return true, r.unknown(cause)
}

// missing decides on a printer that answers and does not know the job.
func (r *run) missing(ctx context.Context, w *watch, now time.Time) (bool, error) {
	if !w.sent && w.id == 0 {
		return r.judge(ctx, w, w.last, nil, now) // Print-Job still under way
	}
	if w.orphan.IsZero() {
		w.orphan = now
	}
	if now.Sub(w.orphan) < orphanPatience {
		return false, nil
	}
	return true, r.unknown(errors.Join(w.lost, errors.New("the printer does not know the job any more")))
}

// judge decides on a job that has not ended.
func (r *run) judge(ctx context.Context, w *watch, j job, waits []kiosk.Code, now time.Time) (bool, error) {
	if len(waits) > 0 || j.state != w.last.state || j.sides != w.last.sides || (w.s != nil && w.s.sent.Load() != w.bytes) {
		w.moved = now
	}
	w.last, w.waits = j, waits
	if w.s != nil {
		w.bytes = w.s.sent.Load()
	}
	if w.lost != nil && j.empty() {
		if w.orphan.IsZero() {
			w.orphan = now
		}
		if now.Sub(w.orphan) >= orphanPatience {
			return true, r.giveUp(ctx, w, kiosk.CodeUnplugged, w.lost)
		}
		return false, nil
	}
	w.orphan = time.Time{}
	limit := quietBase + time.Duration(max(1, r.req.Pages)*max(1, r.req.Copies))*quietPage
	if !w.sent && limit > sendStall {
		limit = sendStall
	}
	if now.Sub(w.moved) < limit {
		return false, nil
	}
	code := kiosk.CodeJobUnknown
	if j.state == jobPending {
		code = kiosk.CodeDeviceBusy // behind somebody else's job
	}
	return true, r.giveUp(ctx, w, code, fmt.Errorf("no progress for %v", limit))
}

// giveUp cancels a job that will not end. code is right when the printer then
// says that nothing came out; otherwise nobody knows.
func (r *run) giveUp(ctx context.Context, w *watch, code kiosk.Code, cause error) error {
	if w.id == 0 {
		return r.unknown(cause)
	}
	j, ended := r.cancelJob(ctx, w.id)
	switch {
	case ended && j.state == jobCompleted:
		return nil
	case ended && j.sides <= 0 && w.last.state != jobProcessing:
		return &kiosk.Error{Code: code, Op: "ipp: follow job", Device: r.info.ID, Err: cause}
	}
	return r.unknown(cause)
}

// abandon cancels the job because ctx ended.
func (r *run) abandon(ctx context.Context, w *watch) error {
	if w.s != nil {
		w.s.stop() // a half-sent document first: the printer waits for its end
		<-w.s.done
		if w.s.id > 0 {
			w.id = w.s.id
		}
	}
	cause := context.Cause(ctx)
	if w.id == 0 {
		look, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
		defer stop()
		if j, err := r.jobByName(look, r.name); err == nil && j != nil {
			w.id = j.id
		}
	}
	if w.id > 0 {
		j, ended := r.cancelJob(ctx, w.id)
		if ended && j.state == jobCompleted {
			return nil // it was out before the printer heard us
		}
		if !ended {
			cause = errors.Join(cause, errors.New("the printer did not say that the job is over"))
		}
	}
	return &kiosk.Error{Code: kiosk.CodeOf(context.Cause(ctx)), Op: "ipp: print", Device: r.info.ID, Err: cause}
}

// verdict is what Print returns for a job that ended by itself.
func (r *run) verdict(j job) error {
	code := kiosk.CodeJobAborted
	switch {
	case j.state == jobCompleted:
		return nil
	case j.refused():
		code = kiosk.CodeJobRejected
	}
	reasons := j.reasons[:min(len(j.reasons), maxReasons)]
	return &kiosk.Error{Code: code, Op: "ipp: follow job", Device: r.info.ID,
		Err: fmt.Errorf("job state %d, %s, %d sides out", j.state, clean(fmt.Sprint(reasons)), max(0, j.sides))}
}

func (r *run) unknown(cause error) error {
	return &kiosk.Error{Code: kiosk.CodeJobUnknown, Op: "ipp: follow job", Device: r.info.ID, Err: cause}
}

// report tells the caller what changed.
func (r *run) report(j job, waits []kiosk.Code) {
	p := kiosk.PrintProgress{Pages: max(r.reported.Pages, j.sides), Conditions: waits}
	if p.Pages == r.reported.Pages && slices.Equal(p.Conditions, r.reported.Conditions) {
		return
	}
	r.reported = p
	r.progress(p)
}
