package main_test

import (
	"fmt"
	"image"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
	"github.com/jezek/xgb/xtest"

	"pointnum/kiosk/browser/devtools"
)

// hand touches a display as a touch panel without multitouch does: its
// finger is the X server's pointer.
type hand struct {
	x      *xgb.Conn
	root   xproto.Window
	kiosk  int // process of the kiosk's own screen
	pidKey xproto.Atom
}

// The X protocol's numbers of what XTEST sends (XTEST 2.2, FakeInput).
const (
	press, release, motion = 4, 5, 6
	firstButton            = 1
)

func newHand(t *testing.T, display string, kiosk int) *hand {
	t.Helper()
	x, err := xgb.NewConnDisplay(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	if err := xtest.Init(x); err != nil {
		t.Fatal(err)
	}
	name, err := xproto.InternAtom(x, false, uint16(len("_NET_WM_PID")), "_NET_WM_PID").Reply()
	if err != nil {
		t.Fatal(err)
	}
	return &hand{x: x, root: xproto.Setup(x).DefaultScreen(x).Root, kiosk: kiosk, pidKey: name.Atom}
}

// sees says whether the kiosk's own screen is what is seen at a place: while
// the portal's window is being moved, it lies over what a page there says.
func (h *hand) sees(x, y int) (own bool) {
	tree, err := xproto.QueryTree(h.x, h.root).Reply()
	if err != nil {
		return false
	}
	for _, w := range slices.Backward(tree.Children) {
		a, err := xproto.GetWindowAttributes(h.x, w).Reply()
		if err != nil || a.MapState != xproto.MapStateViewable {
			continue
		}
		g, err := xproto.GetGeometry(h.x, xproto.Drawable(w)).Reply()
		if err != nil || !image.Pt(x, y).In(image.Rect(0, 0, int(g.Width), int(g.Height)).Add(image.Pt(int(g.X), int(g.Y)))) {
			continue
		}
		p, err := xproto.GetProperty(h.x, false, w, h.pidKey, xproto.AtomCardinal, 0, 1).Reply()
		return err == nil && len(p.Value) == 4 && int(xgb.Get32(p.Value)) == h.kiosk
	}
	return false
}

// touch puts the finger on a place of the display, in pixels, and takes it
// off, once the kiosk's own screen is seen there, or the portal.
func (h *hand) touch(t *testing.T, x, y float64, own bool) {
	t.Helper()
	eventually(t, fmt.Sprintf("the kiosk's own screen at %.0f,%.0f: %v", x, y, own), func() bool { return h.sees(int(x), int(y)) == own })
	for _, e := range []struct{ kind, button byte }{{motion, 0}, {press, firstButton}, {release, firstButton}} {
		if err := xtest.FakeInputChecked(h.x, e.kind, e.button, 0, h.root, int16(x), int16(y), 0).Check(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // as long as the shortest touch of a person
	}
}

// openWindow opens the kiosk's address as the kiosk's own screen does on a
// display, over the whole of it; without one, it opens a screen of that size.
func openWindow(t *testing.T, display, address string, width, height int) *screen {
	t.Helper()
	if display == "" {
		return openScreen(t, address, 1080, 1920)
	}
	s := newScreen(t, devtools.Options{Env: []string{"DISPLAY=" + display}, Args: []string{
		"--kiosk", "--window-position=0,0", "--window-size=" + strconv.Itoa(width) + "," + strconv.Itoa(height),
	}})
	s.hand = newHand(t, display, s.browser.PID())
	if err := s.page.Navigate(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	return s
}

// hole is where the screen leaves room for the portal, on the display.
func (s *screen) hole() (left, top float64) {
	type corner struct{ X, Y float64 }
	var at corner
	eventually(s.t, "the hole for the portal", func() bool {
		h := eval[*corner](s, `(() => { const r = document.querySelector('#hole').getBoundingClientRect(); return r.width > 0 ? {X: r.left, Y: r.top} : null })()`)
		if h != nil {
			at = *h
		}
		return h != nil
	})
	return at.X, at.Y
}
