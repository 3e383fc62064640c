// Package relay carries papers between a visitor's phone and the kiosk in
// front of them, and cannot read them.
//
// The kiosk opens a session and shows a QR code: the address of the phone's
// page with, behind its "#", the session and the kiosk's public key. Browsers
// never send that part. The phone claims the session with a public key of its
// own; from then on each side puts sealed messages into a queue of numbered
// places and the other takes them out. Package kiosk/phone is the kiosk's side
// and says what is in them; web/phone.js is the phone's.
//
//	GET    /d                       the phone's page; /d/NAME its files
//	PUT    /s/{id}                  the kiosk opens a session
//	GET    /s/{id}/phone            the kiosk waits for a phone's public key
//	POST   /s/{id}/phone            the one phone claims it; the answer is its token
//	POST   /s/{id}/{queue}/{n}      puts message n: "up" by the phone, "down" by the kiosk
//	GET    /s/{id}/{queue}/{n}      waits for message n; those before it are erased
//	DELETE /s/{id}                  the kiosk erases it all
//
// All is kept in memory only, a message 15 minutes at most, and nothing that
// tells who asked for what is logged. Whoever serves it throws the server's
// own ErrorLog away, which would name addresses, and keeps no access log.
package relay

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"pointnum/ui/safeweb"
)

const (
	// MaxBody is the largest body of a request, in bytes.
	MaxBody = 2 << 20
	// keySize is an uncompressed point of P-256 (SEC 1, 2.3.3).
	keySize = 65
	// idSize is a session's or token's random bytes.
	idSize = 16
	// hold is how long a request waits for something to come.
	hold = 25 * time.Second
	// sweep is how often what is due is erased.
	sweep = 5 * time.Second
)

// Options are what a Relay needs. Hosts must be set; the zero value of the
// others means their default.
type Options struct {
	Hosts []string // see safeweb.Options
	HSTS  bool     // behind TLS
	// Admit says whether a kiosk may open a session; nil admits everybody.
	Admit func(*http.Request) bool

	MaxSessions  int   // at once; 2,000
	MaxBytes     int64 // kept at once, of all sessions; 256 MiB
	QueueBytes   int64 // kept at once in a queue, before its sender has to wait; 8 MiB
	SessionBytes int64 // through a queue in all; 105 MiB

	Unclaimed time.Duration // a session without a phone; 6 min
	Age       time.Duration // a message that nobody fetches ends its session; 15 min
	Silence   time.Duration // a session whose kiosk does not ask any more; 90 s
	Life      time.Duration // any session; 3 h

	Now func() time.Time
	Log *slog.Logger // nil logs nothing
}

// Relay is the server. It may be used from any goroutine.
type Relay struct {
	o       Options
	handler http.Handler

	mu       sync.Mutex
	sessions map[string]*session
	ended    map[string]time.Time // sessions that their kiosk erased, and when
	held     int64                // bytes of all queues
}

// New makes a relay. What it holds is erased in time while Run runs.
func New(o Options) (*Relay, error) {
	if len(o.Hosts) == 0 {
		return nil, errors.New("relay: Hosts must be set")
	}
	for field, value := range map[*int64]int64{&o.MaxBytes: 256 << 20, &o.QueueBytes: 8 << 20, &o.SessionBytes: 105 << 20} {
		if *field == 0 {
			*field = value
		}
	}
	for field, value := range map[*time.Duration]time.Duration{&o.Unclaimed: 6 * time.Minute, &o.Age: 15 * time.Minute,
		&o.Silence: 90 * time.Second, &o.Life: 3 * time.Hour} {
		if *field == 0 {
			*field = value
		}
	}
	if o.MaxSessions == 0 {
		o.MaxSessions = 2000
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Admit == nil {
		o.Admit = func(*http.Request) bool { return true }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	r := &Relay{o: o, sessions: map[string]*session{}, ended: map[string]time.Time{}}
	mux := http.NewServeMux()
	if err := servePage(mux); err != nil {
		return nil, err
	}
	mux.HandleFunc("PUT /s/{id}", r.open)
	mux.HandleFunc("DELETE /s/{id}", r.remove)
	mux.HandleFunc("GET /s/{id}/phone", r.waitPhone)
	mux.HandleFunc("POST /s/{id}/phone", r.claim)
	mux.HandleFunc("POST /s/{id}/{queue}/{n}", r.put)
	mux.HandleFunc("GET /s/{id}/{queue}/{n}", r.take)
	r.handler = safeweb.Protect(safeweb.Options{Hosts: o.Hosts, MaxBody: MaxBody, HSTS: o.HSTS, Log: o.Log}, mux)
	return r, nil
}

// Handler is the whole relay, protected.
func (r *Relay) Handler() http.Handler { return r.handler }

// Run erases what is due until ctx ends, then everything. It returns nil.
func (r *Relay) Run(ctx context.Context) error {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.mu.Lock()
			for id := range r.sessions {
				r.find(id)
			}
			maps.DeleteFunc(r.ended, func(_ string, at time.Time) bool { return r.o.Now().Sub(at) > r.o.Age })
			r.mu.Unlock()
		case <-ctx.Done():
			r.mu.Lock()
			for id := range r.sessions {
				r.erase(id)
			}
			clear(r.ended)
			r.mu.Unlock()
			return nil
		}
	}
}

// Usage says how many sessions there are and how many bytes they hold.
func (r *Relay) Usage() (sessions int, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.sessions), r.held
}

// find is a session that is not due; nil when there is none. r.mu is held.
func (r *Relay) find(id string) *session {
	s := r.sessions[id]
	if s != nil && s.due(&r.o) {
		r.erase(id)
		return nil
	}
	return s
}

// erase forgets a session and overwrites what it held. r.mu is held.
func (r *Relay) erase(id string) {
	s := r.sessions[id]
	if s == nil {
		return
	}
	for _, q := range s.queues {
		r.held -= q.drop(q.next())
	}
	delete(r.sessions, id)
	s.wake() // those who wait find it gone
}

// missing is the answer for a session that is not there: the phone is told
// apart that the kiosk ended it, and that it was lost. r.mu is held.
func (r *Relay) missing(id string) int {
	if _, ended := r.ended[id]; ended {
		return http.StatusGone
	}
	return http.StatusNotFound
}

// open makes a session that only the kiosk which opened it can read.
func (r *Relay) open(w http.ResponseWriter, q *http.Request) {
	id, token := q.PathValue("id"), bearer(q)
	if !goodID(id) || !goodID(token) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if !r.o.Admit(q) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.find(id) != nil:
		w.WriteHeader(http.StatusConflict)
	case len(r.sessions) >= r.o.MaxSessions:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		r.sessions[id] = newSession(token, r.o.Now())
		w.WriteHeader(http.StatusCreated)
	}
}

// remove erases a session. One that is gone already is no error.
func (r *Relay) remove(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.find(q.PathValue("id")); s != nil {
		if !s.kiosk.is(bearer(q)) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		r.erase(q.PathValue("id"))
		if len(r.ended) < 10*r.o.MaxSessions { // else its phone is told less
			r.ended[q.PathValue("id")] = r.o.Now()
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// claim makes a phone the session's one and only.
func (r *Relay) claim(w http.ResponseWriter, q *http.Request) {
	key, err := io.ReadAll(io.LimitReader(q.Body, keySize+1))
	if err != nil || len(key) != keySize || key[0] != 4 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.find(q.PathValue("id"))
	switch {
	case s == nil:
		w.WriteHeader(r.missing(q.PathValue("id")))
		return
	case s.key != nil && !bytes.Equal(s.key, key): // the same one asks again: its answer was lost
		w.WriteHeader(http.StatusConflict)
		return
	}
	var b [idSize]byte
	rand.Read(b[:]) // never fails
	token := base64.RawURLEncoding.EncodeToString(b[:])
	s.key, s.phone = key, hash(token)
	s.wake()
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, token) // who does not get it scans the next code
}

// waitPhone gives the kiosk the key of the phone that claimed its session.
func (r *Relay) waitPhone(w http.ResponseWriter, q *http.Request) {
	r.wait(w, q, func(s *session) ([]byte, int) {
		if !s.kiosk.is(bearer(q)) {
			return nil, http.StatusForbidden
		}
		s.asked = r.o.Now()
		if s.key == nil {
			return nil, 0
		}
		return s.key, http.StatusOK
	})
}

// wait answers as soon as look has an answer, with 204 when there is none in
// time. look is called with r.mu held.
func (r *Relay) wait(w http.ResponseWriter, q *http.Request, look func(*session) (body []byte, status int)) {
	late := time.NewTimer(hold)
	defer late.Stop()
	for {
		r.mu.Lock()
		s := r.find(q.PathValue("id"))
		if s == nil {
			status := r.missing(q.PathValue("id"))
			r.mu.Unlock()
			w.WriteHeader(status)
			return
		}
		body, status := look(s)
		changed := s.changed
		r.mu.Unlock()
		if status != 0 {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.WriteHeader(status)
			_, _ = w.Write(body) // asked for again when it did not arrive
			return
		}
		select {
		case <-changed:
		case <-late.C:
			w.WriteHeader(http.StatusNoContent)
			return
		case <-q.Context().Done():
			return
		}
	}
}

// put keeps a message for the other side. The last one may be put again: its
// answer was lost.
func (r *Relay) put(w http.ResponseWriter, q *http.Request) {
	n, err := strconv.ParseUint(q.PathValue("n"), 10, 32)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	_, _, status := r.forPut(q)
	r.mu.Unlock()
	if status != 0 { // before anything is read
		w.WriteHeader(status)
		return
	}
	body, err := io.ReadAll(q.Body)
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, queue, status := r.forPut(q)
	size := int64(len(body))
	switch {
	case status != 0:
		w.WriteHeader(status)
	case size == 0:
		w.WriteHeader(http.StatusBadRequest)
	case n+1 == queue.next() && size == queue.last:
		w.WriteHeader(http.StatusNoContent)
	case n != queue.next():
		w.WriteHeader(http.StatusConflict)
	case queue.total+size > r.o.SessionBytes:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case queue.held > 0 && queue.held+size > r.o.QueueBytes:
		w.WriteHeader(http.StatusTooManyRequests)
	case r.held+size > r.o.MaxBytes:
		w.WriteHeader(http.StatusServiceUnavailable)
	default:
		queue.add(body, r.o.Now())
		r.held += size
		s.wake()
		w.WriteHeader(http.StatusNoContent)
	}
}

// forPut finds the queue that a request may put into, or the status that says
// why not. r.mu is held.
func (r *Relay) forPut(q *http.Request) (*session, *queue, int) {
	s := r.find(q.PathValue("id"))
	if s == nil {
		return nil, nil, r.missing(q.PathValue("id"))
	}
	queue, ok := s.queue(q.PathValue("queue"), bearer(q), true)
	if !ok {
		return nil, nil, http.StatusForbidden
	}
	return s, queue, 0
}

// take gives a message and erases those before it.
func (r *Relay) take(w http.ResponseWriter, q *http.Request) {
	n, err := strconv.ParseUint(q.PathValue("n"), 10, 32)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.wait(w, q, func(s *session) ([]byte, int) {
		queue, ok := s.queue(q.PathValue("queue"), bearer(q), false)
		switch {
		case !ok:
			return nil, http.StatusForbidden
		case n < queue.first || n > queue.next():
			return nil, http.StatusConflict
		}
		if s.kiosk.is(bearer(q)) {
			s.asked = r.o.Now()
		}
		r.held -= queue.drop(n)
		if n == queue.next() {
			return nil, 0
		}
		// A copy: the queue's own may be overwritten while it is sent.
		return append([]byte(nil), queue.messages[0].body...), http.StatusOK
	})
}

// bearer is the token of a request; "" when it has none.
func bearer(r *http.Request) string {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return token
}

// goodID is true for what 16 random bytes look like.
func goodID(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == idSize
}

// tokenHash is all that is kept of a token.
type tokenHash [sha256.Size]byte

func hash(token string) *tokenHash {
	h := tokenHash(sha256.Sum256([]byte(token)))
	return &h
}

func (h *tokenHash) is(token string) bool {
	other := hash(token)
	return h != nil && subtle.ConstantTimeCompare(h[:], other[:]) == 1
}
