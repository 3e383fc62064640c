// Command kioskd is the agent of a kiosk: it drives the attached devices,
// serves the visitor's screen on the loopback address, and erases each visit.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/cmd/internal/fault"
	"pointnum/cmd/internal/program"
	"pointnum/kiosk/config"
	"pointnum/kiosk/steward"
)

func main() { program.Main(command()) }

func command() cli.Command {
	return cli.Command{
		Name:  "kioskd",
		Short: "L’agent de la borne : appareils, écran du visiteur, effacement.",
		Long: `kioskd pilote les appareils que sa configuration nomme et sert l’écran de la borne
sur 127.0.0.1. Il s’arrête proprement avec SIGTERM : la visite en cours est effacée.
Tué (kill -9), il retrouve au redémarrage la visite et ses pages, qui ne sont qu’en mémoire.

Sans configuration, il montre d’abord la mise en service sur l’écran.

  kioskd -config /etc/pointnum/kiosk.yaml
  kioskd -example > kiosk.yaml        une configuration où chaque clé est expliquée
  kioskd -check -config kiosk.yaml    lire la configuration, dire les fautes, rien d’autre`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			path := fs.String("config", config.DefaultPath, "`fichier` de configuration")
			example := fs.Bool("example", false, "écrire une configuration expliquée, puis finir")
			check := fs.Bool("check", false, "vérifier la configuration, puis finir")
			again := fs.Bool("setup", false, "montrer d’abord la mise en service, même si la borne est déjà prête")
			debug := fs.Bool("debug", false, "journal détaillé (jamais de données de visiteurs)")
			lost := fs.Bool("fault", false, "quand l’agent se tait, l’écran va à la page de panne (pointnum-fault.service)")
			return func(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("argument inattendu : %s", args[0])
				}
				if *example {
					_, err := io.WriteString(stdout, config.Example())
					return err
				}
				level := slog.LevelInfo
				if *debug {
					level = slog.LevelDebug
				}
				log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
				if *check {
					return checked(*path, stdout)
				}
				if err := setUp(ctx, *path, *again, log); err != nil || ctx.Err() != nil {
					return err
				}
				return run(ctx, *path, *lost, log)
			}
		},
	}
}

// checked says whether a configuration can be run with.
func checked(path string, stdout io.Writer) error {
	cfg, err := load(path)
	if err == nil {
		_, err = fmt.Fprintf(stdout, "%s : rien à corriger, %d appareil(s)\n", path, len(cfg.Devices))
	}
	return err
}

func load(path string) (*config.Config, error) {
	cfg, err := config.LoadFile(path)
	if err != nil {
		return nil, cli.NoRestart(err)
	}
	if _, err := agent.Catalogue(cfg); err != nil {
		return nil, cli.NoRestart(err)
	}
	return cfg, nil
}

// setUp shows the technician's screens where the kiosk has no configuration
// yet, a setup was cut off, or again says so. It returns nil when ctx ended it.
func setUp(ctx context.Context, path string, again bool, log *slog.Logger) error {
	due, base, err := agent.SetupDue(path)
	switch {
	case err != nil:
		return cli.NoRestart(err)
	case !due && !again:
		return nil
	case !due:
		if err := agent.SetupAgain(base, agent.Drivers()); err != nil {
			return err
		}
	}
	err = agent.Setup(ctx, agent.SetupOptions{
		Config: base, Path: path, Conf: agent.ConfDir, Machine: agent.SetupMachine(base, log), Drivers: agent.Drivers(), Log: log,
		Installer: agent.Installer{PowerOffBy: power("poweroff"), Log: log},
		Ready:     func(url string) { log.Info("setup's screen ready", "url", url) },
	})
	if err != nil && ctx.Err() == nil {
		return err
	}
	// This program started again is not for another setup.
	os.Args = slices.DeleteFunc(os.Args, func(a string) bool { return a == "-setup" || a == "--setup" })
	return nil
}

// run serves visitors.
func run(ctx context.Context, path string, lost bool, log *slog.Logger) error {
	cfg, err := load(path)
	if err != nil {
		return err
	}
	screen := ""
	if lost {
		screen = "http://" + fault.Listen + "/lost"
	}
	err = agent.Run(ctx, agent.Options{
		Config: cfg, Drivers: agent.Drivers(), Log: log, Reboot: power("reboot"), PowerOff: power("poweroff"), Fault: screen,
		Ready: func(url string) { log.Info("screen ready", "url", url) },
	})
	if errors.Is(err, agent.ErrRestart) {
		return agent.Again()
	}
	return err
}

// power asks for the machine to be started anew, or switched off: the system's
// manager when we are root, who answers for it on a kiosk otherwise.
func power(word string) func(context.Context) error {
	return func(ctx context.Context) error {
		if os.Geteuid() != 0 {
			return steward.Ask(ctx, "", "power", word, nil)
		}
		out, err := exec.CommandContext(ctx, "systemctl", word).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", word, err, bytes.TrimSpace(out))
		}
		return nil
	}
}
