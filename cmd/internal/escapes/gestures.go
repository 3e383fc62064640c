package main

import (
	"context"
	"fmt"
	"time"

	"pointnum/kiosk/browser"
)

// step is where the fingers are, and how long they stay.
type step struct {
	at   []point // none: they are lifted
	stay time.Duration
}

// fingers moves fingers over the page in front.
func (v *visit) fingers(ctx context.Context, steps ...step) error {
	in, err := browser.Look(v.Browsing)
	if err != nil {
		return err
	}
	down := false
	for _, s := range steps {
		kind, points := "touchStart", []any{}
		switch {
		case len(s.at) == 0:
			kind = "touchEnd"
		case down:
			kind = "touchMove"
		}
		down = len(s.at) > 0
		for i, p := range s.at {
			points = append(points, map[string]any{"x": p.X, "y": p.Y, "id": i})
		}
		// Not waited for: a page that hangs answers nothing.
		if _, err := in.Devtools.Send(in.Session, "Input.dispatchTouchEvent", map[string]any{"type": kind, "touchPoints": points}); err != nil {
			return err
		}
		select {
		case <-time.After(s.stay):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// gesture is a try by fingers. XTEST has none, so that they come over DevTools
// in a window too.
type gesture struct {
	id, what string
	steps    func(link, text point) []step
}

func gestures() []gesture {
	hold := func(p point) []step { return []step{{[]point{p}, 1500 * time.Millisecond}, {}} }
	return []gesture{
		{"touch-long-link", "Appui long sur un lien", func(link, _ point) []step { return hold(link) }},
		{"touch-long-text", "Appui long sur un texte", func(_, text point) []step { return hold(text) }},
		{"touch-double", "Deux appuis sur un texte", func(_, text point) []step {
			tap := step{[]point{text}, 40 * time.Millisecond}
			return []step{tap, {stay: 60 * time.Millisecond}, tap, {}}
		}},
		{"touch-right", "Glisser du bord gauche (page précédente)", func(_, _ point) []step { return line(point{2, 600}, point{900, 600}) }},
		{"touch-left", "Glisser du bord droit (page suivante)", func(_, _ point) []step { return line(point{1078, 600}, point{150, 600}) }},
		{"touch-down", "Glisser du haut (recharger)", func(_, _ point) []step { return line(point{500, 2}, point{500, 1200}) }},
		{"touch-up", "Glisser du bas", func(_, _ point) []step { return line(point{500, 1598}, point{500, 300}) }},
		{"touch-drag-link", "Tenir un lien et le glisser", func(link, _ point) []step {
			return append([]step{{[]point{link}, 1200 * time.Millisecond}}, line(link, point{link.X + 400, link.Y + 500})...)
		}},
		{"touch-pinch", "Écarter deux doigts", func(_, _ point) []step { return pinch(2) }},
		{"touch-three", "Glisser à trois doigts", func(_, _ point) []step { return pinch(3) }},
		{"touch-four", "Serrer quatre doigts", func(_, _ point) []step { return pinch(4) }},
		{"touch-two-tap", "Appui de deux doigts", func(_, text point) []step {
			return []step{{[]point{text, {text.X + 150, text.Y}}, 80 * time.Millisecond}, {}}
		}},
	}
}

// line moves a finger.
func line(from, to point) []step {
	const parts = 15
	var out []step
	for i := range parts + 1 {
		f := float64(i) / parts
		out = append(out, step{[]point{{from.X + f*(to.X-from.X), from.Y + f*(to.Y-from.Y)}}, 15 * time.Millisecond})
	}
	return append(out, step{})
}

// pinch moves fingers apart.
func pinch(fingers int) []step {
	const parts = 15
	var out []step
	for i := range parts + 1 {
		var at []point
		for f := range fingers {
			at = append(at, point{500 + float64((2*f-fingers+1)*(60+i*12)), 700 + float64(f*40)})
		}
		out = append(out, step{at, 15 * time.Millisecond})
	}
	return append(out, step{})
}

// gestures makes every gesture and judges it as a try of the page's.
func (h *house) gestures(ctx context.Context, done func(result)) error {
	for _, g := range gestures() {
		if !h.meant(g.id) {
			continue
		}
		r := result{ID: g.id, Kind: "geste", What: g.what, Verdict: holding}
		if err := h.gesture(ctx, g, &r); err != nil {
			return fmt.Errorf("%s: %w", g.id, err)
		}
		done(r)
	}
	return nil
}

func (h *house) gesture(ctx context.Context, g gesture, r *result) error {
	if err := h.ready(ctx); err != nil {
		return err
	}
	text, err := h.visit.find(ctx, "h1")
	if err != nil {
		return err
	}
	link, err := h.visit.find(ctx, `[data-escape="host-link"]`)
	if err != nil {
		return err
	}
	h.portal.Forget()
	h.agent.came.Store(0)
	before := h.visit.state()
	if err := h.visit.fingers(ctx, g.steps(link, text)...); err != nil {
		return err
	}
	h.stays(ctx, r)
	after := h.visit.state()
	r.seen(before, after)
	if err := h.around(ctx, r); err != nil {
		return err
	}
	r.reached(h.portal.Foreign(), h.agent.came.Load())
	return h.leave() // pages stay larger, and fingers may be thought to be down
}
