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

// CodeHandler is a Handler that can make a new technician's code.
type CodeHandler interface {
	// NewCode makes one, as people read it, and forgets the one before.
	NewCode(ctx context.Context) (string, error)
}

// NewCode makes a new technician's code. Errors as for Status.
func (c Client) NewCode(ctx context.Context) (string, error) {
	var code string
	err := c.do(ctx, http.MethodPost, "/code", nil, &code)
	return code, err
}

// SetUp has the kiosk be set up again. Errors as for Status.
func (c Client) SetUp(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/setup", nil, &struct{}{})
}

func setupRoute(mux *http.ServeMux, h Handler) {
	if t, ok := h.(CodeHandler); ok {
		mux.HandleFunc("POST /code", func(w http.ResponseWriter, r *http.Request) {
			code, err := t.NewCode(r.Context())
			answer(w, code, err)
		})
	}
	t, ok := h.(SetupHandler)
	if !ok {
		return
	}
	mux.HandleFunc("POST /setup", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, t.SetUp(r.Context()))
	})
}
