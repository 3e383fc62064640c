// Package route is the way from a kiosk to its server: through the place's
// proxy where there is one, with TLS, and with a name for whatever is in the
// way that a technician can act on.
//
// Both the WebSocket and the plain requests take it, so that what works for
// one works for the other.
package route

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"pointnum/kiosk"
)

// How long one step may take. A server that all kiosks come back to needs its
// time: whoever gives up early only has to be served again.
const (
	dialTimeout  = 15 * time.Second
	proxyTimeout = 15 * time.Second
	tlsTimeout   = 30 * time.Second
)

// Codes of what is in the way, beside kiosk.CodeNoNetwork; kiosk.CodeOf finds
// them in the errors of this package.
const (
	CodeProxy         kiosk.Code = "proxy_error"        // the proxy does not answer, or does not let through
	CodeProxyPassword kiosk.Code = "proxy_password"     // the proxy wants another name or password
	CodeCertificate   kiosk.Code = "server_certificate" // not the server's, or of an authority that the kiosk does not know
	CodeClock         kiosk.Code = "clock_wrong"        // the kiosk's clock: certificates look too old or too new
	CodeServer        kiosk.Code = "server_error"       // what answers is not a working server of ours
)

// Route is a way to one server. Its fields do not change once it is used.
type Route struct {
	Server *url.URL       // https; a path is put before those of the server
	Proxy  *url.URL       // http, with the name and password it wants; nil for none
	CA     *x509.CertPool // authorities of servers; nil for the system's
	// Now is by which certificates are judged; nil for the machine's clock.
	Now func() time.Time
}

// New checks the addresses.
func New(server string, proxy *url.URL, ca *x509.CertPool, now func() time.Time) (*Route, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "route: the server's address has to be https://NAME"}
	}
	if proxy != nil && (proxy.Scheme != "http" || proxy.Hostname() == "") {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "route: the proxy's address has to be http://NAME:PORT"}
	}
	if now == nil {
		now = time.Now
	}
	return &Route{Server: u, Proxy: proxy, CA: ca, Now: now}, nil
}

// URL is the address of one of the server's paths.
func (r *Route) URL(path string) string { return r.Server.JoinPath(path).String() }

// Dial opens a TLS connection to the server. Its errors have the codes above.
func (r *Route) Dial(ctx context.Context) (net.Conn, error) { return r.dial(ctx, r.Now()) }

func (r *Route) dial(ctx context.Context, at time.Time) (net.Conn, error) {
	raw, err := r.tunnel(ctx)
	if err != nil {
		return nil, err
	}
	c := tls.Client(raw, &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: r.Server.Hostname(), RootCAs: r.CA,
		NextProtos: []string{"http/1.1"}, Time: func() time.Time { return at },
	})
	ctx, stop := context.WithTimeout(ctx, tlsTimeout)
	defer stop()
	if err := c.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(Fault("route: tls", err), raw.Close())
	}
	return c, nil
}

// tunnel opens the TCP connection in which TLS is spoken.
func (r *Route) tunnel(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	to := address(r.Server, "443")
	if r.Proxy == nil {
		c, err := d.DialContext(ctx, "tcp", to)
		if err != nil {
			return nil, Fault("route: dial", err)
		}
		return c, nil
	}
	c, err := d.DialContext(ctx, "tcp", address(r.Proxy, "80"))
	if err != nil {
		return nil, &kiosk.Error{Code: CodeProxy, Op: "route: dial proxy", Err: err}
	}
	if err := r.connect(ctx, c, to); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// connect asks a proxy for a tunnel (RFC 9110, 9.3.6).
func (r *Route) connect(ctx context.Context, c net.Conn, to string) error {
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := c.SetDeadline(time.Now().Add(proxyTimeout)); err != nil {
		return &kiosk.Error{Code: CodeProxy, Op: "route: proxy", Err: err}
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: to}, Host: to, Header: http.Header{}}
	if u := r.Proxy.User; u != nil {
		password, _ := u.Password()
		req.Header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	if err := req.Write(c); err != nil {
		return &kiosk.Error{Code: CodeProxy, Op: "route: proxy", Err: err}
	}
	// One byte at a time: what follows the answer belongs to TLS.
	res, err := http.ReadResponse(bufio.NewReaderSize(&limited{c, 64 << 10}, 16), req)
	if err != nil {
		return &kiosk.Error{Code: CodeProxy, Op: "route: proxy", Err: err}
	}
	switch {
	case res.StatusCode == http.StatusProxyAuthRequired:
		return &kiosk.Error{Code: CodeProxyPassword, Op: "route: proxy", Err: errors.New(res.Status)}
	case res.StatusCode/100 != 2:
		return &kiosk.Error{Code: CodeProxy, Op: "route: proxy", Err: errors.New(res.Status)}
	}
	if !stop() {
		return &kiosk.Error{Code: CodeProxy, Op: "route: proxy", Err: context.Cause(ctx)}
	}
	return c.SetDeadline(time.Time{})
}

func address(u *url.URL, port string) string {
	if p := u.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// limited gives at most left bytes, one at a time.
type limited struct {
	c    net.Conn
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, errors.New("the proxy's answer is too long")
	}
	if len(p) == 0 {
		return 0, nil
	}
	l.left--
	return l.c.Read(p[:1])
}

// Client makes requests to the server. CloseIdleConnections ends it.
func (r *Route) Client() *http.Client { return r.client(r.Dial) }

func (r *Route) client(dial func(context.Context) (net.Conn, error)) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialTLSContext:        func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			MaxIdleConns:          1,
			IdleConnTimeout:       90 * time.Second,
			ResponseHeaderTimeout: 60 * time.Second,
		},
		Timeout:       2 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ServerTime asks the server for its time when its certificate is refused for
// its dates alone. It believes an answer, to the second, that comes from
// whoever holds the certificate, is within the certificate's dates and not
// before floor, which is the last time that is known to have passed: a
// certificate that had run out by then is none. Errors: CodeCertificate when
// it is the certificate that is too old, not the clock that is wrong; others
// as Dial.
func (r *Route) ServerTime(ctx context.Context, floor time.Time) (time.Time, error) {
	c, err := r.Dial(ctx)
	if err == nil {
		return time.Time{}, errors.Join(errors.New("route: nothing is wrong with the clock"), c.Close())
	}
	v, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if !ok || kiosk.CodeOf(err) != CodeClock || len(v.UnverifiedCertificates) == 0 {
		return time.Time{}, err
	}
	leaf := v.UnverifiedCertificates[0]
	middle := leaf.NotBefore.Add(leaf.NotAfter.Sub(leaf.NotBefore) / 2)
	client := r.client(func(ctx context.Context) (net.Conn, error) { return r.dial(ctx, middle) })
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, r.URL("/"), nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("route: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return time.Time{}, Fault("route: server's time", err)
	}
	_ = res.Body.Close() // that of a HEAD is empty
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil || at.Before(leaf.NotBefore) || at.After(leaf.NotAfter) || at.Before(floor.Add(-time.Minute)) {
		return time.Time{}, &kiosk.Error{Code: CodeCertificate, Op: "route: server's time", Err: v}
	}
	return at, nil
}

// Fault names what is in the way; errors that have a name keep it. Dates that
// do not fit are CodeClock: ServerTime knows better whose fault it is.
func Fault(op string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*kiosk.Error](err); ok {
		return &kiosk.Error{Code: e.Code, Op: op, Err: err}
	}
	code := kiosk.CodeNoNetwork
	if dates, ok := errors.AsType[x509.CertificateInvalidError](err); ok && dates.Reason == x509.Expired {
		code = CodeClock
	} else if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		code = CodeCertificate
	} else if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		code = CodeServer
	} else if _, ok := errors.AsType[tls.AlertError](err); ok {
		code = CodeServer
	}
	return &kiosk.Error{Code: code, Op: op, Err: err}
}
