// Package browser is the locked browser of the kiosk: kiosk.Browser with real
// Chromium, driven over the DevTools pipe.
//
// Every visit gets a fresh process in a cell of its own (package cell), which
// was started and warmed while nobody waited for it. In it every page, popup,
// frame and worker is attached to before its scripts run. Choosers of files,
// downloads, prints and the cursor's field become BrowserState; a page that
// leaves the portal's hosts is stopped before it is asked for, so that the one
// before stays as it was. Pages that break are shown again.
//
// What binds are the managed policies and the egress proxy; the guard here is
// the layer that knows why and brings the visitor back.
//
// Nothing of a page, and no address, is logged or put into an error.
package browser

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/browser/cell"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/browser/xwindow"
)

// Options say how the browser runs.
type Options struct {
	Path     string   // Chromium; "" is chromium from PATH
	User     string   // unix user whom it runs as, with its sandbox; "" is our own
	Dir      string   // memory-backed folder for all it writes; "" is /dev/shm
	Headless bool     // no window: Place sets the page's size
	Display  string   // X display of the window; "" is $DISPLAY's
	Args     []string // further flags
	Proxy    string   // host:port of the egress proxy; "" is none
	// Home gives a portal's first address and says which hosts may be shown
	// beside it; ok is false for a portal that is not known. allow may be
	// called from any goroutine.
	Home func(portal string) (address string, allow func(host string) bool, ok bool)
	// Foreign is told hosts that a portal wanted and that are not allowed. It
	// must not wait. nil tells nobody.
	Foreign func(host string)
	Hang    time.Duration // after which a page that does not answer is shown again; 0 is 10 s
	Log     *slog.Logger  // nil drops
}

// Browser is the locked browser. Its methods may be called from any goroutine.
type Browser struct {
	o      Options
	screen *xwindow.Screen // where windows are

	mu     sync.Mutex
	spare  *process // ready for the next visit
	used   bool     // a Browsing is open
	broken error    // why nothing can be opened any more; for good
	ill    error    // why the last process did not start

	wanted chan struct{} // tells Run that the spare was taken
}

var _ kiosk.Browser = (*Browser)(nil)

// New checks the options and removes what an earlier agent that died has left.
// Nothing is started before Run or Open.
func New(o Options) (*Browser, error) {
	if o.Home == nil {
		return nil, errors.New("browser: no portals are given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Foreign == nil {
		o.Foreign = func(string) {}
	}
	if o.Hang == 0 {
		o.Hang = hangLimit
	}
	if err := cell.Sweep(o.Dir); err != nil {
		return nil, fmt.Errorf("browser: remove what was left: %w", err)
	}
	return &Browser{o: o, screen: xwindow.New(o.Display), wanted: make(chan struct{}, 1)}, nil
}

// Run keeps one process started, so that a visit does not wait, until ctx
// ends. It erases the spare one then. It logs what fails and tries again.
func (b *Browser) Run(ctx context.Context) error {
	defer b.screen.Close()
	wait := startAgain
	for ctx.Err() == nil {
		err := b.prepare(ctx)
		if err != nil && ctx.Err() == nil {
			b.o.Log.Warn("browser does not start", "err", err)
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
			wait = min(2*wait, startAgainMost)
			continue
		}
		wait = startAgain
		b.watchSpare(ctx)
	}
	return b.dropSpare()
}

// prepare makes the spare process if there is none.
func (b *Browser) prepare(ctx context.Context) error {
	b.mu.Lock()
	have := b.spare != nil || b.broken != nil
	b.mu.Unlock()
	if have {
		return nil
	}
	p, err := startProcess(ctx, b.o, b.screen)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ill = err
	if err != nil {
		return err
	}
	b.spare = p
	return nil
}

// watchSpare returns when the spare was taken or has died.
func (b *Browser) watchSpare(ctx context.Context) {
	b.mu.Lock()
	var gone <-chan struct{}
	if b.spare != nil {
		gone = b.spare.cell.Browser.Done()
	}
	b.mu.Unlock()
	select {
	case <-b.wanted:
	case <-gone:
		b.mu.Lock()
		p := b.spare
		if p != nil && p.dead() {
			b.spare = nil
		} else {
			p = nil // it was taken
		}
		b.mu.Unlock()
		if p != nil {
			b.o.Log.Warn("spare browser ended by itself")
			b.erase(p)
		}
	case <-ctx.Done():
	}
}

func (b *Browser) dropSpare() error {
	b.mu.Lock()
	p := b.spare
	b.spare = nil
	b.mu.Unlock()
	if p == nil {
		return nil
	}
	return b.erase(p)
}

// erase ends a process for good. When that can't be proved, nothing is opened
// any more.
func (b *Browser) erase(p *process) error {
	err := p.erase()
	if err == nil {
		return nil
	}
	err = &kiosk.Error{Code: kiosk.CodeOutOfOrder, Op: "browser: erase", Err: err}
	b.mu.Lock()
	b.broken = err
	b.mu.Unlock()
	b.o.Log.Error("browser was not erased", "err", err)
	return err
}

// take gives a process that is ready: the spare one, else a new one.
func (b *Browser) take(ctx context.Context) (*process, error) {
	b.mu.Lock()
	p := b.spare
	b.spare = nil
	b.mu.Unlock()
	select {
	case b.wanted <- struct{}{}:
	default:
	}
	if p != nil && !p.dead() {
		return p, nil
	}
	if p != nil {
		if err := b.erase(p); err != nil {
			return nil, err
		}
	}
	p, err := startProcess(ctx, b.o, b.screen)
	if err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeBrowserBroken, Op: "browser: start", Err: err}
	}
	return p, nil
}

// Healthy says whether a portal could be opened: nil, or why not.
func (b *Browser) Healthy() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	if b.ill != nil {
		return &kiosk.Error{Code: kiosk.CodeBrowserBroken, Op: "browser: start", Err: b.ill}
	}
	return nil
}

// Ready says whether a spare process waits for the next visit.
func (b *Browser) Ready() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.spare != nil && !b.spare.dead()
}

// Open shows a portal; see kiosk.Browser.
func (b *Browser) Open(ctx context.Context, o kiosk.BrowseOptions) (kiosk.Browsing, error) {
	home, allow, ok := b.o.Home(o.Portal)
	if !ok {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "browser: open", Err: errors.New("no such portal")}
	}
	if o.Address == "" {
		o.Address = home
	}
	if err := checkAddress(o.Address, allow); err != nil {
		return nil, err
	}
	if err := b.begin(); err != nil {
		return nil, err
	}
	v, err := b.open(ctx, o, home, allow)
	if err != nil {
		b.finish()
		return nil, err
	}
	return v, nil
}

func (b *Browser) begin() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return b.broken
	}
	if b.used {
		return &kiosk.Error{Code: kiosk.CodeDeviceBusy, Op: "browser: open"}
	}
	b.used = true
	return nil
}

func (b *Browser) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used = false
}

// fault makes an error that may be logged: what a browser answers may hold
// parts of addresses and pages.
func fault(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*kiosk.Error](err); ok {
		return e
	}
	code := kiosk.CodeBrowserBroken
	if e, ok := errors.AsType[*devtools.Error](err); ok {
		err = fmt.Errorf("devtools: %s was refused (%d)", e.Method, e.Code)
	} else if errors.Is(err, context.Canceled) {
		code = kiosk.CodeCanceled
	}
	return &kiosk.Error{Code: code, Op: "browser: " + op, Err: err}
}
