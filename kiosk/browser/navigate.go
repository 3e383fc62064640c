package browser

import (
	"cmp"
	"context"
	"encoding/base64"
	"net/url"
	"strings"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
)

// paused decides on a document before it is asked for, and on one that did
// not come.
func (p *process) paused(ev devtools.Event) {
	var e struct {
		RequestID string `json:"requestId"`
		FrameID   string `json:"frameId"`
		Request   struct {
			URL    string `json:"url"`
			Method string `json:"method"`
		} `json:"request"`
		Reason string `json:"responseErrorReason"`
		Status int    `json:"responseStatusCode"`
	}
	if ev.Decode(&e) != nil {
		return
	}
	pg, top := p.pageOf(ev.Session, e.FrameID)
	p.mu.Lock()
	v, planting := p.visit, p.planting
	p.mu.Unlock()
	id := params{"requestId": e.RequestID}
	if top {
		p.await(pg, false)
	}
	if e.Status > 0 {
		p.tell(ev.Session, "Fetch.continueRequest", id)
		return
	}
	u, err := url.Parse(e.Request.URL)
	if err != nil {
		p.fail(ev.Session, e.RequestID)
		return
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case planting && host == canaryHost:
		p.tell(ev.Session, "Fetch.fulfillRequest", params{"requestId": e.RequestID, "responseCode": 200,
			"responseHeaders": []params{{"name": "Content-Type", "value": "text/html"}},
			"body":            base64.StdEncoding.EncodeToString([]byte(p.canaryPage()))})
	case v == nil:
		p.fail(ev.Session, e.RequestID)
	case e.Reason != "":
		p.fail(ev.Session, e.RequestID)
		if top && e.Reason != "Aborted" {
			v.stop(p, pg, kiosk.StopNetwork)
		}
	case !v.allow(host):
		p.fail(ev.Session, e.RequestID)
		p.o.Foreign(host)
		if top {
			v.stopAt(p, pg, host)
		}
	case u.Scheme == "http" && e.Request.Method == "GET":
		// The proxy carries TLS only, and so do we.
		u.Scheme = "https"
		p.tell(ev.Session, "Fetch.fulfillRequest", params{"requestId": e.RequestID, "responseCode": 307,
			"responseHeaders": []params{{"name": "Location", "value": u.String()}}})
	default:
		p.tell(ev.Session, "Fetch.continueRequest", id)
		if top {
			p.await(pg, true)
			p.filled(pg) // it loads
		}
	}
}

// fail gives a request up in such a way that the page before stays as it is,
// with all that was typed.
func (p *process) fail(session, request string) {
	p.tell(session, "Fetch.failRequest", params{"requestId": request, "errorReason": "Aborted"})
}

// requested sees where a page wants to go: other schemes never become a
// request. Links with one are stopped by the page's hook; a script's "tel:" is
// stopped by the managed policies only, without which Chromium asks and the
// page takes no touch until it is left.
func (p *process) requested(ev devtools.Event) {
	var e struct {
		FrameID string `json:"frameId"`
		URL     string `json:"url"`
	}
	if ev.Decode(&e) != nil {
		return
	}
	pg, _ := p.pageOf(ev.Session, e.FrameID)
	v := p.used()
	if pg == nil || v == nil || e.URL == "" || pageScheme(e.URL) { // open() has none
		return
	}
	v.stop(p, pg, kiosk.StopScheme)
}

// pageScheme says whether an address can be a page of a portal.
func pageScheme(address string) bool {
	scheme, _, _ := strings.Cut(address, ":")
	switch strings.ToLower(scheme) {
	case "https", "http", "about", "blob", "data", "javascript":
		return true
	}
	return false
}

// navigated sees what a page shows now. Error pages, and pages that came past
// the guard, are left at once.
func (p *process) navigated(ev devtools.Event) {
	var e struct {
		Frame struct {
			ID          string `json:"id"`
			ParentID    string `json:"parentId"`
			URL         string `json:"url"`
			Unreachable string `json:"unreachableUrl"`
		} `json:"frame"`
	}
	if ev.Decode(&e) != nil || e.Frame.ParentID != "" {
		return
	}
	pg, top := p.pageOf(ev.Session, e.Frame.ID)
	if pg == nil || !top {
		return
	}
	v := p.used()
	if v != nil {
		why := v.judge(e.Frame.URL, e.Frame.Unreachable)
		if why == "" && p.emptied(pg, e.Frame.URL) {
			why = kiosk.StopScheme
		}
		if why != "" {
			if why == kiosk.StopForeign {
				host := hostOf(cmp.Or(e.Frame.Unreachable, e.Frame.URL))
				p.o.Foreign(host)
				v.stopAt(p, pg, host)
			} else {
				v.stop(p, pg, why)
			}
			p.spawn(func(ctx context.Context) { p.leave(ctx, pg) })
			return
		}
	}
	if !empty(e.Frame.URL) {
		p.filled(pg)
	}
	p.await(pg, false)
	p.mu.Lock()
	pg.url = e.Frame.URL
	clear(pg.focus)
	restored := pg.restore
	pg.restore = false
	p.mu.Unlock()
	if v == nil {
		return
	}
	v.dropChoice(func(c *choice) bool { return c.page == pg })
	v.pageShown(p, pg, restored)
	p.spawn(func(ctx context.Context) { p.history(ctx, pg) })
}

// emptied says whether a page that showed something becomes a blank one: for a
// visitor the portal would be gone.
func (p *process) emptied(pg *page, address string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return empty(address) && !empty(pg.url)
}

// judge says why a page that is there may not be; "" when it may.
func (v *visit) judge(address, unreachable string) kiosk.BrowserStop {
	what := address
	if unreachable != "" {
		what = unreachable
	}
	u, err := url.Parse(what)
	switch {
	case err != nil || !pageScheme(what):
		return kiosk.StopScheme
	case (u.Scheme == "https" || u.Scheme == "http") && !v.allow(strings.ToLower(u.Hostname())):
		return kiosk.StopForeign
	case unreachable != "":
		return kiosk.StopNetwork
	}
	return ""
}

func (p *process) navigatedWithin(ev devtools.Event) {
	var e struct {
		FrameID string `json:"frameId"`
		URL     string `json:"url"`
	}
	if ev.Decode(&e) != nil {
		return
	}
	pg, top := p.pageOf(ev.Session, e.FrameID)
	if pg == nil || !top {
		return
	}
	p.mu.Lock()
	pg.url = e.URL
	p.mu.Unlock()
	p.spawn(func(ctx context.Context) { p.history(ctx, pg) })
}
