package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/provisioning/setup"
	"pointnum/provisioning/setup/network"
)

// machine is the machine that the agent runs on.
type machine struct {
	*network.Client
	log *slog.Logger
}

// NewMachine is the machine as setup needs it: what takes root's rights is
// asked of the steward. out is an https address that answers where there is a
// way out, "" for none. A proxy and certificates that the configuration names
// hold until setup says otherwise; a file of certificates that cannot be read
// is told and left out.
func NewMachine(cfg *config.Config, out string, log *slog.Logger) setup.Machine {
	c := &network.Client{Out: out, Floor: network.BuildDate("/"), Proxy: cfg.Fleet.Proxy}
	if cfg.Fleet.CA != "" {
		var err error
		if c.CA, err = os.ReadFile(cfg.Fleet.CA); err != nil {
			log.Warn("certificates of the place not read", "err", err)
		}
	}
	return machine{Client: c, log: log}
}

// Find implements setup.Machine. What may be wired or not is left out: a
// technician adds it by hand; but an adapter of a serial line stays when no
// other receipt printer was found.
func (m machine) Find(ctx context.Context) ([]setup.Found, error) {
	found, err := Finder(m.log).Find(ctx)
	if err != nil {
		if len(found) == 0 {
			return nil, fmt.Errorf("find devices: %w", err)
		}
		m.log.Warn("some devices could not be looked for", "err", err)
	}
	receipts := false
	var list []setup.Found
	for _, f := range found {
		if f.Maybe && (f.Kind != kiosk.KindReceipt || receipts) {
			continue
		}
		receipts = receipts || f.Kind == kiosk.KindReceipt
		list = append(list, setup.Found{Spec: f.Spec, Model: f.Model, Where: f.Where, Kind: f.Kind})
	}
	return list, nil
}

// tpmDevices are the TPM's, the kernel's own resource manager first.
func tpmDevices() []string { return []string{"/dev/tpmrm0", "/dev/tpm0"} }

// TPM implements setup.Machine.
func (machine) TPM(context.Context) (bool, error) {
	var errs []error
	there := slices.ContainsFunc(tpmDevices(), func(path string) bool {
		_, err := os.Stat(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		return err == nil
	})
	if there {
		return true, nil
	}
	return false, errors.Join(errs...)
}
