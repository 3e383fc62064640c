package browser

import (
	"context"
	"fmt"
	"image"
	"time"
)

// Place puts the window over the hole; see kiosk.Browsing.
func (v *visit) Place(_ context.Context, r image.Rectangle) error {
	p, pg, err := v.current()
	if err != nil {
		return err
	}
	v.mu.Lock()
	v.place = r
	v.mu.Unlock()
	p.size(pg)
	return fault("place", p.move(r))
}

// hide takes the window off the screen.
func (p *process) hide() error { return p.move(image.Rectangle{}) }

// move moves the process's windows, if it has any.
func (p *process) move(r image.Rectangle) error {
	if p.o.Headless {
		return nil
	}
	return p.screen.Place(p.b.PID(), r)
}

// size gives a page its size, without a window. With one, a popup may have a
// window of its own: it is moved too.
func (p *process) size(pg *page) {
	v := p.used()
	if v == nil {
		return
	}
	v.mu.Lock()
	r := v.place
	v.mu.Unlock()
	switch {
	case !p.o.Headless:
		_ = p.move(r) // a window that is gone needs none
	case !r.Empty():
		p.spawn(func(ctx context.Context) { p.emulate(ctx, v, pg) })
	}
}

// emulate sets the size of a page that has no window, once it rests: between
// the answer of another site and its first frame Chromium would wait for ever
// for the process that is just leaving.
func (p *process) emulate(ctx context.Context, v *visit, pg *page) {
	for end := time.Now().Add(restTimeout); time.Now().Before(end); {
		p.mu.Lock()
		rests := !pg.loading && pg.url != "" && pg.url != "about:blank"
		p.mu.Unlock()
		if rests {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond): // pacing
		case <-ctx.Done():
			return
		}
	}
	v.mu.Lock()
	r := v.place // the latest
	v.mu.Unlock()
	if r.Empty() {
		return
	}
	p.tell(pg.session, "Emulation.setDeviceMetricsOverride", params{
		"width": r.Dx(), "height": r.Dy(), "deviceScaleFactor": 1, "mobile": false,
	})
}

// resize sets the size of what a page shows.
func (p *process) resize(pg *page) {
	v := p.used()
	if v == nil {
		return
	}
	v.mu.Lock()
	zoom := v.zoom
	v.mu.Unlock()
	p.tell(pg.session, "Runtime.evaluate", params{"silent": true, "expression": zoomScript(zoom)})
}

// zoomScript sets the size of everything in a page, which then flows anew: a
// pinch would have the visitor push the page about to read it.
func zoomScript(percent int) string {
	if percent == minZoom {
		return `document.documentElement?.style.removeProperty('zoom')`
	}
	return fmt.Sprintf(`document.documentElement?.style.setProperty('zoom','%d%%','important')`, percent)
}

// zoomBy makes both tabs larger or smaller.
func (v *visit) zoomBy(_ context.Context, p *process, by int) error {
	v.mu.Lock()
	v.zoom = min(max(v.zoom+by, minZoom), maxZoom)
	v.mu.Unlock()
	p.mu.Lock()
	var all []*page
	for _, stack := range p.tabs {
		all = append(all, stack...)
	}
	p.mu.Unlock()
	for _, pg := range all {
		p.resize(pg)
	}
	v.changed()
	return nil
}
