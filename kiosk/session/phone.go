package session

import (
	"context"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/spool"
	"pointnum/kiosk/watch"
)

const (
	// phoneTimeout limits what is told to a phone beside a task.
	phoneTimeout = 20 * time.Second
	// answerTimeout limits the word on what became of a file: the visitor
	// waits for it.
	answerTimeout = 5 * time.Second
)

// phone is the visitor's phone, or the invitation of one. The fields are the
// actor's; none is ever journaled.
type phone struct {
	link   kiosk.PhoneLink
	ctx    context.Context // ends with it
	end    context.CancelFunc
	follow *watch.Value[kiosk.PhoneState]

	state  kiosk.PhoneState
	shown  bool // its screen is
	giving bool // to send the current document
	added  int
	tried  map[string]bool // offers of the phone that is there
}

// actOnPhone does what needs phones.
func (e *Engine) actOnPhone(a Action) bool {
	if e.cfg.Phone == nil {
		return false
	}
	switch a.(type) {
	case OpenPhone:
		return e.openPhone()
	case SendToPhone:
		return e.sendToPhone()
	}
	p := e.phone
	if p == nil || !p.shown {
		return false
	}
	switch a := a.(type) {
	case AcceptPhone:
		if a.Code == "" || a.Code != p.state.Code || p.state.Accepted {
			return false
		}
		e.tell(p, func(ctx context.Context) error { return p.link.Accept(ctx, a.Code) })
	case OtherPhone:
		e.tell(p, p.link.Restart)
	case ClosePhone:
		e.hidePhone()
	}
	return true
}

// tell passes something on to the phone beside the actor. What came of it is
// in the phone's state.
func (e *Engine) tell(p *phone, do func(context.Context) error) {
	e.workers.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, phoneTimeout)
		defer cancel()
		if err := do(ctx); err != nil && p.ctx.Err() == nil {
			e.cfg.Log.Warn("phone not told", "code", kiosk.CodeOf(err))
		}
	})
}

// openPhone shows the phone's screen to bring papers.
func (e *Engine) openPhone() bool {
	if b := e.browse; b != nil && e.visit.Screen == ScreenBrowse {
		if !e.addForChoice(b) {
			return false
		}
		if e.visit.Fault != nil { // no room for another paper
			return true
		}
	}
	return e.collecting() && e.showPhone(false)
}

// showPhone shows the phone's screen, and invites one where none is there.
func (e *Engine) showPhone(giving bool) bool {
	if e.phone == nil && !e.invite() {
		return false
	}
	p := e.phone
	p.shown, p.giving, p.added = true, giving, 0
	e.keys, e.visit.Fault = nil, nil
	return true
}

func (e *Engine) invite() bool {
	p := &phone{tried: map[string]bool{}, follow: new(watch.Value[kiosk.PhoneState])}
	p.ctx, p.end = context.WithCancel(e.ctx)
	var err error
	if p.link, err = e.cfg.Phone.Open(p.ctx, kiosk.PhoneOptions{Lang: e.visit.Lang, Follow: p.follow.Set}); err != nil {
		p.end()
		e.cfg.Log.Error("no phone can be invited", "err", err)
		return false
	}
	e.phone = p
	e.workers.Go(func() { e.followPhone(p) })
	return true
}

// followPhone takes over what the phone does.
func (e *Engine) followPhone(p *phone) {
	var seq uint64
	for {
		s, next, err := p.follow.Wait(p.ctx, seq)
		if err != nil {
			return
		}
		seq = next
		if e.call(p.ctx, func() { e.seenPhone(p, s) }) != nil {
			return
		}
	}
}

func (e *Engine) seenPhone(p *phone, s kiosk.PhoneState) {
	if e.phone != p || e.ending != "" {
		return
	}
	if s.Accepted && s.Signs > p.state.Signs {
		e.touch() // its owner stands here: they accepted it
		if e.task != nil {
			e.task.moved = e.touched // a large file on a slow network
		}
	}
	if !s.Accepted {
		clear(p.tried)
	}
	p.state = s
	e.takeOffer()
	e.publish()
}

// hidePhone puts the phone's screen away, and the invitation that nobody took.
func (e *Engine) hidePhone() {
	p := e.phone
	if p == nil {
		return
	}
	p.shown, p.giving = false, false
	if !p.state.Accepted {
		e.dropPhone()
		e.workers.Go(func() { p.close(e) })
	}
}

// dropPhone forgets the phone; its link is still to be closed.
func (e *Engine) dropPhone() *phone {
	p := e.phone
	e.phone = nil
	if p != nil {
		p.end()
	}
	return p
}

// close erases the link's keys and what the relay has. Where that does not
// answer nothing is lost: it can't read what it has, and erases it by itself.
func (p *phone) close(e *Engine) {
	if p == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), e.closing())
	defer cancel()
	if err := p.link.Close(ctx); err != nil {
		e.cfg.Log.Warn("phone's relay not told of the end", "code", kiosk.CodeOf(err))
	}
}

// publicPhone is what screens see of it.
func (e *Engine) publicPhone() *Phone {
	p := e.phone
	if p == nil || !p.shown {
		return nil
	}
	public := &Phone{PhoneState: p.state, Giving: p.giving, Added: p.added}
	public.Offers = nil
	return public
}

// takeOffer takes what the phone offers, or gives it what it was asked in for,
// as soon as nothing else is in hand.
func (e *Engine) takeOffer() {
	p := e.phone
	if p == nil || !p.shown || !p.state.Accepted || e.task != nil || e.ending != "" || e.visit.Fault != nil {
		return
	}
	if p.giving {
		e.give()
		return
	}
	if !e.collecting() {
		return
	}
	for _, f := range p.state.Offers {
		if !p.tried[f.ID] {
			p.tried[f.ID] = true
			e.receive(p, f)
			return
		}
	}
}

// receive makes pages of a file of the phone's, as of one of a key.
func (e *Engine) receive(p *phone, f kiosk.PhoneFile) {
	e.begin(TaskReceive, nil, func(t *task) outcome {
		blob, err := t.copyFromPhone(p, f)
		o := outcome{err: t.why(err)}
		if err == nil {
			oid := newID()
			if o.err = t.do(func() {
				e.visit.Origins[oid] = &origin{Blob: blob, Name: f.Name, Paper: e.visit.paper().ID}
				e.save()
			}); o.err == nil {
				o = t.read(oid)
			}
		}
		ctx, cancel := context.WithTimeout(t.ctx, answerTimeout)
		defer cancel()
		// A phone that is gone is told nothing; its papers are here.
		_ = p.link.Answer(ctx, f.ID, kiosk.CodeOf(o.err))
		o.then = func() {
			p.added++
			e.broughtIn(t, "")
		}
		return o
	})
}

// copyFromPhone takes the whole file into the spool: the phone may go then.
func (t *task) copyFromPhone(p *phone, f kiosk.PhoneFile) (spool.Blob, error) {
	if f.Size > t.e.cfg.MaxFile {
		return spool.Blob{}, &kiosk.Error{Code: kiosk.CodeFileTooBig, Op: "session: phone"}
	}
	rc, err := p.link.Receive(t.work, f.ID)
	if err != nil {
		return spool.Blob{}, err
	}
	return t.copyIn(rc)
}

// sendToPhone gives the current paper's files to the phone, or invites one for
// them.
func (e *Engine) sendToPhone() bool {
	if !e.delivering() || e.visit.paper().Result == nil {
		return false
	}
	return e.showPhone(true) // takeOffer gives them to one that is there
}

// give sends the current paper's files.
func (e *Engine) give() {
	ph, p := e.phone, e.visit.paper()
	if p.Result == nil {
		e.hidePhone()
		return
	}
	r := *p.Result // a copy for the worker
	e.begin(TaskSend, SendToPhone{}, func(t *task) outcome {
		err := ph.link.Send(t.work, e.attachments(&r), func(done, total int) { t.progress(done, total, "") })
		if err != nil {
			// Only the visitor tries it again.
			return outcome{err: t.why(err), failed: e.hidePhone}
		}
		return outcome{then: func() {
			e.hidePhone()
			p.Result.OnPhone = true
			e.delivered(p)
			e.count(Event{Kind: EventPhoned, Count: len(r.Files), Took: e.since(t.started)})
		}}
	})
}
