package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// key is a try by the keyboard or the mouse: xdotool's words.
type key struct {
	events  string
	what    string
	changes bool   // the page may look another way after it
	over    string // selector of what the pointer is over; "" is a link to another site
	name    string // of a mouse's, for the id
}

// keyTries are those that do something in an ordinary Chromium on Linux.
func keyTries() []key {
	var out []key
	for _, k := range strings.Fields(`F1 F3 F5 F6 F7 F10 F11 F12 ctrl+o ctrl+s ctrl+p ctrl+shift+p ctrl+u ctrl+l alt+d ctrl+k ctrl+e
		ctrl+t ctrl+n ctrl+shift+n ctrl+shift+t ctrl+h ctrl+j ctrl+d ctrl+shift+o ctrl+shift+b ctrl+shift+d ctrl+f ctrl+g ctrl+r
		ctrl+shift+i ctrl+shift+j ctrl+shift+c ctrl+shift+m ctrl+shift+a ctrl+shift+e ctrl+shift+Delete ctrl+Tab ctrl+shift+Tab ctrl+1 ctrl+9
		alt+Home alt+Left alt+Right alt+f alt+e alt+space alt+shift+i alt+Return shift+Escape shift+F10 Menu Escape super Print
		ctrl+alt+Delete ctrl+alt+BackSpace ctrl+alt+t ctrl+alt+F1 ctrl+alt+F2 ctrl+alt+l alt+F2 alt+Tab alt+1 alt+F10 super+l super+e
		ctrl+b ctrl+i ctrl+m ctrl+Return ctrl+shift+g ctrl+shift+r ctrl+shift+l ctrl+shift+k ctrl+shift+F10 ctrl+F5 shift+F5 ctrl+Home
		XF86Back XF86Forward XF86Refresh XF86HomePage XF86Search XF86Favorites XF86Mail XF86Explorer XF86Calculator XF86Tools
		XF86Open XF86New XF86Close XF86Save XF86AudioPlay XF86Sleep Help Find Cancel
		ctrl+w ctrl+shift+w ctrl+F4 alt+F4 ctrl+shift+q ctrl+q`) {
		out = append(out, key{events: "key " + k, what: "Touche " + k})
	}
	for _, k := range []string{"ctrl+plus", "ctrl+minus", "ctrl+0", "ctrl+a"} {
		out = append(out, key{events: "key " + k, what: "Touche " + k, changes: true})
	}
	const dragging = "mousedown 1 mousemove_relative 0 20 "
	return append(out,
		key{name: "right-link", events: "click 3", what: "Clic droit sur un lien", changes: true},
		key{name: "right-text", events: "click 3", what: "Clic droit sur un texte", over: "h1", changes: true},
		key{name: "right-button", events: "click 3", what: "Clic droit sur un bouton", over: "button", changes: true},
		key{name: "right-long", events: "mousedown 3 sleep 1.5 mouseup 3", what: "Appui long du bouton droit", changes: true},
		key{name: "middle", events: "click 2", what: "Clic du milieu", changes: true},
		key{name: "ctrl-click", events: "keydown ctrl click 1 keyup ctrl", what: "Clic avec Ctrl", changes: true},
		key{name: "shift-click", events: "keydown shift click 1 keyup shift", what: "Clic avec Maj", changes: true},
		key{name: "alt-click", events: "keydown alt click 1 keyup alt", what: "Clic avec Alt", changes: true},
		key{name: "ctrl-wheel", events: "keydown ctrl click 4 keyup ctrl", what: "Zoom à la molette", changes: true},
		key{name: "back", events: "click 8", what: "Bouton « page précédente » de la souris", changes: true},
		key{name: "forward", events: "click 9", what: "Bouton « page suivante » de la souris", changes: true},
		key{name: "triple", events: "click --repeat 3 1", what: "Trois clics sur un texte", over: "h1", changes: true},
		key{name: "long", events: "mousedown 1 sleep 1.5 mouseup 1", what: "Appui long sur un texte", over: "h1", changes: true},
		key{name: "drag", events: dragging + "mousemove_relative 0 200 mousemove_relative 0 680 mouseup 1", what: "Glisser un lien dans la page", changes: true},
		key{name: "drag-bar", events: dragging + "mousemove 500 60 mouseup 1", what: "Glisser un lien sur la barre de la borne", changes: true},
	)
}

func (k key) id() string {
	if k.name != "" {
		return "mouse-" + k.name
	}
	return "key-" + strings.TrimPrefix(k.events, "key ")
}

// keys presses every key that leads out of an ordinary Chromium.
func (h *house) keys(ctx context.Context, done func(result)) error {
	arrived := false
	for _, k := range keyTries() {
		if !h.meant(k.id()) {
			continue
		}
		if h.screen != nil && !arrived {
			if err := h.keysArrive(ctx); err != nil {
				return err
			}
			arrived = true
		}
		r := result{ID: k.id(), Kind: "clavier", What: k.what, Verdict: holding}
		if h.screen == nil {
			r.Verdict = untried
			r.heldBy("needs a window")
		} else if err := h.press(ctx, k, &r); err != nil {
			return fmt.Errorf("%s: %w", r.ID, err)
		}
		done(r)
	}
	return nil
}

// keysArrive sees that keys and clicks reach the page at all: else all would
// hold.
func (h *house) keysArrive(ctx context.Context) error {
	if err := h.ready(ctx); err != nil {
		return err
	}
	const listen = `['keydown','mousedown'].forEach(k=>addEventListener(k,e=>{window.venu=(window.venu??'')+(e.key??e.button)},{capture:true,once:true}))??1`
	if err := h.visit.eval(ctx, listen, new(int)); err != nil {
		return err
	}
	at, err := h.visit.find(ctx, "h1")
	if err != nil {
		return err
	}
	err = h.screen.do(ctx, "mousemove", strconv.Itoa(hole.Min.X+int(at.X)), strconv.Itoa(hole.Min.Y+int(at.Y)), "click", "1", "key", "b")
	if err != nil {
		return err
	}
	if !within(ctx, h.slow(resultLimit), func() bool {
		var came string
		return h.visit.eval(ctx, "window.venu??''", &came) == nil && came == "0b"
	}) {
		return errors.New("keys and clicks do not reach the page")
	}
	return nil
}

// press presses a key over a link of the page and judges what is on the screen
// then.
func (h *house) press(ctx context.Context, k key, r *result) error {
	if err := h.ready(ctx); err != nil {
		return err
	}
	at, err := h.visit.find(ctx, cmp.Or(k.over, `[data-escape="host-link"]`))
	if err != nil {
		return err
	}
	if err := h.screen.do(ctx, "mousemove", strconv.Itoa(hole.Min.X+int(at.X)), strconv.Itoa(hole.Min.Y+int(at.Y))); err != nil {
		return err
	}
	h.portal.Forget()
	h.agent.came.Store(0)
	before := h.visit.state()
	var picture []byte
	if !within(ctx, h.slow(backLimit), func() (calm bool) { calm, picture = h.calm(picture); return calm }) {
		return fmt.Errorf("the page does not stand still")
	}
	if err := h.screen.do(ctx, strings.Fields(k.events)...); err != nil {
		return err
	}
	h.stays(ctx, r)
	after := h.visit.state()
	r.seen(before, after)
	if err := h.around(ctx, r); err != nil {
		return err
	}
	h.unchanged(ctx, k, r, picture)
	r.reached(h.portal.Foreign(), h.agent.came.Load())
	if r.Verdict == escaping || after.Restarted > before.Restarted {
		return h.leave()
	}
	return nil
}

// stays sees that the portal is in front for a while, or soon again.
func (h *house) stays(ctx context.Context, r *result) {
	begun := time.Now()
	back := time.Time{} // since when the portal is there
	for ctx.Err() == nil && time.Since(begun) < 2*h.slow(backLimit) && (back.IsZero() || time.Since(back) < settle+settle) {
		if f, err := h.visit.look(ctx, ""); err != nil || !f.portal() {
			back, r.Away = time.Time{}, time.Since(begun)
		} else if back.IsZero() {
			back = time.Now()
		}
		pace(ctx)
	}
	if back.IsZero() || r.Away > h.slow(backLimit) {
		r.escape("the portal is not in front any more, or after %v only", r.Away.Round(10*time.Millisecond))
	}
}

// calm says whether the screen shows what it showed before.
func (h *house) calm(before []byte) (bool, []byte) {
	now, err := h.screen.picture()
	if err != nil {
		return false, before
	}
	return differ(before, now) == 0, now
}

// unchanged sees whether something lies over the page.
func (h *house) unchanged(ctx context.Context, k key, r *result, picture []byte) {
	if k.changes {
		return
	}
	const much = 3 // of a thousand pixels
	changed := 0
	same := within(ctx, h.slow(backLimit), func() bool {
		now, err := h.screen.picture()
		changed = differ(picture, now)
		return err == nil && changed <= much
	})
	if !same {
		r.escape("something lies over the page: %d ‰ of it", changed)
	}
}
