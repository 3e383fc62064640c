package engine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/keys"
)

// skew is how wrong the clock of a kiosk may be in POST /sync.
const skew = 5 * time.Minute

var errRefused = errors.New("engine: refused")

// serveSync is POST /sync, as provisioning.Sync says. A refusal does not say
// why.
func (e *Engine) serveSync(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, provisioning.MaxMessage))
	if err != nil {
		e.metrics.syncs.WithLabelValues("invalid").Inc()
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*sqlTime)
	defer cancel()
	k, mark, err := e.whoSyncs(ctx, r.Header.Get("Authorization"), body)
	if errors.Is(err, errRefused) {
		e.metrics.syncs.WithLabelValues("refused").Inc()
		// net/http sets Date, by which the kiosk corrects its clock
		http.Error(w, "refused", http.StatusUnauthorized)
		return
	}
	var s provisioning.Sync
	if err == nil {
		if s, err = provisioning.DecodeSync(body); err != nil {
			e.metrics.syncs.WithLabelValues("invalid").Inc()
			http.Error(w, "not understood", http.StatusBadRequest)
			return
		}
	}
	var a provisioning.SyncAnswer
	if err == nil {
		e.pass(k, s.Hello, mark)
		a, err = e.sync(ctx, k, s)
	}
	if err != nil {
		e.log.Warn("a kiosk's sync is not done", "error", err)
		e.metrics.syncs.WithLabelValues("failed").Inc()
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	}
	e.metrics.syncs.WithLabelValues("accepted").Inc()
	writeJSON(w, a)
}

// whoSyncs reads "Kiosk CREDENTIAL SECONDS SIGNATURE". mark names the request,
// for replays.
func (e *Engine) whoSyncs(ctx context.Context, header string, body []byte) (k fleet.Kiosk, mark string, err error) {
	f := strings.Fields(header)
	if len(f) != 4 || f[0] != "Kiosk" {
		return k, "", errRefused
	}
	b, err := e.ring.Read(f[1])
	if err != nil {
		return k, "", errRefused
	}
	seconds, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil || !keys.Possesses(b.Key, f[3], append([]byte(f[2]+"\n"), body...)) {
		return k, "", errRefused
	}
	now := e.o.Now()
	if off := now.Sub(time.Unix(seconds, 0)); off > skew || off < -skew || !now.Before(b.Expires) {
		return k, "", errRefused
	}
	k, err = e.kiosk(ctx, b.Structure, b.Kiosk)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return k, "", errRefused
	case err != nil:
		return k, "", err
	case b.Key != k.Key && (k.NextKey == "" || b.Key != k.NextKey):
		return k, "", errRefused // replaced by a newer one
	}
	// The signature is the same for the same request, and only for that.
	if !e.replays.first(f[3], now) {
		return k, "", errRefused
	}
	if b.Key == k.NextKey {
		e.keyUsed(ctx, k.ID, b.Key)
		k.Key, k.NextKey, k.Renewed = b.Key, "", now
	}
	return k, f[3], nil
}

func (e *Engine) sync(ctx context.Context, k fleet.Kiosk, s provisioning.Sync) (a provisioning.SyncAnswer, err error) {
	for _, r := range s.Results {
		err := e.store.SetCommand(ctx, k.ID, r.ID, fleet.QueueStatus(r.Status), r.Code)
		if errors.Is(err, fleet.ErrNotFound) {
			continue // not this kiosk's, or long gone
		}
		if err != nil {
			return a, err
		}
		e.metrics.commands.WithLabelValues("late", string(r.Status)).Inc()
		e.change(k.Structure, k.ID, "command")
	}
	a.Ack.OK = true
	if len(s.Events) > 0 {
		a.Ack = e.ingest(ctx, k.Structure, k.ID, s.Events)
	}
	if a.Welcome, _, err = e.welcome(ctx, k, s.Hello); err != nil {
		return a, err
	}
	if s.Renew != nil {
		if c, why := e.renew(ctx, k, *s.Renew); why == "" {
			a.Credential = &c
		}
	}
	return a, nil
}

// replays remembers requests for as long as their clock would be taken.
type replays struct {
	mu   sync.Mutex
	seen map[string]time.Time // until when
}

func newReplays() *replays { return &replays{seen: map[string]time.Time{}} }

// first says whether a request was not seen before.
func (r *replays) first(mark string, now time.Time) bool {
	if len(mark) > 100 { // of an Ed25519 signature: 86
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, ok := r.seen[mark]
	r.seen[mark] = now.Add(2 * skew)
	return !ok
}

func (r *replays) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for mark, until := range r.seen {
		if now.After(until) {
			delete(r.seen, mark)
		}
	}
}
