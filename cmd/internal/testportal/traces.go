package testportal

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// tracePages are a page that keeps what a visitor types in every store that a
// page has, and a form whose upload never comes to its end: what a wipe is
// tried on.
func (p *Portal) tracePages(m *http.ServeMux) {
	m.HandleFunc("GET /traces", p.page("traces", "Traces"))
	m.HandleFunc("POST /traces", func(w http.ResponseWriter, r *http.Request) {
		// With what was sent in the page, and in a cookie for a day.
		http.SetCookie(w, &http.Cookie{Name: "envoi", Value: r.PostFormValue("nom"), Path: "/", Secure: true, HttpOnly: true, MaxAge: 86400})
		p.show(w, r, http.StatusOK, "traces", "Traces", r.PostFormValue("nom")+" "+r.PostFormValue("secret"))
	})
	m.HandleFunc("GET /traces/copie", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, max-age=86400")
		fmt.Fprintf(w, "copie de %s", r.URL.RawQuery)
	})
	m.HandleFunc("GET /traces/papier", func(w http.ResponseWriter, r *http.Request) {
		word := r.URL.RawQuery
		give(w, paper{file: word + ".pdf", title: word, lines: []string{"SPÉCIMEN : document d’essai, sans valeur.", "", word}}, true)
	})
	m.HandleFunc("GET /lent", p.page("lent", "Envoi lent"))
	m.HandleFunc("POST /lent", p.takeSlowly)
}

// takeSlowly reads the beginning of an upload and no more of it: the rest
// waits in the browser and on its way here until Close.
func (p *Portal) takeSlowly(_ http.ResponseWriter, r *http.Request) {
	if _, err := io.CopyN(io.Discard, r.Body, 16<<10); err != nil {
		return
	}
	p.mu.Lock()
	p.slow++
	p.mu.Unlock()
	<-p.done
}

// measurePages are a page that tells when it was first painted, and sends the
// paper that it is given at once.
func (p *Portal) measurePages(m *http.ServeMux) {
	m.HandleFunc("GET /mesure", p.page("mesure", "Mesure"))
	m.HandleFunc("POST /mesure", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 100))
		ms, perr := strconv.ParseFloat(string(body), 64)
		if err != nil || perr != nil {
			http.Error(w, "Une heure en millisecondes.", http.StatusBadRequest)
			return
		}
		p.mu.Lock()
		p.painted = append(p.painted, time.UnixMicro(int64(ms*1000)))
		p.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
}

// Painted says when pages at /mesure were first painted, by the browser's
// clock.
func (p *Portal) Painted() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.painted)
}

// SlowUploads counts the uploads to /lent that have begun.
func (p *Portal) SlowUploads() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slow
}
