// Command benchengine measures the document engine beside other programs that
// make documents smaller, on the same pages in the same run: bytes, processor
// time, memory, what tesseract still reads, which limits are met. It prints
// Markdown and writes table.md, results.json and pictures side by side.
//
// What each program made and what tesseract read is kept, so that a second
// run only repeats what changed.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"pointnum/cmd/internal/benchengine/papers"
	"pointnum/cmd/internal/benchengine/peers"
	"pointnum/cmd/internal/benchengine/reading"
	"pointnum/cmd/internal/benchengine/report"
	"pointnum/cmd/internal/cli"
)

func main() {
	cli.Main(cli.Single(command()))
}

func command() cli.Command {
	return cli.Command{
		Name: "benchengine", Short: "comparer le moteur de documents aux autres programmes, sur les mêmes pages",
		Long: `À lancer dans le dossier du dépôt. Mesure la taille, le temps de calcul, la mémoire, ce que tesseract
lit encore, et les limites tenues ; dit pour chaque but s’il est atteint.

  go run ./cmd/internal/benchengine -quick
  go run ./cmd/internal/benchengine -only 'rapport|photo' -methods 'gs /ebook,pointnum'
  go run ./cmd/internal/benchengine -corpus /chemin/d/autres/documents

Le dossier peut avoir un INDEX.tsv (file, kind…) et des textes exacts dans truth/NOM.txt ; sans eux les
fichiers sont jugés par eux-mêmes. Ce qui a déjà été mesuré est gardé dans --work et n’est pas refait.`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			var o options
			fs.StringVar(&o.corpus, "corpus", "../shared/corpus", "`dossier` des documents")
			fs.StringVar(&o.out, "out", "bin/bench-engine", "`dossier` des tableaux et des images")
			fs.StringVar(&o.work, "work", "bin/bench-engine/work", "`dossier` de ce qui est gardé d’une fois à l’autre")
			fs.StringVar(&o.only, "only", "", "seulement les documents dont le nom va avec cette `expression` régulière")
			fs.StringVar(&o.methods, "methods", "", "seulement ces `programmes`, séparés par des virgules")
			fs.StringVar(&o.kioskctl, "kioskctl", "", "ce `programme` kioskctl, au lieu d’en construire un")
			fs.BoolVar(&o.quick, "quick", false, "peu de programmes, le dossier de 12 pages seulement pour les limites")
			fs.BoolVar(&o.fresh, "fresh", false, "refaire tourner les programmes, même si rien n’a changé")
			fs.BoolVar(&o.pictures, "pictures", true, "dessiner l’original, Ghostscript et nous côte à côte")
			fs.BoolVar(&o.steps, "steps", false, "au lieu de tout cela, dire ce que vaut chaque étape du nettoyage d’une page")
			fs.BoolVar(&o.json, "json", false, "écrire les résultats en JSON au lieu des tableaux")
			fs.IntVar(&o.pages, "pages", 2, "`nombre` de pages lues par document")
			fs.IntVar(&o.jobs, "j", runtime.NumCPU(), "`nombre` de choses faites en même temps")
			fs.DurationVar(&o.limit, "limit", 5*time.Minute, "`temps` laissé à un programme pour un document")
			return o.run
		},
	}
}

// options are the command line's.
type options struct {
	corpus, out, work, only, methods, kioskctl string
	quick, fresh, json, pictures, steps        bool
	pages, jobs                                int
	limit                                      time.Duration
}

func (o *options) run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		return cli.Usagef("%q ne sert à rien : les documents sont ceux de --corpus", args[0])
	}
	if o.jobs < 1 || o.pages < 1 {
		return cli.Usagef("-j et --pages sont au moins 1")
	}
	b, err := o.bench(ctx, stderr)
	if err != nil {
		return err
	}
	if o.steps {
		return o.worth(ctx, b, stdout)
	}
	if err := b.everything(ctx); err != nil {
		return err
	}
	return o.write(stdout, b.results)
}

// bench makes ready what the measuring needs.
func (o *options) bench(ctx context.Context, stderr io.Writer) (*bench, error) {
	work, err := filepath.Abs(o.work)
	if err != nil {
		return nil, fmt.Errorf("work folder: %w", err)
	}
	corpus, err := filepath.Abs(o.corpus)
	if err != nil {
		return nil, fmt.Errorf("corpus: %w", err)
	}
	folder, err := papers.Load(corpus)
	if err != nil {
		return nil, err
	}
	if len(folder.Documents) == 0 {
		return nil, cli.Usagef("%s n’a pas de documents", o.corpus)
	}
	programs, err := peers.Build(ctx, filepath.Join(work, "programs"), o.kioskctl)
	if err != nil {
		return nil, err
	}
	env := peers.Environment()
	methods, err := peers.Methods(ctx, programs)
	if err != nil {
		return nil, err
	}
	b := &bench{
		programs: programs, pages: o.pages, jobs: o.jobs, quick: o.quick,
		runner:   &peers.Runner{Work: work, Measured: programs.Measured, Env: env, Limit: o.limit, Fresh: o.fresh},
		reader:   &reading.Reader{Work: work, Env: env},
		progress: &progress{w: stderr, start: time.Now()},
		results:  &report.Results{Folder: filepath.Base(corpus), Quick: o.quick, Partial: o.only != "", Methods: []string{report.Original}},
	}
	if b.methods, err = o.chosen(methods); err != nil {
		return nil, err
	}
	for _, m := range b.methods {
		b.results.Methods = append(b.results.Methods, m.Name)
	}
	if o.pictures {
		b.shown = o.out
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return nil, cli.Usagef("--only : %v", err)
	}
	for _, d := range folder.Documents {
		if only.MatchString(d.Name) {
			b.docs = append(b.docs, d)
		}
	}
	if dossier, ok := papers.Dossier(folder.Documents); ok && only.MatchString(dossier.Name) {
		b.dossier = &dossier
		b.results.Dossier = dossier.Name
	}
	if o.only == "" || only.MatchString("hostile") {
		b.hostile = folder.Hostile
	}
	return b, nil
}

// chosen are the methods of this run.
func (o *options) chosen(all []peers.Method) ([]peers.Method, error) {
	var out []peers.Method
	if o.methods == "" {
		for _, m := range all {
			if m.Quick || !o.quick {
				out = append(out, m)
			}
		}
		return out, nil
	}
	for name := range strings.SplitSeq(o.methods, ",") {
		found := false
		var names []string
		for _, m := range all {
			names = append(names, m.Name)
			if m.Name == strings.TrimSpace(name) {
				out, found = append(out, m), true
			}
		}
		if !found {
			return nil, cli.Usagef("--methods : pas de %q ; il y a %s", name, strings.Join(names, ", "))
		}
	}
	return out, nil
}

// write writes the tables where they belong.
func (o *options) write(stdout io.Writer, r *report.Results) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("tables: %w", err)
	}
	var text strings.Builder
	if err := r.Markdown(&text); err != nil {
		return fmt.Errorf("tables: %w", err)
	}
	data, err := r.JSON()
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.out, "table.md"), []byte(text.String()), 0o644); err != nil {
		return fmt.Errorf("tables: %w", err)
	}
	if err := os.WriteFile(filepath.Join(o.out, "results.json"), data, 0o644); err != nil {
		return fmt.Errorf("tables: %w", err)
	}
	if o.json {
		_, err = stdout.Write(data)
	} else {
		_, err = io.WriteString(stdout, text.String())
	}
	return err
}
