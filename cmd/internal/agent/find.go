package agent

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"pointnum/drivers/sane"
	"pointnum/kiosk"
	"pointnum/kiosk/discover"
	"pointnum/kiosk/discover/dnssd"
)

// KeyDir is below which the system mounts a visitor's key.
const KeyDir = "/run/pointnum-keys"

// Finder looks for devices wherever a kiosk can have them, and asks them
// through the drivers. log must not be nil.
func Finder(log *slog.Logger) discover.Finder {
	return discover.Finder{
		Probe: func(ctx context.Context, s kiosk.Spec) (kiosk.Info, error) { return probe(ctx, s, log) },
		Listed: func(ctx context.Context) ([]kiosk.Info, error) {
			return sane.List(ctx, "")
		},
		Interfaces: dnssd.Interfaces,
		USBPorts:   discover.IPPUSB(),
		KeyDir:     KeyDir,
		Log:        log,
	}
}

// probe opens a device for its name only.
func probe(ctx context.Context, s kiosk.Spec, log *slog.Logger) (kiosk.Info, error) {
	drivers := Drivers()
	i := slices.IndexFunc(drivers, func(d kiosk.Driver) bool { return d.Name == s.Driver })
	if i < 0 {
		return kiosk.Info{}, &kiosk.Error{Code: kiosk.CodeInternal, Op: "find: no driver " + s.Driver}
	}
	d, err := drivers[i].Open(ctx, s, log)
	if err != nil {
		return kiosk.Info{}, err
	}
	return d.Info(), errors.Join(d.Close())
}
