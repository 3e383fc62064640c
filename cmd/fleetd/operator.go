package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/cmd/internal/fleetserver"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/engine"
	"pointnum/provisioning/fleet/store"
)

// audit is a line for what an operator does at the server itself.
func audit(ctx context.Context, s *store.Store, structure, action, detail string) error {
	return s.Audit(ctx, fleet.Audit{At: time.Now().UTC(), Person: "server", Name: "fleetd", Structure: structure, Action: action, Detail: detail, OK: true})
}

// operated is an operator's command on the server that -config describes. With
// missing it wants one argument, and says so.
func operated(fs *flag.FlagSet, missing string, f func(ctx context.Context, c *config, args []string, stdout io.Writer) error) cli.Func {
	load := configFlag(fs)
	return run(func(ctx context.Context, args []string, stdout, _ io.Writer) error {
		if missing != "" && len(args) != 1 {
			return cli.Usagef("%s", missing)
		}
		c, err := load()
		if err != nil {
			return err
		}
		return f(ctx, c, args, stdout)
	}).command
}

func structureCommand() cli.Command {
	return cli.Command{
		Name: "structure", Short: "ajouter une structure, ou dire lesquelles il y a",
		Long: `  fleetd structure                                   les structures
  fleetd structure -name "Mairie de Vif" mairie-vif   en ajouter une`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			name := fs.String("name", "", "`nom` de la structure")
			siret := fs.String("siret", "", "son `SIRET`, pour ceux qui viennent par ProConnect")
			return operated(fs, "", func(ctx context.Context, c *config, args []string, stdout io.Writer) error {
				return withStore(ctx, c, func(s *store.Store) error {
					if len(args) == 0 {
						all, err := s.Structures(ctx, fleet.Scope{All: true})
						for _, t := range all {
							fmt.Fprintf(stdout, "%s\t%s\n", t.ID, t.Name)
						}
						return err
					}
					if *name == "" {
						return cli.Usagef("donnez aussi le nom : -name")
					}
					if err := fleetserver.AddStructure(ctx, s, args[0], *name, *siret); err != nil {
						return err
					}
					return audit(ctx, s, args[0], "structure", "")
				})
			})
		},
	}
}

func codeCommand() cli.Command {
	return cli.Command{
		Name: "code", Short: "faire un code à usage unique pour une borne",
		Long: `Le code se donne aussi dans la console. Il sert une fois, pendant trois jours.

  fleetd code -label "Hall d’accueil" mairie-vif`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			label := fs.String("label", "Borne", "`lieu` où sera la borne")
			return operated(fs, "donnez la structure : voyez « fleetd structure »", func(ctx context.Context, c *config, args []string, stdout io.Writer) error {
				r, err := ring(c)
				if err != nil {
					return err
				}
				return withStore(ctx, c, func(s *store.Store) error {
					code, err := fleetserver.NewCode(ctx, s, r, args[0], *label)
					if err != nil {
						return err
					}
					if err := audit(ctx, s, args[0], "code", ""); err != nil {
						return err
					}
					_, err = fmt.Fprintln(stdout, code)
					return err
				})
			})
		},
	}
}

func backupCommand() cli.Command {
	return cli.Command{
		Name: "backup", Short: "copier la base pendant que le serveur marche",
		Long: `La copie est entière et vérifiée. Copiez aussi le dossier des clés (« dir: »), à l’abri, une fois.

  fleetd backup /srv/copies/fleet.db`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			return operated(fs, "donnez le fichier à écrire", func(ctx context.Context, c *config, args []string, stdout io.Writer) error {
				return withStore(ctx, c, func(s *store.Store) error { return s.Backup(ctx, args[0]) })
			})
		},
	}
}

func restoreCommand() cli.Command {
	return cli.Command{
		Name: "restore", Short: "remettre une copie de la base en place",
		Long: `Arrêtez fleetd d’abord, et mettez l’ancienne base de côté : rien n’est jamais écrasé.

  fleetd restore /srv/copies/fleet.db`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			return operated(fs, "donnez la copie", func(ctx context.Context, c *config, args []string, stdout io.Writer) error {
				if err := os.MkdirAll(c.Dir, 0o700); err != nil {
					return fmt.Errorf("folder: %w", err)
				}
				return store.Restore(ctx, args[0], fleetserver.Database(c.Dir, c.Database))
			})
		},
	}
}

func auditCommand() cli.Command {
	return cli.Command{
		Name: "audit", Short: "vérifier que personne n’a changé le journal de qui a fait quoi",
		Setup: func(fs *flag.FlagSet) cli.Func {
			return operated(fs, "", func(ctx context.Context, c *config, _ []string, stdout io.Writer) error {
				return withStore(ctx, c, func(s *store.Store) error {
					n, err := s.CheckAudit(ctx)
					if err != nil {
						return err
					}
					_, err = fmt.Fprintf(stdout, "%d lignes, la chaîne est entière\n", n)
					return err
				})
			})
		},
	}
}

func natsCommand() cli.Command {
	return cli.Command{
		Name: "nats-config", Short: "écrire la configuration d’un serveur NATS à part",
		Long: `Pour un grand parc : des serveurs nats-server sans état, que « nats: » nomme ensuite dans fleetd.yaml.

  fleetd nats-config -name n1 -client 10.0.0.1:4222 -cluster 10.0.0.1:6222 -routes 10.0.0.1:6222,10.0.0.2:6222,10.0.0.3:6222 -dir /var/lib/nats`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			var n engine.Node
			fs.StringVar(&n.Name, "name", "n1", "`nom` du serveur, différent pour chacun")
			fs.StringVar(&n.Listen, "client", "127.0.0.1:4222", "`adresse` pour fleetd")
			fs.StringVar(&n.Cluster, "cluster", "", "`adresse` pour les autres serveurs ; vide : seul")
			routes := fs.String("routes", "", "`adresses` des autres, avec des virgules")
			fs.StringVar(&n.Dir, "dir", "/var/lib/nats", "`dossier` des clés retirées")
			return operated(fs, "", func(ctx context.Context, c *config, _ []string, stdout io.Writer) error {
				r, err := ring(c)
				if err != nil {
					return err
				}
				n.Routes = strings.FieldsFunc(*routes, func(c rune) bool { return c == ',' })
				return withStore(ctx, c, func(s *store.Store) error {
					revoked, err := s.RevokedKeys(ctx)
					if err != nil {
						return err
					}
					text, err := engine.NodeConfig(r, n, revoked)
					if err != nil {
						return err
					}
					_, err = io.WriteString(stdout, text)
					return err
				})
			})
		},
	}
}
