package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
)

// openTimeout is how long a device gets to answer.
const openTimeout = 15 * time.Second

func devicesCommand() cli.Command {
	return cli.Command{
		Name:  "devices",
		Short: "les appareils de la configuration, et comment ils vont",
		Long: `Quand la borne marche, c’est elle qui répond ; sinon chaque appareil est ouvert et interrogé.
Code 4 si un appareil manque ou ne répond pas, 3 si l’un d’eux attend quelqu’un.

Avec --find, cherche en 5 s ce qui est branché ou s’annonce dans le réseau, et dit quoi écrire dans kiosk.yaml.

  kioskctl devices
  kioskctl devices --json -config essai.yaml
  kioskctl devices --find`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			load := configFlag(fs)
			asJSON := fs.Bool("json", false, "répondre en JSON")
			find := fs.Bool("find", false, "chercher les appareils au lieu de lire la configuration")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				if *find {
					return findDevices(ctx, *asJSON, stdout, stderr)
				}
				cfg, err := load()
				if err != nil {
					return err
				}
				list, err := listDevices(ctx, cfg, stderr)
				if err != nil {
					return err
				}
				if *asJSON {
					err = writeJSON(stdout, list)
				} else {
					err = tellDevices(stdout, list)
				}
				return errors.Join(err, worstDevice(list))
			}).run
		},
	}
}

// listDevices asks the running agent, which has the devices open, else the
// devices themselves.
func listDevices(ctx context.Context, cfg *config.Config, stderr io.Writer) ([]control.Device, error) {
	st, err := control.Client{Path: cfg.Control}.Status(ctx)
	if err == nil {
		return st.Devices, nil
	}
	if !errors.Is(err, control.ErrNotRunning) {
		return nil, err
	}
	var list []control.Device
	for _, spec := range cfg.Devices {
		d := control.Device{ID: spec.ID, Driver: spec.Driver}
		device, err := openDevice(ctx, spec, stderr)
		if err == nil {
			info := device.Info()
			d.Kind, d.Model = info.Kind, strings.TrimSpace(info.Make+" "+info.Model)
			var s kiosk.Status
			asked, cancel := context.WithTimeout(ctx, openTimeout)
			s, err = device.Status(asked)
			cancel()
			d.Ready, d.Conditions, d.Supplies, d.Detail = s.Ready, s.Conditions, s.Supplies, s.Detail
			err = errors.Join(err, device.Close())
		}
		if err != nil {
			d.Ready, d.Conditions, d.Detail = false, []kiosk.Code{kiosk.CodeOf(err)}, err.Error()
		}
		list = append(list, d)
	}
	return list, nil
}

// openDevice opens one configured device; the caller closes it.
func openDevice(ctx context.Context, spec kiosk.Spec, stderr io.Writer) (kiosk.Device, error) {
	drivers := agent.Drivers()
	i := slices.IndexFunc(drivers, func(d kiosk.Driver) bool { return d.Name == spec.Driver })
	if i < 0 {
		var names []string
		for _, d := range drivers {
			names = append(names, d.Name)
		}
		return nil, cli.Usagef("%s : pas de driver %q ; il y a %s", spec.ID, spec.Driver, strings.Join(names, ", "))
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	return drivers[i].Open(ctx, spec, logTo(stderr))
}

// tellDevices writes a table for people.
func tellDevices(w io.Writer, list []control.Device) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "aucun appareil dans la configuration")
		return err
	}
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "NOM\tDRIVER\tMODÈLE\tÉTAT")
	for _, d := range list {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", d.ID, d.Driver, d.Model, deviceState(d))
	}
	return tw.Flush()
}

// deviceState says in words how a device is.
func deviceState(d control.Device) string {
	var words []string
	if d.Ready {
		words = append(words, "prêt")
	}
	for _, c := range d.Conditions {
		words = append(words, fmt.Sprintf("%s (%s)", cli.CodeText(c, "fr"), c))
	}
	for _, l := range d.Supplies {
		if l.Percent >= 0 {
			words = append(words, fmt.Sprintf("%s %d %%", l.Name, l.Percent))
		}
	}
	if len(words) == 0 {
		return "pas prêt"
	}
	return strings.Join(words, " ; ")
}

// worstDevice is the error of the first device that is not ready. An empty
// socket for keys is how it should be.
func worstDevice(list []control.Device) error {
	for _, d := range list {
		if d.Ready || d.Kind == kiosk.KindKey {
			continue
		}
		code := kiosk.CodeNotResponding
		if len(d.Conditions) > 0 {
			code = d.Conditions[0]
		}
		return &kiosk.Error{Code: code, Op: "devices", Device: d.ID}
	}
	return nil
}

// deviceFlags adds the options that name one device: one of the
// configuration, or any by its driver and address.
type deviceFlags struct {
	id, driver, uri string
	load            func() (*config.Config, error)
}

func addDeviceFlags(fs *flag.FlagSet) *deviceFlags {
	d := &deviceFlags{load: configFlag(fs)}
	fs.StringVar(&d.id, "device", "", "`nom` de l’appareil dans la configuration ; le premier qui convient sinon")
	fs.StringVar(&d.driver, "driver", "", "`driver` d’un appareil qui n’est pas dans la configuration")
	fs.StringVar(&d.uri, "uri", "", "`adresse` de cet appareil")
	return d
}

// open opens the device of a kind that the options name.
func (d *deviceFlags) open(ctx context.Context, kind kiosk.Kind, stderr io.Writer) (kiosk.Device, error) {
	if d.driver != "" {
		return openDevice(ctx, kiosk.Spec{ID: "essai", Driver: d.driver, URI: d.uri}, stderr)
	}
	cfg, err := d.load()
	if err != nil {
		return nil, err
	}
	kinds := map[string]kiosk.Kind{}
	for _, driver := range agent.Drivers() {
		kinds[driver.Name] = driver.Kind
	}
	for _, spec := range cfg.Devices {
		if kinds[spec.Driver] == kind && (d.id == "" || d.id == string(spec.ID)) {
			return openDevice(ctx, spec, stderr)
		}
	}
	if d.id != "" {
		return nil, cli.Usagef("--device : pas d’appareil %q de ce genre dans la configuration", d.id)
	}
	return nil, &kiosk.Error{Code: kiosk.CodeNoDevice, Op: "open " + string(kind)}
}
