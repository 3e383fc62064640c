package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/control"
)

// healthEvery is the time between two tries, healthTime what one may take.
const (
	healthEvery = 2 * time.Second
	healthTime  = 40 * time.Second
)

func healthCommand() cli.Command {
	return cli.Command{
		Name: "health", Short: "dire si la borne peut recevoir quelqu’un, après une mise à jour",
		Long: `Demande à l’agent d’essayer : une page devient un fichier puis est effacée, l’écran montre la page de la borne,
l’identité se lit. Ni les appareils ni le réseau n’en font partie. Code 0 seulement si tout va.

  kioskctl health
  kioskctl health --wait 4m    attendre que tout aille, au plus quatre minutes (au démarrage)`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			dial := agentFlags(fs)
			wait := fs.Duration("wait", 0, "essayer de nouveau pendant cette `durée` (3m)")
			asJSON := fs.Bool("json", false, "répondre en JSON")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("argument inattendu : %s", args[0])
				}
				agent, err := dial()
				if err != nil {
					return err
				}
				list, err := waitHealthy(ctx, agent, *wait)
				if err == nil || len(list) > 0 {
					err = errors.Join(tellHealth(stdout, list, *asJSON), err)
				}
				return notRunning(stderr, err)
			}).run
		},
	}
}

// waitHealthy asks until all is well or the time is over, and returns the last
// answer.
func waitHealthy(ctx context.Context, agent control.Client, wait time.Duration) ([]control.Check, error) {
	deadline := time.Now().Add(wait)
	for {
		list, err := askHealth(ctx, agent)
		if err == nil || ctx.Err() != nil || !time.Now().Add(healthEvery).Before(deadline) {
			return list, err
		}
		select {
		case <-time.After(healthEvery):
		case <-ctx.Done():
			return list, context.Cause(ctx)
		}
	}
}

func askHealth(ctx context.Context, agent control.Client) ([]control.Check, error) {
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	list, err := agent.Health(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range list {
		if !c.OK {
			return list, &kiosk.Error{Code: c.Code, Op: "health: " + c.Name, Err: errors.New(c.Detail)}
		}
	}
	if len(list) == 0 {
		return nil, errors.New("health: the agent tried nothing")
	}
	return list, nil
}

func tellHealth(w io.Writer, list []control.Check, asJSON bool) error {
	if asJSON {
		return writeJSON(w, list)
	}
	names := map[string]string{"page": "une page en fichier", "memory": "mémoire et effacement", "screen": "écran", "identity": "identité"}
	for _, c := range list {
		mark, name := "✔", names[c.Name]
		if !c.OK {
			mark = "✘"
		}
		if name == "" {
			name = c.Name
		}
		if _, err := fmt.Fprintf(w, "%s %s : %s\n", mark, name, c.Detail); err != nil {
			return fmt.Errorf("write the answer: %w", err)
		}
	}
	return nil
}
