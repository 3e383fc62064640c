package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pointnum/cmd/internal/simulate"
	"pointnum/provisioning/fleet/store/storetest"
)

// What a fleet of this size must hold; the trial's figures are a fifth of it.
const backBound = 2 * time.Minute

// connections measures one server with all its kiosks: what they cost, how
// long events and commands take, and how they come back after kill -9.
func (b *bench) connections(ctx context.Context) (err error) {
	const run = "connections"
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if most := int(limit.Cur) - 1000; b.agents > most { //nolint:gosec // not that many files
		fmt.Fprintf(b.stderr, "%d kiosks only: ulimit -n\n", most)
		b.agents = most
	}
	s, err := b.site(ctx, run, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	v, err := s.serve(ctx)
	if err != nil {
		return err
	}
	c, err := s.crowd(ctx, b.agents)
	if err != nil {
		return err
	}
	defer c.close()
	b.add(run, "kiosks, TLS WebSocket, beats 30 s", "5,000", "%d", len(c.agents))
	if err := b.cost(ctx, run, v, c); err != nil {
		return err
	}
	if err := b.latency(ctx, run, v, c); err != nil {
		return err
	}
	if err := b.storm(ctx, run, v, c); err != nil {
		return err
	}
	if err := c.drain(ctx); err != nil {
		return err
	}
	_, err = c.kept(ctx, run, "lost 0, twice 0 (6,500)", ledger{})
	return err
}

// cost is memory and processor for each connection.
func (b *bench) cost(ctx context.Context, run string, v *server, c *crowd) error {
	n := float64(len(c.agents))
	base, used := v.resident(), v.cpu()
	if err := c.run(ctx, b.ramp); err != nil {
		return err
	}
	b.add(run, "CPU to set up one connection, hello included", "1.1–1.3 ms (it had no hello)", "%.2f ms", (v.cpu()-used).Seconds()*1000/n)
	if err := simulate.Pause(ctx, b.idle/2); err != nil {
		return err
	}
	used, start := v.cpu(), time.Now()
	if err := simulate.Pause(ctx, b.idle); err != nil {
		return err
	}
	b.add(run, "resident memory for each connection", "97–105 KB", "%.0f KB (%d MB in all)", float64(v.resident()-base)/n, v.resident()/1024)
	share := (v.cpu() - used).Seconds() / time.Since(start).Seconds()
	b.add(run, "CPU of one core, heartbeats each 30 s", "5.0 %", "%.1f %% (%.1f %% for 5,000)", share*100, share*100*5000/n)
	return nil
}

// latency times events and commands while other kiosks tell theirs.
func (b *bench) latency(ctx context.Context, run string, v *server, c *crowd) error {
	page, err := c.s.console(ctx, v)
	if err != nil {
		return err
	}
	defer page.close()
	stop := c.events(ctx, b.rate)
	defer stop()
	var events, commands times
	used, start := v.cpu(), time.Now()
	for range b.probes {
		d, err := page.event(ctx, c)
		if err != nil {
			return err
		}
		events = append(events, d)
	}
	share := (v.cpu() - used).Seconds() / time.Since(start).Seconds()
	for range b.probes {
		d, err := page.command(ctx, c)
		if err != nil {
			return err
		}
		commands = append(commands, d)
	}
	b.add(run, fmt.Sprintf("event → console (SSE) at %d/s", b.rate), "p50 1.7–1.9, p99 10–63 ms", "%s", events)
	b.add(run, "CPU of one core, beats and events", "", "%.1f %%", share*100)
	b.add(run, "command: button → SQL → kiosk obeys", "", "%s", commands)
	p50, p99, err := v.quantiles(ctx, "pointnum_command_duration_seconds")
	b.add(run, "command: server → kiosk → server", "p50 0.46–0.54, p99 2.2–2.7 ms", "p50 ≤ %s, p99 ≤ %s (steps of its metric)", ms(p50), ms(p99))
	return err
}

// quantiles are the steps of a server's histogram in which they are.
func (v *server) quantiles(ctx context.Context, name string) (p50, p99 time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.inner+"/metrics", nil)
	if err != nil {
		return 0, 0, err
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, 0, err
	}
	var bounds, sums []float64
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, name+`_bucket{le="`)
		le, n, ok2 := strings.Cut(strings.TrimSpace(rest), `"} `)
		if !ok || !ok2 {
			continue
		}
		bound, err1 := strconv.ParseFloat(le, 64)
		sum, err2 := strconv.ParseFloat(strings.Fields(n)[0], 64)
		if err := errors.Join(err1, err2); err != nil {
			return 0, 0, err
		}
		bounds, sums = append(bounds, bound), append(sums, sum)
	}
	at := func(q float64) time.Duration {
		for i, n := range sums {
			if n >= q*sums[len(sums)-1] && !math.IsInf(bounds[i], 0) {
				return time.Duration(bounds[i] * float64(time.Second))
			}
		}
		return time.Hour
	}
	return at(0.5), at(0.99), nil
}

// storm kills the server, leaves it down for two seconds, and sees when its
// kiosks are back. Events go on.
func (b *bench) storm(ctx context.Context, run string, v *server, c *crowd) error {
	stop := c.events(ctx, b.rate)
	defer stop()
	v.kill()
	if err := b.wait(ctx, "all gone", func() bool { return c.linked() == 0 }); err != nil {
		return err
	}
	if err := simulate.Pause(ctx, 2*time.Second); err != nil {
		return err
	}
	start := time.Now()
	if err := v.start(); err != nil {
		return err
	}
	var back [3]time.Duration
	for i, percent := range []int{50, 90, 100} {
		if err := c.back(ctx, percent); err != nil {
			return err
		}
		back[i] = time.Since(start)
	}
	b.add(run, "kill -9, 2 s down: 50 / 90 / 100 % back", "6.4–8.5 / 10.3–15.5 / 16.5–20.9 s", "%.1f / %.1f / %.1f s", back[0].Seconds(), back[1].Seconds(), back[2].Seconds())
	b.rows[len(b.rows)-1].Failed = back[2] > backBound
	b.add(run, "CPU of the server for it", "5.7–6.7 s", "%.1f s", v.cpu().Seconds())
	return nil
}

// massReturn is kiosks that come back with a full outbox, all at once.
func (b *bench) massReturn(ctx context.Context, run string, postgres bool) (err error) {
	dsn := ""
	if postgres {
		pg, err := storetest.Start(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, pg.Close()) }()
		if dsn, err = pg.Database(ctx); err != nil {
			return err
		}
	}
	s, err := b.site(ctx, run, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	v, err := s.serve(ctx)
	if err != nil {
		return err
	}
	c, err := s.crowd(ctx, b.others)
	if err != nil {
		return err
	}
	defer c.close()
	if err := c.run(ctx, b.ramp); err != nil {
		return err
	}
	used, start := v.cpu(), time.Now()
	for _, a := range c.agents {
		for range b.each {
			c.count(a)
		}
	}
	if err := c.drain(ctx); err != nil {
		return err
	}
	took, n := time.Since(start), len(c.agents)*b.each
	trial := map[bool]string{false: "5.0 s, 23 µs of CPU an event", true: "5.05 s, 19 µs of CPU an event"}[postgres]
	b.add(run, fmt.Sprintf("%d kiosks × %d events until all are committed", len(c.agents), b.each), trial,
		"%.1f s, %.0f µs of CPU an event (%.0f/s)", took.Seconds(), float64((v.cpu()-used).Microseconds())/float64(n), float64(n)/took.Seconds())
	_, err = c.kept(ctx, run, "lost 0, twice 0", ledger{})
	return err
}
