// Package ui serves the visitor's screens on the kiosk.
//
// The page holds every screen; a socket sends it the latest state whenever it
// changed, and a small script shows it. What a visitor touches is an action,
// posted to /act/NAME. The page knows nothing that the state does not say, so
// it may be loaded again at any moment.
//
//	GET  /               the page, in the state's language
//	GET  /fresh          leads to the page in a new process of the browser's
//	GET  /socket         the state, as one JSON view after the other
//	POST /act/NAME       an action (act.go)
//	GET  /picture/ID     a page's small picture; ?large for the one to read
//	GET  /static/NAME    style, script, fonts, pictograms
//	     /technique      the technician's menu (package technician)
//	GET  /phone-code/ID  the QR code that is shown to the visitor's phone
package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
	"pointnum/kiosk/watch"
	"pointnum/ui/assets"
	"pointnum/ui/i18n"
	"pointnum/ui/safeweb"
	"pointnum/ui/technician"
)

var _ Engine = (*session.Engine)(nil)

// Engine runs the visit; *session.Engine does.
type Engine interface {
	// State is what the screens show.
	State() *watch.Value[session.State]
	// Do hands an action over. kiosk.CodeBadRequest means that the screen was
	// out of date. What goes wrong later is in the state.
	Do(ctx context.Context, a session.Action) error
	// OpenPicture opens a page's picture, unturned, and says its media type;
	// the caller closes it.
	OpenPicture(id string, what session.Picture) (io.ReadCloser, string, error)
}

// Place is where the kiosk stands, as visitors are told.
type Place struct {
	Name    string
	Address string // one or more lines
	Phone   string
	Hours   string // one or more lines
	// Contacts are people who can help, Checklists the papers that a démarche
	// needs; both as the host wrote them, in its language.
	Contacts   []kiosk.Contact
	Checklists []kiosk.Checklist
	// Portals are the IDs of those that are offered, in their order; empty for
	// all of the catalogue.
	Portals []string
}

// Options are what a Server needs. Engine, Catalogue and Hosts must be set.
type Options struct {
	Engine    Engine
	Catalogue *portal.Catalogue
	Place     Place
	Languages []string     // offered on the welcome screen, in this order; empty is all, French first
	Hosts     []string     // see safeweb.Options; safeweb.Hosts gives them for a listener
	Log       *slog.Logger // nil logs nothing
	// Technician is the menu of whoever looks after the kiosk, at and below
	// technician.Base; nil for none.
	Technician Technician
	// Fault is the address of the page to show when this server has been
	// silent for a minute; "" stays.
	Fault string
}

// Technician is the technician's menu; *technician.Server is.
type Technician interface {
	// ServeHTTP serves its pages.
	http.Handler
	// Open says that it is on the screen: no visit may begin.
	Open() bool
	// End says that the visitor's page is on the screen again.
	End()
	// Pages is how many screens show it now.
	Pages() int
}

var _ Technician = (*technician.Server)(nil)

// Server serves the screens. It may be used from any goroutine.
type Server struct {
	engine     Engine
	catalogue  *portal.Catalogue
	texts      *i18n.Texts
	tags       []string
	assets     *assets.Set
	pages      atomic.Pointer[map[string]*page]
	handler    http.Handler
	log        *slog.Logger
	fault      string
	technician Technician

	ctx     context.Context // bounds the sockets; ended by Close
	cancel  context.CancelCauseFunc
	mu      sync.Mutex
	closed  bool
	open    int
	sockets sync.WaitGroup
}

var errClosed = errors.New("ui: server closed")

// New makes a Server. The caller closes it after its HTTP server has stopped
// accepting.
func New(o Options) (*Server, error) {
	if o.Engine == nil || o.Catalogue == nil || len(o.Hosts) == 0 {
		return nil, errors.New("ui: Engine, Catalogue and Hosts must be set")
	}
	texts, err := i18n.Load()
	if err != nil {
		return nil, fmt.Errorf("ui: %w", err)
	}
	set, err := assets.Load()
	if err != nil {
		return nil, fmt.Errorf("ui: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if missing := set.Missing(); len(missing) > 0 {
		o.Log.Warn("fonts and pictograms are missing: run make assets", "files", len(missing))
	}
	tags, err := languages(texts, o.Languages)
	if err != nil {
		return nil, err
	}
	s := &Server{
		engine: o.Engine, catalogue: o.Catalogue,
		texts: texts, tags: tags, assets: set, log: o.Log, fault: o.Fault, technician: o.Technician,
	}
	if err := s.SetPlace(o.Place); err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	s.handler = safeweb.Protect(safeweb.Options{Hosts: o.Hosts, Siblings: o.Fault != "", Log: o.Log}, s.routes())
	return s, nil
}

// languages checks which ones are asked for; French comes first when nobody
// says otherwise.
func languages(texts *i18n.Texts, asked []string) ([]string, error) {
	if len(asked) == 0 {
		all := slices.DeleteFunc(texts.Tags(), func(tag string) bool { return tag == i18n.Source })
		return append([]string{i18n.Source}, all...), nil
	}
	for _, tag := range asked {
		if !texts.Has(tag) {
			return nil, fmt.Errorf("ui: no texts in language %q; there are %v", tag, texts.Tags())
		}
	}
	return slices.Clone(asked), nil
}

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.servePage)
	mux.HandleFunc("GET /fresh", s.serveFresh)
	if s.technician != nil {
		mux.Handle(technician.Base, s.technician)
		mux.Handle(technician.Base+"/", s.technician)
	}
	mux.HandleFunc("GET /socket", s.serveSocket)
	mux.HandleFunc("POST /act/{name}", s.serveAct)
	mux.HandleFunc("GET /picture/{id}", s.servePicture)
	mux.HandleFunc("GET /static/{name}", s.serveStatic)
	mux.HandleFunc("GET /phone-code/{id}", s.servePhoneCode)
	mux.HandleFunc("GET "+safeweb.ShownPath, func(w http.ResponseWriter, _ *http.Request) { safeweb.Shown(w, s.Pages() > 0) })
	// Browsers ask for it beside a page that names no icon, as the fresh one.
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return mux
}

// Handler is the whole server, protected.
func (s *Server) Handler() http.Handler { return s.handler }

// Close ends the sockets and waits for them. It may be called twice.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel(errClosed)
	s.sockets.Wait()
}

// Pages is how many screens show a page of the kiosk's and answer: their
// sockets are open, or the technician's menu is on them.
func (s *Server) Pages() int {
	n := 0
	if s.technician != nil {
		n = s.technician.Pages()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return n + s.open
}

// servePage shows its language's page; the script loads it again when the state's
// language is another one.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	if s.technician != nil {
		s.technician.End() // the menu is not on the screen any more
	}
	st, _ := s.engine.State().Load()
	p := s.page(st.Lang)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", p.lang)
	if _, err := w.Write(p.html); err != nil {
		s.log.Debug("page not sent", "err", err)
	}
}

// serveFresh leads to the page from a browsing context group of its own, for
// which browsers take another process each time (HTML, 7.1.3, "cross-origin
// opener policies"): the memory of the one in which a visit was shown, its
// pictures and names, ends with it.
func (s *Server) serveFresh(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cross-Origin-Opener-Policy", "unsafe-none")
	w.Header().Set("Refresh", "0; url=/")
}

// SetPlace changes where the kiosk is said to stand. Screens that show no
// visit load their page again.
func (s *Server) SetPlace(p Place) error {
	pages, err := s.parsePages(p)
	if err != nil {
		return err
	}
	s.pages.Store(&pages)
	return nil
}

// page is the one in a language.
func (s *Server) page(tag string) *page { return (*s.pages.Load())[s.language(tag).Tag] }

// language gives a language that this kiosk has a page in.
func (s *Server) language(tag string) *i18n.Language {
	l := s.texts.Language(tag)
	if !slices.Contains(s.tags, l.Tag) {
		return s.texts.Language(s.tags[0])
	}
	return l
}

func (s *Server) serveStatic(w http.ResponseWriter, r *http.Request) {
	f, ok := s.assets.File(r.PathValue("name"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.Type)
	// Nothing of a visitor is in these files: they may stay in the browser.
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == f.Sum {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("ETag", `"`+f.Sum+`"`)
	if r.Header.Get("If-None-Match") == `"`+f.Sum+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if _, err := w.Write(f.Data); err != nil {
		s.log.Debug("file not sent", "err", err)
	}
}

func (s *Server) servePicture(w http.ResponseWriter, r *http.Request) {
	what := session.PictureThumb
	if r.URL.Query().Has("large") {
		what = session.PictureView
	}
	in, mediaType, err := s.engine.OpenPicture(r.PathValue("id"), what)
	if err != nil {
		// The page was deleted or the visit ended while the screen asked.
		http.NotFound(w, r)
		return
	}
	defer in.Close()
	switch mediaType {
	case "image/jpeg", "image/png":
	default:
		s.log.Error("picture of an unexpected type not sent")
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	if _, err := io.Copy(w, in); err != nil {
		s.log.Debug("picture not sent", "err", err)
	}
}
