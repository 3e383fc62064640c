package route_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning/link/route"
)

func TestOnlySafeAddressesAreTaken(t *testing.T) {
	for server, good := range map[string]bool{
		"https://fleet.example.org": true, "https://fleet.example.org:8443/under": true, "https://[::1]": true,
		"http://fleet.example.org": false, "fleet.example.org": false, "https://": false, "https://me:secret@x": false, "https://x?a=b": false, "": false, "https://%": false,
	} {
		r, err := route.New(server, nil, nil, nil)
		if (err == nil) != good {
			t.Errorf("%q: %v", server, err)
		}
		if good && server == "https://fleet.example.org:8443/under" && r.URL("/sync") != server+"/sync" {
			t.Errorf("URL %q", r.URL("/sync"))
		}
	}
	for proxy, good := range map[string]bool{"http://proxy:3128": true, "http://me:secret@proxy": true, "socks5://proxy": false, "http://": false} {
		u, err := url.Parse(proxy)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := route.New("https://x", u, nil, nil); (err == nil) != good {
			t.Errorf("%q: %v", proxy, err)
		}
	}
}

// answer is a proxy that says the same thing to everybody.
func answer(t testing.TB, text []byte) *url.URL {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = c.Write(text)
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-over
	})
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

func TestWhatAProxySaysHasACode(t *testing.T) {
	for text, want := range map[string]kiosk.Code{
		"":                                   route.CodeProxy,
		"hello\r\n\r\n":                      route.CodeProxy,
		"HTTP/1.1 407 Who\r\n\r\n":           route.CodeProxyPassword,
		"HTTP/1.1 403 No\r\n\r\n":            route.CodeProxy,
		"HTTP/1.1 200 OK\r\n\r\nnot TLS":     route.CodeServer,
		"HTTP/1.1 200 OK\r\n\r\n":            kiosk.CodeNoNetwork,
		"HTTP/1.1 200 OK\r\nContent-Length:": route.CodeProxy,
	} {
		r, err := route.New("https://server.invalid", answer(t, []byte(text)), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Dial(t.Context()); kiosk.CodeOf(err) != want {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// A proxy that says nothing does not hold a kiosk that is told to stop.
func TestDialEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	r, err := route.New("https://server.invalid", &url.URL{Scheme: "http", Host: l.Addr().String()}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	begin := time.Now()
	if _, err := r.Dial(ctx); err == nil || time.Since(begin) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}

func FuzzProxy(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nA: b\r\n\r\n\x16\x03\x01"))
	f.Add([]byte("HTTP/1.1 407 Who\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := route.New("https://server.invalid", answer(t, text), nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := r.Dial(t.Context()); err == nil {
			t.Error("connected to nobody: ", c.Close())
		}
	})
}
