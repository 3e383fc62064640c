// Package technician serves the technician's menu: what a kiosk without a
// login, a shell or ssh needs of a person who stands before it. The visitor's
// welcome screen leads there when the kiosk's name is held for five seconds.
//
// Each screen is a page that the server renders; what is touched is a form.
// The script is that of package setup's screens. The code that is typed opens
// the menu for the browser that typed it, by a random token in a cookie; there
// is one menu at a time, and no visit begins while it is open.
//
//	GET  /technique            the code, or the menu
//	POST /technique/code       the code
//	GET  /technique/NAME       what a point of the menu asks (asks)
//	POST /technique/act/NAME   an action
//	POST /technique/leave      back to the welcome screen
//	GET  /technique/seen       waits for the state to change
package technician

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"html/template"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/assets"
	"pointnum/ui/i18n"
)

//go:embed templates/*.html
var templates embed.FS

// Base is where the menu is, below the screens' own address.
const Base = "/technique"

const (
	staticPath = "/static/"
	cookieName = "technique"
)

// The times of a menu.
const (
	openFor   = 5 * time.Minute  // untouched
	codeFor   = 60               // seconds that the code's page stays untouched
	seenFor   = 20 * time.Second // a page's question waits at most
	lookEvery = 500 * time.Millisecond
)

// maxForm is more than any form of these pages.
const maxForm = 4 << 10

// Options are what a Server needs. Desk must be set.
type Options struct {
	Desk Desk
	Log  *slog.Logger     // nil logs nothing
	Now  func() time.Time // nil is time.Now
}

// Server serves the menu. It has no protection of its own: package ui's, or
// another safeweb.Protect, stands before it. It may be used from any goroutine.
type Server struct {
	desk    Desk
	texts   *i18n.Texts
	assets  *assets.Set
	pages   map[string]*template.Template // by language
	log     *slog.Logger
	now     func() time.Time
	mux     *http.ServeMux
	waiting atomic.Int64    // pages that ask for the next state
	ctx     context.Context // bounds the waiting; ended by Close
	cancel  context.CancelFunc

	mu      sync.Mutex
	token   string // of the menu that is open; "" none
	touched time.Time
	wrong   bool // the last code was
}

// New makes a Server. The caller closes it before its HTTP server is shut
// down.
func New(o Options) (*Server, error) {
	if o.Desk == nil {
		return nil, errors.New("technician: Desk must be set")
	}
	texts, err := i18n.Load()
	if err != nil {
		return nil, fmt.Errorf("technician: %w", err)
	}
	set, err := assets.Load()
	if err != nil {
		return nil, fmt.Errorf("technician: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Server{desk: o.Desk, texts: texts, assets: set, pages: map[string]*template.Template{}, log: o.Log, now: o.Now, mux: http.NewServeMux()}
	for _, tag := range texts.Tags() {
		if s.pages[tag], err = template.New("page.html").Funcs(s.functions(texts.Language(tag))).ParseFS(templates, "templates/*.html"); err != nil {
			return nil, fmt.Errorf("technician: templates: %w", err)
		}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.mux.HandleFunc("GET "+Base, s.page)
	s.mux.HandleFunc("GET "+Base+"/{ask}", s.page)
	s.mux.HandleFunc("GET "+Base+"/seen", s.seen)
	s.mux.HandleFunc("POST "+Base+"/code", s.code)
	s.mux.HandleFunc("POST "+Base+"/act/{name}", s.act)
	s.mux.HandleFunc("POST "+Base+"/leave", func(w http.ResponseWriter, r *http.Request) {
		if s.session(r) {
			s.End()
		}
		http.Redirect(w, r, "/fresh", http.StatusSeeOther) // the process that saw the code ends
	})
	return s, nil
}

// ServeHTTP serves what is at Base and below.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	s.mux.ServeHTTP(w, r)
}

// Pages is how many screens show a page of the menu's now.
func (s *Server) Pages() int { return int(s.waiting.Load()) }

// Close ends what waits. It may be called twice.
func (s *Server) Close() { s.cancel() }

// Open says that a technician is at the menu: no visit may begin.
func (s *Server) Open() bool {
	st := s.desk.State()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open(st)
}

// open needs mu. Who waits beside an update or an erasure touches nothing.
func (s *Server) open(st State) bool {
	if s.token == "" {
		return false
	}
	if s.now().Sub(s.touched) < openFor || st.Task != "" || slices.Contains(working, st.Update.Phase) {
		return true
	}
	s.token = ""
	return false
}

// End closes the menu, as when the screen shows its welcome again. What can't
// be left, stays.
func (s *Server) End() {
	if t := s.desk.State().Task; t == TaskErase || t == TaskErased {
		return
	}
	s.mu.Lock()
	s.token, s.wrong = "", false
	s.mu.Unlock()
	s.desk.Left()
}

// session says whether a request comes from the menu that is open.
func (s *Server) session(r *http.Request) bool {
	st := s.desk.State()
	c, err := r.Cookie(cookieName)
	s.mu.Lock()
	defer s.mu.Unlock()
	return err == nil && s.open(st) && subtle.ConstantTimeCompare([]byte(c.Value), []byte(s.token)) == 1
}

func (s *Server) touch() {
	s.mu.Lock()
	s.touched = s.now()
	s.mu.Unlock()
}

// code takes what was typed on the pad.
func (s *Server) code(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	if !s.desk.State().Free {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if !s.desk.Try(r.PostForm.Get("code")) {
		s.log.Warn("technician: refused at the entrance")
		s.mu.Lock()
		s.wrong = true
		s.mu.Unlock()
		http.Redirect(w, r, Base, http.StatusSeeOther)
		return
	}
	token := rand.Text() + rand.Text() // 256 bits and more
	s.mu.Lock()
	s.token, s.touched, s.wrong = token, s.now(), false
	s.mu.Unlock()
	s.log.Info("technician: the menu is open")
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: token, Path: Base, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(w, r, Base, http.StatusSeeOther)
}

// act hands a form's action over, then shows what came of it.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	if !s.session(r) {
		http.Redirect(w, r, Base, http.StatusSeeOther)
		return
	}
	if err := r.ParseForm(); err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	s.touch()
	a := Action{Name: Name(r.PathValue("name")), Text: r.PostForm.Get("text"), On: r.PostForm.Get("on") == "1"}
	to := Base
	if a.Name == ActUpdate || a.Name == ActNow {
		to = Base + "/update"
	}
	s.log.Info("technician: asked for", "action", known(a.Name))
	if err := s.desk.Do(r.Context(), a); err != nil {
		s.log.Warn("technician: not done", "action", known(a.Name), "err", err)
		if a.Name == ActErase && kiosk.CodeOf(err) == kiosk.CodeBadRequest {
			to = Base + "/erase?bad"
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// known keeps what a form invents out of the log.
func known(n Name) Name {
	if slices.Contains([]Name{ActUpdate, ActNow, ActSetup, ActReboot, ActOff, ActErase}, n) {
		return n
	}
	return "unknown"
}

// page serves the code's page, the menu, or what a point of it asks.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	st, ask := s.desk.State(), r.PathValue("ask")
	in := s.session(r)
	switch {
	case !in && !st.Free:
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	case ask != "" && (!in || st.Task != "" || !slices.Contains(asks, ask)):
		http.Redirect(w, r, Base, http.StatusSeeOther)
		return
	}
	if in {
		s.touch()
	}
	at := *r.URL
	html, key, err := s.render(st, in, &at)
	if err == nil {
		html, err = s.execute(st, in, &at, key)
	}
	if err != nil {
		s.log.Error("page failed", "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", s.texts.Language(st.Lang).Tag)
	if _, err := w.Write(html); err != nil {
		s.log.Debug("page not sent", "err", err)
	}
}

// render gives a page without what changes while it stands, and the key that
// names this content: a page with another key has to be loaded again.
func (s *Server) render(st State, in bool, at *url.URL) ([]byte, string, error) {
	st.Update.Percent = -1
	html, err := s.execute(st, in, at, "")
	sum := sha256.Sum256(html)
	return html, hex.EncodeToString(sum[:8]), err
}

func (s *Server) execute(st State, in bool, at *url.URL, key string) ([]byte, error) {
	l := s.texts.Language(st.Lang)
	v := s.view(st, in, at, l)
	v.Key = key
	var out bytes.Buffer
	if err := s.pages[l.Tag].Execute(&out, v); err != nil {
		return nil, fmt.Errorf("technician: page in %s: %w", l.Tag, err)
	}
	return out.Bytes(), nil
}

// seen answers when the page would be another one, or its numbers have
// changed.
func (s *Server) seen(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, err := strconv.ParseUint(q.Get("seq"), 10, 64)
	at, bad := url.Parse(q.Get("at"))
	if err != nil || bad != nil || at.Path != Base && !strings.HasPrefix(at.Path, Base+"/") {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	was := s.session(r)
	if was && q.Has("touched") {
		s.touch()
	}
	ctx, cancel := context.WithTimeout(r.Context(), seenFor)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		answer, err := s.told(r, at, was)
		if err != nil {
			s.log.Error("page failed", "err", err)
		}
		if answer.Seq == after && !answer.Ended && err == nil {
			select {
			case <-tick.C:
				continue
			case <-ctx.Done():
			}
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			s.log.Debug("state not sent", "err", err)
		}
		return
	}
}

// answer is what a page hears.
type answer struct {
	Seq     uint64 `json:"seq"`
	Key     string `json:"key"` // of the page that would be shown now; "" another one
	Percent int    `json:"percent"`
	Now     string `json:"now"`
	Ended   bool   `json:"ended"`
}

// told is what a page at an address hears now. was says that it is one of the
// menu's.
func (s *Server) told(r *http.Request, at *url.URL, was bool) (answer, error) {
	st := s.desk.State()
	in := s.session(r)
	a := answer{Percent: st.Update.Percent, Ended: was && !in || !in && !st.Free}
	ask := strings.TrimPrefix(strings.TrimPrefix(at.Path, Base), "/")
	var err error
	if ask == "" || in && st.Task == "" && slices.Contains(asks, ask) {
		_, a.Key, err = s.render(st, in, at)
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %d", a.Key, a.Percent)
	a.Seq = h.Sum64() & (math.MaxUint64 >> 11) // a number of JavaScript's
	return a, err
}
