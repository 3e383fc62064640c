package cli_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/config"
)

func TestExitCodesAndWhatIsSaid(t *testing.T) {
	_, badConfig := config.Load(strings.NewReader("lisen: x\n"), "kiosk.yaml")
	jam := fmt.Errorf("scan: %w", &kiosk.Error{Code: kiosk.CodePaperJam, Op: "escl: next document", Device: "scanner", Err: errors.New("status 503")})
	for _, c := range []struct {
		name   string
		err    error
		lang   string
		code   int
		stderr string
	}{
		{"done", nil, "fr_FR.UTF-8", cli.ExitDone, ""},
		{"an error without a code", errors.New("spool: no room"), "", cli.ExitFailed, "spool: no room\n"},
		{"a jam in French", jam, "fr_FR.UTF-8", cli.ExitHand, "Du papier est coincé : ouvrez l’appareil et retirez la feuille.\n(scan: escl: next document: paper_jam: status 503)\n"},
		{"a jam in English", jam, "en_GB.UTF-8", cli.ExitHand, "Paper jam: open the device and take the sheet out.\n(scan: escl: next document: paper_jam: status 503)\n"},
		{"a system without a language is French", &kiosk.Error{Code: kiosk.CodeUnplugged}, "C.UTF-8", cli.ExitNoDevice, "L’appareil n’est pas là : vérifiez le câble, le courant et le réseau.\n(unplugged)\n"},
		{"no answer in time", context.DeadlineExceeded, "en", cli.ExitNoDevice, "The device does not answer in time: check it, then try again.\n(context deadline exceeded)\n"},
		{"a file that can't fit", &kiosk.Error{Code: kiosk.CodeCannotFit}, "en", cli.ExitFile, "Can’t be that small and still be read: split the document.\n(cannot_fit)\n"},
		{"stopped", context.Canceled, "en", cli.ExitCanceled, "Stopped.\n(context canceled)\n"},
		{"a wrong configuration", cli.NoRestart(badConfig), "en", cli.ExitNoRestart, "kiosk.yaml:1: « lisen » n’est pas une clé connue ici : les clés possibles sont place, listen, spool, control, idle, languages, portals, catalogue, words, voice, browser, phone, fleet, devices\nkiosk.yaml:1: il manque « place: » : ajoutez-le\n"},
		{"a wrong command line", cli.Usagef("il faut un fichier"), "fr", cli.ExitUsage, "il faut un fichier\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := func(context.Context, []string, io.Reader, io.Writer, io.Writer) error { return c.err }
			code, stdout, stderr := run(t, body, c.lang)
			if code != c.code || stdout != "" || stderr != c.stderr {
				t.Errorf("got exit %d, %q, %q;\nwant %d, %q", code, stdout, stderr, c.code, c.stderr)
			}
		})
	}
}

func TestNoRestartOfNothingIsNothing(t *testing.T) {
	if err := cli.NoRestart(nil); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestProgram(t *testing.T) {
	program := cli.Program("kioskctl", "L’outil du technicien.",
		cli.Command{
			Name: "scan", Args: "FICHIER", Short: "numérise une page",
			Long: "Exemple :\n  kioskctl scan -dpi 200 page.jpg",
			Setup: func(fs *flag.FlagSet) cli.Func {
				dpi := fs.Int("dpi", 300, "la finesse, en `points` par pouce")
				gray := fs.Bool("gray", false, "en gris")
				return func(_ context.Context, args []string, stdin io.Reader, stdout, _ io.Writer) error {
					if len(args) != 1 {
						return cli.Usagef("il faut un fichier, un seul.")
					}
					in, err := io.ReadAll(stdin)
					if err != nil {
						return err
					}
					_, err = fmt.Fprintf(stdout, "%s at %d, gray %v, %q in\n", args[0], *dpi, *gray, in)
					return err
				}
			},
		},
		cli.Command{Name: "status", Short: "dit comment va la borne", Setup: func(*flag.FlagSet) cli.Func {
			return func(context.Context, []string, io.Reader, io.Writer, io.Writer) error { return nil }
		}},
	)
	for _, c := range []struct {
		name, args     string
		code           int
		stdout, stderr []string
	}{
		{"a command runs with its options and arguments", "scan -dpi 200 -gray a.jpg", 0, []string{`a.jpg at 200, gray true, "in" in`}, nil},
		{"options have defaults", "scan a.jpg", 0, []string{"a.jpg at 300, gray false"}, nil},
		{"help lists the commands", "help", 0, []string{"L’outil du technicien.", "kioskctl COMMANDE", "  scan     numérise une page", "  status   dit comment va la borne", "kioskctl help COMMANDE"}, nil},
		{"-h is help", "--help", 0, []string{"Commandes :"}, nil},
		{"help explains a command", "help scan", 0, []string{"numérise une page", "kioskctl scan [options] FICHIER", "kioskctl scan -dpi 200 page.jpg", "--dpi points", "la finesse, en points par pouce (sans cette option : 300)", "--gray\n        en gris\n", "Codes de sortie"}, nil},
		{"so does -h", "scan -h", 0, []string{"kioskctl scan [options] FICHIER"}, nil},
		{"no command", "", 2, nil, []string{"scan     numérise", "il manque la commande", "Aide : kioskctl help"}},
		{"an unknown command", "scna", 2, nil, []string{"kioskctl : la commande « scna » n’existe pas.", "Aide : kioskctl help"}},
		{"help about an unknown command", "help scna", 2, nil, []string{"« scna » n’existe pas"}},
		{"an unknown option", "scan -x a.jpg", 2, nil, []string{"kioskctl scan : l’option « -x » n’existe pas.", "Aide : kioskctl scan -h"}},
		{"an option without its value", "scan -dpi", 2, nil, []string{"l’option « -dpi » demande une valeur"}},
		{"an option with a wrong value", "scan -dpi many a.jpg", 2, nil, []string{`la valeur "many" n’est pas possible pour l’option « -dpi »`}},
		{"a missing argument", "scan", 2, nil, []string{"kioskctl scan : il faut un fichier, un seul.", "Aide : kioskctl scan -h"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, stderr := run(t, program, "fr", strings.Fields(c.args)...)
			if code != c.code || (stdout == "") != (c.stdout == nil) || (stderr == "") != (c.stderr == nil) {
				t.Errorf("got exit %d\nstdout %s\nstderr %s", code, stdout, stderr)
			}
			for _, want := range c.stdout {
				if !strings.Contains(stdout, want) {
					t.Errorf("no %q in\n%s", want, stdout)
				}
			}
			for _, want := range c.stderr {
				if !strings.Contains(stderr, want) {
					t.Errorf("no %q in\n%s", want, stderr)
				}
			}
		})
	}
}

// The test program runs itself as a command and sends it a signal.
func TestASignalEndsTheContext(t *testing.T) {
	if os.Getenv("CLI_TEST_CHILD") != "" {
		os.Args = os.Args[:1] // the rest is for the test program
		cli.Main(cli.Single(cli.Command{Name: "child", Setup: func(*flag.FlagSet) cli.Func {
			return func(ctx context.Context, _ []string, _ io.Reader, stdout, _ io.Writer) error {
				fmt.Fprintln(stdout, "ready")
				<-ctx.Done()
				return context.Canceled
			}
		}}))
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestASignalEndsTheContext$")
	cmd.Env = append(os.Environ(), "CLI_TEST_CHILD=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
		t.Errorf("the child did not start: %v", err)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != cli.ExitCanceled {
		t.Errorf("got %v, want exit status %d", err, cli.ExitCanceled)
	}
}

func TestEveryCodeHasItsLineInBothLanguages(t *testing.T) {
	codes := codesOf(t, "../../../kiosk/error.go")
	if len(codes) < 30 {
		t.Fatalf("found %d codes only", len(codes))
	}
	for _, c := range codes {
		fr, en := cli.CodeText(c, "fr"), cli.CodeText(c, "en")
		if fr == string(c) || en == string(c) || fr == en || strings.Contains(fr+en, "\n") {
			t.Errorf("add a line for %q to codes.go in French and English; got %q and %q", c, fr, en)
		}
	}
	if got := cli.CodeText("new_code", "fr"); got != "new_code" {
		t.Errorf("an unknown code: got %q", got)
	}
}

// codesOf reads the values of the Code constants from their source, so that a
// new one can't be forgotten here.
func codesOf(t *testing.T, path string) []kiosk.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []kiosk.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "Code" {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		codes = append(codes, kiosk.Code(value))
		return true
	})
	return codes
}

func run(t *testing.T, f cli.Func, lang string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	getenv := func(key string) string {
		if key == "LANG" {
			return lang
		}
		return ""
	}
	code = cli.Run(t.Context(), f, args, strings.NewReader("in"), &out, &errs, getenv)
	return code, out.String(), errs.String()
}

// A technician writes options where they come to mind: none of them may be
// taken for a file.
func TestOptionsMayFollowTheFiles(t *testing.T) {
	program := cli.Program("kioskctl", "L’outil du technicien.", cli.Command{
		Name: "convert", Args: "FICHIER…",
		Setup: func(fs *flag.FlagSet) cli.Func {
			out := fs.String("o", "", "`fichier`")
			gray := fs.Bool("gray", false, "en gris")
			return func(_ context.Context, args []string, _ io.Reader, stdout, _ io.Writer) error {
				_, err := fmt.Fprintf(stdout, "%q to %q, gray %v\n", args, *out, *gray)
				return err
			}
		},
	})
	for _, c := range []struct {
		args, stdout string
		code         int
	}{
		{"-o x.pdf a.jpg b.jpg", "[\"a.jpg\" \"b.jpg\"] to \"x.pdf\", gray false\n", cli.ExitDone},
		{"a.jpg b.jpg -o x.pdf", "[\"a.jpg\" \"b.jpg\"] to \"x.pdf\", gray false\n", cli.ExitDone},
		{"a.jpg --gray b.jpg -o=x.pdf", "[\"a.jpg\" \"b.jpg\"] to \"x.pdf\", gray true\n", cli.ExitDone},
		{"-o x.pdf a.jpg -- -gray --", "[\"a.jpg\" \"-gray\" \"--\"] to \"x.pdf\", gray false\n", cli.ExitDone},
		{"-o x.pdf a.jpg -", "[\"a.jpg\" \"-\"] to \"x.pdf\", gray false\n", cli.ExitDone},
		{"a.jpg --wrong", "", cli.ExitUsage},
		{"a.jpg -o", "", cli.ExitUsage},
	} {
		code, stdout, stderr := run(t, program, "fr", append([]string{"convert"}, strings.Fields(c.args)...)...)
		if code != c.code || stdout != c.stdout {
			t.Errorf("convert %s: exit %d, %q, %q; want %d, %q", c.args, code, stdout, stderr, c.code, c.stdout)
		}
	}
}
