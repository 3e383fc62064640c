// Package cli is what every command of the project does the same way: help
// that a technician can follow, signals, exit codes, and one clear line for
// each fault.
//
// Exit codes: see the Exit constants. Texts are in French, faults also in
// English when the system's language says so (LC_ALL, LC_MESSAGES, LANG).
package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"pointnum/kiosk"
	"pointnum/kiosk/yamlfile"
)

// The exit codes, for scripts and for systemd.
const (
	ExitDone      = 0
	ExitFailed    = 1
	ExitUsage     = 2   // the command line is wrong
	ExitHand      = 3   // a device waits for somebody: paper, cover, jam, key
	ExitNoDevice  = 4   // a device is not there or does not answer
	ExitFile      = 5   // the file can't be read, or can't be made that small
	ExitNoRestart = 125 // starting again won't help: the configuration is wrong (RestartPreventExitStatus)
	ExitCanceled  = 130 // stopped by Ctrl-C or by a signal before it was done
)

// Func is the body of a command. ctx ends with the first SIGINT or SIGTERM;
// args are what follows the command's name. A service that ends because ctx
// ended returns nil; a task that was not finished returns the cause.
type Func func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error

// Main runs a command with what the system gives it and ends the process. It
// is all that a main function holds. A second signal kills the process.
func Main(run Func) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	code := Run(ctx, run, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv)
	stop()
	os.Exit(code)
}

// Run runs a command, tells its error on stderr and returns its exit code.
// getenv is os.Getenv, or a test's.
func Run(ctx context.Context, run Func, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) int {
	err := run(ctx, args, stdin, stdout, stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return ExitDone
	}
	fmt.Fprintln(stderr, Explain(err, Lang(getenv)))
	return exitCode(err)
}

// usageError is a wrong command line.
type usageError struct {
	text string
	help string // the command that shows the help; may be empty
}

func (e *usageError) Error() string {
	if e.help == "" {
		return e.text
	}
	return e.text + "\nAide : " + e.help
}

// Usagef makes an error about the command line: exit code ExitUsage.
func Usagef(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}

// noRestart marks an error that a restart does not cure.
type noRestart struct{ error }

func (e noRestart) Unwrap() error { return e.error }

// NoRestart marks an error that starting again does not cure, so that the
// supervisor leaves the service stopped: exit code ExitNoRestart. It returns
// nil for nil.
func NoRestart(err error) error {
	if err == nil {
		return nil
	}
	return noRestart{err}
}

func exitCode(err error) int {
	if _, ok := errors.AsType[*usageError](err); ok {
		return ExitUsage
	}
	if _, ok := errors.AsType[noRestart](err); ok {
		return ExitNoRestart
	}
	return codeTable[kiosk.CodeOf(err)].exitOr(ExitFailed)
}

// Explain gives an error as a technician should read it: what to do first,
// then the words of the parts that failed.
func Explain(err error, lang string) string {
	if _, ok := errors.AsType[*usageError](err); ok {
		return err.Error()
	}
	if problems, ok := errors.AsType[yamlfile.Problems](err); ok {
		return problems.Error()
	}
	code := kiosk.CodeOf(err)
	if code == kiosk.CodeInternal {
		return err.Error()
	}
	return fmt.Sprintf("%s\n(%v)", CodeText(code, lang), err)
}

// Lang is "en" when the system's language is English, else "fr".
func Lang(getenv func(string) string) string {
	for _, key := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := getenv(key); v != "" {
			if strings.HasPrefix(strings.ToLower(v), "en") {
				return "en"
			}
			return "fr"
		}
	}
	return "fr"
}
