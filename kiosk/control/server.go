package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"pointnum/kiosk"
)

// How long things may take. A wipe is the longest thing asked for.
const (
	headerTimeout   = 5 * time.Second
	requestTimeout  = time.Minute
	shutdownTimeout = 2 * time.Second
	dialTimeout     = time.Second
	maxAnswer       = 1 << 20 // bytes
)

// Serve answers on the socket at path until ctx ends and then returns nil,
// with the socket removed and its requests cancelled. A socket that a killed
// agent left behind is replaced; one that answers is an error: two agents
// must not share a kiosk. The folder has to be there.
func Serve(ctx context.Context, path string, h Handler) error {
	l, err := listen(ctx, path)
	if err != nil {
		return fmt.Errorf("control: %w", err)
	}
	defer os.Remove(path)
	srv := &http.Server{
		Handler:           routes(h),
		ReadHeaderTimeout: headerTimeout,
		WriteTimeout:      requestTimeout,
		MaxHeaderBytes:    8 << 10,
		// Requests end with the agent, not after it.
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("control: serve: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		srv.Close()
	}
	<-served
	return nil
}

// listen makes the socket in a folder of its own and moves it to its place,
// so that it is never there with the wrong mode and a stale one is replaced
// in one step.
func listen(ctx context.Context, path string) (net.Listener, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	if conn, err := dialer.DialContext(ctx, "unix", path); err == nil {
		conn.Close()
		return nil, fmt.Errorf("%s: another kioskd answers there", path)
	}
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
		return nil, fmt.Errorf("%s is there and is not a socket", path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".c")
	if err != nil {
		return nil, err
	}
	defer os.Remove(dir)
	making := filepath.Join(dir, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: making, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false) // it would remove the name that the socket no longer has
	if err := errors.Join(os.Chmod(making, 0o600), os.Rename(making, path)); err != nil {
		l.Close()
		os.Remove(making)
		return nil, err
	}
	return l, nil
}

func routes(h Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		s, err := h.Status(r.Context())
		answer(w, s, err)
	})
	mux.HandleFunc("POST /leave", func(w http.ResponseWriter, r *http.Request) {
		answer(w, struct{}{}, h.Leave(r.Context()))
	})
	mux.HandleFunc("POST /enrol", func(w http.ResponseWriter, r *http.Request) {
		var e Enrolment
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAnswer)).Decode(&e); err != nil {
			answer(w, nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "control: enrolment", Err: err})
			return
		}
		f, err := h.Enrol(r.Context(), e)
		answer(w, f, err)
	})
	upkeepRoutes(mux, h)
	setupRoute(mux, h)
	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		v = fault{Code: kiosk.CodeOf(err), Text: err.Error()}
	}
	// The only way this fails is that nobody listens any more.
	_ = json.NewEncoder(w).Encode(v)
}
