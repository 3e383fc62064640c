package relay_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/provisioning/relay"
)

// desk is a relay asked without a network.
type desk struct {
	t     testing.TB
	relay *relay.Relay
	mu    sync.Mutex
	at    time.Time
}

func (d *desk) now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.at
}

func (d *desk) wait(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.at = d.at.Add(by)
}

func newDesk(t testing.TB, change func(*relay.Options)) *desk {
	t.Helper()
	d := &desk{t: t, at: time.Now()}
	o := relay.Options{Hosts: []string{"relay.test"}, Now: d.now}
	if change != nil {
		change(&o)
	}
	var err error
	if d.relay, err = relay.New(o); err != nil {
		t.Fatal(err)
	}
	return d
}

// ask makes a request; a wait is given up at once.
func (d *desk) ask(method, path, token string, body []byte) (int, []byte) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if method == http.MethodGet {
		cancel() // what is there is answered, what is not is not waited for
	}
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
	r.Host = "relay.test"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	w.Code = 0
	d.relay.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

func (d *desk) want(status int, method, path, token string, body []byte) []byte {
	d.t.Helper()
	got, content := d.ask(method, path, token, body)
	if got != status {
		d.t.Errorf("%s %s: %d, want %d", method, path, got, status)
	}
	return content
}

func id() string {
	var b [16]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func key(n byte) []byte { return append([]byte{4}, bytes.Repeat([]byte{n}, 64)...) }

// pair opens a session and claims it.
func (d *desk) pair() (at, kiosk, phone string) {
	d.t.Helper()
	kiosk = id()
	at = "/s/" + id()
	d.want(201, "PUT", at, kiosk, nil)
	d.want(0, "GET", at+"/phone", kiosk, nil) // it would wait
	phone = string(d.want(201, "POST", at+"/phone", "", key(1)))
	if got := d.want(200, "GET", at+"/phone", kiosk, nil); !bytes.Equal(got, key(1)) {
		d.t.Error("the kiosk got another key")
	}
	return at, kiosk, phone
}

func TestOnePhoneASession(t *testing.T) {
	d := newDesk(t, nil)
	at, _, phone := d.pair()
	d.want(409, "POST", at+"/phone", "", key(2))
	if again := d.want(201, "POST", at+"/phone", "", key(1)); string(again) == phone || len(again) == 0 {
		t.Error("the same phone, whose answer was lost, gets no token of its own")
	}
	d.want(404, "POST", "/s/"+id()+"/phone", "", key(2))
	for name, bad := range map[string][]byte{"none": nil, "short": key(1)[:64], "long": append(key(1), 1), "compressed": append([]byte{2}, key(1)[1:]...)} {
		fresh := "/s/" + id()
		d.want(201, "PUT", fresh, id(), nil)
		if got, _ := d.ask("POST", fresh+"/phone", "", bad); got != 400 {
			t.Errorf("a key that is %s: %d", name, got)
		}
	}
}

func TestOnlyTheTwoMayAsk(t *testing.T) {
	d := newDesk(t, nil)
	at, kiosk, phone := d.pair()
	d.want(409, "PUT", at, id(), nil)
	d.want(400, "PUT", "/s/short", id(), nil)
	d.want(400, "PUT", "/s/"+id(), "", nil)
	for _, token := range []string{"", id()} {
		d.want(403, "POST", at+"/up/0", token, []byte("x"))
		d.want(403, "GET", at+"/up/0", token, nil)
		d.want(403, "GET", at+"/phone", token, nil)
		d.want(403, "DELETE", at, token, nil)
	}
	d.want(403, "POST", at+"/up/0", kiosk, []byte("x"))   // the phone's to fill
	d.want(403, "POST", at+"/down/0", phone, []byte("x")) // the kiosk's
	d.want(403, "GET", at+"/up/0", phone, nil)
	d.want(403, "GET", at+"/down/0", kiosk, nil)
	d.want(403, "DELETE", at, phone, nil)
	d.want(403, "GET", at+"/side/0", kiosk, nil)

	closed := newDesk(t, func(o *relay.Options) { o.Admit = func(*http.Request) bool { return false } })
	closed.want(403, "PUT", "/s/"+id(), id(), nil)
}

func TestMessagesComeInOrderAndAreErasedWhenTheyAreTaken(t *testing.T) {
	d := newDesk(t, nil)
	at, kiosk, phone := d.pair()
	d.want(204, "POST", at+"/up/0", phone, []byte("one"))
	d.want(204, "POST", at+"/up/0", phone, []byte("one")) // its answer was lost
	d.want(409, "POST", at+"/up/0", phone, []byte("other"))
	d.want(409, "POST", at+"/up/2", phone, []byte("three"))
	d.want(204, "POST", at+"/up/1", phone, []byte("two"))
	d.want(400, "POST", at+"/up/2", phone, nil)
	d.want(400, "POST", at+"/up/x", phone, []byte("x"))
	for range 2 { // asked again: the answer was lost
		if got := d.want(200, "GET", at+"/up/0", kiosk, nil); string(got) != "one" {
			t.Errorf("got %q", got)
		}
	}
	if got := d.want(200, "GET", at+"/up/1", kiosk, nil); string(got) != "two" {
		t.Errorf("got %q", got)
	}
	if _, held := d.relay.Usage(); held != 3 {
		t.Errorf("it holds %d bytes, want the last message's 3", held)
	}
	d.want(409, "GET", at+"/up/0", kiosk, nil)
	d.want(0, "GET", at+"/up/2", kiosk, nil)
	if _, held := d.relay.Usage(); held != 0 {
		t.Errorf("it holds %d bytes when all were taken", held)
	}
	d.want(409, "GET", at+"/up/3", kiosk, nil)
}

func TestWhoeverWaitsIsAnsweredAtOnce(t *testing.T) {
	d := newDesk(t, nil)
	at, kiosk, phone := d.pair()
	got := make(chan string)
	go func() {
		r := httptest.NewRequest("GET", at+"/up/0", nil)
		r.Host = "relay.test"
		r.Header.Set("Authorization", "Bearer "+kiosk)
		w := httptest.NewRecorder()
		d.relay.Handler().ServeHTTP(w, r)
		got <- w.Body.String()
	}()
	d.want(204, "POST", at+"/up/0", phone, []byte("soon"))
	if g := <-got; g != "soon" {
		t.Errorf("got %q", g)
	}
}

func TestLimits(t *testing.T) {
	d := newDesk(t, func(o *relay.Options) {
		o.QueueBytes, o.SessionBytes, o.MaxSessions, o.MaxBytes = 100, 250, 2, 300
	})
	at, kiosk, phone := d.pair()
	hundred := bytes.Repeat([]byte{1}, 100)
	d.want(413, "POST", at+"/up/0", phone, make([]byte, relay.MaxBody+1))
	d.want(204, "POST", at+"/up/0", phone, hundred)
	d.want(429, "POST", at+"/up/1", phone, hundred) // until the kiosk took the first
	d.want(0, "GET", at+"/up/1", kiosk, nil)
	d.want(204, "POST", at+"/up/1", phone, hundred)
	d.want(0, "GET", at+"/up/2", kiosk, nil)
	d.want(413, "POST", at+"/up/2", phone, hundred) // 250 in all

	d.want(204, "POST", at+"/down/0", kiosk, hundred)
	other, kiosk2, phone2 := d.pair()
	d.want(204, "POST", other+"/up/0", phone2, hundred)
	d.want(204, "POST", other+"/down/0", kiosk2, hundred)
	d.want(503, "PUT", "/s/"+id(), id(), nil)
	d.want(204, "DELETE", at, kiosk, nil)
	if n, held := d.relay.Usage(); n != 1 || held != 200 {
		t.Errorf("%d sessions, %d bytes", n, held)
	}
}

func TestNothingOutlivesItsTime(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(d *desk)
	}{
		{"a code that no phone took", func(d *desk) {
			at, kiosk := "/s/"+id(), id()
			d.want(201, "PUT", at, kiosk, nil)
			for range 6 {
				d.wait(61 * time.Second)
				d.ask("GET", at+"/phone", kiosk, nil)
			}
		}},
		{"a session whose kiosk is gone", func(d *desk) {
			at, _, phone := d.pair()
			d.want(204, "POST", at+"/up/0", phone, []byte("x"))
			d.wait(91 * time.Second)
		}},
		{"a message that nobody fetched", func(d *desk) {
			at, kiosk, _ := d.pair()
			d.want(204, "POST", at+"/down/0", kiosk, []byte("x"))
			for range 16 {
				d.wait(time.Minute)
				d.ask("GET", at+"/up/0", kiosk, nil)
			}
		}},
		{"any session", func(d *desk) {
			at, kiosk, _ := d.pair()
			for range 181 {
				d.wait(time.Minute)
				d.ask("GET", at+"/up/0", kiosk, nil)
			}
		}},
		{"what the kiosk erased", func(d *desk) {
			at, kiosk, phone := d.pair()
			d.want(204, "POST", at+"/up/0", phone, []byte("x"))
			d.want(204, "DELETE", at, kiosk, nil)
			d.want(204, "DELETE", at, kiosk, nil)
			d.want(410, "GET", at+"/down/0", phone, nil)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDesk(t, nil)
			c.do(d)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- d.relay.Run(ctx) }()
			eventually(t, "nothing of it held", func() bool { n, held := d.relay.Usage(); return n == 0 && held == 0 })
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheEndErasesAll(t *testing.T) {
	d := newDesk(t, nil)
	at, _, phone := d.pair()
	d.want(204, "POST", at+"/up/0", phone, []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.relay.Run(ctx); err != nil {
		t.Error(err)
	}
	if n, held := d.relay.Usage(); n != 0 || held != 0 {
		t.Errorf("%d sessions with %d bytes are left", n, held)
	}
}

func TestThePageIsStrict(t *testing.T) {
	d := newDesk(t, nil)
	for _, path := range relay.Files() {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "relay.test"
		w := httptest.NewRecorder()
		d.relay.Handler().ServeHTTP(w, r)
		if w.Code != 200 || w.Body.Len() == 0 {
			t.Errorf("%s: %d", path, w.Code)
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") ||
			w.Header().Get("Referrer-Policy") != "no-referrer" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", path, w.Header())
		}
		if strings.Contains(w.Body.String(), "http://") || strings.Contains(w.Body.String(), "https://") {
			t.Errorf("%s names another host", path)
		}
	}
	r := httptest.NewRequest("GET", "/d", nil)
	w := httptest.NewRecorder()
	d.relay.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusMisdirectedRequest {
		t.Errorf("for another host: %d", w.Code)
	}
}

// Whatever is asked, the relay answers, and counts what it holds.
func FuzzRequests(f *testing.F) {
	d := newDesk(f, nil)
	at, kiosk, phone := d.pair()
	f.Add("POST", at+"/up/0", phone, []byte("x"))
	f.Add("GET", at+"/up/18446744073709551615", kiosk, []byte{})
	f.Add("POST", at+"/up/4294967296", phone, []byte("x"))
	f.Add("PUT", "/s/a", "b", []byte{})
	f.Fuzz(func(t *testing.T, method, path, token string, body []byte) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r, err := http.NewRequestWithContext(ctx, method, "http://relay.test/", bytes.NewReader(body))
		if err != nil {
			return
		}
		r.URL.Path = path
		r.Header.Set("Authorization", "Bearer "+token)
		d.relay.Handler().ServeHTTP(httptest.NewRecorder(), r)
		n, held := d.relay.Usage()
		if n == 0 && held != 0 || held < 0 || held > 256<<20 {
			t.Errorf("%d sessions hold %d bytes", n, held)
		}
	})
}

// listen serves a relay on this machine.
func listen(t testing.TB, change func(*relay.Options), around func(http.Handler) http.Handler) (*relay.Relay, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	o := relay.Options{Hosts: []string{l.Addr().String(), "localhost:" + port}}
	if change != nil {
		change(&o)
	}
	r, err := relay.New(o)
	if err != nil {
		t.Fatal(err)
	}
	h := r.Handler()
	if around != nil {
		h = around(h)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-ended
	})
	return r, fmt.Sprintf("http://localhost:%s", port)
}

// body reads a request's body and lets it be read again.
func bodyOf(r *http.Request) []byte {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	r.Body = io.NopCloser(bytes.NewReader(b))
	return b
}
