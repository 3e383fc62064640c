package browser

import (
	"context"
	"slices"
	"strings"
	"time"

	"pointnum/kiosk/browser/devtools"
)

// handled are the events that the guard reads.
var handled = []string{
	"Target.attachedToTarget", "Target.detachedFromTarget",
	"Fetch.requestPaused",
	"Page.frameNavigated", "Page.navigatedWithinDocument", "Page.frameRequestedNavigation",
	"Page.frameStartedLoading", "Page.frameStoppedLoading", "Page.domContentEventFired",
	"Page.windowOpen", "Page.javascriptDialogOpening", "Page.javascriptDialogClosed",
	"Page.fileChooserOpened", "Runtime.bindingCalled",
	"Runtime.executionContextCreated", "Runtime.executionContextDestroyed", "Runtime.executionContextsCleared",
	"Inspector.targetCrashed",
	"Browser.downloadWillBegin", "Browser.downloadProgress",
}

// read handles events, in order, until the process is gone. Nothing here
// waits for the browser: what does is spawned.
func (p *process) read() {
	handlers := map[string]func(devtools.Event){
		"Target.attachedToTarget":           p.attached,
		"Target.detachedFromTarget":         p.detached,
		"Fetch.requestPaused":               p.paused,
		"Page.frameNavigated":               p.navigated,
		"Page.navigatedWithinDocument":      p.navigatedWithin,
		"Page.frameRequestedNavigation":     p.requested,
		"Page.frameStartedLoading":          p.loading,
		"Page.frameStoppedLoading":          p.loading,
		"Page.domContentEventFired":         p.contentShown,
		"Page.windowOpen":                   p.windowOpen,
		"Page.javascriptDialogOpening":      p.dialog,
		"Page.javascriptDialogClosed":       p.dialog,
		"Page.fileChooserOpened":            p.chooser,
		"Runtime.bindingCalled":             p.told,
		"Runtime.executionContextCreated":   p.contextMade,
		"Runtime.executionContextDestroyed": p.contextGone,
		"Runtime.executionContextsCleared":  p.contextGone,
		"Inspector.targetCrashed":           p.crashed,
		"Browser.downloadWillBegin":         p.downloadBegins,
		"Browser.downloadProgress":          p.downloadGoesOn,
	}
	for {
		ev, err := p.events.Next(p.ctx)
		if err != nil {
			break
		}
		handlers[ev.Method](ev)
	}
	p.mu.Lock()
	v, ending := p.visit, p.ending
	p.mu.Unlock()
	if v != nil && !ending {
		p.b.Kill() // too many events were not read: it is no use any more
		v.processGone(p)
	}
}

// attached takes every target in hand before its scripts run: ours, popups of
// ours and frames are prepared, workers go on, anything else is closed.
func (p *process) attached(ev devtools.Event) {
	var e struct {
		SessionID  string `json:"sessionId"`
		TargetInfo struct {
			TargetID string `json:"targetId"`
			Type     string `json:"type"`
			OpenerID string `json:"openerId"`
		} `json:"targetInfo"`
	}
	if ev.Decode(&e) != nil {
		return
	}
	s := &session{id: e.SessionID, target: e.TargetInfo.TargetID, parent: ev.Session, frames: map[int]string{}}
	known, wasReady := true, false
	p.mu.Lock()
	switch e.TargetInfo.Type {
	case "page":
		s.page, known = p.newPage(e.TargetInfo.TargetID, e.SessionID, e.TargetInfo.OpenerID)
		s.top = true
		wasReady = known
	case "iframe":
		if parent := p.sessions[ev.Session]; parent != nil {
			s.page = parent.page
		}
	}
	if known {
		p.sessions[s.id] = s
	}
	v := p.visit
	p.mu.Unlock()
	if !known {
		p.tell("", "Target.closeTarget", params{"targetId": e.TargetInfo.TargetID})
		return
	}
	p.prepareSession(s)
	if wasReady {
		p.mu.Lock()
		select {
		case <-p.ready:
		default:
			close(p.ready)
		}
		p.mu.Unlock()
	}
	if s.top && s.page.opener != nil && v != nil {
		v.showFront(p)
		p.work.Go(func() { p.watchBlank(v, s.page) })
	}
}

// newPage makes the page of a target, if it is one of ours. Called with the
// lock.
func (p *process) newPage(target, session, opener string) (*page, bool) {
	pg := &page{target: target, session: session, focus: map[string]string{}, failed: make(chan string, 1), shown: make(chan struct{})}
	by := p.pageLocked(func(q *page) bool { return q.target == opener })
	if by == nil && time.Since(p.opened.at) < openerWindow {
		by = p.opened.by // a link that hides its page from the popup
	}
	switch {
	case p.expect > 0 && opener == "":
		p.expect--
		p.expected = append(p.expected, pg)
		if p.visit == nil {
			p.tabs[portalTab] = append(p.tabs[portalTab], pg)
		}
		return pg, true
	case by != nil && p.visit != nil:
		p.opened = opening{}
		pg.opener, pg.tab, pg.canBack, pg.blank = by, by.tab, true, true
		p.tabs[by.tab] = append(p.tabs[by.tab], pg)
		return pg, true
	}
	return nil, false
}

// pageLocked finds a page. Called with the lock.
func (p *process) pageLocked(match func(*page) bool) *page {
	for _, stack := range p.tabs {
		if i := slices.IndexFunc(stack, match); i >= 0 {
			return stack[i]
		}
	}
	if i := slices.IndexFunc(p.expected, match); i >= 0 {
		return p.expected[i]
	}
	return nil
}

// pageOf gives the page of an event and whether the frame is its top one.
func (p *process) pageOf(session, frame string) (pg *page, top bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sessions[session]
	if s == nil || s.page == nil {
		return nil, false
	}
	return s.page, s.page.target == frame
}

func (p *process) detached(ev devtools.Event) {
	var e struct {
		SessionID string `json:"sessionId"`
	}
	if ev.Decode(&e) != nil {
		return
	}
	p.mu.Lock()
	s := p.sessions[e.SessionID]
	delete(p.sessions, e.SessionID)
	v := p.visit
	if s == nil || s.page == nil {
		p.mu.Unlock()
		return
	}
	for key := range s.page.focus {
		if strings.HasPrefix(key, s.id+"/") {
			delete(s.page.focus, key)
		}
	}
	if s.top {
		for i, stack := range p.tabs {
			p.tabs[i] = slices.DeleteFunc(slices.Clone(stack), func(q *page) bool { return q == s.page })
		}
	}
	ending := p.ending
	p.mu.Unlock()
	if v == nil || ending {
		return
	}
	v.dropChoice(func(c *choice) bool { return c.session == s.id || (s.top && c.page == s.page) })
	if s.top {
		v.pageGone(p, s.page)
	}
	v.changed()
}

func (p *process) loading(ev devtools.Event) {
	var e struct {
		FrameID string `json:"frameId"`
	}
	if ev.Decode(&e) != nil {
		return
	}
	pg, top := p.pageOf(ev.Session, e.FrameID)
	if pg == nil || !top {
		return
	}
	p.mu.Lock()
	pg.loading = ev.Method == "Page.frameStartedLoading"
	done := !pg.loading
	if done {
		pg.pending = time.Time{}
	}
	p.mu.Unlock()
	p.changed()
	if done {
		p.spawn(func(ctx context.Context) { p.history(ctx, pg) })
	}
}

func (p *process) contentShown(ev devtools.Event) {
	p.mu.Lock()
	s := p.sessions[ev.Session]
	if s == nil || !s.top || s.page.url == "" || s.page.url == "about:blank" {
		p.mu.Unlock()
		return
	}
	s.page.once.Do(func() { close(s.page.shown) })
	p.mu.Unlock()
	p.resize(s.page) // it had nothing to be made larger before
}

func (p *process) windowOpen(ev devtools.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.sessions[ev.Session]; s != nil && s.page != nil {
		p.opened = opening{by: s.page, at: time.Now()}
	}
}

// changed tells the visit, if there is one.
func (p *process) changed() {
	v := p.used()
	if v != nil {
		v.changed()
	}
}

// dialog: a page asks something (alert, confirm, prompt, leave?). Where there
// is a window the visitor answers it themselves: "delete the request?" is
// theirs. Without one, or after a while, it is answered so that the page goes
// on. Leaving a page is always allowed.
func (p *process) dialog(ev devtools.Event) {
	var e struct {
		Type string `json:"type"`
	}
	opening := ev.Method == "Page.javascriptDialogOpening"
	p.mu.Lock()
	s := p.sessions[ev.Session]
	if s == nil || s.page == nil || (opening && ev.Decode(&e) != nil) {
		p.mu.Unlock()
		return
	}
	pg := s.page
	pg.dialog = opening
	storm := opening && e.Type != "beforeunload" && pg.asksAgain()
	p.mu.Unlock()
	if !opening {
		return
	}
	if storm {
		p.o.Log.Warn("page asks without end, it is ended")
		p.tell(pg.session, "Page.crash", nil)
		return
	}
	answer := func() {
		p.tell(ev.Session, "Page.handleJavaScriptDialog", params{"accept": e.Type != "prompt"})
	}
	if p.o.Headless || e.Type == "beforeunload" {
		answer()
		return
	}
	p.work.Go(func() {
		select {
		case <-time.After(dialogTimeout):
			p.mu.Lock()
			still := pg.dialog
			p.mu.Unlock()
			if still {
				p.tell(ev.Session, "Page.handleJavaScriptDialog", params{"accept": false})
			}
		case <-p.ctx.Done():
		}
	})
}

// asksAgain counts a page's questions; true is that they are too many. Called
// with the process's lock.
func (pg *page) asksAgain() bool {
	if time.Since(pg.askedAt) > questionWindow {
		pg.asked, pg.askedAt = 0, time.Now()
	}
	pg.asked++
	if pg.asked <= mostQuestions {
		return false
	}
	pg.asked = 0
	return true
}
