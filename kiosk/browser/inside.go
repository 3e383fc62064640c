package browser

import (
	"pointnum/kiosk"
	"pointnum/kiosk/browser/devtools"
)

// Inside is what the escape suite sees of a visit. No part of the kiosk uses
// it: whoever holds it can do to the page whatever DevTools can.
type Inside struct {
	Devtools *devtools.Browser // of the process in use; the visit closes it
	Session  string            // of the page in front
	Targets  []string          // the pages that the guard knows, by their targets
}

// Look gives the insides of a visit that this package opened, as they are now:
// another process or page may take over at any moment. It is for the escape
// suite. An error says that the visit is over or is being started again.
func Look(b kiosk.Browsing) (Inside, error) {
	v, ok := b.(*visit)
	if !ok {
		return Inside{}, badRequest("look", "not a visit of this package")
	}
	p, pg, err := v.current()
	if err != nil {
		return Inside{}, err
	}
	in := Inside{Devtools: p.b, Session: pg.session}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, stack := range p.tabs {
		for _, q := range stack {
			in.Targets = append(in.Targets, q.target)
		}
	}
	return in, nil
}
