package main

import (
	"errors"
	"os"

	"context"
	"flag"
	"fmt"
	"io"
	"os/user"
	"pointnum/provisioning/setup"
	"strconv"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk/firewall"
)

func firewallCommand() cli.Command {
	return cli.Command{
		Name: "firewall", Short: "écrire les règles du pare-feu",
		Long: `Les règles viennent de la configuration : le navigateur des visiteurs et l’écran n’atteignent que la
borne, l’agent n’atteint que le web, la supervision, le relais, le proxy et ses appareils, et rien n’entre.
Pendant la mise en service, l’agent peut appeler partout : il cherche ses appareils et sa supervision.

  kioskctl firewall | sudo nft -f -`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			load := configFlag(fs)
			return body(func(_ context.Context, args []string, stdout, _ io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("« %s » est en trop", args[0])
				}
				cfg, err := load()
				if err != nil {
					return err
				}
				u := firewall.KioskUsers
				for name, number := range map[string]*int{"pointnum": &u.Agent, "pointnum-web": &u.Web, "pointnum-screen": &u.Screen} {
					*number = numberOf(name, *number)
				}
				rules := firewall.Rules
				if _, err := os.Stat(fs.Lookup("config").Value.String()); errors.Is(err, errNotExist) || setup.Begun(cfg.Fleet.Dir) {
					rules = firewall.Setup
				}
				if _, err := io.WriteString(stdout, rules(cfg, u)); err != nil {
					return fmt.Errorf("write the rules: %w", err)
				}
				return nil
			}).run
		},
	}
}

// numberOf is an account's number on this machine; the kiosks' own when it has
// no such account.
func numberOf(name string, otherwise int) int {
	u, err := user.Lookup(name)
	if err != nil {
		return otherwise
	}
	n, err := strconv.Atoi(u.Uid)
	if err != nil {
		return otherwise
	}
	return n
}
