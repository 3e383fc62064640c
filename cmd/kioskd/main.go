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

  kioskd -config /etc/pointnum/kiosk.yaml
  kioskd -example > kiosk.yaml        une configuration où chaque clé est expliquée
  kioskd -check -config kiosk.yaml    lire la configuration, dire les fautes, rien d’autre`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			path := fs.String("config", config.DefaultPath, "`fichier` de configuration")
			example := fs.Bool("example", false, "écrire une configuration expliquée, puis finir")
			check := fs.Bool("check", false, "vérifier la configuration, puis finir")
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
				return run(ctx, *path, *check, *lost, log, stdout)
			}
		},
	}
}

func run(ctx context.Context, path string, check, lost bool, log *slog.Logger, stdout io.Writer) error {
	cfg, err := config.LoadFile(path)
	if err != nil {
		return cli.NoRestart(err)
	}
	if _, err := agent.Catalogue(cfg); err != nil {
		return cli.NoRestart(err)
	}
	if check {
		_, err := fmt.Fprintf(stdout, "%s : rien à corriger, %d appareil(s)\n", path, len(cfg.Devices))
		return err
	}
	screen := ""
	if lost {
		screen = "http://" + fault.Listen + "/lost"
	}
	err = agent.Run(ctx, agent.Options{
		Config: cfg, Drivers: agent.Drivers(), Log: log, Reboot: reboot, Fault: screen,
		Ready: func(url string) { log.Info("screen ready", "url", url) },
	})
	if errors.Is(err, agent.ErrRestart) {
		return agent.Again()
	}
	return err
}

// reboot asks for the machine to be started anew: the system's manager when we
// are root, who answers for it on a kiosk otherwise.
func reboot(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return steward.Ask(ctx, "", "power", "reboot", nil)
	}
	out, err := exec.CommandContext(ctx, "systemctl", "reboot").CombinedOutput()
	if err != nil {
		return fmt.Errorf("reboot: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}
