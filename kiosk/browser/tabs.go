package browser

import (
	"context"
	"errors"
	"time"

	"pointnum/kiosk"
)

// show navigates a page to an address and waits until it is there. A page
// that breaks on the way gets a second chance.
func (p *process) show(ctx context.Context, pg *page, address string) error {
	err := p.showOnce(ctx, pg, address)
	if errors.Is(err, errBroke) {
		err = p.showOnce(ctx, pg, address)
	}
	return err
}

// errBroke: the page's process broke before it showed anything.
var errBroke = &kiosk.Error{Code: kiosk.CodeBrowserBroken, Op: "browser: open", Err: errors.New("the page broke")}

func (p *process) showOnce(ctx context.Context, pg *page, address string) error {
	ctx, cancel := context.WithTimeout(ctx, firstTimeout)
	defer cancel()
	p.mu.Lock()
	shown := pg.shown
	p.mu.Unlock()
	if err := p.navigate(ctx, pg, address); err != nil {
		return err
	}
	select {
	case <-shown:
		return nil
	case why := <-pg.failed:
		return whyFailed(why)
	case <-p.b.Done():
		return &kiosk.Error{Code: kiosk.CodeBrowserBroken, Op: "browser: open"}
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return noNetwork()
		}
		return context.Cause(ctx)
	}
}

// navigate has a new page go to an address, and returns when what is there
// has taken its place. It may not be painted then: a page behind another never
// is.
func (p *process) navigate(ctx context.Context, pg *page, address string) error {
	ctx, cancel := context.WithTimeout(ctx, firstTimeout)
	defer cancel()
	select {
	case <-pg.failed: // of before
	default:
	}
	a, err := p.b.Send(pg.session, "Page.navigate", params{"url": address})
	if err != nil {
		return fault("open", err)
	}
	var r struct {
		ErrorText string `json:"errorText"`
	}
	answered := make(chan error, 1)
	p.work.Go(func() { answered <- a.Wait(ctx, &r) })
	select {
	case err = <-answered:
	case why := <-pg.failed: // a page that broke may never answer
		return whyFailed(why)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return noNetwork()
	}
	if err != nil {
		return fault("open", err)
	}
	if r.ErrorText != "" {
		return noNetwork()
	}
	late, stop := context.WithTimeout(ctx, stuckTimeout)
	defer stop()
	return p.committed(late, pg)
}

// errStuck: the address answered, and the page does not take its place.
var errStuck = &kiosk.Error{Code: kiosk.CodeBrowserBroken, Op: "browser: open", Err: errors.New("the page is stuck")}

// committed waits until a page that has its answer is in place; one that
// failed or whose browser is gone is seen by the caller.
func (p *process) committed(ctx context.Context, pg *page) error {
	for {
		p.mu.Lock()
		there := pg.url != "" && pg.url != "about:blank"
		p.mu.Unlock()
		if there || len(pg.failed) > 0 || p.dead() {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond): // pacing
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return errStuck
			}
			return context.Cause(ctx)
		}
	}
}

// showIn shows an address in a new tab's page, by show or navigate. Chromium
// at times answers for a page and never puts it in place, without a word:
// another page is made then.
func (v *visit) showIn(ctx context.Context, p *process, pg *page, address string, by func(context.Context, *page, string) error) error {
	for try := 1; ; try++ {
		err := by(ctx, pg, address)
		if !(errors.Is(err, errStuck) || errors.Is(err, errBroke)) || try == showTries || ctx.Err() != nil {
			if err != nil && pg.tab == mailboxTab {
				p.forget(pg)
			}
			return err
		}
		v.b.o.Log.Warn("page does not come, another one is made", "try", try)
		p.mu.Lock()
		restore := pg.restore
		p.mu.Unlock()
		next, err := p.addTab(ctx, pg.tab)
		if next != nil {
			p.forget(pg)
		}
		if err != nil {
			return fault("open", err)
		}
		p.mu.Lock()
		next.restore = restore
		p.mu.Unlock()
		pg = next
		v.showFront(p)
	}
}

// forget closes a page that is no use.
func (p *process) forget(pg *page) {
	p.tell("", "Target.closeTarget", params{"targetId": pg.target})
}

func whyFailed(why string) error {
	if why == string(kiosk.StopCrash) {
		return errBroke
	}
	return noNetwork()
}

func noNetwork() error {
	return &kiosk.Error{Code: kiosk.CodeNoNetwork, Op: "browser: open"}
}

func badRequest(op, why string) error {
	return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "browser: " + op, Err: errors.New(why)}
}

// addTab opens a tab and gives its page.
func (p *process) addTab(ctx context.Context, tab int) (*page, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p.mu.Lock()
	p.expect++
	p.mu.Unlock()
	var r struct {
		TargetID string `json:"targetId"`
	}
	if err := p.b.Call(ctx, "", "Target.createTarget", params{"url": "about:blank"}, &r); err != nil {
		return nil, err
	}
	for {
		p.mu.Lock()
		for i, pg := range p.expected {
			if pg.target == r.TargetID {
				p.expected = append(p.expected[:i:i], p.expected[i+1:]...)
				pg.tab = tab
				p.tabs[tab] = append(p.tabs[tab], pg)
				p.mu.Unlock()
				// A page behind another is not painted, and may never be idle.
				p.tell("", "Target.activateTarget", params{"targetId": pg.target})
				return pg, p.settle(ctx, pg)
			}
		}
		p.mu.Unlock()
		select {
		case <-time.After(5 * time.Millisecond): // pacing: its event comes just after the answer
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-p.b.Done():
			return nil, errors.New("the browser is gone")
		}
	}
}

// OpenMailbox shows an address in the mailbox's tab; see kiosk.Browsing.
func (v *visit) OpenMailbox(ctx context.Context, address string) error {
	if err := checkAddress(address, v.allow); err != nil {
		return err
	}
	p, _, err := v.current()
	if err != nil {
		return err
	}
	p.mu.Lock()
	stack := p.tabs[mailboxTab]
	p.mu.Unlock()
	if len(stack) > 0 {
		if err := v.turnTo(p, mailboxTab); err != nil {
			return err
		}
		return fault("mailbox", p.b.Call(ctx, stack[0].session, "Page.navigate", params{"url": address}, nil))
	}
	pg, err := p.addTab(ctx, mailboxTab)
	if err != nil {
		return fault("mailbox", err)
	}
	if err := v.turnTo(p, mailboxTab); err != nil {
		return err
	}
	return v.showIn(ctx, p, pg, address, p.show)
}
