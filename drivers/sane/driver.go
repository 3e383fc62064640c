package sane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
)

// Driver opens SANE scanners. The URI is the device's name, "fujitsu:iX500:42",
// or "sane:" and the name. A name that ends in "*" stands for the first device
// found that begins so: use it where the name has a USB device number, which
// is another one after each unplugging ("genesys:libusb:*"). Options, all
// optional:
//
//	config_dir     SANE's configuration (SANE_CONFIG_DIR). One that lists only
//	               the backend needed saves seconds at each scan
//	program        scanimage, or another path
//	dir            where pages pass through; must be memory-backed (tmpfs or
//	               ramfs). /dev/shm
//	extra          device options set for every scan, "name=value;name=value",
//	               in this order, those the device lists
//	make, model    what to call the device; SANE tells only when it searches
//	stall_timeout  duration without progress after which a scan is given up
func Driver() kiosk.Driver {
	return kiosk.Driver{Name: "sane", Kind: kiosk.KindScanner,
		Open: func(ctx context.Context, s kiosk.Spec, log *slog.Logger) (kiosk.Device, error) {
			return open(ctx, s, log)
		}}
}

// config is a Spec understood.
type config struct {
	device    string
	program   string
	configDir string
	dir       string
	extra     []setting
	make      string
	model     string
	stall     time.Duration
}

type setting struct{ name, value string }

func parseSpec(s kiosk.Spec) (config, error) {
	c := config{device: strings.TrimPrefix(s.URI, "sane:"), program: "scanimage", dir: "/dev/shm", stall: stallTimeout}
	if c.device == "" || strings.HasPrefix(c.device, "-") {
		return c, fmt.Errorf("%q is no device", s.URI)
	}
	for name, value := range s.Options {
		var err error
		switch name {
		case "config_dir":
			c.configDir = value
		case "program":
			c.program = value
		case "dir":
			c.dir = value
		case "make":
			c.make = value
		case "model":
			c.model = value
		case "extra":
			c.extra, err = parseExtra(value)
		case "stall_timeout":
			if c.stall, err = time.ParseDuration(value); c.stall <= 0 {
				err = errors.New("no duration")
			}
		default:
			err = errors.New("no such option")
		}
		if err != nil {
			return c, fmt.Errorf("option %s: %w", name, err)
		}
	}
	return c, nil
}

func parseExtra(s string) ([]setting, error) {
	var all []setting
	for part := range strings.SplitSeq(s, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q is not name=value", part)
		}
		all = append(all, setting{name, value})
	}
	return all, nil
}

func open(ctx context.Context, s kiosk.Spec, log *slog.Logger) (*scanner, error) {
	conf, err := parseSpec(s)
	if err == nil {
		err = checkMemoryBacked(conf.dir)
	}
	if err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "sane: configuration", Device: s.ID, Err: err}
	}
	sweepDirs(conf.dir)
	dir, err := makeDir(conf.dir)
	if err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "sane: open", Device: s.ID, Err: err}
	}
	d := &scanner{id: s.ID, conf: conf, dir: dir, log: log.With("device", s.ID), turn: make(chan struct{}, 1)}
	if err := d.find(ctx); err != nil {
		_ = os.RemoveAll(dir) // nothing is in it
		return nil, d.fault("sane: open", err)
	}
	d.info = kiosk.Info{ID: s.ID, Kind: kiosk.KindScanner, Driver: "sane", Make: d.conf.make, Model: d.conf.model,
		URI: d.conf.device}
	return d, nil
}

// scanner is a device whose options are known. Between jobs no process holds
// it.
type scanner struct {
	id   kiosk.DeviceID
	conf config
	dir  string // private, memory-backed
	log  *slog.Logger
	opts options
	info kiosk.Info
	turn chan struct{} // holds a token while a process uses the device

	mu     sync.Mutex
	closed bool
	job    *job
	status kiosk.Status // the last one asked for
	hung   int          // jobs in a row that ended without progress
	killed time.Time    // when a process last had to be killed
}

var _ kiosk.Scanner = (*scanner)(nil)

func (d *scanner) Info() kiosk.Info { return d.info }

// find resolves the device's name and reads its options.
func (d *scanner) find(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if prefix, ok := strings.CutSuffix(d.conf.device, "*"); ok {
		out, err := d.ask(ctx, "--formatted-device-list=%d\t%v\t%m%n")
		if err != nil {
			return err
		}
		if !d.pick(out, prefix) {
			return &kiosk.Error{Code: kiosk.CodeUnplugged, Op: "sane: open", Device: d.id}
		}
	}
	out, err := d.ask(ctx, "--device-name="+d.conf.device, "--all-options")
	if err != nil {
		return err
	}
	d.opts = parseOptions(out)
	if len(d.opts) == 0 {
		return &kiosk.Error{Code: kiosk.CodeInternal, Op: "sane: open", Device: d.id, Err: errors.New("no options")}
	}
	d.status = d.opts.status()
	return nil
}

// pick takes the first device of a list whose name begins with prefix.
func (d *scanner) pick(list, prefix string) bool {
	for line := range strings.Lines(list) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) != 3 || !strings.HasPrefix(f[0], prefix) {
			continue
		}
		d.conf.device = f[0]
		if d.conf.make == "" && d.conf.model == "" {
			d.conf.make, d.conf.model = f[1], f[2]
		}
		return true
	}
	return false
}

// Status asks an idle device by opening it and reading its sensors, where it
// has any. While a job runs it tells so without asking.
func (d *scanner) Status(ctx context.Context) (kiosk.Status, error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	default:
		d.mu.Lock()
		defer d.mu.Unlock()
		st := d.status
		if d.job != nil {
			st = kiosk.Status{Detail: "scanning"}
		}
		return st, nil
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	out, err := d.ask(ctx, "--device-name="+d.conf.device, "--all-options")
	if kiosk.CodeOf(err) == kiosk.CodeDeviceBusy {
		return kiosk.Status{Conditions: []kiosk.Code{kiosk.CodeDeviceBusy}, Detail: "busy"}, nil
	}
	if err != nil {
		return kiosk.Status{}, d.fault("sane: status", err)
	}
	st := parseOptions(out).status()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status = st
	return st, nil
}

// Close ends a running job and removes the private directory.
func (d *scanner) Close() error {
	d.mu.Lock()
	d.closed = true
	j := d.job
	d.mu.Unlock()
	if j != nil {
		_ = j.Close() // always nil
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return d.fault("sane: close", err)
	}
	return nil
}

func (d *scanner) fault(op string, err error) error {
	if ke, ok := errors.AsType[*kiosk.Error](err); ok {
		return ke
	}
	return &kiosk.Error{Code: kiosk.CodeOf(err), Op: op, Device: d.id, Err: err}
}
