// Package xwindow moves another program's windows on an X display that has no
// window manager. Chromium's own call for it ends the kiosk mode of a window,
// and its toolbar comes back; a window that is moved from outside stays a
// kiosk.
package xwindow

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// Place moves every window of a process onto r, above all others. The empty
// rectangle puts them beside the screen as they are. display is as in
// $DISPLAY, "" takes that one. It returns an error when the process has none.
func Place(display string, pid int, r image.Rectangle) error {
	x, err := xgb.NewConnDisplay(display)
	if err != nil {
		return fmt.Errorf("xwindow: reach the display: %w", err)
	}
	defer x.Close()
	wanted, err := xproto.InternAtom(x, false, uint16(len("_NET_WM_PID")), "_NET_WM_PID").Reply()
	if err != nil {
		return fmt.Errorf("xwindow: name a property: %w", err)
	}
	root := xproto.Setup(x).DefaultScreen(x).Root
	tree, err := xproto.QueryTree(x, root).Reply()
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
