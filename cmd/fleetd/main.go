// Command fleetd is the supervision of host structures' kiosks: it takes the
// kiosks' connections, keeps what they count, and serves the console.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"pointnum/cmd/internal/cli"
	"pointnum/cmd/internal/fleetserver"
	"pointnum/provisioning/fleet/engine"
	"pointnum/provisioning/fleet/keys"
	"pointnum/provisioning/fleet/store"
)

func main() {
	cli.Main(cli.Program("fleetd", "La supervision des bornes, pour les structures qui les accueillent.",
		serveCommand(), structureCommand(), codeCommand(), releaseCommand(), backupCommand(), restoreCommand(), auditCommand(), natsCommand(), simulateCommand()))
}

// configFlag adds -config and returns how to load it.
func configFlag(fs *flag.FlagSet) func() (*config, error) {
	path := fs.String("config", defaultConfig, "`fichier` de configuration")
	return func() (*config, error) {
		c, err := loadFile(*path)
		return c, cli.NoRestart(err)
	}
}

// run is a command's work.
type run func(ctx context.Context, args []string, stdout, stderr io.Writer) error

func (r run) command(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	return r(ctx, args, stdout, stderr)
}

func serveCommand() cli.Command {
	return cli.Command{
		Name: "serve", Short: "servir la console et les bornes",
		Long: `Sert tout sur un port. Au premier démarrage, quand personne n’a encore de compte, un lien s’affiche : il fait entrer
le premier administrateur, une fois.

  fleetd serve -config /etc/pointnum/fleetd.yaml -admin "Claire Martin" -admin-email claire@exemple.fr
  fleetd serve -example > fleetd.yaml
  fleetd serve -check -config fleetd.yaml`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			load := configFlag(fs)
			show := fs.Bool("example", false, "écrire une configuration expliquée, puis finir")
			check := fs.Bool("check", false, "vérifier la configuration, puis finir")
			debug := fs.Bool("debug", false, "journal détaillé")
			name := fs.String("admin", "Administration", "`nom` du premier administrateur")
			email := fs.String("admin-email", "", "son `adresse` e-mail ; il faut la dire au premier démarrage")
			return run(func(ctx context.Context, _ []string, stdout, stderr io.Writer) error {
				if *show {
					_, err := io.WriteString(stdout, example)
					return err
				}
				c, err := load()
				if err != nil {
					return err
				}
				if *check {
					_, err := fmt.Fprintln(stdout, "rien à corriger")
					return err
				}
				level := slog.LevelInfo
				if *debug {
					level = slog.LevelDebug
				}
				log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))
				return serve(ctx, c, *name, *email, log, stdout)
			}).command
		},
	}
}

// serve runs the server that a configuration describes.
func serve(ctx context.Context, c *config, name, email string, log *slog.Logger, stdout io.Writer) (err error) {
	o := fleetserver.Options{
		URL: c.URL, Dir: c.Dir, Database: c.Database, NATS: c.NATS, Proxy: c.Proxy, Relay: c.Relay,
		Mailer: c.Mail, Provider: c.Provider, Sign: c.Sign, Support: c.Support, Keep: c.Keep, Backup: c.Backup,
		AdminName: name, AdminEmail: email, Log: log,
	}
	if c.Cert != "" {
		if o.TLS, err = fleetserver.Certificate(c.Cert, c.Key); err != nil {
			return cli.NoRestart(err)
		}
	}
	if o.Releases, err = c.shelf(); err != nil {
		return cli.NoRestart(err)
	}
	if o.Cluster, err = c.clusterOptions(); err != nil {
		return cli.NoRestart(err)
	}
	if o.Listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if c.Metrics != "" {
		if o.Metrics, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Metrics); err != nil {
			return errors.Join(fmt.Errorf("metrics: %w", err), o.Listener.Close())
		}
	}
	o.Ready = func(setup string) {
		log.Info("serving", "url", c.URL)
		if setup != "" {
			fmt.Fprintf(stdout, "\n  La console :  %s\n  Pour entrer la première fois (une fois, 72 heures) :\n\n  %s\n\n", c.URL, setup)
		}
	}
	return fleetserver.Run(ctx, o)
}

func (c *config) clusterOptions() (engine.Cluster, error) {
	k := engine.Cluster{Name: c.Cluster.Name, Listen: c.Cluster.Listen, Routes: c.Cluster.Routes}
	if c.Cluster.Cert == "" {
		return k, nil
	}
	cert, err := tls.LoadX509KeyPair(c.Cluster.Cert, c.Cluster.Key)
	if err != nil {
		return k, fmt.Errorf("cluster: certificate: %w", err)
	}
	pem, err := os.ReadFile(c.Cluster.CA)
	if err != nil {
		return k, fmt.Errorf("cluster: ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return k, errors.New("cluster: ca: no certificate")
	}
	k.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: pool, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13}
	return k, nil
}

// withStore opens the database that a configuration names, for one command.
func withStore(ctx context.Context, c *config, f func(*store.Store) error) (err error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	s, err := store.Open(ctx, fleetserver.Database(c.Dir, c.Database), store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return f(s)
}

// ring opens the keys of a configuration's server.
func ring(c *config) (*keys.Ring, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return keys.Open(filepath.Join(c.Dir, fleetserver.RingFile))
}
