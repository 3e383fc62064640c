package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/sample"
	"pointnum/kiosk/spool"
)

func statusCommand() cli.Command {
	return cli.Command{
		Name: "status", Short: "demander à la borne qui marche comment elle va",
		Long: `La réponse ne dit jamais rien d’une personne : le nom de l’écran, les appareils, ce qui ne va pas.
Code 4 : la borne ne marche pas.

  kioskctl status
  kioskctl status --json`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			dial := agentFlags(fs)
			asJSON := fs.Bool("json", false, "répondre en JSON")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				agent, err := dial()
				if err != nil {
					return err
				}
				st, err := agent.Status(ctx)
				if err != nil {
					return notRunning(stderr, err)
				}
				if *asJSON {
					return writeJSON(stdout, st)
				}
				return tellStatus(stdout, st)
			}).run
		},
	}
}

func tellStatus(w io.Writer, st control.Status) error {
	up := time.Duration(st.UptimeSeconds) * time.Second
	fmt.Fprintf(w, "version %s, en marche depuis %s, écran « %s »\n", st.Version, up, st.Screen)
	for _, c := range st.Health {
		fmt.Fprintf(w, "! %s : %s (%s) depuis %s %s\n", c.Name, cli.CodeText(c.Code, "fr"), c.Code,
			c.Since.Format("15:04"), c.Detail)
	}
	switch {
	case st.Wiped == nil:
		fmt.Fprintln(w, "dernière visite : aucune depuis le démarrage")
	case st.Wiped.OK:
		fmt.Fprintf(w, "dernière visite : effacé ✔ à %s\n", st.Wiped.At.Local().Format("15:04"))
	default:
		fmt.Fprintf(w, "! dernière visite : l’effacement n’est pas prouvé, à %s. Redémarrez la borne.\n", st.Wiped.At.Local().Format("15:04"))
	}
	if len(st.Refused) > 0 {
		fmt.Fprintf(w, "domaines refusés, demandés par un site : %s\n", strings.Join(st.Refused, " "))
		fmt.Fprintln(w, "  pour en permettre un : « hosts: » du site dans le catalogue, ou « browser: hosts: » dans kiosk.yaml")
	}
	if st.Update != nil {
		tellUpdate(w, st.Update)
	}
	tellFleet(w, st.Fleet)
	return tellDevices(w, st.Devices)
}

func selftestCommand() cli.Command {
	return cli.Command{
		Name: "selftest", Short: "dire si cette borne peut recevoir quelqu’un",
		Long: `Essaie la mémoire, l’effacement, la conversion d’une page, chaque appareil et le navigateur des sites : son
compte, ses règles, sa mémoire, sa sortie, et une visite vide. Ne consomme ni papier ni rouleau, sauf avec --print. Code 0 seulement si tout va.

  kioskctl selftest
  kioskctl selftest --print --json`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			load := configFlag(fs)
			asJSON := fs.Bool("json", false, "répondre en JSON")
			paper := fs.Bool("print", false, "imprimer aussi un reçu d’essai")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				cfg, err := load()
				if err != nil {
					return err
				}
				return selftest(ctx, cfg, *paper, *asJSON, stdout, stderr)
			}).run
		},
	}
}

// check is one line of the self-test.
type check struct {
	Name    string  `json:"name"`
	OK      bool    `json:"ok"`
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
}

// trial is a part of the self-test: it says what was found, or what is wrong.
type trial struct {
	name string
	run  func() (string, error)
}

func selftest(ctx context.Context, cfg *config.Config, paper, asJSON bool, stdout, stderr io.Writer) error {
	trials := []trial{
		{"catalogue", func() (string, error) {
			c, err := agent.Catalogue(cfg)
			if err != nil {
				return "", err
			}
			return fmt.Sprintf("%d sites, à jour du %s", len(c.Portals), c.Updated), nil
		}},
		{"mémoire", func() (string, error) { return tryMemory() }},
		{"effacement", func() (string, error) { return tryWipe(cfg.Spool) }},
		{"conversion", func() (string, error) { return tryConvert(ctx, stderr) }},
		{"appareils", func() (string, error) {
			list, err := listDevices(ctx, cfg, stderr)
			if err != nil {
				return "", err
			}
			var table bytes.Buffer
			return fmt.Sprintf("%d", len(list)), errors.Join(tellDevices(&table, list), worstDevice(list))
		}},
	}
	trials = append(trials, browserTrials(ctx, cfg, stderr)...)
	if paper {
		trials = append(trials, trial{"reçu", func() (string, error) {
			dev := &deviceFlags{load: func() (*config.Config, error) { return cfg, nil }}
			return "imprimé", testReceipt(ctx, dev, cfg.Languages[0], io.Discard, stderr)
		}})
	}
	var checks []check
	var failed error
	for _, t := range trials {
		start := time.Now()
		detail, err := t.run()
		c := check{Name: t.name, OK: err == nil, Detail: detail, Seconds: time.Since(start).Seconds()}
		if err != nil {
			c.Detail = cli.Explain(err, "fr")
			failed = errors.Join(failed, err)
		}
		checks = append(checks, c)
		if !asJSON {
			mark := "✔"
			if !c.OK {
				mark = "✘"
			}
			fmt.Fprintf(stdout, "%s %s : %s (%.1f s)\n", mark, c.Name, c.Detail, c.Seconds)
		}
	}
	if asJSON {
		return errors.Join(writeJSON(stdout, checks), failed)
	}
	return failed
}

func tryMemory() (string, error) {
	on, err := spool.SwapActive()
	if err != nil {
		return "", err
	}
	if on {
		return "", errors.New("swap is on: a visitor's page may reach a disk; switch it off (swapoff -a)")
	}
	return "rien ne peut aller sur un disque", nil
}

// tryWipe wipes a spool beside the configured one, so that a visit on the
// screen is left alone.
func tryWipe(dir string) (string, error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	own, err := os.MkdirTemp(filepath.Dir(dir), "selftest-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(own)
	s, err := spool.Open(own, spool.Options{})
	if err != nil {
		return "", err
	}
	defer s.Close()
	if _, err := s.Put(bytes.NewReader(bytes.Repeat([]byte("page"), 1<<18))); err != nil {
		return "", err
	}
	report, err := s.Wipe()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%d fichiers effacés et vérifiés", report.Files), nil
}

// tryConvert sends a page of ours the whole way.
func tryConvert(ctx context.Context, stderr io.Writer) (string, error) {
	data, err := sample.JPEG(1, sample.Options{Total: 1})
	if err != nil {
		return "", err
	}
	docs, err := engine(stderr)
	if err != nil {
		return "", err
	}
	defer docs.Close()
	var pages []kiosk.PageRef
	in := kiosk.Input{Open: opener(data), Size: int64(len(data)), Scanned: true, DPI: 300}
	err = docs.Import(ctx, in, func(p kiosk.Page) error {
		pages = append(pages, pageRef(p, nil))
		return nil
	})
	if err != nil {
		return "", err
	}
	out, err := docs.Convert(ctx, pages, kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 500_000, MaxFiles: 1}, nil)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("une page A4 en %d octets", len(out.Files[0].Data)), nil
}
