package network

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/steward"
	"pointnum/provisioning/link/route"
	"pointnum/provisioning/setup"
)

// Client is the agent's side: setup.Machine but for Find and TPM. It needs no
// right of root's. It must not be copied.
type Client struct {
	Dir string // of the steward's sockets; "" is steward.Dir
	Sys string // "" is /sys
	// Out is an https address that answers when there is a way out, for a
	// kiosk without a supervision: a portal's. "" takes names' answers for it.
	Out string
	// Floor is a time that has passed: the build's. Certificates that had run
	// out by then are refused whatever the clock says.
	Floor time.Time
	// Proxy and CA are what holds until Apply says otherwise.
	Proxy string
	CA    []byte

	mu sync.Mutex
}

func (c *Client) sys() string { return or(c.Sys, "/sys") }

// Links implements setup.Machine.
func (c *Client) Links(context.Context) ([]setup.Link, error) { return Links(c.sys()) }

// WiFi implements setup.Machine.
func (c *Client) WiFi(ctx context.Context) ([]setup.AccessPoint, error) {
	var list []setup.AccessPoint
	err := steward.Ask(ctx, c.Dir, StewardNetwork, Request{Do: "wifi"}, &list)
	return list, err
}

// Apply implements setup.Machine. The proxy and the certificates are the
// agent's own: they go no further. A machine whose network is somebody else's
// is taken as it is when nothing but a cable and DHCP is asked for.
func (c *Client) Apply(ctx context.Context, n setup.Network) error {
	if _, _, err := trust(n.Proxy, n.CA); err != nil {
		return err
	}
	err := steward.Ask(ctx, c.Dir, StewardNetwork, Request{Do: "apply", Network: &Change{WiFi: n.WiFi, Address: n.Address}}, nil)
	if kiosk.CodeOf(err) == kiosk.CodeNotResponding && n.WiFi == nil && n.Address == nil && ctx.Err() == nil {
		err = nil
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Proxy, c.CA = n.Proxy, n.CA
	return nil
}

// trust reads a proxy's address and the certificates to trust beside the
// system's; both nil when there are none.
func trust(proxy string, ca []byte) (*url.URL, *x509.CertPool, error) {
	var u *url.URL
	if proxy != "" {
		if !setup.ProxyAddress(proxy) {
			return nil, nil, refuse("not a proxy's address")
		}
		var err error
		if u, err = url.Parse(proxy); err != nil {
			return nil, nil, refuse("not a proxy's address")
		}
	}
	if len(ca) == 0 {
		return u, nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(ca) {
		return nil, nil, refuse("no certificate")
	}
	return u, pool, nil
}

// SetClock implements setup.Machine. A clock that the network keeps right is
// left alone, without an error.
func (c *Client) SetClock(ctx context.Context, t time.Time) error {
	return steward.Ask(ctx, c.Dir, StewardClock, ClockRequest{At: t.UnixMilli()}, nil)
}

// reachTime bounds each step of Reach.
const reachTime = 15 * time.Second

// Reach implements setup.Machine.
func (c *Client) Reach(ctx context.Context, server string) setup.Reach {
	c.mu.Lock()
	proxy, ca := c.Proxy, c.CA
	c.mu.Unlock()
	var r setup.Reach
	fail := func(err error) setup.Reach {
		r.Code, r.Detail = kiosk.CodeOf(err), oneLine(err)
		return r
	}
	links, err := c.Links(ctx)
	if err != nil {
		return fail(err)
	}
	for _, l := range links {
		r.Link = r.Link || l.Up
		r.Address = r.Address || l.Up && l.Address != ""
	}
	if !r.Link || !r.Address {
		return fail(&kiosk.Error{Code: kiosk.CodeNoNetwork, Op: "network: no link with an address"})
	}
	if server = or(server, c.Out); server == "" {
		r.DNS, r.Server = true, true // nobody to ask
		return r
	}
	p, pool, err := trust(proxy, ca)
	if err != nil {
		return fail(err)
	}
	way, err := route.New(server, p, pool, nil)
	if err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*reachTime)
	defer cancel()
	if p == nil {
		if _, err := net.DefaultResolver.LookupNetIP(ctx, "ip", way.Server.Hostname()); err != nil {
			return fail(&kiosk.Error{Code: kiosk.CodeNoNetwork, Op: "network: names", Err: err})
		}
	}
	r.DNS = true
	return c.answer(ctx, way, r)
}

// answer asks the server for anything, and for its time on the way.
func (c *Client) answer(ctx context.Context, way *route.Route, r setup.Reach) setup.Reach {
	at, err := serverTime(ctx, way)
	if kiosk.CodeOf(err) == route.CodeClock {
		asked := time.Now()
		if right, timeErr := way.ServerTime(ctx, c.Floor); timeErr == nil {
			r.Skew, r.SkewKnown = asked.Sub(right), true
		} else {
			err = timeErr
		}
	}
	if err != nil {
		r.Code, r.Detail = kiosk.CodeOf(err), oneLine(err)
		return r
	}
	r.Server = true
	if !at.IsZero() {
		// A date has whole seconds: half of one is what it is off by at most.
		r.Skew, r.SkewKnown = time.Since(at.Add(500*time.Millisecond)), true
	}
	return r
}

// serverTime is the date of a server's answer, whatever it answers; zero for
// none.
func serverTime(ctx context.Context, way *route.Route) (time.Time, error) {
	client := way.Client()
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, way.URL("/"), nil)
	if err != nil {
		return time.Time{}, fmt.Errorf("network: %w", err)
	}
	res, err := client.Do(req)
	if err != nil {
		return time.Time{}, route.Fault("network: server", err)
	}
	if err := res.Body.Close(); err != nil {
		return time.Time{}, route.Fault("network: server", err)
	}
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return time.Time{}, nil
	}
	return at, nil
}

// oneLine is an error for the technician's log, without a proxy's password.
func oneLine(err error) string {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = fmt.Errorf("%s: %w", e.Op, e.Err)
	}
	text := []rune(err.Error())
	for i, r := range text {
		if r < ' ' {
			text[i] = ' '
		}
	}
	return string(text[:min(len(text), 300)])
}
