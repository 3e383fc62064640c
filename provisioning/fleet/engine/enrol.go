package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/keys"
)

// CodeLife is how long a one-time code is good, unless said otherwise.
const CodeLife = 72 * time.Hour

const maxAsk = 4096 // bytes

// NewCode makes a one-time code for a kiosk and keeps its hash. Of c, the
// structure is needed, Label, Replaces and By are kept; ID and Created are
// filled in, and Expires where it is zero: 72 hours. The code itself is
// returned, for once. Errors: fleet.ErrNotFound, the store's.
func (e *Engine) NewCode(ctx context.Context, c fleet.Code) (code string, _ fleet.Code, err error) {
	if code, err = keys.NewCode(); err != nil {
		return "", c, fmt.Errorf("engine: %w", err)
	}
	c.ID, c.Created = strings.ToLower(rand.Text()), e.o.Now()
	if c.Expires.IsZero() {
		c.Expires = c.Created.Add(CodeLife)
	}
	if err := e.store.AddCode(ctx, c, e.ring.CodeHash(code)); err != nil {
		return "", c, fmt.Errorf("engine: code: %w", err)
	}
	return code, c, nil
}

// serveEnrol is POST /enrol. Whatever is wrong with a code or its proof, the
// answer is the same.
func (e *Engine) serveEnrol(w http.ResponseWriter, r *http.Request) {
	if !e.tries.take(e.o.From(r)) {
		e.metrics.enrolments.WithLabelValues("throttled").Inc()
		w.Header().Set("Retry-After", "60")
		http.Error(w, "too many tries", http.StatusTooManyRequests)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAsk))
	var ask provisioning.EnrolAsk
	if err == nil {
		ask, err = provisioning.DecodeEnrolAsk(body)
	}
	if err != nil {
		e.metrics.enrolments.WithLabelValues("invalid").Inc()
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), sqlTime)
	defer cancel()
	c, err := e.enrol(ctx, ask)
	switch {
	case errors.Is(err, fleet.ErrCode), errors.Is(err, fleet.ErrExists):
		e.metrics.enrolments.WithLabelValues("refused").Inc()
		http.Error(w, "refused", http.StatusForbidden)
	case err != nil:
		e.log.Warn("a kiosk is not enrolled", "error", err)
		e.metrics.enrolments.WithLabelValues("failed").Inc()
		http.Error(w, "later", http.StatusServiceUnavailable)
	default:
		e.metrics.enrolments.WithLabelValues("accepted").Inc()
		writeJSON(w, c)
	}
}

func (e *Engine) enrol(ctx context.Context, ask provisioning.EnrolAsk) (provisioning.Credential, error) {
	if !keys.Possesses(ask.Key, ask.Signature, []byte(provisioning.NormalCode(ask.Code)+ask.Key)) {
		return provisioning.Credential{}, fleet.ErrCode
	}
	id := e.ring.KioskID(ask.Code, ask.Key)
	k, err := e.store.Enrol(ctx, e.ring.CodeHash(ask.Code), id, ask.Key, e.o.Now().Add(e.o.Lifetime))
	if errors.Is(err, fleet.ErrCode) {
		// The ID is made of the code and the key: this is the kiosk that used
		// it and did not get the answer.
		known, lost := e.store.Kiosk(ctx, fleet.Scope{All: true}, id)
		if lost != nil || known.Key != ask.Key || !known.Revoked.IsZero() {
			return provisioning.Credential{}, err
		}
		return e.credential(known, known.Key, known.Expires)
	}
	if err != nil {
		return provisioning.Credential{}, err
	}
	e.log.Info("a kiosk is enrolled", "structure", k.Structure, "kiosk", k.ID)
	e.presence.known(k.Structure, k.ID, time.Time{})
	e.change(k.Structure, k.ID, "state")
	if _, err := e.pushKeys(ctx); err != nil { // it may take another one's place
		e.askPush()
	}
	e.tell(subjectKeys, nil)
	return e.credential(k, k.Key, k.Expires)
}

func writeJSON(w http.ResponseWriter, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b) // nobody is there to be told
}

// Limits of tries.
const (
	triesEach  = 5
	triesTime  = time.Minute
	triesTable = 4096 // addresses
	triesRest  = 100  // for all that have no room in the table
)

// tries bounds how often an address may try to enrol, and itself.
type tries struct {
	now  func() time.Time
	mu   sync.Mutex
	each map[string]*try
	rest try
}

type try struct {
	n     int
	since time.Time
}

func newTries(now func() time.Time) *tries { return &tries{now: now, each: map[string]*try{}} }

func (t *tries) take(from string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now, who := t.now(), network(from)
	one, limit := t.each[who], triesEach
	if one == nil && len(t.each) >= triesTable {
		for k, v := range t.each {
			if now.Sub(v.since) >= triesTime {
				delete(t.each, k)
			}
		}
	}
	switch {
	case one != nil:
	case len(t.each) < triesTable:
		one = &try{}
		t.each[who] = one
	default:
		one, limit = &t.rest, triesRest
	}
	if d := now.Sub(one.since); d < 0 || d >= triesTime {
		*one = try{since: now}
	}
	one.n++
	return one.n <= limit
}

// network is whom an address belongs to: itself, or 64 bits of IPv6, of which
// everybody has as many as they like.
func network(from string) string {
	if host, _, err := net.SplitHostPort(from); err == nil {
		from = host
	}
	a, err := netip.ParseAddr(from)
	if err != nil {
		return "?"
	}
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
