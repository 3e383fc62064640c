package fault

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"image/color"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/boombuler/barcode/qr"

	"pointnum/ui/assets"
	"pointnum/ui/safeweb"
)

// Options say whose fault is shown.
type Options struct {
	Agent string        // "http://127.0.0.1:8088/", where the agent's page is
	Note  string        // "" is NotePath
	Boot  string        // file of the boot's ID; "" is the kernel's
	Wait  time.Duration // before a fault shows; 0 is Patience
	Log   *slog.Logger  // nil logs nothing
}

// Patience is how long the agent may be silent before its screen says so: it
// starts, or starts again, in less.
const Patience = 60 * time.Second

// again is how often the page asks, in seconds.
const again = 3

// probeTime is for the agent's answer: it is on this machine.
const probeTime = 2 * time.Second

//go:embed page.html
var pageText string

//go:embed style.css
var style []byte

//go:embed picture.svg
var picture []byte

//go:embed starting.svg
var starting []byte

// fonts are the screens' own, under their names in package assets.
var fonts = map[string]string{
	"latin.woff2":  "atkinson-hyperlegible-next-latin-wght-normal.woff2",
	"arabic.woff2": "noto-sans-arabic-arabic-wght-normal.woff2",
}

// server answers the screen's browser.
type server struct {
	o      Options
	page   *template.Template
	client http.Client
	files  *assets.Set

	mu    sync.Mutex
	asked time.Time // the last time
	since time.Time // the agent has been silent
}

// Handler serves the page: "/" leads on to the agent, or says that it starts
// or that the kiosk is out of order; "/lost" is for who has waited already.
// hosts are its own, as for safeweb.Options.
func Handler(o Options, hosts []string) (http.Handler, error) {
	if o.Note == "" {
		o.Note = NotePath
	}
	if o.Boot == "" {
		o.Boot = "/proc/sys/kernel/random/boot_id"
	}
	if o.Wait == 0 {
		o.Wait = Patience
	}
	page, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("fault: %w", err)
	}
	set, err := assets.Load()
	if err != nil {
		return nil, fmt.Errorf("fault: %w", err)
	}
	s := &server{o: o, page: page, files: set, client: http.Client{
		Timeout:       probeTime,
		Transport:     &http.Transport{DisableKeepAlives: true}, // no proxy: this machine
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, false) })
	mux.HandleFunc("GET /lost", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, true) })
	mux.HandleFunc("GET "+safeweb.ShownPath, func(w http.ResponseWriter, _ *http.Request) { safeweb.Shown(w, s.shown()) })
	mux.HandleFunc("GET /code/{code}", s.serveCode)
	mux.HandleFunc("GET /style.css", give("text/css; charset=utf-8", style))
	mux.HandleFunc("GET /picture.svg", give("image/svg+xml", picture))
	mux.HandleFunc("GET /starting.svg", give("image/svg+xml", starting))
	mux.HandleFunc("GET /font/{name}", s.serveFont)
	// It changes nothing, so it is shown to the agent's page, too, which is of
	// another port.
	return safeweb.Protect(safeweb.Options{Hosts: hosts, Siblings: true, Log: o.Log}, mux), nil
}

func give(kind string, data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(data) // nobody is there to be told
	}
}

func (s *server) serveFont(w http.ResponseWriter, r *http.Request) {
	f, ok := s.files.File(fonts[r.PathValue("name")])
	if !ok {
		http.NotFound(w, r)
		return
	}
	give(f.Type, f.Data)(w, r)
}

// view is what the page shows.
type view struct {
	Code  Code // None while the agent may still come
	Text  string
	Again int
}

func (s *server) serve(w http.ResponseWriter, r *http.Request, lost bool) {
	answers, hung := s.probe(r.Context())
	if answers {
		s.mu.Lock()
		s.since, s.asked = time.Time{}, time.Time{} // the screen leaves
		s.mu.Unlock()
		http.Redirect(w, r, s.o.Agent, http.StatusSeeOther)
		return
	}
	v := view{Again: again}
	note := s.note()
	code := Judge(note, hung, time.Now())
	if s.silent(lost) >= s.o.Wait || code.Now() {
		v.Code, v.Text = code, QR(code, note, s.boot())
	}
	var out bytes.Buffer
	if err := s.page.Execute(&out, v); err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Refresh", strconv.Itoa(again))
	_, _ = w.Write(out.Bytes()) // nobody is there to be told
}

// silent is how long the agent has been. Who comes from the agent's own page
// has waited there; a screen that was away for longer begins anew.
func (s *server) silent(lost bool) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.since.IsZero() || now.Sub(s.asked) > s.o.Wait {
		s.since = now
		if lost {
			s.since = now.Add(-s.o.Wait)
		}
	}
	s.asked = now
	return now.Sub(s.since)
}

// shown says whether a screen shows the page: it asks for it again and again.
func (s *server) shown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.asked) < 5*again*time.Second
}

// probe asks the agent's page.
func (s *server) probe(ctx context.Context) (answers, hung bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, s.o.Agent, nil)
	if err != nil {
		return false, false
	}
	res, err := s.client.Do(req)
	if err != nil {
		return false, !errors.Is(err, syscall.ECONNREFUSED)
	}
	return res.Body.Close() == nil && res.StatusCode < http.StatusInternalServerError, false
}

func (s *server) note() Note {
	n, err := Read(s.o.Note)
	if err != nil && s.o.Log != nil {
		s.o.Log.Warn("how the agent ended can't be read", "err", err)
	}
	return n
}

func (s *server) boot() string {
	b, err := os.ReadFile(s.o.Boot)
	if err != nil {
		return ""
	}
	return string(b)
}

// serveCode draws the QR code. The text is made anew: nobody can have another
// one shown.
func (s *server) serveCode(w http.ResponseWriter, r *http.Request) {
	code, ok := strings.CutSuffix(r.PathValue("code"), ".svg")
	if !ok || len(code) != 2 || code[0] != 'P' || code[1] < '1' || code[1] > '9' {
		http.NotFound(w, r)
		return
	}
	svg, err := draw(QR(Code(code), s.note(), s.boot()))
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	give("image/svg+xml", svg)(w, r)
}

// quiet is the white around a QR code, in modules (ISO/IEC 18004, 9.1).
const quiet = 4

func draw(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("fault: qr: %w", err)
	}
	size := code.Bounds()
	n := size.Dx() + 2*quiet
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, n, n, n, n)
	for y := range size.Dy() {
		for x := range size.Dx() {
			if color.GrayModel.Convert(code.At(size.Min.X+x, size.Min.Y+y)).(color.Gray).Y < 128 {
				fmt.Fprintf(&b, "M%d %dh1v1h-1z", x+quiet, y+quiet)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes(), nil
}

// Serve serves the page on a listener until ctx ends.
func Serve(ctx context.Context, o Options, ln net.Listener) error {
	hosts, err := safeweb.Hosts(ln.Addr())
	if err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	h, err := Handler(o, hosts)
	if err != nil {
		return err
	}
	srv := safeweb.Server(h, o.Log)
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("fault: %w", err)
	}
	return nil
}
