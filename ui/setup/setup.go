// Package setup serves the technician's screens of a kiosk's first start, in
// the look of the visitor's.
//
// Every screen is a page that the server renders from the state; what is
// touched is a form. A small script types what the kiosk's own keyboard says,
// and loads the page again when the state made another one of it.
//
//	GET  /           the step's page
//	GET  /wifi, /wifi/join, /proxy, /ca, /alone, /rename, /touch, /install   what a step asks for
//	GET  /seen       waits for the state to change, and says how
//	POST /act/NAME   an action, as a form
//	GET  /static/NAME
package setup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/assets"
	"pointnum/ui/i18n"
	"pointnum/ui/safeweb"
)

//go:embed templates/*.html
var templates embed.FS

const staticPath = "/static/"

// seenFor is how long a page's question waits at most: less than a server's
// time limit for an answer.
const seenFor = 20 * time.Second

// Options are what a Server needs. Flow and Hosts must be set.
type Options struct {
	Flow  Flow
	Hosts []string     // see safeweb.Options
	Log   *slog.Logger // nil logs nothing
}

// Server serves the screens. It may be used from any goroutine.
type Server struct {
	flow    Flow
	texts   *i18n.Texts
	assets  *assets.Set
	pages   map[string]*template.Template // by language
	handler http.Handler
	log     *slog.Logger
	waiting atomic.Int64    // pages that ask for the next state
	ctx     context.Context // bounds the waiting; ended by Close
	cancel  context.CancelFunc
}

// Languages are those that the screens have.
func Languages() ([]string, error) {
	texts, err := i18n.Load()
	if err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	return ordered(texts), nil
}

// ordered has French first.
func ordered(texts *i18n.Texts) []string {
	tags := []string{i18n.Source}
	for _, tag := range texts.Tags() {
		if tag != i18n.Source {
			tags = append(tags, tag)
		}
	}
	return tags
}

// New makes a Server. The caller closes it before its HTTP server is shut
// down.
func New(o Options) (*Server, error) {
	if o.Flow == nil || len(o.Hosts) == 0 {
		return nil, errors.New("setup: Flow and Hosts must be set")
	}
	texts, err := i18n.Load()
	if err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	set, err := assets.Load()
	if err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{flow: o.Flow, texts: texts, assets: set, pages: map[string]*template.Template{}, log: o.Log}
	for _, tag := range texts.Tags() {
		if s.pages[tag], err = template.New("page.html").Funcs(s.functions(texts.Language(tag))).ParseFS(templates, "templates/*.html"); err != nil {
			return nil, fmt.Errorf("setup: templates: %w", err)
		}
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page(""))
	for _, ask := range []string{"wifi", "wifi/join", "proxy", "ca", "alone", "rename", "touch", "install"} {
		mux.HandleFunc("GET /"+ask, s.page(ask))
	}
	mux.HandleFunc("GET /seen", s.seen)
	mux.HandleFunc("GET "+safeweb.ShownPath, func(w http.ResponseWriter, _ *http.Request) { safeweb.Shown(w, s.Pages() > 0) })
	mux.HandleFunc("POST /act/{name}", s.act)
	mux.HandleFunc("GET /static/{name}", s.static)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	// The screen's browser asks for it when it opens the kiosk's address.
	mux.HandleFunc("GET /fresh", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusSeeOther) })
	s.handler = safeweb.Protect(safeweb.Options{Hosts: o.Hosts, Log: o.Log}, mux)
	return s, nil
}

// Handler is the whole server, protected.
func (s *Server) Handler() http.Handler { return s.handler }

// Pages is how many screens show a page of the server's now.
func (s *Server) Pages() int { return int(s.waiting.Load()) }

// Close ends what waits. It may be called twice.
func (s *Server) Close() { s.cancel() }

// page serves a page: the step's, or what it asks for.
func (s *Server) page(ask string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		st, seq := s.flow.State()
		if !asks(st, ask) {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		html, key, err := s.render(st, ask, r.URL.Query())
		if err == nil {
			html, err = s.execute(st, ask, r.URL.Query(), seq, key)
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
}

// asks says whether a step has such a question.
func asks(st State, ask string) bool {
	switch ask {
	case "":
		return true
	case "wifi", "wifi/join", "proxy", "ca":
		return st.Step == StepNetwork
	case "install":
		return st.Step == StepLanguage && len(st.Disks) > 0 && st.Task == "" && !st.Installed
	case "alone":
		return st.Step == StepHost
	case "rename":
		return st.Step == StepDevices
	case "touch":
		return st.Step == StepTest
	}
	return false
}

// render gives a page without what changes while it stands, and the key that
// names this content: a page with another key has to be loaded again.
func (s *Server) render(st State, ask string, q url.Values) ([]byte, string, error) {
	st.Percent, st.Now = -1, ""
	if ask != "" {
		st.Task, st.Fault = "", nil // nobody who types is disturbed by a look
	}
	html, err := s.execute(st, ask, q, 0, "")
	sum := sha256.Sum256(html)
	return html, hex.EncodeToString(sum[:8]), err
}

func (s *Server) execute(st State, ask string, q url.Values, seq uint64, key string) ([]byte, error) {
	l := s.texts.Language(st.Lang)
	v := view{State: st, L: l, Ask: ask, Seq: seq, Key: key, Bad: q.Has("bad"), SSID: q.Get("ssid"), Hidden: q.Has("hidden"), Device: kiosk.DeviceID(q.Get("id")), Word: eraseWord}
	for i := range st.Disks {
		if ask == "install" && (st.Disks[i].Path == q.Get("disk") || len(st.Disks) == 1) {
			v.Disk = &st.Disks[i]
		}
	}
	for _, tag := range ordered(s.texts) {
		v.Languages = append(v.Languages, s.texts.Language(tag))
	}
	v.prepare()
	var out bytes.Buffer
	if err := s.pages[l.Tag].Execute(&out, v); err != nil {
		return nil, fmt.Errorf("setup: page in %s: %w", l.Tag, err)
	}
	return out.Bytes(), nil
}

// seen answers when the state is another one than the page's.
func (s *Server) seen(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	after, err := strconv.ParseUint(q.Get("seq"), 10, 64)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	at, err := url.Parse(q.Get("at"))
	if err != nil || at.Path == "" {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), seenFor)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()
	s.waiting.Add(1)
	defer s.waiting.Add(-1)
	st, seq, err := s.flow.Wait(ctx, after)
	if err != nil {
		st, seq = s.flow.State()
	}
	answer := struct {
		Seq     uint64 `json:"seq"`
		Step    Step   `json:"step"`
		Key     string `json:"key"` // of the page that would be shown now; "" another one
		Percent int    `json:"percent"`
		Now     string `json:"now"`
		Ended   bool   `json:"ended"`
	}{Seq: seq, Step: st.Step, Percent: st.Percent, Now: st.Now, Ended: st.Ended}
	ask := at.Path[1:]
	if asks(st, ask) {
		if _, answer.Key, err = s.render(st, ask, at.Query()); err != nil {
			s.log.Error("page failed", "err", err)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.log.Debug("state not sent", "err", err)
	}
}

// act hands a form's action over, then shows what came of it.
func (s *Server) act(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		return
	}
	f := r.PostForm
	a := Action{Name: Name(r.PathValue("name")), Text: f.Get("text"), Secret: f.Get("secret"), ID: kiosk.DeviceID(f.Get("id")), On: f.Get("on") == "1"}
	if a.Name == ActRename || a.Name == ActKeep || a.Name == ActFirst {
		if a.ID == "" {
			http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
			return
		}
	}
	to := "/"
	if err := s.flow.Do(r.Context(), a); err != nil {
		s.log.Info("setup: action refused", "action", a.Name, "err", kiosk.CodeOf(err)) // its text may hold what was typed
		to = formOf(a.Name) + "?bad"
		if a.Name == ActWiFi && a.Text != "" && !a.On {
			to = "/wifi/join?bad&ssid=" + url.QueryEscape(a.Text)
		}
		if a.Name == ActInstall {
			to = "/install?bad&disk=" + url.QueryEscape(a.Text)
		}
		if a.Name == ActRename {
			to = "/rename?bad&id=" + url.QueryEscape(string(a.ID))
		}
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (s *Server) static(w http.ResponseWriter, r *http.Request) {
	f, ok := s.assets.File(r.PathValue("name"))
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.Type)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == f.Sum {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if _, err := w.Write(f.Data); err != nil {
		s.log.Debug("file not sent", "err", err)
	}
}
