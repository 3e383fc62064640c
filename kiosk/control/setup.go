package control

import (
	"context"
	"net/http"
)

// SetupHandler is a Handler that can begin its setup anew.
type SetupHandler interface {
	// SetUp has the technician's screens come, once the visit under way has
	// ended. What the kiosk has stays until the setup is finished.
	SetUp(ctx context.Context) error
}

// SetUp has the kiosk be set up again. Errors as for Status.
func (c Client) SetUp(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/setup", nil, &struct{}{})
}

func setupRoute(mux *http.ServeMux, h Handler) {
	t, ok := h.(SetupHandler)
	if !ok {
		return
	}
	mux.HandleFunc("POST /setup", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, t.SetUp(r.Context()))
	})
}
