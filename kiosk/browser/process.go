package browser

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk/browser/cell"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/browser/hook"
	"pointnum/kiosk/browser/policy"
	"pointnum/kiosk/browser/xwindow"
)

// canaryHost is where the cookie and the storage of the canary are planted.
const canaryHost = policy.CanaryHost

// params are those of a DevTools call.
type params = map[string]any

// process is one Chromium with its guard. While it is spare it has no visit.
type process struct {
	cell *cell.Cell
	b    *devtools.Browser
	o    Options
	// screen has the process's windows; unused without any
	screen *xwindow.Screen

	ctx    context.Context // ends with the process's use
	cancel context.CancelFunc
	events *devtools.Events
	work   sync.WaitGroup // the event reader and what it started

	mu       sync.Mutex
	visit    *visit
	sessions map[string]*session
	tabs     [2][]*page // the popups of each on top of it
	front    int        // the tab in front
	expect   int        // pages that we asked for and that have not come
	expected []*page    // those that came
	opened   opening    // a page's last wish for a window
	planting bool       // canaryHost is answered by us
	ready    chan struct{}
	ending   bool
}

// The tabs.
const (
	portalTab = iota
	mailboxTab
)

// session is one flat DevTools session: a page, or a frame in a process of
// its own, which belongs to a page.
type session struct {
	id     string
	target string
	page   *page          // nil for workers
	top    bool           // it is the page's own
	parent string         // the session of the page or frame around it
	frames map[int]string // by execution context, the frame
}

// page is a tab or a popup.
type page struct {
	target, session string
	opener          *page // of a popup
	tab             int

	url     string // committed last, "" while none is
	loading bool
	canBack bool
	blank   bool      // a popup with nothing in it yet: the page below is in front
	pending time.Time // since when it waits for another page's answer; zero when it does not
	dialog  bool      // it asks something and waits
	going   string    // where to once its process is ended
	asked   int       // how often it did since askedAt
	askedAt time.Time
	restore bool              // the next page is one that was shown before
	focus   map[string]string // by frame, which kind of field has its cursor
	failed  chan string       // why its first page is not shown; holds one
	shown   chan struct{}     // closed when its first page is there
	once    sync.Once
}

// opening is a page's wish for a window.
type opening struct {
	by *page
	at time.Time
}

// startProcess starts a process and warms it.
func startProcess(ctx context.Context, o Options, screen *xwindow.Screen) (*process, error) {
	ctx, cancelStart := context.WithTimeout(ctx, warmTimeout)
	defer cancelStart()
	args := o.Args
	if o.Proxy != "" {
		args = append([]string{"--proxy-server=http://" + o.Proxy, "--proxy-bypass-list=<-loopback>"}, args...)
	}
	c, err := cell.Start(ctx, cell.Options{
		Path: o.Path, User: o.User, Dir: o.Dir, Headless: o.Headless, Args: args, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	p := &process{cell: c, b: c.Browser, o: o, screen: screen, sessions: map[string]*session{}, ready: make(chan struct{}), expect: 1}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.events = p.b.Subscribe(handled...)
	p.work.Go(p.read)
	if err := p.warm(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("browser: warm a process: %w", err), p.erase())
	}
	return p, nil
}

// warm attaches to the first page, plants the canaries by it and leaves it
// blank.
func (p *process) warm(ctx context.Context) error {
	err := p.b.Call(ctx, "", "Browser.setDownloadBehavior", params{
		"behavior": "allowAndName", "downloadPath": p.cell.Downloads(), "eventsEnabled": true,
	}, nil)
	if err != nil {
		return err
	}
	if err := p.autoAttach(ctx); err != nil {
		return err
	}
	select {
	case <-p.ready:
	case <-p.b.Done():
		return devtools.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := p.settle(ctx, p.frontPage()); err != nil {
		return err
	}
	if err := p.plant(ctx); err != nil {
		return err
	}
	return p.hide()
}

// settle waits until a new page has answered everything and was idle for a
// moment: a renderer that is sent elsewhere while it still starts breaks, one
// time in four on a busy machine (Chromium 156).
func (p *process) settle(ctx context.Context, pg *page) error {
	const idle = `new Promise(done=>{const soon=()=>requestIdleCallback(()=>setTimeout(done,300),{timeout:2000});` +
		`document.readyState==='complete'?soon():addEventListener('load',soon)})`
	for {
		// A question that is put while the browser still shows its first page
		// is at times never answered: it is put again.
		once, cancel := context.WithTimeout(ctx, settleTimeout)
		err := p.b.Call(once, pg.session, "Runtime.evaluate", params{"expression": idle, "awaitPromise": true}, nil)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return err
		}
		p.o.Log.Info("page is asked again whether it rests")
	}
}

func (p *process) autoAttach(ctx context.Context) error {
	return p.b.Call(ctx, "", "Target.setAutoAttach", params{
		"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true,
		"filter": []params{{"type": "browser", "exclude": true}, {"type": "tab", "exclude": true}, {"type": "browser_ui", "exclude": true}, {}},
	}, nil)
}

// plant puts the cell's mark into a cookie, a page and its storage.
func (p *process) plant(ctx context.Context) error {
	first := p.frontPage()
	p.setPlanting(true)
	defer p.setPlanting(false)
	err := p.b.Call(ctx, "", "Storage.setCookies", params{"cookies": []params{{
		"name": "canary", "value": p.cell.Mark(), "domain": canaryHost, "path": "/", "secure": true,
		"expires": time.Now().Add(24 * time.Hour).Unix(),
	}}}, nil)
	if err != nil {
		return err
	}
	var r struct {
		ErrorText string `json:"errorText"`
	}
	if err := p.b.Call(ctx, first.session, "Page.navigate", params{"url": "https://" + canaryHost + "/"}, &r); err != nil {
		return err
	}
	if r.ErrorText != "" {
		return errors.New("the canary's page was not shown")
	}
	select {
	case <-first.shown:
	case <-p.b.Done():
		return devtools.ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := p.b.Call(ctx, first.session, "Page.navigate", params{"url": "about:blank"}, nil); err != nil {
		return err
	}
	if err := p.callActive(ctx, first, "Page.resetNavigationHistory", nil); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	first.url = ""
	first.shown, first.once = make(chan struct{}), sync.Once{}
	return nil
}

func (p *process) setPlanting(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planting = on
}

// canaryPage is the answer to canaryHost.
func (p *process) canaryPage() string {
	return "<!doctype html><title>" + p.cell.Mark() + "</title><p>" + p.cell.Mark() +
		"<script>localStorage.setItem('canary','" + p.cell.Mark() + "');sessionStorage.setItem('canary','" + p.cell.Mark() + "')</script>"
}

// used gives the visit that the process serves; nil while it is spare.
func (p *process) used() *visit {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.visit
}

func (p *process) dead() bool {
	select {
	case <-p.b.Done():
		return true
	default:
		return false
	}
}

// erase ends the process and proves that nothing is left of it.
func (p *process) erase() error {
	p.mu.Lock()
	p.ending = true
	p.mu.Unlock()
	p.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), eraseTimeout)
	defer cancel()
	err := p.cell.Erase(ctx)
	p.events.Close()
	p.work.Wait()
	return err
}

// spawn runs what waits for the browser beside the event reader.
func (p *process) spawn(f func(ctx context.Context)) {
	p.work.Go(func() {
		ctx, cancel := context.WithTimeout(p.ctx, callTimeout)
		defer cancel()
		f(ctx)
	})
}

// tell sends a call whose answer nobody needs.
func (p *process) tell(session, method string, v any) {
	_, _ = p.b.Send(session, method, v) // a browser that is gone is seen by the watch
}

// frontPage is the page that the visitor sees; nil when there is none.
func (p *process) frontPage() *page {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.frontLocked()
}

func (p *process) frontLocked() *page {
	stack := p.tabs[p.front]
	if len(stack) == 0 {
		return nil
	}
	for _, pg := range slices.Backward(stack) {
		if !pg.blank {
			return pg
		}
	}
	return stack[len(stack)-1]
}

// prepareSession sets a new session up in one go, before its scripts run.
func (p *process) prepareSession(s *session) {
	p.tell(s.id, "Target.setAutoAttach", params{"autoAttach": true, "waitForDebuggerOnStart": true, "flatten": true})
	if s.page != nil {
		p.tell(s.id, "Page.enable", nil)
		p.tell(s.id, "DOM.enable", nil)
		p.tell(s.id, "Inspector.enable", nil)
		p.tell(s.id, "Page.setInterceptFileChooserDialog", params{"enabled": true})
		p.tell(s.id, "Runtime.enable", nil)
		p.tell(s.id, "Runtime.addBinding", params{"name": hook.Binding})
		p.tell(s.id, "Page.addScriptToEvaluateOnNewDocument", params{"source": hook.Page, "runImmediately": true})
		p.tell(s.id, "Page.addScriptToEvaluateOnNewDocument", params{"source": hook.Own, "worldName": hook.World})
		p.tell(s.id, "Fetch.enable", params{"patterns": []params{
			{"urlPattern": "*", "resourceType": "Document", "requestStage": "Request"},
			{"urlPattern": "*", "resourceType": "Document", "requestStage": "Response"},
		}})
		p.language(s)
		if s.top {
			p.tell(s.id, "Emulation.setFocusEmulationEnabled", params{"enabled": true})
			p.size(s.page)
		}
	}
	p.tell(s.id, "Runtime.runIfWaitingForDebugger", nil)
}

// language asks for pages in the visitor's language.
func (p *process) language(s *session) {
	v := p.used()
	if v == nil || v.o.Lang == "" {
		return
	}
	lang := v.o.Lang
	if base, _, ok := strings.Cut(lang, "-"); ok {
		lang += "," + base
	}
	if lang != "fr" {
		lang += ",fr"
	}
	// Without a user agent Chromium keeps its own, with all its hints.
	p.tell(s.id, "Emulation.setUserAgentOverride", params{"userAgent": "", "acceptLanguage": lang})
}

// checkAddress refuses what no tab may be opened with.
func checkAddress(address string, allow func(string) bool) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || !allow(u.Hostname()) {
		return badRequest("open", "the address is not one of this portal's")
	}
	return nil
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
