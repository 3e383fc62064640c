package console

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/ui/assets"
	"pointnum/ui/i18n"
	"pointnum/ui/safeweb"
)

//go:embed templates/*.html
var templates embed.FS

//go:embed po/*.po
var catalogues embed.FS

// maxBody holds the largest settings that kiosks take, encoded as a form.
const maxBody = 1 << 20

// Options are what a Server needs. Fleet, Logins, Catalogue and Hosts must be
// set.
type Options struct {
	Fleet     Fleet
	Logins    Logins
	Catalogue *portal.Catalogue
	Hosts     []string // see safeweb.Options
	// Support is who people call when they are stuck; the zero value for
	// nobody.
	Support kiosk.Contact
	Zone    *time.Location // of times that are shown; nil is Europe/Paris
	// From says the address of who asks; nil takes the connection's. Behind a
	// proxy of one's own it reads what that proxy adds.
	From func(*http.Request) string
	Now  func() time.Time // nil is time.Now
	Log  *slog.Logger     // nil logs nothing
}

// Server serves the console. It may be used from any goroutine.
type Server struct {
	fleet     Fleet
	logins    Logins
	catalogue *portal.Catalogue
	support   kiosk.Contact
	zone      *time.Location
	from      func(*http.Request) string
	now       func() time.Time
	log       *slog.Logger
	texts     *i18n.Texts
	assets    *assets.Set
	files     map[string]file
	pages     map[string]map[string]*page // by language and name
	handler   http.Handler

	ctx     context.Context // bounds what is live; ended by Close
	cancel  context.CancelFunc
	mu      sync.Mutex
	closed  bool
	open    map[string]int // live streams of a session
	streams sync.WaitGroup
}

// New makes a Server. The caller closes it before its HTTP server is shut
// down: what is live would hold that up.
func New(o Options) (*Server, error) {
	if o.Fleet == nil || o.Logins == nil || o.Catalogue == nil || len(o.Hosts) == 0 {
		return nil, errors.New("console: Fleet, Logins, Catalogue and Hosts must be set")
	}
	s := &Server{
		fleet: o.Fleet, logins: o.Logins, catalogue: o.Catalogue, support: o.Support,
		zone: o.Zone, from: o.From, now: o.Now, log: o.Log, open: map[string]int{},
	}
	if err := s.defaults(); err != nil {
		return nil, err
	}
	po, err := fs.Sub(catalogues, "po")
	if err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if s.texts, err = i18n.LoadFS(po); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if s.assets, err = assets.Load(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	if s.files, err = loadFiles(); err != nil {
		return nil, err
	}
	if err := s.parsePages(); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.handler = navigations(safeweb.Protect(safeweb.Options{Hosts: o.Hosts, MaxBody: maxBody, HSTS: true, Log: s.log}, s.routes()))
	return s, nil
}

func (s *Server) defaults() error {
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.from == nil {
		s.from = connection
	}
	if s.zone == nil {
		zone, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			return fmt.Errorf("console: %w", err)
		}
		s.zone = zone
	}
	return nil
}

func connection(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return host
}

// Handler is all of the console.
func (s *Server) Handler() http.Handler { return s.handler }

// Close ends what is live and waits for it.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.streams.Wait()
}

// navigations lets people come from elsewhere: by the link of an e-mail that
// is read in a browser, or back from a provider. They may only get a page, and
// no GET changes anything but the provider's, which has a state of its own.
func navigations(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" {
			r = r.Clone(r.Context())
			r.Header.Del("Sec-Fetch-Site")
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{name}", s.serveStatic)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	s.loginRoutes(mux)
	s.accountRoutes(mux)
	s.boardRoutes(mux)
	s.placeRoutes(mux)
	s.staffRoutes(mux)
	s.updateRoutes(mux)
	mux.HandleFunc("POST /lang", s.public(s.setLanguage))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, &request{Request: r, l: s.language(r, "")}, ErrNotFound)
	})
	return mux
}

// request is one request with what is known of who asks.
type request struct {
	*http.Request
	who   Who
	in    bool   // somebody is logged in
	token string // of the session; "" when nobody is
	csrf  string // what forms carry
	from  string
	l     *i18n.Language
}

// handler answers one request. An error is shown by Server.fail.
type handler func(w http.ResponseWriter, r *request) error

// private wraps what only people who are logged in get.
func (s *Server) private(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, hr *http.Request) {
		r, err := s.known(w, hr)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		if !r.in {
			if hr.Method != http.MethodGet || strings.HasPrefix(hr.URL.Path, "/live") {
				s.problem(w, r, http.StatusUnauthorized, "login")
				return
			}
			http.Redirect(w, hr, "/login?back="+queryEscape(hr.URL.RequestURI()), http.StatusSeeOther)
			return
		}
		if r.who.Only && !slices.Contains(onlyPaths, hr.URL.Path) {
			http.Redirect(w, hr, "/account", http.StatusSeeOther)
			return
		}
		s.answer(w, r, h)
	}
}

// onlyPaths are for those who came by a recovery code, too.
var onlyPaths = []string{"/account", "/account/key/begin", "/account/key", "/logout"}

// public wraps what everybody gets.
func (s *Server) public(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, hr *http.Request) {
		r, err := s.known(w, hr)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.answer(w, r, h)
	}
}

// answer checks the token of a form before its handler sees it.
func (s *Server) answer(w http.ResponseWriter, r *request, h handler) {
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			s.problem(w, r, http.StatusBadRequest, "form")
			return
		}
		if !sameToken(r.PostForm.Get("csrf"), r.csrf) {
			s.log.Warn("form without its token refused", "path", r.Pattern)
			s.problem(w, r, http.StatusForbidden, "form")
			return
		}
	}
	if err := h(w, r); err != nil {
		s.fail(w, r, err)
	}
}

// fail shows what went wrong.
func (s *Server) fail(w http.ResponseWriter, r *request, err error) {
	switch {
	case errors.Is(err, ErrStale) && r.in:
		http.Redirect(w, r.Request, "/prove?back="+queryEscape(before(r)), http.StatusSeeOther)
	case errors.Is(err, ErrNotFound):
		s.problem(w, r, http.StatusNotFound, "not_found")
	case errors.Is(err, ErrForbidden):
		s.problem(w, r, http.StatusForbidden, "forbidden")
	case errors.Is(err, ErrRefused):
		s.problem(w, r, http.StatusForbidden, "refused")
	case errors.Is(err, ErrTooMany):
		s.problem(w, r, http.StatusTooManyRequests, "too_many")
	case errors.Is(err, ErrConflict):
		s.problem(w, r, http.StatusConflict, "conflict")
	case errors.Is(err, ErrInvalid):
		s.problem(w, r, http.StatusBadRequest, "invalid")
	case r.Context().Err() != nil:
		return // nobody waits for it
	default:
		s.log.Error("request failed", "path", r.Pattern, "err", err)
		s.problem(w, r, http.StatusInternalServerError, "ours")
	}
}

// before is the page on which a form was: there people go on after a proof.
func before(r *request) string {
	if r.Method != http.MethodPost {
		return r.URL.RequestURI()
	}
	return local(r.PostForm.Get("page"))
}
