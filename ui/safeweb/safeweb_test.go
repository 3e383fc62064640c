package safeweb_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pointnum/ui/safeweb"
)

const host = "127.0.0.1:8080"

func protected(t *testing.T) http.Handler {
	t.Helper()
	return safeweb.Protect(safeweb.Options{Hosts: []string{host}}, http.HandlerFunc(
		func(w http.ResponseWriter, r *http.Request) {
			if _, err := io.ReadAll(r.Body); err != nil {
				if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
					w.WriteHeader(http.StatusRequestEntityTooLarge)
				}
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}))
}

func TestAttacksAreRefused(t *testing.T) {
	h := protected(t)
	for _, c := range []struct {
		name   string
		method string
		host   string
		header map[string]string
		body   io.Reader
		want   int
	}{
		{name: "our own page", method: "GET", host: host, want: 204},
		{name: "our own page's fetch", method: "POST", host: host, header: map[string]string{"Origin": "http://" + host, "Sec-Fetch-Site": "same-origin"}, want: 204},
		{name: "the address typed by the kiosk itself", method: "GET", host: host, header: map[string]string{"Sec-Fetch-Site": "none"}, want: 204},
		{name: "a name that points at us (DNS rebinding)", method: "GET", host: "portal.example:8080", want: 421},
		{name: "the same with an Origin that agrees", method: "POST", host: "portal.example:8080", header: map[string]string{"Origin": "http://portal.example:8080", "Sec-Fetch-Site": "same-origin"}, want: 421},
		{name: "our host on another port", method: "GET", host: "127.0.0.1:9999", want: 421},
		{name: "no host", method: "GET", host: "", want: 421},
		{name: "a portal's form", method: "POST", host: host, header: map[string]string{"Origin": "https://portal.example"}, want: 403},
		{name: "a portal's fetch", method: "POST", host: host, header: map[string]string{"Sec-Fetch-Site": "cross-site"}, want: 403},
		{name: "a portal's picture of ours", method: "GET", host: host, header: map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}, want: 403},
		{name: "a page on another port of this machine", method: "GET", host: host, header: map[string]string{"Sec-Fetch-Site": "same-site"}, want: 403},
		{name: "a form of an opaque origin", method: "POST", host: host, header: map[string]string{"Origin": "null"}, want: 403},
		{name: "a socket of a portal", method: "GET", host: host, header: map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "https://portal.example"}, want: 403},
		{name: "a socket without an origin", method: "GET", host: host, header: map[string]string{"Upgrade": "websocket", "Connection": "Upgrade"}, want: 403},
		{name: "a socket of ours", method: "GET", host: host, header: map[string]string{"Upgrade": "websocket", "Connection": "Upgrade", "Origin": "http://" + host}, want: 204},
		{name: "a body that says it is too large", method: "POST", host: host, body: strings.NewReader(strings.Repeat("x", safeweb.MaxBody+1)), want: 413},
		{name: "a body that does not say so", method: "POST", host: host, body: io.MultiReader(strings.NewReader(strings.Repeat("x", safeweb.MaxBody+1))), want: 413},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest(c.method, "/", c.body)
			r.Host = c.host
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("got %d, want %d", w.Code, c.want)
			}
			for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Cross-Origin-Opener-Policy",
				"Cross-Origin-Resource-Policy", "Permissions-Policy", "Referrer-Policy"} {
				if w.Header().Get(name) == "" {
					t.Errorf("answer without %s", name)
				}
			}
			if got := w.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control is %q", got)
			}
		})
	}
}

func TestOriginOfASocket(t *testing.T) {
	for origin, want := range map[string]bool{
		"http://" + host:           true,
		"https://" + host:          true,
		"":                         false,
		"null":                     false,
		"http://127.0.0.1":         false,
		"http://127.0.0.1:80800":   false,
		"http://user@" + host:      false,
		"http://" + host + "/path": false,
		"file://" + host:           false,
		"http://portal.example":    false,
		"http://" + host + ".evil": false,
		"%zz":                      false,
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		r.Header.Set("Origin", origin)
		if got := safeweb.SameOrigin(r); got != want {
			t.Errorf("origin %q: got %t, want %t", origin, got, want)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = host
	r.Header["Origin"] = []string{"http://" + host, "http://portal.example"}
	if safeweb.SameOrigin(r) {
		t.Error("two origins are accepted")
	}
}

func TestPolicyHasNoWayForInlineCode(t *testing.T) {
	for _, word := range []string{"unsafe", "*", "data:", "blob:", "http:", "https:", "nonce", "sha256"} {
		if strings.Contains(safeweb.CSP, word) {
			t.Errorf("the policy allows %q", word)
		}
	}
	for _, part := range []string{"default-src 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
		"frame-ancestors 'none'", "base-uri 'none'"} {
		if !strings.Contains(safeweb.CSP, part) {
			t.Errorf("the policy misses %q", part)
		}
	}
}

func TestServerHasLimits(t *testing.T) {
	s := safeweb.Server(protected(t), nil)
	for name, d := range map[string]time.Duration{
		"read header": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout,
	} {
		if d <= 0 || d > 5*time.Minute {
			t.Errorf("%s time-out is %v", name, d)
		}
	}
	if s.MaxHeaderBytes <= 0 || s.MaxHeaderBytes > 1<<16 {
		t.Errorf("headers of %d bytes", s.MaxHeaderBytes)
	}
}

func TestHostsOfAListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	hosts, err := safeweb.Hosts(l.Addr())
	if err != nil || len(hosts) != 2 || hosts[0] != l.Addr().String() {
		t.Errorf("got %v, %v", hosts, err)
	}
	if _, err := safeweb.Hosts(&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 80}); err == nil {
		t.Error("an address of the network is taken for loopback")
	}
}

func FuzzSameOrigin(f *testing.F) {
	for _, s := range []string{"http://" + host, "null", "http://[::1]:80", "%", "http://a\x00b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, origin string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = host
		r.Header["Origin"] = []string{origin}
		if safeweb.SameOrigin(r) && !strings.EqualFold(origin, "http://"+host) && !strings.EqualFold(origin, "https://"+host) {
			t.Errorf("%q is taken for %q", origin, host)
		}
	})
}
