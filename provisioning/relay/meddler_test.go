package relay_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/phone"
)

// meddler stands between phone and relay.
type meddler struct {
	mu     sync.Mutex
	change func(w http.ResponseWriter, r *http.Request, next http.Handler) bool // true: it answered itself
}

func (m *meddler) around(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m.mu.Lock()
		change := m.change
		m.mu.Unlock()
		if change == nil || !change(w, r, next) {
			next.ServeHTTP(w, r)
		}
	})
}

func (m *meddler) set(change func(http.ResponseWriter, *http.Request, http.Handler) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.change = change
}

// again makes a request with another body or at another place.
func again(r *http.Request, path string, body []byte) *http.Request {
	c := r.Clone(r.Context())
	if path != "" {
		c.URL.Path = path
	}
	c.Body, c.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return c
}

func TestARelayThatMeddlesIsFoundOut(t *testing.T) {
	browser := unpack(t)
	path, _, _ := secret(t, "bail.pdf", 900_000)
	isPut := func(r *http.Request, dir string) bool {
		return r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/"+dir+"/")
	}
	for _, c := range []struct {
		name   string
		change func() func(http.ResponseWriter, *http.Request, http.Handler) bool
		down   bool // it meddles with what goes to the phone
	}{
		{"a chunk that was changed", func() func(http.ResponseWriter, *http.Request, http.Handler) bool {
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
				b := bodyOf(r)
				if !isPut(r, "up") || len(b) < 100_000 {
					return false
				}
				b[len(b)/2] ^= 1
				next.ServeHTTP(w, again(r, "", b))
				return true
			}
		}, false},
		{"chunks in another order", func() func(http.ResponseWriter, *http.Request, http.Handler) bool {
			var held []byte
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
				b := bodyOf(r)
				if !isPut(r, "up") || len(b) < 100_000 || strings.HasSuffix(r.URL.Path, "/0") {
					return false
				}
				if held == nil { // the first is kept, the next one comes in its place
					held = b
					w.WriteHeader(http.StatusNoContent)
					return true
				}
				at := r.URL.Path[:strings.LastIndex(r.URL.Path, "/")+1]
				n, _ := strconv.Atoi(r.URL.Path[len(at):])
				next.ServeHTTP(w, again(r, at+strconv.Itoa(n-1), b))
				return true
			}
		}, false},
		{"what goes to the phone was changed", func() func(http.ResponseWriter, *http.Request, http.Handler) bool {
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) bool {
				b := bodyOf(r)
				if !isPut(r, "down") || len(b) < 100_000 {
					return false
				}
				b[len(b)-1] ^= 1
				next.ServeHTTP(w, again(r, "", b))
				return true
			}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &meddler{}
			_, address := listen(t, nil, m.around)
			k := invite(t, phone.Options{Address: address})
			h := link(t, browser, k)
			m.set(c.change())
			if c.down {
				_, doc, _ := secret(t, "x.pdf", 600_000)
				ctx, cancel := context.WithCancel(t.Context())
				sent := make(chan error)
				go func() {
					sent <- k.Send(ctx, []kiosk.Attachment{{Name: "x.pdf", Size: int64(len(doc)),
						Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(doc)), nil }}}, nil)
				}()
				h.ends("broken")
				cancel()
				if err := <-sent; err == nil {
					t.Error("the kiosk believes that it arrived")
				}
				return
			}
			h.choose("files", path)
			s := k.wait("an offer", func(s kiosk.PhoneState) bool { return len(s.Offers) == 1 })
			if b, err := k.receive(s.Offers[0].ID); kiosk.CodeOf(err) != kiosk.CodePhoneLost {
				t.Errorf("the kiosk took %d bytes: %v", len(b), err)
			}
			h.ends("broken")
			s = k.wait("another code", func(s kiosk.PhoneState) bool { return s.Address != "" })
			if s.Trouble != kiosk.CodePhoneLost || s.Accepted || s.Code != "" {
				t.Errorf("the kiosk shows %+v", s)
			}
		})
	}
}
