// Command trialagent is kioskd beside a test portal of another process: what
// its memory holds, and how much, is the agent's alone. It is for tests and
// measurements.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/cmd/internal/program"
	"pointnum/cmd/internal/trial"
	"pointnum/kiosk/config"
)

func main() { program.Main(command()) }

func command() cli.Command {
	return cli.Command{
		Name:  "trialagent",
		Short: "kioskd et un portail d’essai qui est ailleurs sur cette machine.",
		Setup: func(fs *flag.FlagSet) cli.Func {
			path := fs.String("config", config.DefaultPath, "`fichier` de configuration")
			at := fs.String("portal", "", "`adresse` du portail d’essai")
			spki := fs.String("spki", "", "`empreinte` de son certificat")
			address := fs.String("address", "", "`adresse` de sa première page ; l’accueil sinon")
			flags := fs.String("chromium", "", "autres `options` de Chromium")
			return func(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("argument inattendu : %s", args[0])
				}
				cfg, err := config.LoadFile(*path)
				if err != nil {
					return cli.NoRestart(err)
				}
				browser := trial.Browser(*at, *spki)
				browser.Args = append(browser.Args, strings.Fields(*flags)...)
				if *address != "" {
					browser.Portals[0].Address = *address
				}
				told, stop := context.WithCancel(ctx)
				var telling sync.WaitGroup
				telling.Go(func() { tell(told, stdout) })
				defer telling.Wait()
				defer stop()
				return agent.Run(ctx, agent.Options{
					Config: cfg, Drivers: agent.Drivers(), Browser: browser,
					Log:   slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
					Ready: func(url string) { fmt.Fprintln(stdout, url) },
				})
			}
		},
	}
}

// tell writes how many goroutines there are, on a line, at each SIGUSR1.
func tell(ctx context.Context, w io.Writer) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	defer signal.Stop(asked)
	for {
		select {
		case <-asked:
			fmt.Fprintln(w, runtime.NumGoroutine())
		case <-ctx.Done():
			return
		}
	}
}
