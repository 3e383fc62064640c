package escpos

import (
	"context"
	"errors"
	"time"

	"pointnum/drivers/escpos/encode"
	"pointnum/drivers/escpos/link"
	"pointnum/kiosk"
)

// How long things take.
const (
	answerTime = 400 * time.Millisecond // a request to its answer
	step       = 100 * time.Millisecond // longest wait that does not look at the context
	askEvery   = 700 * time.Millisecond // between looks at the state while printing
	coolDown   = 6                      // times stall, for a hot head
)

// errSilent says that the printer did not answer.
var errSilent = errors.New("no answer")

// conversation is one use of an open port.
type conversation struct {
	device   *device
	port     link.Port
	identity link.Identity
	ctx      context.Context // ends with the call or with the device
	answers  Answers
	report   *State // the latest automatic report, nil before the first
	paper    bool   // an answer to GS r came
}

// send writes a request. A port without room for it within answerTime is as
// good as silent.
func (c *conversation) send(b []byte) error {
	until := time.Now().Add(answerTime)
	for len(b) > 0 {
		if err := context.Cause(c.ctx); err != nil {
			return err
		}
		n, err := c.port.Write(b, step)
		if err != nil && !errors.Is(err, link.ErrTimeout) {
			return err
		}
		if err != nil && time.Now().After(until) {
			return errSilent
		}
		b = b[n:]
	}
	return nil
}

// listen returns the first answer of a kind that comes before until.
func (c *conversation) listen(kind AnswerKind, until time.Time) (Answer, error) {
	var b [256]byte
	for {
		if err := context.Cause(c.ctx); err != nil {
			return Answer{}, err
		}
		left := time.Until(until)
		n, err := c.port.Read(b[:], min(max(left, 0), step))
		if err != nil && !errors.Is(err, link.ErrTimeout) {
			return Answer{}, err
		}
		var found *Answer
		for _, a := range c.answers.Feed(b[:n]) {
			c.take(a)
			if a.Kind == kind && found == nil {
				found = &a
			}
		}
		if found != nil {
			c.device.seen = true
			return *found, nil
		}
		if left <= 0 {
			return Answer{}, errSilent
		}
	}
}

// take keeps what the printer said without being asked, or later.
func (c *conversation) take(a Answer) {
	switch a.Kind {
	case Report:
		s := ReportState(a.ASB)
		c.report = &s
	case Paper:
		c.paper = true
	}
}

// question sends a request and waits for its answer, one at a time. Bytes that
// came before cannot be the answer.
func (c *conversation) question(request []byte, kind AnswerKind) (Answer, error) {
	if _, err := c.listen(0, time.Now()); err != nil && !errors.Is(err, errSilent) {
		return Answer{}, err
	}
	if err := c.send(request); err != nil {
		return Answer{}, err
	}
	return c.listen(kind, time.Now().Add(answerTime))
}

// realtime asks for one of the four states. Some printers answer each request
// with the answer to the one before; they are asked twice.
func (c *conversation) realtime(n byte) (byte, error) {
	request := []byte{0x10, 0x04, n}
	a, err := c.question(request, Realtime)
	if err == nil && c.device.ask == askTwice {
		a, err = c.question(request, Realtime)
	}
	return a.Byte, err
}

// state asks everything: DLE EOT 1 to 4. It fails with errSilent when the
// printer does not answer; what the link itself tells is in the state then.
func (c *conversation) state(ctx context.Context) (State, error) {
	var s State
	if c.device.ask != askNever {
		for n := byte(1); n <= 4; n++ {
			b, err := c.realtime(n)
			if errors.Is(err, errSilent) && n == 1 {
				b, err = c.realtime(n) // the first one may have woken it up
			}
			if errors.Is(err, errSilent) && n > 1 {
				continue // some know only the first
			}
			if errors.Is(err, errSilent) {
				if signals := c.signals(&s); signals {
					return s, nil
				}
				return s, err
			}
			if err != nil {
				return s, err
			}
			s.Realtime(int(n), b)
		}
	}
	c.signals(&s)
	return s, context.Cause(ctx)
}

// signals adds what the link knows, and tells whether that is a fault.
func (c *conversation) signals(s *State) bool {
	l := c.port.Signals()
	if !l.Known || !l.PaperOut && !l.Fault {
		return false
	}
	s.PaperOut = s.PaperOut || l.PaperOut
	s.Error = s.Error || l.Fault
	return true
}

// names asks for maker, model and serial number (GS I 66, 67, 68).
func (c *conversation) names(ctx context.Context) link.Identity {
	var id link.Identity
	for _, ask := range []struct {
		n    byte
		into *string
	}{{67, &id.Model}, {66, &id.Make}, {68, &id.Serial}} {
		a, err := c.question([]byte{0x1d, 'I', ask.n}, Name)
		if err != nil || context.Cause(ctx) != nil {
			break // printers without names have none of them
		}
		*ask.into = a.Name
	}
	return id
}

// prepare makes sure that the printer can print, and finds out whether it can
// prove that it did: GS r 1 is answered when all before it was printed.
func (c *conversation) prepare() (proof bool, err error) {
	d := c.device
	if err := c.port.Discard(); err != nil {
		return false, err
	}
	s, err := c.state(c.ctx)
	if err != nil && !d.mayBeSilent(err) {
		return false, err
	}
	if err := d.blocked(s); err != nil {
		return false, err
	}
	if d.begun {
		if err := c.push(encode.Separate(d.paper, d.owed)); err != nil {
			return false, err
		}
		d.begun, d.owed = false, 0
	}
	// Asked once only: after Separate the answer may take its time.
	if !s.Known || d.able {
		return d.able, nil
	}
	_, err = c.question([]byte{0x1d, 'r', 1}, Paper)
	if err != nil && !errors.Is(err, errSilent) {
		return false, err
	}
	d.able = err == nil
	return d.able, nil
}

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
			err = c.judge(State{}, alive)
		case err == nil:
			// Alive and on-line, yet the answer may be lost.
			if alive = time.Now(); len(s.Blocking()) == 0 && time.Since(start) > d.stall*coolDown {
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
