package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// The display's size: an upright screen.
const screenWidth, screenHeight = 1080, 1920

// screen is an X display without window manager, as the kiosk's.
type screen struct {
	display string
	server  *exec.Cmd
	x       *xgb.Conn
	root    xproto.Window
}

// startScreen starts Xvfb on a display of its own choice.
func startScreen(ctx context.Context) (*screen, error) {
	for _, tool := range []string{"Xvfb", "xdotool"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%w: run 'make deps' first", err)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	s := &screen{}
	s.server = exec.Command("Xvfb", "-displayfd", "3", "-screen", "0", fmt.Sprintf("%dx%dx24", screenWidth, screenHeight), "-nolisten", "tcp", "-ac", "-noreset")
	s.server.ExtraFiles = []*os.File{w}
	err = s.server.Start()
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("start the display: %w", err)
	}
	if err := r.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the display: %w", err), s.close())
	}
	s.display = ":" + strings.TrimSpace(line)
	xgb.Logger.SetOutput(io.Discard) // it wants a file that says who we are, and needs none
	if s.x, err = xgb.NewConnDisplay(s.display); err != nil {
		return nil, errors.Join(fmt.Errorf("reach the display: %w", err), s.close())
	}
	s.root = xproto.Setup(s.x).DefaultScreen(s.x).Root
	return s, ctx.Err()
}

func (s *screen) close() error {
	if s.x != nil {
		s.x.Close()
	}
	if err := s.server.Process.Signal(os.Interrupt); err != nil {
		return fmt.Errorf("end the display: %w", err)
	}
	err := s.server.Wait()
	if _, ended := errors.AsType[*exec.ExitError](err); ended {
		return nil // it says how we ended it
	}
	return err
}

// do sends events by xdotool, as a keyboard and a mouse would.
func (s *screen) do(ctx context.Context, events ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "xdotool", events...)
	cmd.Env = append(os.Environ(), "DISPLAY="+s.display)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("xdotool: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

func (s *screen) click(ctx context.Context, x, y int) error {
	return s.do(ctx, "mousemove", strconv.Itoa(x), strconv.Itoa(y), "click", "1")
}

// windows lists what is on the screen, the lowest first.
func (s *screen) windows() ([]string, error) {
	tree, err := xproto.QueryTree(s.x, s.root).Reply()
	if err != nil {
		return nil, fmt.Errorf("list the windows: %w", err)
	}
	all := image.Rect(0, 0, screenWidth, screenHeight)
	var out []string
	for _, w := range tree.Children {
		a, err := xproto.GetWindowAttributes(s.x, w).Reply()
		if err != nil || a.MapState != xproto.MapStateViewable || a.Class == xproto.WindowClassInputOnly {
			continue // gone meanwhile, or not to be seen
		}
		g, err := xproto.GetGeometry(s.x, xproto.Drawable(w)).Reply()
		if err != nil {
			continue
		}
		r := image.Rect(0, 0, int(g.Width), int(g.Height)).Add(image.Pt(int(g.X), int(g.Y)))
		if r.Overlaps(all) {
			out = append(out, r.String())
		}
	}
	return out, nil
}

// judge sees that only the portal's window is there, in its place. limit is for
// what goes by itself.
func (s *screen) judge(ctx context.Context, r *result, limit time.Duration) {
	var seen []string
	ok := within(ctx, limit, func() bool {
		var err error
		seen, err = s.windows()
		return err == nil && len(seen) == 1 && seen[0] == hole.String()
	})
	if !ok {
		r.escape("these windows are on the screen: %s", strings.Join(seen, " "))
	}
}

// picture is what the portal's place shows.
func (s *screen) picture() ([]byte, error) {
	p, err := xproto.GetImage(s.x, xproto.ImageFormatZPixmap, xproto.Drawable(s.root), int16(hole.Min.X), int16(hole.Min.Y),
		uint16(hole.Dx()), uint16(hole.Dy()), ^uint32(0)).Reply()
	if err != nil {
		return nil, fmt.Errorf("see the screen: %w", err)
	}
	return p.Data, nil
}

// differ counts the pixels that differ, in thousandths.
func differ(a, b []byte) int {
	if len(a) != len(b) || len(a) < 4 {
		return 1000
	}
	n := 0
	for i := 0; i+4 <= len(a); i += 4 {
		if !bytes.Equal(a[i:i+3], b[i:i+3]) {
			n++
		}
	}
	return n * 1000 / (len(a) / 4)
}
