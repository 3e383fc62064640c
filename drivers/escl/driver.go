package escl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
)

// Driver opens eSCL scanners. The URI is the device's root,
// "http://host:port/eSCL", or https. Options, all optional:
//
//	cert_sha256  hex SHA-256 of the certificate of an https device; it then
//	             needs no authority, as few scanners have one
//	exclusive    "true" when nobody else uses the scanner: jobs found on it
//	             are ended before a new one. Default: true for a scanner on a
//	             loopback address (ipp-usb), else false
//	idle_timeout, page_timeout, busy_timeout
//	             durations such as "90s", for a slow device
func Driver() kiosk.Driver {
	return kiosk.Driver{Name: "escl", Kind: kiosk.KindScanner,
		Open: func(ctx context.Context, s kiosk.Spec, log *slog.Logger) (kiosk.Device, error) {
			return open(ctx, s, log)
		}}
}

// config is a Spec understood.
type config struct {
	root       *url.URL
	certSHA256 string
	exclusive  bool
	idle       time.Duration
	page       time.Duration
	busy       time.Duration
}

func parseSpec(s kiosk.Spec) (config, error) {
	c := config{idle: idleTimeout, page: pageTimeout, busy: busyTimeout}
	u, err := url.Parse(s.URI)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return c, fmt.Errorf("%q is no http or https address", s.URI)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath, u.RawQuery, u.Fragment, u.User = "", "", "", nil
	c.root = u
	c.exclusive = isLoopback(u.Hostname())
	for name, value := range s.Options {
		switch name {
		case "cert_sha256":
			c.certSHA256 = strings.ToLower(strings.ReplaceAll(value, ":", ""))
		case "exclusive":
			c.exclusive, err = strconv.ParseBool(value)
		case "idle_timeout":
			c.idle, err = time.ParseDuration(value)
		case "page_timeout":
			c.page, err = time.ParseDuration(value)
		case "busy_timeout":
			c.busy, err = time.ParseDuration(value)
		default:
			err = errors.New("no such option")
		}
		if err != nil {
			return c, fmt.Errorf("option %s: %w", name, err)
		}
	}
	if c.idle <= 0 || c.page <= 0 || c.busy <= 0 {
		return c, errors.New("a timeout must be more than 0")
	}
	return c, nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func open(ctx context.Context, s kiosk.Spec, log *slog.Logger) (*scanner, error) {
	conf, err := parseSpec(s)
	if err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "escl: configuration", Device: s.ID, Err: err}
	}
	d := &scanner{id: s.ID, conf: conf, log: log.With("device", s.ID), client: newClient(conf)}
	var caps capabilities
	if err := d.getXML(ctx, "/ScannerCapabilities", &caps); err != nil {
		d.client.CloseIdleConnections()
		return nil, d.fault("escl: read capabilities", err)
	}
	if err := caps.check(); err != nil {
		d.client.CloseIdleConnections()
		return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "escl: read capabilities", Device: s.ID, Err: err}
	}
	d.caps = caps
	d.info = kiosk.Info{ID: s.ID, Kind: kiosk.KindScanner, Driver: "escl", Make: caps.Manufacturer,
		Model: caps.model(), Serial: caps.SerialNumber, URI: conf.root.String()}
	return d, nil
}

// scanner is an opened device.
type scanner struct {
	id     kiosk.DeviceID
	conf   config
	log    *slog.Logger
	client *httpClient
	caps   capabilities
	info   kiosk.Info

	mu     sync.Mutex
	closed bool
	job    *job       // runs, or is being started
	hung   int        // jobs in a row that ended without progress
	stale  []*url.URL // our jobs that could not be ended
}

var _ kiosk.Scanner = (*scanner)(nil)

func (d *scanner) Info() kiosk.Info { return d.info }

// Close ends a running job, on the device too.
func (d *scanner) Close() error {
	d.mu.Lock()
	d.closed = true
	j := d.job
	d.mu.Unlock()
	if j != nil {
		_ = j.Close() // always nil
	}
	d.client.CloseIdleConnections()
	return nil
}

func (d *scanner) Status(ctx context.Context) (kiosk.Status, error) {
	var st scannerStatus
	if err := d.getXML(ctx, "/ScannerStatus", &st); err != nil {
		return kiosk.Status{}, d.fault("escl: read status", err)
	}
	d.mu.Lock()
	ours := d.job != nil
	d.mu.Unlock()
	return st.status(ours, d.caps.Platen != nil), nil
}

// fault gives an error the code that the way it came about stands for.
func (d *scanner) fault(op string, err error) error {
	if ke, ok := errors.AsType[*kiosk.Error](err); ok {
		return ke
	}
	return &kiosk.Error{Code: codeOf(err), Op: op, Device: d.id, Err: err}
}

func codeOf(err error) kiosk.Code {
	if se, ok := errors.AsType[*statusError](err); ok {
		if se.busy() {
			return kiosk.CodeDeviceBusy
		}
		return kiosk.CodeInternal
	}
	switch {
	case errors.Is(err, context.Canceled):
		return kiosk.CodeCanceled
	case errors.Is(err, errSlow), errors.Is(err, context.DeadlineExceeded):
		return kiosk.CodeNotResponding
	case errors.Is(err, errAnswer):
		return kiosk.CodeInternal
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return kiosk.CodeNotResponding
	}
	return kiosk.CodeUnplugged // nobody answers, or the connection broke
}

// hungAgain counts a job that hung; true for the second in a row.
func (d *scanner) hungAgain() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hung++
	return d.hung >= 2
}

// worked forgets the jobs that hung.
func (d *scanner) worked() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hung = 0
}
