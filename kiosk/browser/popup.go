package browser

import (
	"context"
	"time"
)

// empty says whether an address is that of a page with nothing in it.
func empty(address string) bool {
	return address == "" || address == "about:blank" || address == "about:blank#blocked"
}

// filled notes that a popup has something to show, or soon will, and brings it
// to the front. Other pages are there anyway.
func (p *process) filled(pg *page) {
	p.mu.Lock()
	was, v := pg.blank, p.visit
	pg.blank = false
	p.mu.Unlock()
	if was && v != nil {
		v.showFront(p)
	}
}

// watchBlank looks whether the page that opened a popup writes into it: that
// sends no event. A popup that stays blank is closed.
func (p *process) watchBlank(v *visit, pg *page) {
	t := time.NewTicker(blankBeat)
	defer t.Stop()
	for end := time.Now().Add(blankTimeout); time.Now().Before(end); {
		select {
		case <-t.C:
		case <-p.ctx.Done():
			return
		}
		p.mu.Lock()
		blank := pg.blank && p.pageLocked(func(q *page) bool { return q == pg }) != nil
		p.mu.Unlock()
		if !blank {
			return
		}
		if p.hasContent(pg) {
			p.filled(pg)
			return
		}
		v.showFront(p) // Chromium has put the popup before it meanwhile
	}
	p.tell("", "Target.closeTarget", params{"targetId": pg.target})
}

// hasContent says whether there is anything to see or to read in a page.
func (p *process) hasContent(pg *page) bool {
	const script = `!!document.body&&(document.body.innerText.trim()!==''||` +
		`document.body.querySelector('img,svg,canvas,video,audio,iframe,embed,object,input,button')!==null)`
	ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
	defer cancel()
	var r struct {
		Result struct {
			Value bool `json:"value"`
		} `json:"result"`
	}
	err := p.b.Call(ctx, pg.session, "Runtime.evaluate", params{"expression": script, "returnByValue": true, "silent": true}, &r)
	return err == nil && r.Result.Value
}
