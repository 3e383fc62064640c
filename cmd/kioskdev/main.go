// Command kioskdev is the whole kiosk on virtual hardware: the demonstration,
// the developer's loop and the ground of the browser tests.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/cmd/internal/hardware"
	"pointnum/cmd/internal/program"
	"pointnum/cmd/internal/testportal"
	"pointnum/cmd/internal/trial"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
)

func main() { program.Main(command()) }

// options are the command line's.
type options struct {
	hardware.Options
	listen, spool, writeConfig string
	idle, warning              time.Duration
	only, json, debug          bool
	browser, phone             bool
	chromium                   string // further flags, for tests
	fleet                      config.Fleet
	code                       string // to enrol with
	setup                      bool   // begin with the technician's screens
	conf                       string // folder of borne.txt
}

func command() cli.Command {
	return cli.Command{
		Name:  "kioskdev",
		Short: "La borne entière sur du matériel virtuel.",
		Long: `Démarre un scanner, une imprimante, une imprimante de reçus et une clé USB virtuels, qui parlent les
vrais protocoles sur 127.0.0.1, puis l’agent de la borne. Deux adresses s’affichent : l’écran du
visiteur, et le panneau où l’on pose des feuilles, met des pannes et voit ce qui sort. Un « portail
d’essai » et sa messagerie sont là aussi : ils s’ouvrent depuis l’écran, comme caf.fr sur une borne.

  kioskdev                              l’adresse à ouvrir dans un navigateur
  kioskdev -pages ~/scans               le scanner donne les JPEG de ce dossier
  kioskdev -hardware -write-config c.yaml
                                        le matériel seul ; puis, dans un autre terminal,
                                        kioskd -config c.yaml`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			var o options
			fs.StringVar(&o.listen, "listen", "127.0.0.1:8088", "`adresse` de l’écran ; un port libre si elle est prise")
			fs.StringVar(&o.Panel, "panel", "127.0.0.1:8089", "`adresse` du panneau ; un port libre si elle est prise")
			fs.StringVar(&o.Dir, "out", "", "`dossier` des impressions, des reçus et de la clé ; un nouveau sinon")
			fs.StringVar(&o.Pages, "pages", "", "`dossier` de JPEG pour le scanner ; des pages dessinées ici sinon")
			fs.IntVar(&o.Sheets, "sheets", 3, "feuilles dans le chargeur au départ")
			fs.StringVar(&o.Marker, "marker", "", "`texte` caché dans les pages dessinées, pour le chercher ensuite")
			fs.DurationVar(&o.PageTime, "page-time", 1500*time.Millisecond, "durée d’un scan")
			fs.DurationVar(&o.SideTime, "side-time", time.Second, "durée d’impression d’une page")
			fs.BoolVar(&o.TCP, "tcp", false, "imprimante de reçus en TCP plutôt qu’en série")
			fs.StringVar(&o.spool, "spool", "", "`dossier` en mémoire pour la visite ; un nouveau sinon")
			fs.DurationVar(&o.idle, "idle", 2*time.Minute, "temps sans toucher avant la question")
			fs.DurationVar(&o.warning, "warning", time.Minute, "temps pour répondre, 20s au moins")
			_, missing := exec.LookPath("chromium")
			fs.BoolVar(&o.browser, "browser", missing == nil, "ouvrir les portails dans Chromium ; sans fenêtre s’il n’y a pas d’écran X")
			fs.BoolVar(&o.phone, "phone", true, "un relais pour les téléphones, sur cette machine seulement")
			fs.StringVar(&o.chromium, "chromium", "", "autres `options` de Chromium, pour des essais")
			fs.StringVar(&o.fleet.Server, "fleet", "", "`adresse` de la supervision, https://…")
			fs.StringVar(&o.fleet.CA, "fleet-ca", "", "`fichier` PEM de son certificat, s’il n’est pas connu de cette machine")
			fs.StringVar(&o.fleet.Dir, "fleet-dir", "", "`dossier` de l’identité de la borne et de ce qui attend ; un nouveau sinon")
			fs.StringVar(&o.code, "code", "", "`code` à usage unique, pour inscrire la borne au démarrage")
			fs.BoolVar(&o.setup, "setup", false, "commencer par la mise en service, comme une borne neuve")
			fs.StringVar(&o.conf, "conf", "", "`dossier` d’un borne.txt que la mise en service suit")
			fs.BoolVar(&o.only, "hardware", false, "le matériel seul")
			fs.StringVar(&o.writeConfig, "write-config", "", "écrire la configuration de ce matériel dans ce `fichier`")
			fs.BoolVar(&o.json, "json", false, "dire les adresses en JSON, sur une ligne")
			fs.BoolVar(&o.debug, "debug", false, "journal détaillé")
			return func(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("argument inattendu : %s", args[0])
				}
				level := slog.LevelWarn
				if o.debug {
					level = slog.LevelDebug
				}
				o.Log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
				return o.run(ctx, stdout)
			}
		},
	}
}

func (o *options) run(ctx context.Context, stdout io.Writer) (err error) {
	memory, err := memoryDir()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(memory)) }()
	if o.Dir == "" {
		o.Dir = filepath.Join(memory, "sorti")
	}
	if o.spool == "" {
		o.spool = filepath.Join(memory, "spool")
	}
	if o.fleet.Dir == "" {
		o.fleet.Dir = filepath.Join(memory, "fleet")
		if err := os.Mkdir(o.fleet.Dir, 0o700); err != nil {
			return fmt.Errorf("supervision: %w", err)
		}
	}
	if o.Panel, err = freeAddress(ctx, o.Panel); err != nil {
		return err
	}
	bench, err := hardware.New(ctx, o.Options)
	if err != nil {
		return err
	}
	cfg := o.config(bench, filepath.Join(memory, "control.sock"))
	if o.writeConfig != "" {
		if err := os.WriteFile(o.writeConfig, configText(cfg), 0o644); err != nil {
			return fmt.Errorf("write the configuration: %w", err)
		}
	}
	if o.only {
		if err := o.announce(stdout, addresses{Panel: bench.PanelURL(), Out: o.Dir}); err != nil {
			return err
		}
		return bench.Run(ctx)
	}
	return o.both(ctx, bench, cfg, stdout)
}

// both runs the hardware below the agent: it is there until the agent is gone.
func (o *options) both(ctx context.Context, bench *hardware.Bench, cfg *config.Config, stdout io.Writer) error {
	below, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var work sync.WaitGroup
	var failed error
	work.Go(func() {
		if failed = bench.Run(below); failed != nil {
			fail(failed)
		}
	})
	addr, err := freeAddress(ctx, o.listen)
	if err != nil {
		return err
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("screen: %w", err)
	}
	a := agent.Options{Config: cfg, Drivers: append(agent.Drivers(), bench.Drivers()...), Log: o.Log, Listener: ln}
	told := addresses{Panel: bench.PanelURL(), Out: o.Dir, Control: cfg.Control, Spool: cfg.Spool}
	end := func() error { return nil }
	if o.browser {
		site, err := testportal.Start(testportal.Options{Log: o.Log})
		if err != nil {
			return errors.Join(fmt.Errorf("test portal: %w", err), ln.Close())
		}
		end = site.Close
		told.Portal, told.PortalAt = site.Address(), site.Addr()
		a.Browser = trial.Browser(site.Addr(), site.SPKI())
		a.Browser.Args = append(a.Browser.Args, strings.Fields(o.chromium)...)
	}
	endRelay := func() error { return nil }
	if o.phone {
		if cfg.Phone.Relay, endRelay, err = startRelay(ctx, o.Log); err != nil {
			return errors.Join(err, end(), ln.Close())
		}
	}
	a.Ready = func(url string) {
		told.Screen = url
		if err := o.announce(stdout, told); err != nil {
			fail(err)
		}
	}
	a.Clock = hurry(ctx, &work)
	if o.setup {
		err = o.setUp(ctx, bench, &a)
	}
	if err == nil {
		err = o.serve(ctx, &work, a)
	}
	stop()
	fail(nil) // the agent may have ended by itself
	work.Wait()
	return errors.Join(err, end(), endRelay(), failed)
}

// serve runs the agent, again when its host asks for a restart. work is for
// what runs beside it until ctx ends.
func (o *options) serve(ctx context.Context, work *sync.WaitGroup, a agent.Options) error {
	address := a.Listener.Addr().String()
	ready := a.Ready
	a.Ready = func(url string) {
		ready(url)
		if o.code != "" {
			code := o.code
			o.code = ""
			work.Go(func() { o.enrol(ctx, a.Config.Control, code) })
		}
	}
	for {
		err := agent.Run(ctx, a)
		if !errors.Is(err, agent.ErrRestart) {
			return err
		}
		a.Ready = func(string) {}
		if a.Listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", address); err != nil {
			return fmt.Errorf("screen: %w", err)
		}
	}
}

// enrol gives the agent its code.
func (o *options) enrol(ctx context.Context, socket, code string) {
	client, tick := control.Client{Path: socket}, time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	f, err := client.Enrol(ctx, control.Enrolment{Code: code})
	for errors.Is(err, control.ErrNotRunning) && ctx.Err() == nil { // its socket comes a moment after its screen
		<-tick.C
		f, err = client.Enrol(ctx, control.Enrolment{Code: code})
	}
	if err != nil {
		o.Log.Error("not enrolled", "err", err)
		return
	}
	o.Log.Warn("enrolled", "kiosk", f.Kiosk, "structure", f.Structure, "label", f.Label)
}

// addresses are told at the start.
type addresses struct {
	Screen  string `json:"screen,omitempty"`
	Panel   string `json:"panel"`
	Out     string `json:"out"`
	Control string `json:"control,omitempty"`
	Spool   string `json:"spool,omitempty"`
	// Portal is the test portal's address, PortalAt where its hosts are.
	Portal   string `json:"portal,omitempty"`
	PortalAt string `json:"portalAt,omitempty"`
}

func (o *options) announce(w io.Writer, a addresses) error {
	if o.json {
		return json.NewEncoder(w).Encode(a)
	}
	if a.Screen != "" {
		fmt.Fprintf(w, "\n  L’écran du visiteur :      %s\n", a.Screen)
	}
	if a.Portal != "" {
		fmt.Fprintf(w, "  Le portail d’essai :       %s (depuis l’écran ; ici %s)\n", a.Portal, a.PortalAt)
	}
	_, err := fmt.Fprintf(w, "  Le panneau du matériel :   %s\n  Ce qui sort de la borne :  %s\n\n  Ctrl-C pour arrêter.\n\n", a.Panel, a.Out)
	return err
}

// config describes the hardware for an agent in this process, or for another
// one with -hardware.
func (o *options) config(bench *hardware.Bench, socket string) *config.Config {
	cfg := config.Default()
	cfg.Place = config.Place{
		Name: "Centre social des Tilleuls", Address: []string{"12 rue des Tilleuls", "93000 Exempleville"},
		Phone: "01 00 00 00 00", Hours: []string{"du lundi au vendredi, 9 h – 17 h"},
	}
	cfg.Listen, cfg.Spool, cfg.Control = o.listen, o.spool, socket
	if o.only {
		cfg.Control = filepath.Join(filepath.Dir(o.spool), "kioskd.sock")
	}
	cfg.Browser = config.Browser{On: o.browser, Proxy: true, Headless: os.Getenv("DISPLAY") == ""}
	cfg.Idle = config.Idle{Warn: o.idle, Leave: o.warning}
	cfg.Devices = bench.Specs(!o.only)
	cfg.Fleet = o.fleet
	return cfg
}

// configText writes a configuration as the file kioskd reads. The values are
// ours: JSON strings are YAML strings.
func configText(c *config.Config) []byte {
	q := strconv.Quote
	s := fmt.Sprintf("place:\n  name: %s\n  address: [%s, %s]\n  phone: %s\n  hours: [%s]\nlisten: %s\nspool: %s\ncontrol: %s\nidle:\n  warn: %s\n  leave: %s\nbrowser:\n  enabled: %s\n  headless: %s\ndevices:\n",
		q(c.Place.Name), q(c.Place.Address[0]), q(c.Place.Address[1]), q(c.Place.Phone), q(c.Place.Hours[0]),
		q(c.Listen), q(c.Spool), q(c.Control), c.Idle.Warn, c.Idle.Leave, yes(c.Browser.On), yes(c.Browser.Headless))
	for _, d := range c.Devices {
		s += fmt.Sprintf("  - id: %s\n    driver: %s\n    uri: %s\n", q(string(d.ID)), q(d.Driver), q(d.URI))
		if len(d.Options) > 0 {
			s += "    options:\n"
			for k, v := range d.Options {
				s += fmt.Sprintf("      %s: %s\n", k, q(v))
			}
		}
	}
	return []byte(s)
}

// yes is a choice in the configuration's words.
func yes(b bool) string {
	if b {
		return "oui"
	}
	return "non"
}

// memoryDir makes a folder in memory for this run.
func memoryDir() (string, error) {
	for _, base := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"} {
		if base == "" {
			continue
		}
		dir, err := os.MkdirTemp(base, "kioskdev-")
		if err == nil {
			return dir, nil
		}
	}
	return "", errors.New("no folder in memory: /dev/shm is missing")
}

// freeAddress is addr, or its host with a free port when somebody has it.
func freeAddress(ctx context.Context, addr string) (string, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return "", fmt.Errorf("address: %w", err)
		}
		return net.JoinHostPort(host, "0"), nil
	}
	if err != nil {
		return "", fmt.Errorf("address: %w", err)
	}
	return addr, ln.Close()
}
