package escpos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"pointnum/drivers/escpos/encode"
	"pointnum/drivers/escpos/link"
	"pointnum/drivers/escpos/typeset"
	"pointnum/kiosk"
)

// device is a receipt printer. Who holds turn owns the port.
type device struct {
	log   *slog.Logger
	link  link.Link
	text  *typeset.Typesetter
	info  kiosk.Info
	paper encode.Paper
	ask   asking
	stall time.Duration

	life context.Context // ends with Close
	end  context.CancelCauseFunc
	turn chan struct{} // holds one token while somebody uses the port
	port link.Port     // open port, nil when there is none
	who  link.Identity
	seen bool // the printer answered since it was opened
	able bool // it answered GS r, which proves the end of a receipt

	// After a receipt that failed: begun is true once a byte of it was sent,
	// owed are the bytes of a broken-off command the printer may still wait
	// for.
	begun bool
	owed  int

	mu   sync.Mutex
	last kiosk.Status // of the running job, or the one before
	busy bool         // a job runs
}

var _ kiosk.ReceiptPrinter = (*device)(nil)

// errClosed is the cause when the device was closed.
var errClosed = errors.New("device closed")

// Info implements kiosk.Device.
func (d *device) Info() kiosk.Info { return d.info }

// Close implements kiosk.Device.
func (d *device) Close() error {
	d.end(errClosed)
	d.turn <- struct{}{} // nobody holds it for long once life has ended
	defer func() { <-d.turn }()
	return d.hangUp()
}

// hangUp closes the port; the next use opens it again.
func (d *device) hangUp() error {
	if d.port == nil {
		return nil
	}
	err := d.port.Close()
	d.port = nil
	return err
}

// with runs f with the port, opened if it is not, and sorts its error into the
// kiosk's codes. A printer that is gone is looked for again the next time.
func (d *device) with(ctx context.Context, op string, f func(*conversation) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(d.life, func() { cancel(context.Cause(d.life)) })()
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return d.fault(op, context.Cause(ctx))
	}
	// What ends life is passed on to ctx a moment later.
	if err := errors.Join(context.Cause(d.life), context.Cause(ctx)); err != nil {
		return d.fault(op, err)
	}
	if d.port == nil {
		port, who, err := d.link.Open(ctx)
		if err != nil {
			return d.fault(op, err)
		}
		d.port, d.who = port, who
	}
	err := f(&conversation{device: d, port: d.port, identity: d.who, ctx: ctx})
	if !d.link.Keep || errors.Is(err, link.ErrGone) {
		if e := d.hangUp(); e != nil {
			d.log.Debug("receipt printer port closed with an error", "err", e)
		}
	}
	if err != nil {
		return d.fault(op, err)
	}
	return nil
}

// fault gives an error its code.
func (d *device) fault(op string, err error) error {
	if _, ok := errors.AsType[*kiosk.Error](err); ok {
		return err
	}
	code := kiosk.CodeOf(err)
	switch {
	case errors.Is(err, errClosed):
		code = kiosk.CodeCanceled
	case errors.Is(err, link.ErrGone):
		code = kiosk.CodeUnplugged
	case errors.Is(err, link.ErrBusy):
		code = kiosk.CodeDeviceBusy
	case errors.Is(err, errSilent), errors.Is(err, link.ErrTimeout):
		code = kiosk.CodeNotResponding
	}
	return &kiosk.Error{Code: code, Op: op, Device: d.info.ID, Err: err}
}

// Status implements kiosk.Device. While a receipt is printed it tells what the
// job saw last.
func (d *device) Status(ctx context.Context) (kiosk.Status, error) {
	d.mu.Lock()
	busy, last := d.busy, d.last
	d.mu.Unlock()
	if busy {
		return last, nil
	}
	var st kiosk.Status
	err := d.with(ctx, "escpos: status", func(c *conversation) error {
		state, err := c.state(c.ctx)
		if err != nil && !d.mayBeSilent(err) {
			return err
		}
		st = state.Status()
		if detail := c.port.Signals().Detail; detail != "" {
			st.Detail += ", " + detail
		}
		return nil
	})
	if err != nil {
		return kiosk.Status{}, err
	}
	return st, nil
}

// mayBeSilent tells whether err only says that the printer did not answer and
// that it may be one that never does.
func (d *device) mayBeSilent(err error) bool {
	return errors.Is(err, errSilent) && !d.seen && d.ask == askAuto
}

func (d *device) note(st kiosk.Status, busy bool) {
	d.mu.Lock()
	d.last, d.busy = st, busy
	d.mu.Unlock()
}

// PrintReceipt implements kiosk.ReceiptPrinter.
func (d *device) PrintReceipt(ctx context.Context, r kiosk.Receipt) error {
	const op = "escpos: print"
	return d.with(ctx, op, func(c *conversation) error {
		d.note(kiosk.Status{Ready: true, Detail: "printing"}, true)
		defer d.note(kiosk.Status{}, false)
		proof, err := c.prepare()
		if err != nil {
			return err
		}
		paper := d.paper
		paper.ASB = d.seen
		pieces, err := encode.Receipt(r, paper, d.text)
		if err != nil {
			return err
		}
		if n := d.missing(r); n > 0 {
			d.log.Warn("receipt has characters without a glyph", "count", n)
		}
		start, size := time.Now(), 0
		for _, p := range pieces {
			size += len(p)
		}
		if err := c.print(pieces, proof); err != nil {
			c.forget()
			return err
		}
		d.begun = false
		d.log.Debug("receipt printed", "bytes", size, "took", time.Since(start), "proof", proof)
		return nil
	})
}

// missing counts what no font here can draw.
func (d *device) missing(r kiosk.Receipt) int {
	n := 0
	for _, item := range r.Items {
		for _, text := range []string{item.Text, item.Pair[0], item.Pair[1]} {
			n += d.text.Missing(text)
		}
	}
	return n
}

// blocked is the error of a printer that cannot print.
func (d *device) blocked(s State) error {
	codes := s.Blocking()
	if len(codes) == 0 {
		return nil
	}
	return &kiosk.Error{
		Code: codes[0], Op: "escpos: print", Device: d.info.ID,
		Err: fmt.Errorf("printer status % x", s.Raw),
	}
}
