// Command kioskctl is the technician's and operator's tool: it converts files
// as the kiosk would, tries each device, tests a kiosk and asks the running
// agent how it is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/control"
	"pointnum/kiosk/document"
)

func main() {
	if document.IsChild() {
		document.RunChild()
	}
	cli.Main(cli.Program("kioskctl", "L’outil de la borne, pour la technicienne et le technicien.",
		convertCommand(), inspectCommand(), devicesCommand(), scanCommand(), printCommand(), receiptCommand(),
		diagCommand(), faultCommand(), installCommand(), disposeCommand(), selftestCommand(), statusCommand(), enrolCommand(), policiesCommand(), firewallCommand(),
		healthCommand(), updateCommand(), networkCommand(), clockCommand(), powerCommand(), setupCommand(), confCommand()))
}

// configFlag adds -config and returns how to load it. A default file that is
// not there is an empty configuration: the tool also works away from a kiosk.
func configFlag(fs *flag.FlagSet) func() (*config.Config, error) {
	path := fs.String("config", config.DefaultPath, "`fichier` de configuration de la borne")
	return func() (*config.Config, error) {
		c, err := config.LoadFile(*path)
		if errors.Is(err, errNotExist) && *path == config.DefaultPath {
			return config.Default(), nil
		}
		return c, err
	}
}

// agentFlags adds -config and -control and returns how to reach the agent.
func agentFlags(fs *flag.FlagSet) func() (control.Client, error) {
	load := configFlag(fs)
	socket := fs.String("control", "", "`prise` de la borne, à la place de celle de la configuration")
	return func() (control.Client, error) {
		if *socket != "" {
			return control.Client{Path: *socket}, nil
		}
		c, err := load()
		if err != nil {
			return control.Client{}, err
		}
		return control.Client{Path: c.Control}, nil
	}
}

// notRunning says what to do when the agent does not answer; any other error
// stays as it is.
func notRunning(stderr io.Writer, err error) error {
	if !errors.Is(err, control.ErrNotRunning) {
		return err
	}
	fmt.Fprintln(stderr, "La borne n’est pas en marche : démarrez kioskd.")
	return &kiosk.Error{Code: kiosk.CodeNotResponding, Op: "kioskctl", Err: err}
}

var errNotExist = fs.ErrNotExist

// logTo is the tool's log: warnings on stderr.
func logTo(stderr io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// stewardLog is the log of what runs as root for the agent: the journal keeps
// what was changed.
func stewardLog(stderr io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(stderr, nil))
}

// writeJSON writes a value for scripts.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

// engine starts the document engine for one command; the caller closes it.
func engine(stderr io.Writer) (*document.Engine, error) {
	return document.New(document.Options{Log: logTo(stderr)})
}

// body is a command's work once its options are read.
type body func(ctx context.Context, args []string, stdout, stderr io.Writer) error

func (b body) run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
	return b(ctx, args, stdout, stderr)
}
