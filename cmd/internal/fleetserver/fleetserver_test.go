package fleetserver_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
)

// patience is for a machine that does much else.
const patience = 40 * time.Second

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a state.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s after %s", what, patience)
		}
	}
}

// server is one that runs, and a browser that trusts its certificate.
type server struct {
	t       testing.TB
	dir     string
	addr    string // of the server
	host    string // by which it is known
	metrics string // address of the inner server
	client  *http.Client
	roots   *x509.CertPool
}

// start runs a server until the test ends.
func start(t testing.TB, change func(*fleetserver.Options)) *server {
	t.Helper()
	s := &server{t: t, dir: t.TempDir(), roots: x509.NewCertPool()}
	s.certificate("first")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s.addr, s.metrics = ln.Addr().String(), inner.Addr().String()
	_, port, err := net.SplitHostPort(s.addr)
	must(t, err)
	s.host = "bornes.example:" + port
	ready := make(chan string, 1)
	o := fleetserver.Options{URL: "https://" + s.host, Dir: filepath.Join(s.dir, "data"), Listener: ln, Metrics: inner,
		AdminName: "Claire Martin", AdminEmail: "claire@example.fr", Ready: func(setup string) { ready <- setup }}
	o.TLS, err = fleetserver.Certificate(filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem"))
	must(t, err)
	if change != nil {
		change(&o)
	}
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	ended := make(chan struct{})
	wg.Go(func() {
		defer close(ended)
		if err := fleetserver.Run(ctx, o); err != nil {
			t.Error(err)
		}
	})
	s.client = &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: s.roots, MinVersion: tls.VersionTLS12},
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, s.addr)
			}}}
	t.Cleanup(func() { stop(); wg.Wait() })
	select {
	case setup := <-ready:
		if !strings.HasPrefix(setup, "https://"+s.host+"/join/") {
			t.Errorf("the first administrator's link is %q", setup)
		}
	case <-ended:
		t.FailNow()
	case <-time.After(patience):
		t.Fatal("does not answer")
	}
	return s
}

// certificate writes one that signs itself, under a common name.
func (s *server) certificate(name string) {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(s.t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"bornes.example", "telephone.example", "autre.example"}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	must(s.t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(s.t, err)
	must(s.t, os.WriteFile(filepath.Join(s.dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(s.t, os.WriteFile(filepath.Join(s.dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600))
	read, err := x509.ParseCertificate(der)
	must(s.t, err)
	s.roots.AddCert(read)
}

// get asks the server under a host.
func (s *server) get(scheme, host, path string, header http.Header) (int, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, scheme+"://"+host+path, nil)
	must(s.t, err)
	for k, v := range header {
		r.Header[k] = v
	}
	res, err := s.client.Do(r)
	must(s.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(s.t, err)
	return res.StatusCode, string(b)
}

// inner asks those parts that the outside does not reach.
func (s *server) inner(path string) (int, string) {
	s.t.Helper()
	c := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := c.Get("http://" + s.metrics + path)
	must(s.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	must(s.t, err)
	return res.StatusCode, string(b)
}

// promtool is Prometheus's own checker: .ci/deps puts it into the user's cache.
func promtool(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("promtool"); err == nil {
		return path
	}
	cache, err := os.UserCacheDir()
	must(t, err)
	path := filepath.Join(cache, "pointnum", "promtool")
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("promtool is missing: make deps (%v)", err)
	}
	return path
}

func TestMetricsAreAsPrometheusWantsThem(t *testing.T) {
	s := start(t, nil)
	status, text := s.inner("/metrics")
	if status != http.StatusOK {
		t.Fatalf("answers %d", status)
	}
	check := exec.Command(promtool(t), "check", "metrics")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
	for _, name := range []string{"pointnum_events_duplicate_total", "pointnum_tls_certificate_expiry_timestamp_seconds", "pointnum_ingest_commit_duration_seconds_bucket", "go_goroutines", "process_open_fds"} {
		if !strings.Contains(text, name) {
			t.Errorf("no %s", name)
		}
	}
	if strings.Contains(text, "kiosk=") {
		t.Error("a kiosk is a label")
	}
	if status, _ := s.get("https", s.host, "/metrics", nil); status == http.StatusOK {
		t.Error("the outside reads the metrics")
	}
}

// The database is away for the server when its tables are: no answer, not
// ready, and alive all the same.
func TestNotReadyWithoutItsDatabase(t *testing.T) {
	s := start(t, nil)
	if status, text := s.inner("/readyz"); status != http.StatusOK {
		t.Fatalf("not ready: %d %s", status, text)
	}
	db, err := sql.Open("sqlite", filepath.Join(s.dir, "data", fleetserver.DatabaseFile)+"?_pragma=busy_timeout(20000)")
	must(t, err)
	defer db.Close()
	_, err = db.Exec("ALTER TABLE schema RENAME TO away")
	must(t, err)
	if status, _ := s.inner("/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("ready without a database: %d", status)
	}
	if status, _ := s.inner("/livez"); status != http.StatusOK {
		t.Errorf("not alive: %d", status)
	}
	_, err = db.Exec("ALTER TABLE away RENAME TO schema")
	must(t, err)
	eventually(t, "readiness", func() bool { status, _ := s.inner("/readyz"); return status == http.StatusOK })
}

func TestARenewedCertificateIsServed(t *testing.T) {
	s := start(t, nil)
	name := func() string {
		c, err := tls.Dial("tcp", s.addr, &tls.Config{RootCAs: s.roots, ServerName: "bornes.example", MinVersion: tls.VersionTLS12})
		must(t, err)
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	if n := name(); n != "first" {
		t.Fatalf("serves %q", n)
	}
	// Half written: the old one stays in force.
	must(t, os.WriteFile(filepath.Join(s.dir, "key.pem"), []byte("-----BEGIN"), 0o600))
	for end := time.Now().Add(2500 * time.Millisecond); time.Now().Before(end); {
		if n := name(); n != "first" {
			t.Fatalf("serves %q", n)
		}
	}
	s.certificate("second")
	eventually(t, "new certificate", func() bool { return name() == "second" })
	if _, text := s.inner("/metrics"); !strings.Contains(text, "pointnum_tls_certificate_expiry_timestamp_seconds 1") {
		t.Error("the metrics do not know when it ends")
	}
}

func TestOtherHostsAreRefused(t *testing.T) {
	s := start(t, func(o *fleetserver.Options) { o.Relay = "https://telephone.example" })
	for host, want := range map[string]int{"autre.example": http.StatusMisdirectedRequest, s.host: http.StatusSeeOther} {
		if status, text := s.get("https", host, "/", nil); status != want {
			t.Errorf("%s: %d, want %d: %.200s", host, status, want, text)
		}
	}
	_, console := s.get("https", s.host, "/", nil)
	status, relay := s.get("https", "telephone.example", "/", nil)
	if status != http.StatusOK && status != http.StatusNotFound || relay == console || strings.Contains(relay, "/login") {
		t.Errorf("the relay's host answers %d: %.200s", status, relay)
	}
	for _, path := range []string{"/fleet", "/sync", "/enrol", "/login"} {
		if _, text := s.get("https", "telephone.example", path, nil); strings.Contains(text, "passkey") || strings.Contains(text, "<form") {
			t.Errorf("%s under the relay's host is the console's", path)
		}
	}
}

// Whose address the audit log has depends on the header only behind a proxy.
func TestAddressesAreOfWhoeverAsks(t *testing.T) {
	for proxy, want := range map[bool]string{false: "127.0.0.1", true: "198.51.100.9"} {
		t.Run(fmt.Sprintf("proxy %v", proxy), func(t *testing.T) {
			scheme := "https"
			s := start(t, func(o *fleetserver.Options) {
				if o.Proxy = proxy; proxy {
					o.TLS, scheme = nil, "http"
				}
			})
			s.refused(scheme, "203.0.113.1, 198.51.100.9")
			db, err := store.Open(t.Context(), filepath.Join(s.dir, "data", fleetserver.DatabaseFile), store.Options{})
			must(t, err)
			defer func() { must(t, db.Close()) }()
			lines, err := db.Audits(t.Context(), fleet.Scope{All: true}, 0, 10)
			must(t, err)
			for _, l := range lines {
				if l.Action == "login" && !l.OK {
					if l.From != want {
						t.Errorf("from %q, want %q", l.From, want)
					}
					return
				}
			}
			t.Errorf("no line for the login: %+v", lines)
		})
	}
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	for name, change := range map[string]func(*fleetserver.Options){
		"address":  func(o *fleetserver.Options) { o.URL = "nowhere" },
		"relay":    func(o *fleetserver.Options) { o.Relay = "nowhere" },
		"database": func(o *fleetserver.Options) { o.Database = filepath.Join(o.Dir, "missing", "dir", "fleet.db") },
	} {
		t.Run(name, func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			o := fleetserver.Options{URL: "https://bornes.example", Dir: t.TempDir(), Listener: ln}
			change(&o)
			if err := fleetserver.Run(t.Context(), o); err == nil {
				t.Error("started")
			}
			if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the port is still taken: %v", err)
			}
		})
	}
}

// refused tries to log in with a recovery code that nobody has.
func (s *server) refused(scheme, forwarded string) {
	s.t.Helper()
	ask := func(method, path string, body url.Values, cookies []*http.Cookie) *http.Response {
		r, err := http.NewRequestWithContext(context.Background(), method, scheme+"://"+s.host+path, strings.NewReader(body.Encode()))
		must(s.t, err)
		r.Header.Set("X-Forwarded-For", forwarded)
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", "https://"+s.host)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		for _, c := range cookies {
			r.AddCookie(c)
		}
		res, err := s.client.Do(r)
		must(s.t, err)
		return res
	}
	res := ask(http.MethodGet, "/login", nil, nil)
	page, err := io.ReadAll(res.Body)
	must(s.t, err)
	must(s.t, res.Body.Close())
	token := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindSubmatch(page)
	if token == nil {
		s.t.Fatalf("no form at /login: %d %.300s", res.StatusCode, page)
	}
	res = ask(http.MethodPost, "/login/recovery", url.Values{"csrf": {string(token[1])}, "email": {"nobody@example.fr"}, "code": {"AAAA-AAAA-AAAA-AAAA"}}, res.Cookies())
	must(s.t, res.Body.Close())
	if res.StatusCode < 400 {
		s.t.Logf("the login answers %d", res.StatusCode)
	}
}
