package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/cmd/internal/stick"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/diag"
)

func diagCommand() cli.Command {
	return cli.Command{
		Name: "diag", Short: "faire un fichier à envoyer quand la borne ne va pas",
		Long: `Un seul fichier zip, 5 Mo au plus : versions, configuration sans ses secrets, appareils, services, disques,
heure, réseau, journal de ce démarrage et du précédent. Rien d’un visiteur n’y est : ni document, ni nom, ni
adresse tapée, ni mot de passe. LISEZMOI.html, dedans, se lit en premier. La commande marche quand la borne ne marche pas,
quand sa configuration est fausse et quand le disque est plein ; ce qui manque est dit dans le fichier.
Une clé USB qui a un dossier « pointnum-diagnostic » le reçoit d’elle-même quand on la branche à la borne, en une minute.
Avec sudo : sinon le journal et la prise de la borne ne peuvent pas être lus. Ctrl-C arrête, rien n’est écrit.

  sudo kioskctl diag
  sudo kioskctl diag -o /tmp/borne.zip
  sudo kioskctl diag --usb                sur la clé USB branchée`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			d := &diagnosis{machine: diag.Machine{Packages: debPackages}}
			fs.StringVar(&d.config, "config", config.DefaultPath, "`fichier` de configuration de la borne")
			fs.StringVar(&d.socket, "control", "", "`prise` de la borne, à la place de celle de la configuration")
			fs.StringVar(&d.out, "o", "", "`fichier` à écrire, ou dossier ; « - » pour la sortie. Sans cette option : diagnostic-borne-DATE.zip ici")
			fs.BoolVar(&d.usb, "usb", false, "écrire sur la clé USB branchée")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("« %s » est en trop : écrivez -o devant le nom du fichier", args[0])
				}
				if d.usb && d.out != "" {
					return cli.Usagef("choisissez : --usb, ou -o FICHIER")
				}
				return d.run(ctx, stdout, stderr)
			}).run
		},
	}
}

// debPackages are the project's, and those that a fault may come from.
var debPackages = []string{"pointnum-kioskd", "pointnum-screen", "pointnum-kioskctl", "chromium", "cups", "ipp-usb", "sane-utils",
	"libreoffice-core-nogui", "tesseract-ocr", "espeak-ng", "systemd", "xserver-xorg-core"}

// diagUnits are those that the file tells about: the project's, and those
// that a kiosk needs.
var diagUnits = []string{"kioskd.service", "pointnum-display.service", "pointnum-screen.service", "pointnum-firewall.service",
	"pointnum-policies.service", "pointnum-health.service", "pointnum-fault.service", "pointnum-dispose.service",
	"pointnum-network@.service", "pointnum-clock@.service", "pointnum-power@.service", "pointnum-update@.service",
	"pointnum-conf@.service", "pointnum-dispose@.service", "pointnum-install@.service", "pointnum-setup.service",
	"NetworkManager.service", "systemd-networkd.service", "systemd-resolved.service", "systemd-timesyncd.service", "iwd.service",
	"wpa_supplicant.service", "ipp-usb.service", "avahi-daemon.service", "cups.service", "systemd-journald.service",
	"boot-complete.target", "systemd-bless-boot.service"}

// diagnosis is one run of kioskctl diag.
type diagnosis struct {
	config, socket, out string
	usb                 bool
	machine             diag.Machine
}

func (d *diagnosis) run(ctx context.Context, stdout, stderr io.Writer) error {
	cfg, broken := config.LoadFile(d.config)
	if cfg == nil {
		cfg = config.Default()
	}
	if d.socket == "" {
		d.socket = cfg.Control
	}
	d.machine.Filter = diag.Filter{Words: diag.NewWords(), Units: diagUnits}
	for _, dev := range cfg.Devices {
		d.machine.Filter.Devices = append(d.machine.Filter.Devices, string(dev.ID))
	}
	known := told{config: cfg, broken: broken, agent: control.Client{Path: d.socket}, words: d.machine.Filter.Words}
	parts := append(known.parts(), d.machine.Parts()...)
	report, err := diag.Collect(ctx, agent.Version, parts, func(i, n int, title string) {
		fmt.Fprintf(stderr, "%2d/%d %s\n", i, n, title)
	})
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := report.Write(&file); err != nil {
		return err
	}
	for _, p := range report.Parts {
		if p.Problem != "" {
			fmt.Fprintf(stderr, "  pas entier : %s (%s)\n", p.Title, p.Problem)
		}
	}
	return d.deliver(ctx, file.Bytes(), "diagnostic-borne-"+report.Made.Format("20060102-150405")+".zip", stdout, stderr)
}

// deliver puts the file where it was asked, and into memory when there is no
// room.
func (d *diagnosis) deliver(ctx context.Context, file []byte, name string, stdout, stderr io.Writer) error {
	if d.out == "-" {
		if _, err := stdout.Write(file); err != nil {
			return fmt.Errorf("write the diagnostic: %w", err)
		}
		return nil
	}
	if d.usb {
		return stick.With(ctx, stick.Places{}, func(dir string) error {
			return d.save(filepath.Join(dir, name), file, stdout)
		})
	}
	path := d.out
	if path == "" {
		path = name
	} else if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, name)
	}
	err := d.save(path, file, stdout)
	if err == nil {
		return nil
	}
	fmt.Fprintf(stderr, "Impossible d’écrire %s (%s).\n", path, diag.Why(err))
	for _, dir := range []string{"/run", os.TempDir()} {
		if instead := filepath.Join(dir, name); d.out == "" && d.save(instead, file, stdout) == nil {
			fmt.Fprintln(stderr, "Ce dossier est en mémoire : copiez le fichier avant d’éteindre, ou branchez une clé et refaites avec --usb.")
			return nil
		}
	}
	return err
}

// save writes the file whole or not at all. It is for whoever asks: nothing
// in it is secret.
func (d *diagnosis) save(path string, file []byte, stdout io.Writer) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return fmt.Errorf("write the diagnostic: %w", err)
	}
	_, err = f.Write(file)
	if info, lost := f.Stat(); lost == nil && info.Mode().IsRegular() { // and no printer or terminal
		if err = errors.Join(err, f.Sync()); err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the diagnostic: %w", err)
	}
	_, err = fmt.Fprintf(stdout, "%s (%d ko, fait le %s)\n", path, (len(file)+1023)/1024, time.Now().Format("02/01/2006 15:04"))
	return err
}
