package browser

import (
	"context"
	"errors"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
)

// watch looks whether the page in front answers and has it shown again when
// it does not.
func (v *visit) watch() {
	t := time.NewTicker(min(beat, v.b.o.Hang/2))
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-v.ctx.Done():
			return
		}
		p, pg, err := v.current()
		if err != nil || p.asks(pg) || p.awaits(pg) {
			continue
		}
		ctx, cancel := context.WithTimeout(v.ctx, v.b.o.Hang)
		err = p.b.Call(ctx, pg.session, "Runtime.evaluate", params{"expression": "1", "silent": true}, nil)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || v.ctx.Err() != nil || p.asks(pg) || p.awaits(pg) {
			continue
		}
		v.b.o.Log.Warn("page does not answer, it is ended")
		if !p.answers(v.ctx) {
			p.b.Kill()
			continue
		}
		p.tell(pg.session, "Page.crash", nil)
	}
}

// asks says whether the page waits for an answer to its own question.
func (p *process) asks(pg *page) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pg.dialog
}

// await notes that a page waits for another page's answer, or no longer does.
func (p *process) await(pg *page, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pg.pending = time.Time{}
	if on {
		pg.pending = time.Now()
	}
}

// awaits says whether the page waits for another page's answer: until then
// Chromium keeps back what is asked of its scripts, and the watch would end
// the page whose papers are just being sent. A portal that never answers is
// given up.
func (p *process) awaits(pg *page) bool {
	p.mu.Lock()
	since, v := pg.pending, p.visit
	p.mu.Unlock()
	if since.IsZero() {
		return false
	}
	if time.Since(since) > pendingTimeout && v != nil {
		p.await(pg, false)
		p.tell(pg.session, "Page.stopLoading", nil)
		v.stop(p, pg, kiosk.StopNetwork)
	}
	return true
}

// goWithout shows another address in a page that asks something: it may ask
// again and again, and goes nowhere meanwhile. Its process is ended first.
func (p *process) goWithout(pg *page, address string) {
	p.mu.Lock()
	pg.going = address
	p.mu.Unlock()
	p.tell(pg.session, "Page.crash", nil)
}

func (p *process) addressOf(pg *page) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pg.url
}

// answers says whether the browser process itself does.
func (p *process) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, p.o.Hang)
	defer cancel()
	return p.b.Call(ctx, "", "Browser.getVersion", nil, nil) == nil
}

// crashed: the process of a page or of a frame broke.
func (p *process) crashed(ev devtools.Event) {
	p.mu.Lock()
	s, v := p.sessions[ev.Session], p.visit
	if s == nil || s.page == nil || v == nil || p.ending {
		p.mu.Unlock()
		if v == nil {
			p.b.Kill() // a spare one that is no use
		}
		return
	}
	pg, address, wanted := s.page, s.page.url, s.page.going != ""
	if wanted {
		address, pg.going = pg.going, ""
	}
	pg.restore, pg.dialog, pg.pending = address != "", false, time.Time{}
	clear(pg.focus)
	p.mu.Unlock()
	if address == "" { // show tries again
		select {
		case pg.failed <- string(kiosk.StopCrash):
		default:
		}
		if pg.opener != nil { // nobody tries a popup again
			p.tell("", "Target.closeTarget", params{"targetId": pg.target})
		}
		return
	}
	if !wanted {
		v.b.o.Log.Warn("page broke, it is shown again")
		v.mu.Lock()
		v.restarted++
		v.stopped = kiosk.StopCrash
		v.mu.Unlock()
	}
	v.dropChoice(func(c *choice) bool { return c.page == pg })
	v.changed()
	// Not reload: it would send a form again.
	p.tell(pg.session, "Page.navigate", params{"url": address})
}

// reopen makes the portal's tab again after its last page was closed.
func (v *visit) reopen(p *process) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed {
		return
	}
	v.restarted++
	v.stopped = kiosk.StopCrash
	v.work.Go(func() {
		v.again(p, nil, portalTab)
		v.showFront(p)
	})
}

// again shows in a tab what it showed last, in a page that is new, or in a new
// one. It returns when that is there, or when it can't be had: the visitor may
// try again then.
func (v *visit) again(p *process, pg *page, tab int) {
	v.mu.Lock()
	address := v.addresses[tab]
	v.mu.Unlock()
	if address == "" {
		address = v.home
	}
	if pg == nil {
		ctx, cancel := context.WithTimeout(v.ctx, callTimeout)
		defer cancel()
		var err error
		if pg, err = p.addTab(ctx, tab); err != nil {
			return // the process is going, too
		}
	}
	p.mu.Lock()
	pg.restore = true
	p.mu.Unlock()
	v.showFront(p)
	if err := v.showIn(v.ctx, p, pg, address, p.navigate); kiosk.CodeOf(err) == kiosk.CodeNoNetwork {
		v.stop(p, pg, kiosk.StopNetwork)
	}
}

// processGone replaces a process that ended by itself. It is called once by
// the process's reader, and the visit waits for what it starts.
func (v *visit) processGone(p *process) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed || v.proc != p {
		return
	}
	v.over = append(v.over, p)
	v.proc = nil
	v.choice = nil
	v.restarted++
	v.stopped = kiosk.StopCrash
	v.changed()
	v.b.o.Log.Warn("browser ended by itself, another one takes over")
	v.work.Go(v.replace)
}

// replace shows the last address of each tab in another process.
func (v *visit) replace() {
	for wait := startAgain; v.ctx.Err() == nil; wait = min(2*wait, startAgainMost) {
		p, err := v.b.take(v.ctx)
		if err == nil {
			v.takeOver(p)
			return
		}
		v.b.o.Log.Warn("browser does not start", "err", err)
		select {
		case <-time.After(wait):
		case <-v.ctx.Done():
		}
	}
}

func (v *visit) takeOver(p *process) {
	v.mu.Lock()
	mailbox := v.addresses[mailboxTab] != ""
	v.mu.Unlock()
	v.again(p, v.adopt(p), portalTab)
	if mailbox {
		v.again(p, nil, mailboxTab)
	}
	if p.dead() {
		v.processGone(p)
	}
}
