package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sync"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/hardware"
	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/provisioning/link/route"
	"pointnum/provisioning/setup"
	"pointnum/provisioning/setup/network"
)

// setUp shows the technician's screens on virtual hardware, then gives the
// agent the configuration that they came to, and the screen's address again.
func (o *options) setUp(ctx context.Context, bench *hardware.Bench, a *agent.Options) error {
	base := *a.Config
	base.Devices, base.Place, base.Fleet.CA = nil, config.Place{}, ""
	path := filepath.Join(filepath.Dir(base.Control), "kiosk.yaml")
	address := a.Listener.Addr().String()
	begun := time.Now()
	err := agent.Setup(ctx, agent.SetupOptions{
		Config: &base, Path: path, Conf: o.conf, Drivers: a.Drivers, Log: o.Log, Listener: a.Listener, Ready: a.Ready,
		Machine: &machine{bench: bench, skew: 3 * time.Hour},
		Blank:   func(_ context.Context, b setup.Blank) error { return setup.BlankFile(o.conf, b) },
		Times:   setup.Times{Linger: 3 * time.Second},
	})
	if err != nil {
		return err
	}
	if a.Listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address); err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	written, err := config.LoadFile(path)
	if err != nil {
		return errors.Join(err, a.Listener.Close())
	}
	written.Phone, written.Listen = a.Config.Phone, a.Config.Listen
	a.Config = written
	o.Log.Warn("set up", "took", time.Since(begun).Round(100*time.Millisecond), "devices", len(written.Devices), "fleet", written.Fleet.Server)
	a.Ready = func(string) {} // told already: it is the same address
	return nil
}

// machine is a machine on virtual hardware: a cable that leads to this machine
// only, a clock that is three hours wrong, two Wi-Fi networks.
type machine struct {
	bench *hardware.Bench

	mu   sync.Mutex
	skew time.Duration
	now  setup.Network
}

var _ setup.Machine = (*machine)(nil)

// wifiPassword is that of the virtual Wi-Fi.
const wifiPassword = "motdepasse"

// Links implements setup.Machine.
func (m *machine) Links(context.Context) ([]setup.Link, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := []setup.Link{{Name: "enp1s0", Kind: setup.LinkWired, Up: true, Address: "192.168.1.20/24"}, {Name: "wlp2s0", Kind: setup.LinkWiFi}}
	if m.now.WiFi != nil {
		list[1].Up, list[1].Address = true, "192.168.7.31/24"
	}
	return list, nil
}

// WiFi implements setup.Machine.
func (m *machine) WiFi(ctx context.Context) ([]setup.AccessPoint, error) {
	return []setup.AccessPoint{{SSID: "Mairie-Public", Signal: 88}, {SSID: "CCAS Bureaux", Signal: 60, Secured: true}}, pause(ctx, 300*time.Millisecond)
}

// Apply implements setup.Machine.
func (m *machine) Apply(ctx context.Context, n setup.Network) error {
	if err := pause(ctx, 300*time.Millisecond); err != nil {
		return err
	}
	if n.WiFi != nil && n.WiFi.SSID == "CCAS Bureaux" && n.WiFi.Password != wifiPassword {
		return &kiosk.Error{Code: network.CodeWiFiPassword, Op: "virtual Wi-Fi", Err: errors.New("the password is " + wifiPassword)}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = n
	return nil
}

// Reach implements setup.Machine: it asks the real server, as a kiosk does.
func (m *machine) Reach(ctx context.Context, server string) setup.Reach {
	m.mu.Lock()
	r := setup.Reach{Link: true, Address: true, DNS: true, SkewKnown: true, Skew: m.skew}
	now := m.now
	m.mu.Unlock()
	if r.Skew != 0 {
		r.Code = route.CodeClock
		return r
	}
	if server == "" {
		r.Server = true
		return r
	}
	if err := ask(ctx, server, now); err != nil {
		r.Code, r.Detail = kiosk.CodeOf(err), err.Error()
		return r
	}
	r.Server = true
	return r
}

// ask asks a server for anything at all.
func ask(ctx context.Context, server string, n setup.Network) error {
	var pool *x509.CertPool
	if n.CA != nil {
		pool = x509.NewCertPool()
		pool.AppendCertsFromPEM(n.CA)
	}
	var proxy *url.URL
	if n.Proxy != "" {
		var err error
		if proxy, err = url.Parse(n.Proxy); err != nil {
			return err
		}
	}
	way, err := route.New(server, proxy, pool, nil)
	if err != nil {
		return err
	}
	client := way.Client()
	defer client.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, way.URL("/"), nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return route.Fault("virtual network", err)
	}
	return res.Body.Close()
}

// SetClock implements setup.Machine; this machine's clock is left alone.
func (m *machine) SetClock(context.Context, time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.skew = 0
	return nil
}

// Find implements setup.Machine.
func (m *machine) Find(ctx context.Context) ([]setup.Found, error) {
	kinds := map[string]kiosk.Kind{}
	for _, d := range append(agent.Drivers(), m.bench.Drivers()...) {
		kinds[d.Name] = d.Kind
	}
	models := map[kiosk.Kind]string{kiosk.KindScanner: "Scanner virtuel", kiosk.KindPrinter: "Imprimante virtuelle", kiosk.KindReceipt: "Tickets virtuels"}
	var out []setup.Found
	for _, s := range m.bench.Specs(true) {
		s.ID = ""
		out = append(out, setup.Found{Spec: s, Kind: kinds[s.Driver], Model: models[kinds[s.Driver]], Where: "USB"})
	}
	return out, pause(ctx, 700*time.Millisecond)
}

// TPM implements setup.Machine.
func (m *machine) TPM(context.Context) (bool, error) { return true, nil }

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
