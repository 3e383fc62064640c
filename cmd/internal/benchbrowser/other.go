package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk"
	"pointnum/kiosk/browser"
	"pointnum/kiosk/browser/devtools"
	"pointnum/kiosk/browser/egress"
)

// patience is for a page to be painted.
const patience = time.Minute

// address is the page that tells when it was painted.
const address = "https://" + testportal.HostPortal + "/mesure"

// withoutSpare opens the page in the locked browser, whose process is started
// then only.
func withoutSpare(ctx context.Context, rounds int) (all []time.Duration, err error) {
	p, err := testportal.Start(testportal.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	allow := func(string) bool { return true }
	proxy, err := egress.Listen(egress.Options{Allow: allow, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, p.Addr())
	}})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, proxy.Close()) }()
	b, err := browser.New(browser.Options{
		Headless: true, Args: append(proxy.Flags(), "--ignore-certificate-errors-spki-list="+p.SPKI()),
		Home: func(string) (string, func(string) bool, bool) { return address, allow, true },
	})
	if err != nil {
		return nil, err
	}
	for range rounds {
		began := time.Now()
		v, err := b.Open(ctx, kiosk.BrowseOptions{Portal: "essai", Lang: "fr"})
		if err != nil {
			return nil, err
		}
		d, err := painted(ctx, p, len(all), began)
		if err := errors.Join(err, v.Close(ctx)); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// chromiumAlone opens the page in a Chromium as it comes, with a fresh profile
// in memory and with nothing between it and the portal.
func chromiumAlone(ctx context.Context, rounds int) (all []time.Duration, err error) {
	p, err := testportal.Start(testportal.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for range rounds {
		began := time.Now()
		b, err := devtools.Start(ctx, devtools.Options{Headless: true, Args: append(p.BrowserFlags(), address)})
		if err != nil {
			return nil, err
		}
		d, err := painted(ctx, p, len(all), began)
		if err := errors.Join(err, b.Close()); err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// painted waits until the page was painted for the nth time.
func painted(ctx context.Context, p *testportal.Portal, n int, began time.Time) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if all := p.Painted(); len(all) > n {
			return all[n].Sub(began), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, fmt.Errorf("the page was not painted: %w", context.Cause(ctx))
		}
	}
}
