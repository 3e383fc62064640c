package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk/browser"
	"pointnum/kiosk/browser/egress"
)

const (
	portalID = "essai"
	// hang is shorter than the kiosk's, so that tries that hang take less long.
	hang = 3 * time.Second
)

// house is the kiosk and what is around it.
type house struct {
	o       options
	mode    mode
	cage    *cage
	portal  *testportal.Portal
	agent   *standIn
	proxy   *egress.Proxy
	browser *browser.Browser
	screen  *screen // nil when headless

	stop    context.CancelFunc
	running sync.WaitGroup
	ran     error

	visit *visit // nil between visits
}

// start opens the house; the caller closes it.
func start(ctx context.Context, c *cage, o options, m mode) (*house, error) {
	h := &house{o: o, mode: m, cage: c, stop: func() {}}
	if err := h.furnish(ctx); err != nil {
		return nil, errors.Join(err, h.close())
	}
	return h, nil
}

func (h *house) furnish(ctx context.Context) (err error) {
	if h.portal, err = testportal.Start(testportal.Options{}); err != nil {
		return err
	}
	if h.agent, err = newStandIn(); err != nil {
		return err
	}
	hosts := portalHosts()
	if h.o.open {
		hosts = append(hosts, testportal.HostForeign)
	}
	allow := func(host string) bool { return slices.Contains(hosts, host) }
	h.proxy, err = egress.Listen(egress.Options{
		Allow:   allow,
		Allowed: egress.User(h.cage.browserUID()),
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, h.portal.Addr())
		},
	})
	if err != nil {
		return err
	}
	b := browser.Options{
		User: h.cage.user, Headless: h.mode == headless, Proxy: h.proxy.Addr(), Hang: hang,
		// The last flags are those that the agent gives too.
		Args: append(h.proxy.Flags(), "--ignore-certificate-errors-spki-list="+h.portal.SPKI()),
		Home: func(id string) (string, func(string) bool, bool) { return h.address(), allow, id == portalID },
	}
	if h.mode == window {
		if h.screen, err = startScreen(ctx); err != nil {
			return err
		}
		b.Display = h.screen.display
		if err := os.Setenv("DISPLAY", h.screen.display); err != nil {
			return err
		}
	}
	if h.browser, err = browser.New(b); err != nil {
		return err
	}
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.running.Go(func() { h.ran = h.browser.Run(ctx) })
	return nil
}

// browserUID is as whom the browser's connections come.
func (c *cage) browserUID() int {
	if c.user == "" {
		return os.Getuid()
	}
	return c.uid
}

// close ends everything that was started.
func (h *house) close() error {
	err := h.leave()
	h.stop()
	h.running.Wait()
	err = errors.Join(err, h.ran)
	if h.screen != nil {
		err = errors.Join(err, h.screen.close())
	}
	if h.proxy != nil {
		err = errors.Join(err, h.proxy.Close())
	}
	if h.agent != nil {
		err = errors.Join(err, h.agent.close())
	}
	if h.portal != nil {
		err = errors.Join(err, h.portal.Close())
	}
	return err
}

// standIn is where the kiosk's own screen would be served. It answers
// everybody and counts who comes: on a kiosk nobody but the screen may.
type standIn struct {
	address string
	srv     *http.Server
	done    chan error
	came    atomic.Int64
}

func newStandIn() (*standIn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the kiosk's screen: %w", err)
	}
	s := &standIn{address: "http://" + l.Addr().String(), done: make(chan error, 1)}
	s.srv = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			s.came.Add(1)
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Allow-Private-Network", "true")
			fmt.Fprint(w, "<!doctype html><title>borne</title><h1>La borne</h1>")
		}),
		// A connection that asks nothing has reached it too.
		ConnState: func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				s.came.Add(1)
			}
		},
		ReadHeaderTimeout: 5 * time.Second,
	}
	go func() { s.done <- s.srv.Serve(l) }()
	return s, nil
}

func (s *standIn) close() error {
	err := s.srv.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
