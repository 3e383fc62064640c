// Package xwindow puts another program's windows in their places on an X
// display that has no window manager, and keeps them in their order there.
// Chromium's own call for it ends the kiosk mode of a window, and its toolbar
// comes back; a window that is moved from outside stays a kiosk.
package xwindow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Screen is an X display. Its methods may be called from any goroutine.
//
// While it is connected, no program raises or lowers its own windows: without
// it a touch on the kiosk's own screen would bring that before the portal. As
// window managers do, it asks for the right to decide (ICCCM 2.0, 4.1); where
// one has that right already, it only moves.
type Screen struct {
	display string

	mu      sync.Mutex
	x       *xgb.Conn // nil while not connected
	closed  bool
	reading sync.WaitGroup
}

// New names a display as $DISPLAY does; "" takes that one. It is connected to
// when it is first needed, and again when the X server was started again. The
// caller closes it.
func New(display string) *Screen { return &Screen{display: display} }

// Close ends the connection. The windows stay where they are.
func (s *Screen) Close() {
	s.mu.Lock()
	s.closed = true
	if s.x != nil {
		s.x.Close()
		s.x = nil
	}
	s.mu.Unlock()
	s.reading.Wait()
}

func (s *Screen) connect() (*xgb.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, errors.New("xwindow: the screen is closed")
	case s.x != nil:
		return s.x, nil
	}
	xgb.Logger.SetOutput(io.Discard) // it tells of a missing .Xauthority, which no kiosk needs
	x, err := xgb.NewConnDisplay(s.display)
	if err != nil {
		return nil, fmt.Errorf("xwindow: reach the display: %w", err)
	}
	_ = xproto.ChangeWindowAttributesChecked(x, root(x), xproto.CwEventMask,
		[]uint32{xproto.EventMaskSubstructureRedirect}).Check() // refused where a window manager is
	s.x = x
	s.reading.Go(func() { s.decide(x) })
	return x, nil
}

func root(x *xgb.Conn) xproto.Window { return xproto.Setup(x).DefaultScreen(x).Root }

// decide answers what programs ask for their windows: to be shown, and to have
// a place and a size, but no other order.
func (s *Screen) decide(x *xgb.Conn) {
	for {
		ev, err := x.WaitForEvent()
		switch ev := ev.(type) {
		case nil:
			if err == nil { // the connection ended
				s.lost(x)
				return
			}
		case xproto.MapRequestEvent:
			xproto.MapWindow(x, ev.Window)
		case xproto.ConfigureRequestEvent:
			configure(x, ev)
		}
	}
}

func (s *Screen) lost(x *xgb.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.x == x {
		s.x = nil
	}
}

func configure(x *xgb.Conn, ev xproto.ConfigureRequestEvent) {
	var mask uint16
	var values []uint32
	for _, one := range []struct {
		bit   uint16
		value uint32
	}{ // in the order of the protocol
		{xproto.ConfigWindowX, uint32(int32(ev.X))},
		{xproto.ConfigWindowY, uint32(int32(ev.Y))},
		{xproto.ConfigWindowWidth, uint32(ev.Width)},
		{xproto.ConfigWindowHeight, uint32(ev.Height)},
		{xproto.ConfigWindowBorderWidth, uint32(ev.BorderWidth)},
	} {
		if ev.ValueMask&one.bit != 0 {
			mask |= one.bit
			values = append(values, one.value)
		}
	}
	if mask != 0 {
		xproto.ConfigureWindow(x, ev.Window, mask, values)
	}
}

// Place moves every window of a process onto r, above all others. The empty
// rectangle puts them beside the screen as they are. It returns an error when
// the process has none.
func (s *Screen) Place(pid int, r image.Rectangle) error {
	x, err := s.connect()
	if err != nil {
		return err
	}
	wanted, err := xproto.InternAtom(x, false, uint16(len("_NET_WM_PID")), "_NET_WM_PID").Reply()
	if err != nil {
		return fmt.Errorf("xwindow: name a property: %w", err)
	}
	tree, err := xproto.QueryTree(x, root(x)).Reply()
	if err != nil {
		return fmt.Errorf("xwindow: list the windows: %w", err)
	}
	moved := 0
	for _, w := range tree.Children {
		if !shown(x, w) || ownerOf(x, w, wanted.Atom) != pid {
			continue
		}
		if err := move(x, w, r); err != nil {
			return fmt.Errorf("xwindow: move a window: %w", err)
		}
		moved++
	}
	if moved == 0 {
		return errors.New("xwindow: the process has no window")
	}
	return nil
}

// shown leaves out the windows that only carry messages.
func shown(x *xgb.Conn, w xproto.Window) bool {
	a, err := xproto.GetWindowAttributes(x, w).Reply()
	if err != nil || a.MapState == xproto.MapStateUnmapped || a.OverrideRedirect {
		return false // gone meanwhile, or a menu
	}
	g, err := xproto.GetGeometry(x, xproto.Drawable(w)).Reply()
	return err == nil && g.Width > 50 && g.Height > 50
}

func ownerOf(x *xgb.Conn, w xproto.Window, property xproto.Atom) int {
	p, err := xproto.GetProperty(x, false, w, property, xproto.AtomCardinal, 0, 1).Reply()
	if err != nil || len(p.Value) < 4 {
		return 0
	}
	return int(binary.LittleEndian.Uint32(p.Value))
}

func move(x *xgb.Conn, w xproto.Window, r image.Rectangle) error {
	const beside = 30000
	if r.Empty() {
		return xproto.ConfigureWindowChecked(x, w, xproto.ConfigWindowX|xproto.ConfigWindowY, []uint32{beside, beside}).Check()
	}
	return xproto.ConfigureWindowChecked(x, w,
		xproto.ConfigWindowX|xproto.ConfigWindowY|xproto.ConfigWindowWidth|xproto.ConfigWindowHeight|xproto.ConfigWindowStackMode,
		[]uint32{uint32(int32(r.Min.X)), uint32(int32(r.Min.Y)), uint32(r.Dx()), uint32(r.Dy()), xproto.StackModeAbove}).Check()
}
