package phone

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"time"

	"pointnum/kiosk"
)

// pairing is one phone.
type pairing struct {
	l              *link
	session, token string
	keys           *keys
	ctx            context.Context // ends with the phone
	end            context.CancelCauseFunc

	// out guards what goes to the phone; whoever holds its one token may put.
	out    chan struct{}
	sent   uint64 // the number of the next frame
	unsent []byte // a frame that may not have arrived: it goes first

	// Below: guarded by link.mu.
	highest uint32 // file that was offered
	in      *incoming
	total   int64
	got     map[uint32]chan struct{} // closed when the phone has the file
	docs    uint32
	given   int64
}

// offer is a file that the phone has.
type offer struct {
	name string
	size int64
}

func (l *link) newPairing(inv *invitation, k *keys) *pairing {
	p := &pairing{l: l, session: inv.session, token: inv.token, keys: k,
		out: make(chan struct{}, 1), got: map[uint32]chan struct{}{}}
	p.ctx, p.end = context.WithCancelCause(l.ctx)
	return p
}

// serve talks with a phone until one of them ends it. The error says why.
func (p *pairing) serve() error {
	var random [16]byte
	rand.Read(random[:]) // never fails
	code, err := p.keys.code(random[:])
	if err != nil {
		return err
	}
	if err := p.put(p.ctx, false, body{kind: kindHello, content: random[:]}); err != nil {
		return err
	}
	l := p.l
	l.mu.Lock()
	l.pair = p
	l.setLocked(func(s *kiosk.PhoneState) {
		s.Address, s.Code, s.Trouble = "", code, ""
		s.Signs++
	})
	l.mu.Unlock()
	for n := uint64(0); ; n++ {
		frame, err := p.next(n)
		if err != nil {
			return err
		}
		b, last, err := open(p.keys.up, n, frame)
		if err == nil {
			err = p.take(b, last)
		}
		if err != nil {
			return err
		}
	}
}

// next waits for frame n. A network that is gone for a while ends nothing: the
// relay says when the session is over.
func (p *pairing) next(n uint64) ([]byte, error) {
	for {
		frame, err := p.l.r.api.get(p.ctx, p.session, p.token, n)
		switch {
		case p.ctx.Err() != nil:
			return nil, context.Cause(p.ctx)
		case errors.Is(err, errGone), errors.Is(err, errRelay):
			return nil, errLost
		case err != nil:
			p.l.trouble(kiosk.CodeNoNetwork)
			pause(p.ctx, again)
			continue
		}
		p.l.trouble("")
		if frame != nil {
			return frame, nil
		}
	}
}

// take does what a phone says.
func (p *pairing) take(b body, last bool) error {
	p.l.mu.Lock()
	if !p.l.state.Accepted {
		p.l.mu.Unlock()
		return errBody // a phone of ours waits
	}
	if b.kind == kindData {
		in := p.in
		known := b.file != 0 && b.file <= p.highest
		p.l.mu.Unlock()
		if !known {
			return errBody
		}
		return in.hand(p.ctx, b, last)
	}
	defer p.l.mu.Unlock()
	m, err := parseMessage(b)
	if err != nil || last {
		return errBody
	}
	switch m.Say {
	case sayOffer:
		if b.file <= p.highest || b.file > MaxFiles {
			return errBody
		}
		p.highest = b.file
		p.l.offers[b.file] = &offer{m.Name, m.Size}
	case sayDrop:
		delete(p.l.offers, b.file)
		if p.in != nil && p.in.file == b.file {
			p.in.fail(errLost)
		}
	case sayGot:
		if c := p.got[b.file]; c != nil {
			close(c)
			delete(p.got, b.file)
		}
	}
	p.l.setLocked(p.l.tell)
	return nil
}

// tell puts the offers into the state.
func (l *link) tell(s *kiosk.PhoneState) {
	s.Signs++
	s.Offers = nil
	for id, o := range l.offers {
		s.Offers = append(s.Offers, kiosk.PhoneFile{ID: strconv.FormatUint(uint64(id), 10), Name: o.name, Size: o.size})
	}
	slices.SortFunc(s.Offers, func(a, b kiosk.PhoneFile) int { return number(a.ID) - number(b.ID) })
}

// number is a file's number; 0 for what is none.
func number(id string) int {
	n, err := strconv.Atoi(id)
	if err != nil || n < 0 || n > MaxFiles {
		return 0
	}
	return n
}

func (p *pairing) say(ctx context.Context, file uint32, m message) error {
	return p.put(ctx, false, body{kind: kindMessage, file: file, content: m.bytes()})
}

// put seals a body and hands it over, unless the phone goes first.
func (p *pairing) put(ctx context.Context, last bool, b body) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(p.ctx, func() { cancel(errLost) })
	defer stop()
	return p.putLast(ctx, last, b)
}

// putLast is put for the last word, too. A frame that may not have arrived
// goes first: the phone opens them in order only.
func (p *pairing) putLast(ctx context.Context, last bool, b body) error {
	select {
	case p.out <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-p.out }()
	if p.keys.down == nil {
		return errLost
	}
	if p.unsent != nil {
		if err := p.deliver(ctx); err != nil {
			return err
		}
	}
	p.unsent = seal(p.keys.down, p.sent, last, b)
	return p.deliver(ctx)
}

// deliver hands the frame over that is not there yet.
func (p *pairing) deliver(ctx context.Context) error {
	patience := time.Now().Add(quiet)
	for {
		err := p.l.r.api.put(ctx, p.session, p.token, p.sent, p.unsent)
		wait := again
		switch {
		case err == nil:
			p.sent++
			p.unsent = nil
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errLimit):
			return &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "phone: send"}
		case errors.Is(err, errGone), errors.Is(err, errRelay):
			return errLost
		case errors.Is(err, errWait):
			wait = 200 * time.Millisecond // the phone has to fetch first
		}
		if time.Now().After(patience) {
			return errLost
		}
		pause(ctx, wait)
	}
}
