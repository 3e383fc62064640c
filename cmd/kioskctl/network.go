package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk/steward"
	"pointnum/provisioning/setup/network"
)

func networkCommand() cli.Command {
	return cli.Command{
		Name: "network", Short: "le réseau de la borne (pour le système)",
		Long: `Sans option, montre les prises et les radios. Les deux options sont pour les unités de systemd, avec les droits
de root : --steward répond à une demande de la borne sur l’entrée standard ; --restore remet au démarrage ce
qui a été choisi. Le réseau se choisit sur l’écran de mise en service ou dans borne.txt.

  kioskctl network`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			asked := fs.Bool("steward", false, "répondre à une demande de la borne")
			restore := fs.Bool("restore", false, "remettre ce qui a été choisi")
			asJSON := fs.Bool("json", false, "répondre en JSON")
			return func(ctx context.Context, _ []string, stdin io.Reader, stdout, stderr io.Writer) error {
				switch {
				case *asked:
					return steward.Answer(ctx, stdin, stdout, network.NewRoot(stewardLog(stderr)).Answer)
				case *restore:
					return network.NewRoot(stewardLog(stderr)).Restore()
				}
				return tellLinks(stdout, *asJSON)
			}
		},
	}
}

func clockCommand() cli.Command {
	return cli.Command{
		Name: "clock", Short: "l’horloge de la borne (pour le système)",
		Long: `Pour une unité de systemd, avec les droits de root : met à l’heure quand la borne le demande, jamais avant la
date de l’image, et jamais quand le réseau tient déjà l’heure (NTP).

  kioskctl clock --steward`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			asked := fs.Bool("steward", false, "répondre à une demande de la borne")
			return func(ctx context.Context, _ []string, stdin io.Reader, stdout, stderr io.Writer) error {
				if !*asked {
					return cli.Usagef("écrivez kioskctl clock --steward")
				}
				return steward.Answer(ctx, stdin, stdout, network.NewClock(stewardLog(stderr)).Answer)
			}
		},
	}
}

func tellLinks(w io.Writer, asJSON bool) error {
	links, err := network.Links("/sys")
	if err != nil {
		return err
	}
	if asJSON {
		return writeJSON(w, links)
	}
	for _, l := range links {
		state, address := "rien de branché", l.Address
		if l.Up {
			state = "en marche"
		}
		if address == "" {
			address = "sans adresse"
		}
		if _, err := fmt.Fprintf(w, "%s (%s) : %s, %s\n", l.Name, map[bool]string{true: "Wi-Fi", false: "câble"}[l.Kind == "wifi"], state, address); err != nil {
			return fmt.Errorf("write the links: %w", err)
		}
	}
	return nil
}
