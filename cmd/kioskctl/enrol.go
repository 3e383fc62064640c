package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk/control"
)

func enrolCommand() cli.Command {
	return cli.Command{
		Name: "enrol", Short: "inscrire la borne à la supervision, avec un code à usage unique",
		Long: `Le code se demande dans la console de la structure (« Ajouter une borne »). Il sert une fois. La clé de la
borne naît sur la borne et n’en sort jamais. kioskd doit être en marche. Une borne inscrite ailleurs change de structure.

  kioskctl enrol QRTV-6YYE-63PX
  kioskctl enrol --server https://bornes.exemple.fr QRTV-6YYE-63PX`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			dial := agentFlags(fs)
			server := fs.String("server", "", "`adresse` de la supervision, à la place de celle de la configuration")
			asJSON := fs.Bool("json", false, "répondre en JSON")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				if len(args) == 0 {
					return cli.Usagef("donnez le code : kioskctl enrol QRTV-6YYE-63PX")
				}
				agent, err := dial()
				if err != nil {
					return err
				}
				f, err := agent.Enrol(ctx, control.Enrolment{Server: *server, Code: strings.Join(args, " ")})
				if err != nil {
					return notRunning(stderr, err)
				}
				if *asJSON {
					return writeJSON(stdout, f)
				}
				_, err = fmt.Fprintf(stdout, "Inscrite : %s, « %s », à %s (%s).\n", f.Structure, f.Label, f.Server, f.Kiosk)
				return err
			}).run
		},
	}
}

// tellFleet says how the supervision is reached.
func tellFleet(w io.Writer, f *control.Fleet) {
	switch {
	case f == nil:
		fmt.Fprintln(w, "supervision : aucune (« kioskctl enrol CODE » pour inscrire la borne)")
	case f.Kiosk == "":
		fmt.Fprintf(w, "! supervision : %s (%s)\n", cli.CodeText(f.Fault, "fr"), f.Fault)
	case f.Link == "websocket" || f.Link == "sync":
		how := ""
		if f.Link == "sync" {
			how = ", une fois par minute : un proxy coupe WebSocket"
		}
		fmt.Fprintf(w, "supervision : %s, « %s » (%s), depuis %s%s\n", f.Structure, f.Label, f.Kiosk, f.Since.Local().Format("15:04"), how)
	default:
		fmt.Fprintf(w, "! supervision : %s ne répond pas depuis %s : %s (%s) ; %d message(s) attendent\n",
			f.Server, f.Since.Local().Format("15:04"), cli.CodeText(f.Fault, "fr"), f.Fault, f.Waiting)
	}
	if f != nil && f.Kiosk != "" {
		fmt.Fprintf(w, "  clé de la borne : %s\n", map[bool]string{true: "scellée par la puce TPM", false: "dans un fichier (pas de puce TPM, ou la borne a été inscrite avant)"}[f.Sealed])
	}
}
