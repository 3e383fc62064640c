package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"

	"pointnum/provisioning/relay"
	"pointnum/ui/safeweb"
)

// startRelay serves a relay for phones on this machine, until end is called.
// Browsers hold http://localhost for safe: the page's cryptography works.
func startRelay(ctx context.Context, log *slog.Logger) (address string, end func() error, err error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("relay: %w", err)
	}
	hosts, err := safeweb.Hosts(ln.Addr())
	if err != nil {
		return "", nil, errors.Join(err, ln.Close())
	}
	r, err := relay.New(relay.Options{Hosts: hosts, Log: log})
	if err != nil {
		return "", nil, errors.Join(err, ln.Close())
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	// Its own log would name the addresses of those who ask.
	server := safeweb.Server(r.Handler(), slog.New(slog.DiscardHandler))
	var work sync.WaitGroup
	var failed error
	work.Go(func() { _ = r.Run(ctx) }) // returns nil
	work.Go(func() {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			failed = fmt.Errorf("relay: %w", err)
		}
	})
	return "http://" + hosts[1], func() error {
		stop()
		err := server.Close()
		work.Wait()
		return errors.Join(failed, err)
	}, nil
}
