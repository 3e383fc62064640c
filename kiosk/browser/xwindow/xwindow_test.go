package xwindow_test

import (
	"image"
	"testing"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"

	"pointnum/kiosk/browser/xtest"
	"pointnum/kiosk/browser/xwindow"
)

// program is another one that has a window.
type program struct {
	x      *xgb.Conn
	window xproto.Window
}

func newProgram(t *testing.T, display string, pid uint32) program {
	t.Helper()
	x, err := xgb.NewConnDisplay(display)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	screen := xproto.Setup(x).DefaultScreen(x)
	w, err := xproto.NewWindowId(x)
	if err != nil {
		t.Fatal(err)
	}
	err = xproto.CreateWindowChecked(x, screen.RootDepth, w, screen.Root, 0, 0, 400, 300, 0,
		xproto.WindowClassInputOutput, screen.RootVisual, 0, nil).Check()
	if err != nil {
		t.Fatal(err)
	}
	name, err := xproto.InternAtom(x, false, uint16(len("_NET_WM_PID")), "_NET_WM_PID").Reply()
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 4)
	xgb.Put32(data, pid)
	if err := xproto.ChangePropertyChecked(x, xproto.PropModeReplace, w, name.Atom, xproto.AtomCardinal, 32, 1, data).Check(); err != nil {
		t.Fatal(err)
	}
	if err := xproto.MapWindowChecked(x, w).Check(); err != nil {
		t.Fatal(err)
	}
	return program{x, w}
}

// top is the window above all others.
func (p program) top(t *testing.T) xproto.Window {
	t.Helper()
	tree, err := xproto.QueryTree(p.x, xproto.Setup(p.x).DefaultScreen(p.x).Root).Reply()
	if err != nil {
		t.Fatal(err)
	}
	return tree.Children[len(tree.Children)-1]
}

func (p program) at(t *testing.T) image.Rectangle {
	t.Helper()
	g, err := xproto.GetGeometry(p.x, xproto.Drawable(p.window)).Reply()
	if err != nil {
		t.Fatal(err)
	}
	return image.Rect(0, 0, int(g.Width), int(g.Height)).Add(image.Pt(int(g.X), int(g.Y)))
}

func (p program) shown(t *testing.T) bool {
	t.Helper()
	a, err := xproto.GetWindowAttributes(p.x, p.window).Reply()
	if err != nil {
		t.Fatal(err)
	}
	return a.MapState == xproto.MapStateViewable
}

func (p program) raise(t *testing.T) {
	t.Helper()
	if err := xproto.ConfigureWindowChecked(p.x, p.window, xproto.ConfigWindowStackMode, []uint32{xproto.StackModeAbove}).Check(); err != nil {
		t.Fatal(err)
	}
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(2 * time.Millisecond) // pacing
	}
}

func TestATouchedWindowStaysBelowThePortal(t *testing.T) {
	d := xtest.Display(t)
	kiosk, portal := newProgram(t, d, 11), newProgram(t, d, 22)
	kiosk.raise(t)
	if kiosk.top(t) != kiosk.window {
		t.Fatal("without a screen, a window that is touched is not above")
	}
	s := xwindow.New(d)
	defer s.Close()
	hole := image.Rect(0, 200, 1080, 1700)
	if err := s.Place(22, hole); err != nil {
		t.Fatal(err)
	}
	if got := portal.at(t); got != hole || kiosk.top(t) != portal.window {
		t.Errorf("the portal is at %v, above: %v", got, kiosk.top(t) == portal.window)
	}
	kiosk.raise(t)
	// What comes later was asked for later: the order is settled once it is there.
	if err := xproto.ConfigureWindowChecked(kiosk.x, kiosk.window, xproto.ConfigWindowX|xproto.ConfigWindowWidth, []uint32{7, 555}).Check(); err != nil {
		t.Fatal(err)
	}
	until(t, "a place that a program asks for", func() bool { return kiosk.at(t) == image.Rect(7, 0, 562, 300) })
	if kiosk.top(t) != portal.window {
		t.Error("the kiosk's own window came before the portal")
	}
	if err := s.Place(22, image.Rectangle{}); err != nil {
		t.Fatal(err)
	}
	if got := portal.at(t); got.Min.X < 2000 || got.Size() != hole.Size() {
		t.Errorf("beside the screen: %v", got)
	}
}

func TestNewWindowsAreShown(t *testing.T) {
	d := xtest.Display(t)
	newProgram(t, d, 11)
	s := xwindow.New(d)
	defer s.Close()
	if err := s.Place(11, image.Rect(0, 0, 1080, 1920)); err != nil {
		t.Fatal(err)
	}
	late := newProgram(t, d, 22)
	until(t, "a window that came later", func() bool { return late.shown(t) })
}

func TestWithoutTheWindowOrTheScreenItSaysSo(t *testing.T) {
	d := xtest.Display(t)
	s := xwindow.New(d)
	if err := s.Place(11, image.Rect(0, 0, 9, 9)); err == nil {
		t.Error("a window that nobody has was placed")
	}
	// Whoever decides already goes on deciding: a second screen only moves.
	second := xwindow.New(d)
	newProgram(t, d, 22)
	until(t, "a placed window", func() bool { return second.Place(22, image.Rect(0, 0, 100, 100)) == nil })
	second.Close()
	s.Close()
	if err := s.Place(22, image.Rect(0, 0, 9, 9)); err == nil {
		t.Error("a closed screen placed a window")
	}
	none := xwindow.New(":999")
	defer none.Close()
	if err := none.Place(22, image.Rect(0, 0, 9, 9)); err == nil {
		t.Error("a display that is not there was reached")
	}
}
