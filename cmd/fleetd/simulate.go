package main

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/cmd/internal/fleetserver"
	"pointnum/cmd/internal/simulate"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/store"
	"pointnum/provisioning/link/route"
)

// Limits of a simulation. Keys that were revoked travel in one message to an
// external NATS cluster, which has room for some thousand.
const (
	maxSimulated = 5000
	maxWithNATS  = 1000
	simulatedFor = 24 * time.Hour
	endTime      = 2 * time.Minute
	perStructure = 20
	pastDays     = 30
	manyKiosks   = 100 // more of them have too much of a past to tell
)

// simulation is what the command line says.
type simulation struct {
	kiosks, past  int
	speed, faults float64
	returns       float64
	server        string
	seed          uint64
}

func simulateCommand() cli.Command {
	return cli.Command{
		Name: "simulate", Short: "faire vivre la console avec des bornes qui n’existent pas",
		Long: `Inscrit des bornes simulées auprès du serveur de cette configuration, qui doit marcher, et leur fait vivre des
journées : visites, bourrages, papier qui manque, appels à l’aide, coupures de réseau. Elles obéissent aux gestes de la
console et se mettent à jour quand le lieu est fermé. Ctrl-C les retire. À essayer sur un serveur d’essai : les comptes restent dans la base.

  fleetd simulate -config fleetd.yaml
  fleetd simulate -config fleetd.yaml -kiosks 200 -speed 60 -faults 3`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			load := configFlag(fs)
			s := &simulation{}
			fs.IntVar(&s.kiosks, "kiosks", 20, "bornes, 5000 au plus")
			fs.Float64Var(&s.speed, "speed", 10, "minutes simulées par minute ; la nuit est passée")
			fs.Float64Var(&s.faults, "faults", 1, "pannes et appels : 0 jamais, 1 comme d’habitude, 5 souvent")
			fs.Float64Var(&s.returns, "returns", 0, "part des bornes qui reviennent d’une nouvelle version, de 0 à 1")
			fs.IntVar(&s.past, "past", -1, "jours d’avant à compter dans la feuille d’usage ; -1 : 30 jusqu’à 100 bornes, sinon aucun")
			fs.StringVar(&s.server, "server", "", "`adresse` https du serveur, si ce n’est pas celle de la configuration")
			fs.Uint64Var(&s.seed, "seed", uint64(time.Now().UnixNano()), "la même graine, les mêmes journées")
			debug := fs.Bool("debug", false, "journal détaillé")
			return run(func(ctx context.Context, _ []string, stdout, stderr io.Writer) error {
				c, err := load()
				if err != nil {
					return err
				}
				if err := s.check(c); err != nil {
					return err
				}
				level := slog.LevelWarn
				if *debug {
					level = slog.LevelDebug
				}
				return s.run(ctx, c, slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})), stdout)
			}).command
		},
	}
}

// check says what is wrong with the command line.
func (s *simulation) check(c *config) error {
	most := maxSimulated
	if len(c.NATS) > 0 {
		most = maxWithNATS
	}
	if s.kiosks < 1 || s.kiosks > most || s.speed < 1 || s.faults < 0 || s.returns < 0 || s.returns > 1 || s.past < -1 || s.past > 365 {
		return cli.Usagef("-kiosks : de 1 à %d ; -speed : 1 au moins ; -faults : 0 au moins ; -returns : de 0 à 1 ; -past : 365 au plus", most)
	}
	if s.past < 0 && s.kiosks <= manyKiosks {
		s.past = pastDays
	}
	s.past = max(s.past, 0)
	return nil
}

// run enrols the kiosks, lets them live until ctx ends, and takes them away.
func (s *simulation) run(ctx context.Context, c *config, log *slog.Logger, stdout io.Writer) error {
	if s.server == "" {
		s.server = c.URL
	}
	roots, err := authorities(c.Cert)
	if err != nil {
		return err
	}
	way, err := route.New(s.server, nil, roots, nil)
	if err != nil {
		return err
	}
	// Before anything is written: there must be a server to show it.
	probe, err := way.Dial(ctx)
	if err != nil {
		return fmt.Errorf("simulate: %s does not answer, start it first: %w", s.server, err)
	}
	if err := probe.Close(); err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	return withStore(ctx, c, func(st *store.Store) (err error) {
		pairs, err := s.enrol(ctx, c, st)
		defer func() {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
			defer cancel()
			err = errors.Join(err, simulate.Revoke(last, st, pairs))
		}()
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%d bornes simulées ; la console : %s ; Ctrl-C les retire\n", len(pairs), c.URL)
		f := simulate.Fleet{Pairs: pairs, Routes: []*route.Route{way}, Speed: s.speed, Faults: s.faults, BadUpdates: s.returns, Past: s.past, Seed: s.seed, Log: log,
			Each: func(t simulate.Totals) { say(stdout, t) }}
		say(stdout, f.Run(ctx))
		return nil
	})
}

func say(w io.Writer, t simulate.Totals) {
	fmt.Fprintf(w, "il est %s là-bas : %d bornes reliées sur %d, %d événements, %d en attente\n", t.Time, t.Linked, t.Kiosks, t.Events, t.Waiting)
}

// authorities are the system's and the server's own certificate.
func authorities(cert string) (*x509.CertPool, error) {
	if cert == "" {
		return nil, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	pem, err := os.ReadFile(cert)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	pool.AppendCertsFromPEM(pem)
	return pool, nil
}

// enrol makes the structures and their kiosks. What it returns with an error
// was made before that.
func (s *simulation) enrol(ctx context.Context, c *config, st *store.Store) ([]enrol.Pair, error) {
	r, err := ring(c)
	if err != nil {
		return nil, err
	}
	towns := []string{"Aubépines", "Bleuets", "Charmes", "Dahlias", "Érables", "Frênes", "Genêts", "Hêtres"}
	places := []string{"Hall d’accueil", "Salle d’attente", "Médiathèque", "Couloir", "Espace numérique", "Guichet"}
	var pairs []enrol.Pair
	for n := 0; len(pairs) < s.kiosks; n++ {
		id := fmt.Sprintf("simulation-%d", n+1)
		err := fleetserver.AddStructure(ctx, st, id, fmt.Sprintf("Simulation %d, Les %s", n+1, towns[n%len(towns)]), "")
		if err != nil && !errors.Is(err, fleet.ErrExists) {
			return pairs, err
		}
		var labels []string
		for i := range min(perStructure, s.kiosks-len(pairs)) {
			labels = append(labels, fmt.Sprintf("%s %d", places[i%len(places)], i/len(places)+1))
		}
		made, err := simulate.Enrol(ctx, st, r, id, labels, simulatedFor)
		if pairs = append(pairs, made...); err != nil {
			return pairs, err
		}
	}
	return pairs, audit(ctx, st, "", "simulate", "begin")
}
