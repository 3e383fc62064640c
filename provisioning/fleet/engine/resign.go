package engine

import (
	"context"
	"errors"
	"io"
	"net/http"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// serveResign is POST /resign, as provisioning.Resign says: a kiosk that is
// disposed of ends its own identity, and nobody else's. Nothing else that it
// signs is taken for this.
func (e *Engine) serveResign(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAsk))
	var ask provisioning.Resign
	if err == nil {
		ask, err = provisioning.DecodeResign(body)
	}
	if err != nil {
		http.Error(w, "not understood", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*sqlTime)
	defer cancel()
	k, _, err := e.whoSyncs(ctx, r.Header.Get("Authorization"), body)
	if err == nil && k.ID != ask.Kiosk {
		err = errRefused
	}
	if err == nil {
		err = e.Revoke(ctx, fleet.Scope{All: true}, k.ID)
	}
	switch {
	case errors.Is(err, errRefused):
		http.Error(w, "refused", http.StatusUnauthorized)
	case err != nil:
		e.log.Warn("a kiosk's end is not done", "error", err)
		http.Error(w, "later", http.StatusServiceUnavailable)
	default:
		e.log.Info("a kiosk has ended its identity", "structure", k.Structure, "kiosk", k.ID)
		w.WriteHeader(http.StatusNoContent)
	}
}
