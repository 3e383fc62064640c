package link_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link"
	"pointnum/provisioning/link/route"
)

// proxy is an HTTP proxy as town halls have: CONNECT, with a password.
type proxy struct {
	http     *httptest.Server
	password string
	// inspect makes it open the TLS with a certificate of its own and pass
	// requests on without "Upgrade", as some do.
	inspect *tls.Certificate
	to      *toy
	tunnels atomic.Int32
	refused atomic.Int32
}

func newProxy(t *testing.T, f *toy) *proxy {
	p := &proxy{to: f, password: "s3cret:é"}
	p.http = httptest.NewServer(p)
	t.Cleanup(func() {
		f.cut()
		p.http.Close()
	})
	return p
}

func (p *proxy) url(password string) *url.URL {
	u := must(url.Parse(p.http.URL))
	u.User = url.UserPassword("mairie", password)
	return u
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := &http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}
	if user, password, ok := asked.BasicAuth(); r.Method != http.MethodConnect || !ok || user != "mairie" || password != p.password {
		p.refused.Add(1)
		w.Header().Set("Proxy-Authenticate", "Basic")
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	c, _ := must2(http.NewResponseController(w).Hijack())
	defer func() { _ = c.Close() }()
	p.tunnels.Add(1)
	_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
	if p.inspect != nil {
		p.open(c)
		return
	}
	up, err := net.Dial("tcp", r.Host)
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { _, _ = io.Copy(up, c); _ = up.Close() })
	_, _ = io.Copy(c, up)
	_ = c.Close()
	wg.Wait()
}

// open reads what is inside a tunnel.
func (p *proxy) open(raw net.Conn) {
	c := tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{*p.inspect}})
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	target := must(url.Parse(p.to.http.URL))
	rp := httputil.NewSingleHostReverseProxy(target)
	t := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.to.ca}}
	defer t.CloseIdleConnections()
	rp.Transport = t
	br := bufio.NewReader(c)
	for {
		req, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		req.Header.Del("Upgrade")
		req.Header.Del("Connection")
		rec := httptest.NewRecorder()
		rp.ServeHTTP(rec, req)
		if rec.Result().Write(c) != nil {
			return
		}
	}
}

func TestThroughAProxyWithAPassword(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	p := newProxy(t, f)
	a := start(t, f, choices{proxy: p.url(p.password)})
	a.linked(link.ViaWebSocket)
	a.link.SetState(provisioning.State{Settings: 1})
	wait(t, "the state", func() bool { return f.state() != nil })
	if p.tunnels.Load() != 1 || p.refused.Load() != 0 {
		t.Errorf("%d tunnels, %d refused", p.tunnels.Load(), p.refused.Load())
	}
	id, err := enrol.Ask(t.Context(), enrol.Options{Server: f.http.URL, Code: "x", CA: f.ca, Proxy: p.url(p.password)})
	if err != nil || id.Kiosk() != kioskID {
		t.Errorf("enrolment through a proxy: %v", err)
	}
}

func TestAProxyThatDoesNotLetThroughIsNamed(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	p := newProxy(t, f)
	gone := must(net.Listen("tcp", "127.0.0.1:0"))
	nobody := &url.URL{Scheme: "http", Host: gone.Addr().String()}
	_ = gone.Close()
	for _, c := range []struct {
		name  string
		proxy *url.URL
		want  kiosk.Code
	}{
		{"a wrong password", p.url("wrong"), route.CodeProxyPassword},
		{"nobody there", nobody, route.CodeProxy},
		{"no proxy at all", must(url.Parse("http://" + must(url.Parse(f.http.URL)).Host)), route.CodeProxy},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := start(t, f, choices{proxy: c.proxy})
			wait(t, "the reason", func() bool { return a.link.Status().Code == c.want })
			_, err := enrol.Ask(t.Context(), enrol.Options{Server: f.http.URL, Code: "x", CA: f.ca, Proxy: c.proxy})
			if kiosk.CodeOf(err) != c.want {
				t.Errorf("enrolment: %v", err)
			}
		})
	}
}

func TestAProxyThatInspectsTLSLeavesSync(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	p := newProxy(t, f)
	own := certificate(t, time.Now())
	p.inspect = &own
	id := f.identity()
	real := f.ca
	a := start(t, f, choices{id: id, proxy: p.url(p.password)})
	wait(t, "the certificate to be refused", func() bool { return a.link.Status().Code == route.CodeCertificate })
	a.stop()
	both := real.Clone()
	both.AddCert(must(x509.ParseCertificate(own.Certificate[0])))
	f.ca = both // the site's authority is installed
	a = start(t, f, choices{id: id, proxy: p.url(p.password)})
	a.link.SetState(provisioning.State{Settings: 9})
	a.linked(link.ViaSync)
	wait(t, "the state", func() bool { s := f.state(); return s != nil && s.Settings == 9 })
	if s := a.link.Status(); s.Code != link.CodeWebSocket {
		t.Errorf("status %+v", s)
	}
}
