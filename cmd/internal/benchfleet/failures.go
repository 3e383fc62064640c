package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"pointnum/cmd/internal/simulate"
	"pointnum/provisioning/fleet/engine"
	"pointnum/provisioning/fleet/store/storetest"
)

// failures kills a node of a cluster of three stock nats-server processes, one
// of two fleetd, and PostgreSQL, one after the other while events go on.
func (b *bench) failures(ctx context.Context) (err error) {
	pg, err := storetest.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Close()) }()
	dsn, err := pg.Database(ctx)
	if err != nil {
		return err
	}
	s, err := b.site(ctx, "failures", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	nodes, urls, err := s.cluster(ctx)
	defer func() {
		for _, n := range nodes {
			n.stop()
		}
	}()
	if err != nil {
		return err
	}
	for range 2 {
		if _, err := s.serve(ctx, urls...); err != nil {
			return err
		}
	}
	c, err := s.crowd(ctx, b.others)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.run(ctx, b.ramp); err != nil {
		return err
	}
	b.add("failures", "3 nats-server, 2 fleetd, PostgreSQL: kiosks", "1,000", "%d, %d events/s", len(c.agents), 2*b.rate)
	var before ledger
	for _, f := range []struct {
		run, trial, events string
		harm               func() error
		mend               func(context.Context) error
	}{
		{"kill nats node", "p50 4.4 ms, p99 0.6 s, max 11 s", "lost 0, twice 0 (10,000; node and fleetd killed)",
			func() error { nodes[0].kill(); return nil }, func(context.Context) error { return nodes[0].start() }},
		{"kill fleetd", "the same run", "the same run",
			func() error { s.servers[0].kill(); return nil }, func(context.Context) error { return s.servers[0].start() }},
		{"kill postgresql", "p50 3.4 ms, p99 11.8 s (3 embedded)", "lost 0, twice 0 (9,980; 3 embedded)",
			pg.Kill, pg.Restart},
	} {
		if before, err = b.failure(ctx, c, f.run, f.trial, f.events, f.harm, f.mend, before); err != nil {
			return fmt.Errorf("%s: %w", f.run, err)
		}
	}
	return nil
}

// failure makes events for a time; at a fifth of it something is killed, at
// half of it that comes back. Then everything must be there, in its bound.
func (b *bench) failure(ctx context.Context, c *crowd, run, trial, events string, harm func() error, mend func(context.Context) error, before ledger) (ledger, error) {
	fmt.Fprintf(b.stderr, "%s %s, load %s\n", time.Now().Format(time.TimeOnly), run, load())
	page, err := c.s.console(ctx, c.s.servers[len(c.s.servers)-1])
	if err != nil {
		return before, err
	}
	defer page.close()
	stop := c.events(ctx, 2*b.rate)
	defer stop()
	var heard times
	untold := 0
	done, enough := make(chan error, 1), make(chan struct{})
	go func() { // the last one is waited for, however long it takes
		for {
			d, err := page.event(ctx, c)
			switch {
			case err == nil:
				heard = append(heard, d)
			case errors.Is(err, errUntold):
				untold++
			default:
				done <- err
				return
			}
			select {
			case <-enough:
				done <- nil
				return
			default:
			}
		}
	}()
	err = errors.Join(simulate.Pause(ctx, b.length/5), harm(), simulate.Pause(ctx, b.length*3/10), mend(ctx), simulate.Pause(ctx, b.length/2))
	stop()
	close(enough)
	if err = errors.Join(err, <-done); err != nil {
		return before, err
	}
	start := time.Now()
	if err := errors.Join(c.drain(ctx), c.back(ctx, 100)); err != nil {
		return before, err
	}
	b.add(run, "event → console, the failure included", trial, "%s, not told %d", heard, untold)
	now, err := c.kept(ctx, run, events, before)
	b.add(run, "after the last event, until all is stored and all are back", "", "%.1f s", time.Since(start).Seconds())
	return now, err
}

// cluster starts three nodes with the configuration that fleetd prints.
func (s *site) cluster(ctx context.Context) (nodes []*process, urls []string, err error) {
	ports, err := freePorts(ctx, 6)
	if err != nil {
		return nil, nil, err
	}
	for i := range 3 {
		name := fmt.Sprintf("n%d", i+1)
		conf, err := engine.NodeConfig(s.ring, engine.Node{Name: name, Listen: ports[i], Cluster: ports[3+i], Routes: ports[3:], Dir: filepath.Join(s.dir, name)}, nil)
		if err != nil {
			return nodes, nil, err
		}
		file := filepath.Join(s.dir, name+".conf")
		if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
			return nodes, nil, err
		}
		p := &process{name: s.b.nats, args: []string{"-c", file}, log: filepath.Join(s.dir, name+".log")}
		if err := p.start(); err != nil {
			return nodes, nil, err
		}
		nodes, urls = append(nodes, p), append(urls, "nats://"+ports[i])
	}
	return nodes, urls, nil
}
