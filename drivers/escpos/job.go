package escpos

import (
	"context"
	"errors"
	"time"

	"pointnum/drivers/escpos/encode"
	"pointnum/drivers/escpos/link"
	"pointnum/kiosk"
)

// print sends the pieces and waits until they are printed, as far as can be
// known.
func (c *conversation) print(pieces [][]byte, proof bool) error {
	asked := time.Now()
	c.device.begun = true
	for _, piece := range pieces {
		if err := c.push(piece); err != nil {
			c.device.owed = len(piece)
			return err
		}
		if c.device.seen && time.Since(asked) > askEvery {
			if err := c.look(); err != nil {
				return err
			}
			asked = time.Now()
		}
	}
	if proof {
		c.paper = false
		if err := c.push([]byte{0x1d, 'r', 1}); err != nil {
			return err
		}
		return c.await()
	}
	return c.drain()
}

// push writes a piece. It gives up when the printer takes no byte for the
// stall time, or says why it does not.
func (c *conversation) push(piece []byte) error {
	moved := time.Now()
	for len(piece) > 0 {
		if err := context.Cause(c.ctx); err != nil {
			return err
		}
		n, err := c.port.Write(piece, step)
		if err != nil && !errors.Is(err, link.ErrTimeout) {
			return err
		}
		if n > 0 {
			piece, moved = piece[n:], time.Now()
			continue
		}
		if err := c.stuck(moved); err != nil {
			return err
		}
	}
	return nil
}

// stuck looks for the reason while nothing moves: in what the printer reports
// by itself, as a request would not get through.
func (c *conversation) stuck(since time.Time) error {
	if _, err := c.listen(0, time.Now()); err != nil && !errors.Is(err, errSilent) {
		return err
	}
	var s State
	if c.report != nil {
		s = *c.report
	}
	c.signals(&s)
	return c.judge(s, since)
}

// judge decides on a printer that has not moved since some time. A hot head
// comes back by itself, so it is waited for longer.
func (c *conversation) judge(s State, since time.Time) error {
	d := c.device
	d.note(s.Status(), true)
	err := d.blocked(s)
	limit := d.stall
	if err != nil {
		if kiosk.CodeOf(err) != kiosk.CodeOverheated {
			return err
		}
		limit *= coolDown
	}
	if time.Since(since) < limit {
		return nil
	}
	if err != nil {
		return err
	}
	return errSilent
}

// look asks for the state while printing. A printer too busy to answer is not
// a fault as long as it takes bytes.
func (c *conversation) look() error {
	s, err := c.quick()
	if errors.Is(err, errSilent) {
		return nil
	}
	if err != nil {
		return err
	}
	err = c.judge(s, time.Now())
	for start := time.Now(); err == nil && len(s.Blocking()) > 0; {
		if s, err = c.quick(); err == nil {
			err = c.judge(s, start)
		}
	}
	return err
}

// quick asks for the rest only when the first answer says off-line or error.
func (c *conversation) quick() (State, error) {
	b, err := c.realtime(1)
	if err != nil {
		return State{}, err
	}
	var s State
	s.Realtime(1, b)
	if c.report != nil && len(c.report.Blocking()) > 0 || s.Offline {
		return c.state(c.ctx)
	}
	c.signals(&s)
	return s, nil
}

// await waits for the answer to GS r that proves the end of the job. Printing
// goes on while the printer is on-line and answers.
func (c *conversation) await() error {
	d := c.device
	alive, start := time.Now(), time.Now()
	for !c.paper {
		_, err := c.listen(Paper, time.Now().Add(askEvery))
		if err == nil {
			break
		}
		if !errors.Is(err, errSilent) {
			return err
		}
		s, err := c.quick()
		switch {
		case errors.Is(err, errSilent):
			err = c.stuck(alive)
		case err == nil:
			// Alive and on-line, yet the answer may be lost.
			if alive = time.Now(); len(s.Blocking()) == 0 && time.Since(start) > endTime {
				return &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "escpos: end of receipt", Device: d.info.ID}
			}
			err = c.judge(s, start)
			if errors.Is(err, errSilent) {
				err = nil // slow, not silent
			}
		}
		if err != nil {
			return err
		}
	}
	return c.last()
}

// last looks once more: the cutter may have stuck at the very end.
func (c *conversation) last() error {
	s, err := c.state(c.ctx)
	if errors.Is(err, errSilent) {
		return nil // the proof came
	}
	if err != nil {
		return err
	}
	if s.CutterError || s.Unrecoverable {
		return c.device.blocked(s)
	}
	return nil // out of paper or opened after the cut is no fault of this receipt
}

// drain waits until our side of the link holds no bytes any more.
func (c *conversation) drain() error {
	left, moved := c.port.Unsent(), time.Now()
	for left > 0 {
		if _, err := c.listen(0, time.Now().Add(step)); err != nil && !errors.Is(err, errSilent) {
			return err
		}
		if now := c.port.Unsent(); now < left {
			left, moved = now, time.Now()
			continue
		}
		if err := c.stuck(moved); err != nil {
			return err
		}
	}
	if c.device.seen {
		return c.look()
	}
	return nil
}

// forget drops what is left of a receipt that failed, here and in the printer:
// nobody may find it on the paper when the roll is changed.
func (c *conversation) forget() {
	d := c.device
	c.ctx = context.WithoutCancel(c.ctx)
	c.port.Abandon()
	err := c.send(encode.Forget())
	if err == nil && d.seen {
		_, err = c.realtime(1) // answered once the command before was read
	}
	if err != nil {
		d.log.Debug("receipt printer buffer not cleared", "err", err)
		_ = d.hangUp() // drops what waits on our side
	}
}
