package ipp

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/OpenPrinting/goipp"

	"pointnum/kiosk"
)

// Print implements kiosk.Printer. A request whose ID the printer already knows
// is not sent again: Print follows the job that is there.
func (p *Printer) Print(ctx context.Context, req kiosk.PrintRequest, progress func(kiosk.PrintProgress)) error {
	if !p.job.TryLock() {
		return &kiosk.Error{Code: kiosk.CodeDeviceBusy, Op: "ipp: print", Device: p.info.ID,
			Err: errors.New("another job of ours is under way")}
	}
	defer p.job.Unlock()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(p.life, func() { cancel(context.Cause(p.life)) })()
	if progress == nil {
		progress = func(kiosk.PrintProgress) {}
	}
	r := &run{Printer: p, req: req, name: "pointnum-" + req.ID, progress: progress}
	return r.do(ctx)
}

// run is one Print.
type run struct {
	*Printer
	req      kiosk.PrintRequest
	name     string // job-name
	progress func(kiosk.PrintProgress)
	ticket   ticket
	reported kiosk.PrintProgress
}

func (r *run) do(ctx context.Context) error {
	a, err := r.attributes(ctx)
	if err != nil {
		return r.fault(ctx, "before printing", err)
	}
	if a.supports(goipp.OpGetJobs) {
		old, err := r.jobByName(ctx, r.name)
		if err != nil {
			return r.fault(ctx, "look for the job", err)
		}
		if old != nil && !old.empty() {
			r.log.Info("print job is already at the printer", "device", r.info.ID, "job", old.id)
			return r.follow(ctx, old.id, nil)
		}
		if old != nil {
			r.cancelJob(ctx, old.id) // its document never came: nothing was printed
		}
	}
	if s := stateOf(a); len(s.blocking) > 0 {
		return &kiosk.Error{Code: s.blocking[0], Op: "ipp: before printing", Device: r.info.ID, Err: errors.New(s.detail)}
	}
	if r.ticket, err = ticketFor(a, r.req); err != nil {
		return r.fault(ctx, "ticket", err)
	}
	if r.ticket.check {
		if err := r.whileBusy(ctx, func() error { return r.validate(ctx) }); err != nil {
			return r.fault(ctx, "validate job", err)
		}
	}
	if !r.ticket.create {
		return r.deliver(ctx, 0)
	}
	var id int
	if err := r.whileBusy(ctx, func() error { id, err = r.createJob(ctx); return err }); err != nil {
		return r.fault(ctx, "create job", err)
	}
	return r.deliver(ctx, id)
}

// operation is what Validate-Job, Create-Job and Print-Job begin with.
func (r *run) operation() goipp.Attributes {
	return goipp.Attributes{
		user(), nameOf("job-name", r.name),
		// Without fidelity a printer may take the nearest paper instead.
		boolean("ipp-attribute-fidelity", true),
	}
}

func (r *run) format() goipp.Attribute {
	return goipp.MakeAttribute("document-format", goipp.TagMimeType, goipp.String(r.ticket.format))
}

func (r *run) validate(ctx context.Context) error {
	_, err := r.client.quick(ctx, goipp.OpValidateJob, append(r.operation(), r.format()), r.ticket.job)
	return err
}

// createJob makes a job without a document: nothing can come out of the
// printer yet, so that a lost answer is found again or asked for again.
func (r *run) createJob(ctx context.Context) (int, error) {
	msg, err := r.client.quick(ctx, goipp.OpCreateJob, r.operation(), r.ticket.job)
	if err == nil {
		if id := attrs(msg.Job).int("job-id", 0); id > 0 {
			return id, nil
		}
		err = errNotIPP
	}
	if _, refused := errors.AsType[*statusError](err); refused {
		return 0, err
	}
	// The printer may hold the job although we did not hear so; it also must
	// go when the visitor left in the meantime.
	look, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
	defer stop()
	wait(look, recoverPause)
	old, lookErr := r.jobByName(look, r.name)
	switch {
	case lookErr != nil || old == nil:
		return 0, err
	case ctx.Err() != nil:
		r.cancelJob(look, old.id)
		return 0, err
	}
	return old.id, nil
}

// whileBusy tries again while the printer says that it is busy.
func (r *run) whileBusy(ctx context.Context, try func() error) error {
	end := time.Now().Add(r.patience)
	for pause := busyPauseMin; ; pause = min(2*pause, busyPauseMax) {
		err := try()
		e, ok := errors.AsType[*statusError](err)
		if !ok || !busyStatus(e.status) || time.Now().Add(pause).After(end) {
			return err
		}
		if !wait(ctx, pause) {
			return context.Cause(ctx)
		}
	}
}

// sending is a document on its way. The fields are read after done.
type sending struct {
	done chan struct{}
	sent atomic.Int64 // bytes the network took
	stop context.CancelFunc
	id   int // the job's, when Print-Job made it
	err  error
}

// deliver sends the document and follows the job meanwhile: a printer out of
// paper stops taking bytes, and only its reasons say why.
func (r *run) deliver(ctx context.Context, id int) error {
	sendCtx, stop := context.WithCancel(ctx)
	s := &sending{done: make(chan struct{}), stop: stop}
	go func() {
		defer close(s.done)
		s.err = r.whileBusy(sendCtx, func() error { return r.send(sendCtx, s, id) })
	}()
	err := r.follow(ctx, id, s)
	stop()
	<-s.done
	return err
}

func (r *run) send(ctx context.Context, s *sending, id int) error {
	body, err := r.req.Open()
	if err != nil {
		return &kiosk.Error{Code: kiosk.CodeInternal, Op: "open document", Err: err}
	}
	defer body.Close()
	size := r.req.Size
	if size <= 0 {
		size = -1
	}
	doc := &document{body: &counted{r: body, n: &s.sent}, size: size}
	if id == 0 {
		msg, err := r.client.ask(ctx, goipp.OpPrintJob, append(r.operation(), r.format()), r.ticket.job, doc)
		if err == nil {
			s.id = attrs(msg.Job).int("job-id", 0)
		}
		return err
	}
	_, err = r.client.ask(ctx, goipp.OpSendDocument, goipp.Attributes{
		integer("job-id", id), user(), r.format(), boolean("last-document", true),
	}, nil, doc)
	return err
}

// counted tells how far a document is.
type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n.Add(int64(n))
	if err != nil && !errors.Is(err, io.EOF) {
		// Ours to answer for, not a connection that broke.
		err = &kiosk.Error{Code: kiosk.CodeInternal, Op: "read document", Err: err}
	}
	return n, err
}
