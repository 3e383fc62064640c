// Command benchfleet measures fleetd with thousands of simulated kiosks and
// prints its figures beside those of the trial that chose the engine, on the
// same work: what a connection costs, how long events and commands take, how
// fast a fleet comes back, and what is lost when a process is killed. It exits
// with 1 when an event is lost or counted twice.
//
// Servers are processes of fleetd, nats-server and PostgreSQL as they are in
// service, each with its own memory; the kiosks are in this process. All of it
// is on loopback.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"pointnum/cmd/internal/cli"
)

func main() { cli.Main(cli.Single(command())) }

// size is how much is measured.
type size struct {
	agents  int // of the run of connections
	others  int // of the other runs
	each    int // events of each kiosk in the mass return
	rate    int // events a second, beside those that are timed
	ramp    int // connections a second
	idle    time.Duration
	probes  int           // events and commands that are timed
	length  time.Duration // of each run in which something is killed
	patient time.Duration // for everything that is waited for
	backoff time.Duration // of kiosks; 0 is what the server says
}

func full() size {
	return size{agents: 5000, others: 1000, each: 200, rate: 50, ramp: 250, idle: 30 * time.Second, probes: 300, length: 40 * time.Second, patient: 4 * time.Minute}
}

func quick() size {
	return size{agents: 500, others: 100, each: 50, rate: 50, ramp: 100, idle: 8 * time.Second, probes: 50, length: 12 * time.Second, patient: 2 * time.Minute}
}

// few is for so few kiosks that nothing is measured: whether it works.
func few() size {
	return size{agents: 10, others: 10, each: 20, rate: 20, ramp: 100, idle: time.Second, probes: 5, length: 2 * time.Second, patient: 2 * time.Minute, backoff: 500 * time.Millisecond}
}

// bench is one call of the program.
type bench struct {
	size
	dir    string
	stderr io.Writer
	rows   []row
	fleetd string // programs
	nats   string
}

// row is one figure.
type row struct {
	Run    string `json:"run"`
	What   string `json:"what"`
	Ours   string `json:"ours"`
	Trial  string `json:"trial"` // as fleet.md has it; "" where it has none
	Failed bool   `json:"failed,omitempty"`
}

func (b *bench) add(run, what, trial, format string, v ...any) {
	b.rows = append(b.rows, row{Run: run, What: what, Trial: trial, Ours: fmt.Sprintf(format, v...)})
}

// errLost is told once the table is printed.
var errLost = errors.New("events were lost or counted twice, or a bound was not held: the lines marked with ! say which")

// runs are the measurements by name, in their order.
func (b *bench) runs() []struct {
	name string
	do   func(context.Context) error
} {
	return []struct {
		name string
		do   func(context.Context) error
	}{
		{"connections", b.connections},
		{"return-sqlite", func(ctx context.Context) error { return b.massReturn(ctx, "return-sqlite", false) }},
		{"return-postgresql", func(ctx context.Context) error { return b.massReturn(ctx, "return-postgresql", true) }},
		{"failures", b.failures},
	}
}

func command() cli.Command {
	return cli.Command{
		Name:  "benchfleet",
		Short: "Mesure fleetd avec des milliers de bornes simulées, à côté des chiffres de l’essai.",
		Long: `Parcours : connections, return-sqlite, return-postgresql, failures. Tout est sur cette machine, dans un dossier qui
disparaît à la fin. Rend 1 si un événement est perdu ou compté deux fois.

  make bench-fleet
  make bench-fleet ARGS="-quick"
  make bench-fleet ARGS="-only failures -json"`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			small := fs.Bool("quick", false, "500 bornes, plus court")
			only := fs.String("only", "", "ce `parcours` seulement")
			asJSON := fs.Bool("json", false, "en JSON")
			agents := fs.Int("agents", 0, "autre nombre de bornes ; moins de 50 : voir seulement si tout marche")
			return func(ctx context.Context, _ []string, _ io.Reader, stdout, stderr io.Writer) error {
				b := &bench{size: full(), stderr: stderr}
				if *small {
					b.size = quick()
				}
				if *agents > 0 && *agents < 50 {
					b.size = few()
				}
				if *agents > 0 {
					b.agents, b.others = *agents, min(b.others, *agents)
				}
				return b.run(ctx, *only, *asJSON, stdout)
			}
		},
	}
}

func (b *bench) run(ctx context.Context, only string, asJSON bool, stdout io.Writer) (err error) {
	if b.dir, err = os.MkdirTemp("", "benchfleet-"); err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.programs(ctx); err != nil {
		return err
	}
	known := false
	for _, r := range b.runs() {
		if only != "" && only != r.name {
			continue
		}
		known = true
		fmt.Fprintf(b.stderr, "%s %s, load %s\n", time.Now().Format(time.TimeOnly), r.name, load())
		b.add(r.name, "load of the machine when it begins", "4–10", "%s", load())
		if err = r.do(ctx); err != nil {
			err = fmt.Errorf("%s: %w", r.name, err)
			break
		}
	}
	if !known {
		return cli.Usagef("-only : connections, return-sqlite, return-postgresql ou failures")
	}
	err = errors.Join(err, b.print(stdout, asJSON))
	if slices.ContainsFunc(b.rows, func(r row) bool { return r.Failed }) {
		err = errors.Join(err, errLost)
	}
	return err
}

// print shows the figures, also those before one that failed.
func (b *bench) print(w io.Writer, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(b.rows)
	}
	fmt.Fprintf(w, "%d processors, load %s, %s\n\n", runtime.NumCPU(), load(), time.Now().Format(time.DateTime))
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "run\twhat\tours\ttrial (fleet.md)")
	for _, r := range b.rows {
		mark := ""
		if r.Failed {
			mark = "! "
		}
		fmt.Fprintf(t, "%s\t%s\t%s%s\t%s\n", r.Run, r.What, mark, r.Ours, r.Trial)
	}
	return t.Flush()
}

// load is the machine's load of the last minute.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	return strings.Fields(string(b))[0]
}
