package phone

import (
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"sync"
	"time"

	"pointnum/kiosk"
)

var (
	errLost     = &kiosk.Error{Code: kiosk.CodePhoneLost, Op: "phone: link"}
	errSentAway = &kiosk.Error{Code: kiosk.CodePhoneLost, Op: "phone: sent away"}
	errClosed   = &kiosk.Error{Code: kiosk.CodeCanceled, Op: "phone: closed"}
)

// link is the visit's: one invitation after the other, and the phone that took
// one.
type link struct {
	r    *Relay
	o    kiosk.PhoneOptions
	ctx  context.Context
	end  context.CancelFunc
	work sync.WaitGroup

	mu     sync.Mutex
	state  kiosk.PhoneState
	pair   *pairing // the phone that is there
	offers map[uint32]*offer
	failed error // of erasing
}

// set changes the state and tells of it.
func (l *link) set(change func(*kiosk.PhoneState)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.setLocked(change)
}

func (l *link) setLocked(change func(*kiosk.PhoneState)) {
	change(&l.state)
	s := l.state
	s.Offers = slices.Clone(s.Offers)
	l.o.Follow(s)
}

func (l *link) trouble(c kiosk.Code) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.Trouble != c {
		l.setLocked(func(s *kiosk.PhoneState) { s.Trouble = c })
	}
}

// run invites phones until the link ends.
func (l *link) run() {
	for l.ctx.Err() == nil {
		p := l.invite()
		if p == nil {
			return
		}
		l.leave(p, p.serve())
	}
}

// invitation is one QR code.
type invitation struct {
	session, token string
	private        *ecdh.PrivateKey
}

func newInvitation() (*invitation, error) {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	return &invitation{session: newID(), token: newID(), private: private}, err
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// address is what the QR code says.
func (i *invitation) address(base, lang string) string {
	return base + "/d#" + i.session + "." + base64.RawURLEncoding.EncodeToString(i.private.PublicKey().Bytes()) + "." + lang
}

// invite shows one QR code after the other until a phone has taken one; nil
// when the link ends first.
func (l *link) invite() *pairing {
	taken := make(chan *pairing)
	ctx, cancel := context.WithCancel(l.ctx)
	defer cancel() // the other codes are erased
	for {
		shown := l.r.o.Rotation
		inv, err := l.offerCode(ctx)
		if err != nil {
			if shown = again; kiosk.CodeOf(err) == kiosk.CodeOutOfOrder {
				shown = 10 * again
			}
		} else {
			l.work.Go(func() { l.await(ctx, inv, taken) })
		}
		timer := time.NewTimer(shown)
		select {
		case p := <-taken:
			timer.Stop()
			return p
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// offerCode opens a session and shows its code.
func (l *link) offerCode(ctx context.Context) (*invitation, error) {
	inv, err := newInvitation()
	if err == nil {
		err = l.r.pageKnown(ctx)
	}
	if err == nil {
		err = l.r.api.open(ctx, inv.session, inv.token)
	}
	if err != nil {
		if ctx.Err() == nil {
			c := kiosk.CodeNoNetwork
			if kiosk.CodeOf(err) == kiosk.CodeOutOfOrder {
				c = kiosk.CodeOutOfOrder
			}
			l.set(func(s *kiosk.PhoneState) { s.Address, s.Trouble = "", c })
			l.r.o.Log.Warn("no phone can be invited", "code", c)
		}
		return nil, err
	}
	l.set(func(s *kiosk.PhoneState) {
		s.Address = inv.address(l.r.o.Address, l.o.Lang)
		if s.Trouble != kiosk.CodePhoneLost { // the visitor reads why they see a code again
			s.Trouble = ""
		}
	})
	return inv, nil
}

// await waits for the phone that takes an invitation. One that nobody took is
// erased.
func (l *link) await(ctx context.Context, inv *invitation, taken chan<- *pairing) {
	limit, cancel := context.WithTimeout(ctx, 2*l.r.o.Rotation)
	defer cancel()
	for limit.Err() == nil {
		key, err := l.r.api.phone(limit, inv.session, inv.token)
		switch {
		case errors.Is(err, errGone), errors.Is(err, errRelay):
			cancel()
		case err != nil:
			pause(limit, again)
		case key != nil:
			k, err := derive(inv.private, key, inv.session)
			if err != nil { // nobody's key: whoever sent it has lost the code
				cancel()
				break
			}
			p := l.newPairing(inv, k)
			select {
			case taken <- p:
				return
			case <-ctx.Done():
				p.end(errClosed)
				k.forget()
			}
		}
	}
	l.remove(inv.session, inv.token)
}

// remove erases a session at the relay, whatever has ended.
func (l *link) remove(session, token string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), 3*time.Second)
	defer cancel()
	if err := l.r.api.remove(ctx, session, token); err != nil && !errors.Is(err, errGone) {
		l.r.o.Log.Warn("the relay did not erase a session; it will by itself")
		l.mu.Lock()
		l.failed = &kiosk.Error{Code: kiosk.CodeNoNetwork, Op: "phone: erase"}
		l.mu.Unlock()
	}
}

// leave ends with a phone: it is told why, and everything of it is erased.
func (l *link) leave(p *pairing, why error) {
	p.end(why)
	l.mu.Lock()
	l.pair, l.offers = nil, map[uint32]*offer{}
	lost := l.ctx.Err() == nil && !errors.Is(why, errSentAway)
	l.setLocked(func(s *kiosk.PhoneState) {
		*s = kiosk.PhoneState{Signs: s.Signs}
		if lost {
			s.Trouble = kiosk.CodePhoneLost
		}
	})
	l.mu.Unlock()
	if lost {
		l.r.o.Log.Warn("phone lost", "code", kiosk.CodeOf(why))
	}
	l.work.Go(func() {
		if l.ctx.Err() == nil {
			code := "lost"
			switch {
			case errors.Is(why, errSentAway):
				code = "refused"
			case errors.Is(why, errFrame), errors.Is(why, errBody):
				code = "broken"
			}
			ctx, cancel := context.WithTimeout(l.ctx, 3*time.Second)
			b := body{kind: kindMessage, content: message{Say: sayEnd, Code: code}.bytes()}
			if p.putLast(ctx, false, b) == nil {
				pause(l.ctx, farewell)
			}
			cancel()
		}
		p.out <- struct{}{} // whoever has it has ended with the phone
		p.keys.forget()
		<-p.out
		l.remove(p.session, p.token)
	})
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// paired is the phone that the visitor accepted; CodeBadRequest when none is
// there.
func (l *link) paired() (*pairing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pair == nil || !l.state.Accepted {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "phone: no phone"}
	}
	return l.pair, nil
}

// Accept says that the digits are the same.
func (l *link) Accept(ctx context.Context, code string) error {
	l.mu.Lock()
	p := l.pair
	if p == nil || l.state.Accepted || l.state.Code != code {
		l.mu.Unlock()
		return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "phone: accept"}
	}
	l.setLocked(func(s *kiosk.PhoneState) { s.Accepted = true }) // before the phone can answer
	l.mu.Unlock()
	return p.say(ctx, 0, message{Say: sayAccept})
}

// Restart invites another phone.
func (l *link) Restart(context.Context) error {
	l.mu.Lock()
	p := l.pair
	l.mu.Unlock()
	if p != nil {
		p.end(errSentAway)
	}
	return nil
}

// Close ends the link.
func (l *link) Close(context.Context) error {
	l.mu.Lock()
	if l.pair != nil {
		l.pair.end(errClosed)
	}
	l.mu.Unlock()
	l.end()
	l.work.Wait() // each call that is left has its limit of 3 s
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
