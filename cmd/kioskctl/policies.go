package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/kiosk/browser/policy"
	"pointnum/kiosk/config"
)

func policiesCommand() cli.Command {
	return cli.Command{
		Name: "policies", Short: "écrire ou vérifier les règles du navigateur",
		Long: `Les règles viennent du catalogue et de la configuration : les sites que le navigateur peut ouvrir, et tout
ce qui lui est interdit. Chromium les lit quand il démarre, dans ` + policy.Path + `.

  kioskctl policies >` + policy.Path + `
  kioskctl policies --check ` + filepath.Dir(policy.Path) + `

Avec --check, code 0 : le fichier est le bon, et seul dans le dossier. Code 1 : il ne l’est pas, et chaque différence est dite.`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			load := configFlag(fs)
			check := fs.String("check", "", "`fichier` installé à comparer, ou le dossier que Chromium lit")
			asJSON := fs.Bool("json", false, "répondre en JSON")
			return body(func(_ context.Context, args []string, stdout, _ io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("« %s » est en trop : écrivez --check devant un fichier à comparer", args[0])
				}
				cfg, err := load()
				if err != nil {
					return err
				}
				want, err := policies(cfg)
				if err != nil {
					return err
				}
				if *check == "" {
					if _, err := stdout.Write(want.JSON()); err != nil { // JSON already
						return fmt.Errorf("write the policies: %w", err)
					}
					return nil
				}
				return checkPolicies(*check, want, *asJSON, stdout)
			}).run
		},
	}
}

// policies are those of a kiosk: the agent's own screens, and the hosts that
// the place adds to the catalogue's.
func policies(cfg *config.Config) (policy.Policies, error) {
	c, err := agent.Catalogue(cfg)
	if err != nil {
		return nil, err
	}
	return policy.Make(c, agent.Screens(cfg)), nil
}

func checkPolicies(path string, want policy.Policies, asJSON bool, stdout io.Writer) error {
	found, err := differences(path, want)
	if err != nil {
		return err
	}
	switch {
	case asJSON:
		err = writeJSON(stdout, struct {
			OK          bool     `json:"ok"`
			Differences []string `json:"differences"`
		}{len(found) == 0, append([]string{}, found...)})
	case len(found) == 0:
		_, err = fmt.Fprintln(stdout, "Les règles du navigateur sont les bonnes.")
	default:
		for _, line := range found {
			if _, err = fmt.Fprintln(stdout, line); err != nil {
				break
			}
		}
	}
	if len(found) > 0 {
		err = errors.Join(err, fmt.Errorf("policies: %d differences in %s", len(found), path))
	}
	return err
}

func differences(path string, want policy.Policies) ([]string, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return policy.CheckFolder(path, want)
	}
	installed, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the policies: %w", err)
	}
	return policy.Check(installed, want), nil
}
