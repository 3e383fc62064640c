package escpos

import (
	"context"
	"errors"
	"time"

	"pointnum/drivers/escpos/encode"
	"pointnum/drivers/escpos/link"
)

// How long things take.
const (
	answerTime = 400 * time.Millisecond // a request to its answer
	step       = 100 * time.Millisecond // longest wait that does not look at the context
	askEvery   = 700 * time.Millisecond // between looks at the state while printing
	coolDown   = 6                      // times stall, for a hot head
	endTime    = time.Minute            // from the last byte sent to the proof that it is printed
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
