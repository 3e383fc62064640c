package browser

import (
	"context"
	"errors"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
)

// entry is a page of a tab's history.
type entry struct {
	ID  int    `json:"id"`
	URL string `json:"url"`
}

// previous gives the page before the current one; ok is false when the
// current one is the first. The blank page that a tab begins with counts for
// nothing.
func (p *process) previous(ctx context.Context, pg *page) (e entry, ok bool, err error) {
	var h struct {
		Current int     `json:"currentIndex"`
		Entries []entry `json:"entries"`
	}
	if err := p.callActive(ctx, pg, "Page.getNavigationHistory", &h); err != nil {
		return entry{}, false, err
	}
	if h.Current < 1 || h.Current > len(h.Entries)-1 || h.Entries[h.Current-1].URL == "about:blank" {
		return entry{}, false, nil
	}
	return h.Entries[h.Current-1], true, nil
}

// callActive calls what needs a page that is in place: just after another
// site was shown, the page's new process takes over, and Chromium refuses.
func (p *process) callActive(ctx context.Context, pg *page, method string, result any) error {
	ctx, cancel := context.WithTimeout(ctx, activeTimeout)
	defer cancel()
	for {
		err := p.b.Call(ctx, pg.session, method, nil, result)
		if _, refused := errors.AsType[*devtools.Error](err); !refused {
			return err
		}
		select {
		case <-time.After(5 * time.Millisecond): // pacing
		case <-ctx.Done():
			return err
		}
	}
}

// history looks whether the visitor can go back.
func (p *process) history(ctx context.Context, pg *page) {
	_, ok, err := p.previous(ctx, pg)
	if err != nil {
		return
	}
	p.mu.Lock()
	pg.canBack = ok || pg.opener != nil
	p.mu.Unlock()
	p.changed()
}

// leave brings the visitor back from a page that must not be.
func (p *process) leave(ctx context.Context, pg *page) {
	p.mu.Lock()
	pg.restore = true
	first := pg.url == ""
	p.mu.Unlock()
	e, ok, err := p.previous(ctx, pg)
	switch {
	case err != nil:
	case ok:
		p.tell(pg.session, "Page.navigateToHistoryEntry", params{"entryId": e.ID})
	case pg.opener != nil:
		p.tell("", "Target.closeTarget", params{"targetId": pg.target})
	case !first:
		p.tell(pg.session, "Page.navigate", params{"url": pg.url})
	default:
		p.tell(pg.session, "Page.navigate", params{"url": "about:blank"})
	}
}

// stopAt notes that a page was not shown because of its host.
func (v *visit) stopAt(p *process, pg *page, host string) {
	v.mu.Lock()
	v.foreign = host
	v.mu.Unlock()
	v.stop(p, pg, kiosk.StopForeign)
}

// stop notes why a page was not shown. A popup that has shown nothing yet is
// closed, one that is being opened by us is told.
func (v *visit) stop(p *process, pg *page, why kiosk.BrowserStop) {
	if pg == nil {
		return
	}
	p.mu.Lock()
	empty := pg.url == "" || pg.url == "about:blank"
	p.mu.Unlock()
	select {
	case pg.failed <- string(why):
	default:
	}
	if empty && pg.opener != nil {
		p.tell("", "Target.closeTarget", params{"targetId": pg.target})
	}
	v.mu.Lock()
	if v.proc == p {
		v.stopped = why
	}
	v.mu.Unlock()
	v.changed()
}

// Do moves through pages and tabs; see kiosk.Browsing.
func (v *visit) Do(ctx context.Context, c kiosk.BrowserCommand) error {
	p, pg, err := v.current()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	switch c {
	case kiosk.BrowserBack:
		return fault("back", v.back(ctx, p, pg))
	case kiosk.BrowserReload:
		if p.asks(pg) {
			p.goWithout(pg, p.addressOf(pg))
			return nil
		}
		return fault("reload", p.b.Call(ctx, pg.session, "Page.reload", nil, nil))
	case kiosk.BrowserHome:
		return fault("home", v.goHome(ctx, p))
	case kiosk.BrowserPortal:
		return fault("portal", v.turnTo(p, portalTab))
	case kiosk.BrowserMailbox:
		return fault("mailbox", v.turnTo(p, mailboxTab))
	case kiosk.BrowserLarger:
		return fault("zoom", v.zoomBy(ctx, p, stepZoom))
	case kiosk.BrowserSmaller:
		return fault("zoom", v.zoomBy(ctx, p, -stepZoom))
	}
	return badRequest("do", "no such command")
}

func (v *visit) back(ctx context.Context, p *process, pg *page) error {
	if p.asks(pg) { // the question is what is left first
		return p.b.Call(ctx, pg.session, "Page.handleJavaScriptDialog", params{"accept": false}, nil)
	}
	e, ok, err := p.previous(ctx, pg)
	switch {
	case err != nil:
		return err
	case ok:
		return p.b.Call(ctx, pg.session, "Page.navigateToHistoryEntry", params{"entryId": e.ID}, nil)
	case pg.opener != nil:
		return p.b.Call(ctx, "", "Target.closeTarget", params{"targetId": pg.target}, nil)
	}
	return nil // nothing before it: the button is grey
}

// goHome closes the portal's popups and shows its first page.
func (v *visit) goHome(ctx context.Context, p *process) error {
	p.mu.Lock()
	stack := p.tabs[portalTab]
	p.front = portalTab
	p.mu.Unlock()
	if len(stack) == 0 {
		return nil // it is being shown again
	}
	for _, popup := range stack[1:] {
		p.tell("", "Target.closeTarget", params{"targetId": popup.target})
	}
	v.showFront(p)
	if p.asks(stack[0]) {
		p.goWithout(stack[0], v.home)
		return nil
	}
	return p.b.Call(ctx, stack[0].session, "Page.navigate", params{"url": v.home}, nil)
}

func (v *visit) turnTo(p *process, tab int) error {
	p.mu.Lock()
	have := len(p.tabs[tab]) > 0
	if have {
		p.front = tab
	}
	p.mu.Unlock()
	if !have {
		return badRequest("turn", "there is no such tab")
	}
	v.showFront(p)
	return nil
}

// showFront brings the front tab's page to the front.
func (v *visit) showFront(p *process) {
	if pg := p.frontPage(); pg != nil {
		p.tell("", "Target.activateTarget", params{"targetId": pg.target})
		p.tell(pg.session, "Page.bringToFront", nil)
		p.size(pg)
	}
	v.changed()
}
