package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/kiosk/config"
	"pointnum/kiosk/dispose"
	"pointnum/kiosk/steward"
)

// confirmWord is what a person types before anything is erased.
const confirmWord = "EFFACER"

func disposeCommand() cli.Command {
	return cli.Command{
		Name: "dispose", Short: "effacer la borne pour toujours, avec une preuve (fin de vie)",
		Long: `Avant de donner, vendre ou jeter une borne. La borne est révoquée à la supervision si elle répond, puis tout ce qui
lui est propre est mis à zéro et relu : clé, comptes, configuration, mots de passe du réseau, KIOSK-CONF, journal. Sur
l’image, c’est la partition de données entière, et KIOSK-CONF ne contient plus que PREUVE.TXT ; le système reste, sans donnée,
et redémarre comme neuf. Avec --all, tout le disque : la machine ne démarre plus. Une coupure de courant n’arrête pas
l’effacement : il reprend au démarrage suivant. Sur une machine installée par paquets, les fichiers de la borne sont
recouverts, puis enlevés.

  sudo kioskctl dispose
  sudo kioskctl dispose --yes -o /media/cle/preuve.txt
  sudo kioskctl dispose --all`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			d := &disposal{}
			fs.StringVar(&d.config, "config", config.DefaultPath, "`fichier` de configuration de la borne")
			fs.BoolVar(&d.all, "all", false, "effacer aussi le système : tout le disque")
			fs.BoolVar(&d.full, "full", false, "relire tout le disque, et non une partie de chaque endroit")
			fs.StringVar(&d.data, "data", "", "`partition` de données, au lieu de celle que la machine a")
			fs.StringVar(&d.conf, "conf", "", "`partition` KIOSK-CONF, au lieu de celle que la machine a")
			fs.StringVar(&d.proof, "o", "", "`fichier` où garder la preuve, hors de cette borne")
			fs.StringVar(&d.root, "root", "", "pour un essai : `dossier` où sont les fichiers de la borne, à la place de « / »")
			yes := fs.Bool("yes", false, "ne rien demander")
			asked := fs.Bool("steward", false, "répondre à une demande de l’agent")
			resume := fs.Bool("resume", false, "au démarrage : reprendre un effacement que la marque de --data annonce, sinon rien")
			return func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
				d.stderr = stderr
				switch {
				case len(args) > 0:
					return cli.Usagef("« %s » est en trop", args[0])
				case *resume:
					return d.resume(ctx, stdout)
				case *asked:
					return steward.Answer(ctx, stdin, stdout, d.answer)
				}
				if os.Geteuid() != 0 && d.data == "" && d.root == "" {
					return fmt.Errorf("dispose: only root may: %w", os.ErrPermission)
				}
				if err := d.find(); err != nil {
					return err
				}
				if d.root != "" {
					d.data, d.conf = "", "" // nothing of this machine
				}
				if !*yes {
					if err := d.ask(stdin, stderr); err != nil {
						return err
					}
				}
				p, err := d.run(ctx)
				return d.tell(p, err, stdout)
			}
		},
	}
}

// answer does what the agent asks, once a person has typed the word on its
// screen.
func (d *disposal) answer(ctx context.Context, request []byte) (any, error) {
	var r struct {
		Confirm string `json:"confirm"`
		All     bool   `json:"all"`
	}
	dec := json.NewDecoder(strings.NewReader(string(request)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil || r.Confirm != confirmWord {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "dispose", Err: errors.Join(errors.New("not confirmed"), err)}
	}
	d.all = r.All
	if err := d.find(); err != nil {
		return nil, err
	}
	return d.run(context.WithoutCancel(ctx)) // what was begun is ended, though the asker is gone
}

// resume goes on with what a power cut has stopped.
func (d *disposal) resume(ctx context.Context, stdout io.Writer) error {
	if d.data == "" {
		return cli.Usagef("--resume a besoin de --data")
	}
	m, marked, err := dispose.Marked(d.data)
	if err != nil || !marked {
		return err
	}
	d.all, d.resumed = m.All, true
	if err := d.find(); err != nil {
		return err
	}
	p, err := d.run(ctx)
	return d.tell(p, err, stdout)
}

// ask has a person type the word.
func (d *disposal) ask(stdin io.Reader, stderr io.Writer) error {
	what := "tout ce qui est propre à cette borne : " + d.data + " et KIOSK-CONF"
	switch {
	case d.data == "":
		what = "les fichiers de la borne : " + strings.Join(d.paths(), ", ")
	case d.all:
		what = "TOUT LE DISQUE " + d.disk + ", le système aussi : la machine ne démarrera plus"
	}
	fmt.Fprintf(stderr, "Ceci efface pour toujours %s.\nPour continuer, écrivez %s : ", what, confirmWord)
	line, err := bufio.NewReader(io.LimitReader(stdin, 100)).ReadString('\n')
	if strings.TrimSpace(line) != confirmWord {
		return errors.Join(&kiosk.Error{Code: kiosk.CodeCanceled, Op: "dispose", Err: errors.New("not confirmed")}, notEOF(err))
	}
	return nil
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// tell writes the proof where people find it. Without one that holds, the
// command has failed.
func (d *disposal) tell(p dispose.Proof, err error, stdout io.Writer) error {
	if err != nil {
		p.Mistakes = append(p.Mistakes, cli.Explain(err, "fr"))
	}
	if _, lost := io.WriteString(stdout, p.Text()); lost != nil {
		err = errors.Join(err, fmt.Errorf("dispose: %w", lost))
	}
	if d.proof != "" {
		err = errors.Join(err, atomicfile.Write(d.proof, []byte(p.Text()), 0o644))
	}
	if err == nil && !p.Verdict {
		err = errors.New("dispose: not all is erased")
	}
	return err
}
