package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"golang.org/x/sys/unix"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/control"
	"pointnum/kiosk/steward"
	"pointnum/provisioning/setup"
)

func setupCommand() cli.Command {
	return cli.Command{
		Name: "setup", Short: "refaire la mise en service de la borne sur son écran",
		Long: `Au premier démarrage, la borne la montre toute seule. Elle peut aussi suivre un fichier borne.txt, posé
sur la partition KIOSK-CONF : « kioskctl setup --example » en donne un où chaque clé est expliquée.

  kioskctl setup --again          recommencer ; ce que la borne a reste jusqu’à la fin
  kioskctl setup --again --yes    sans poser la question
  kioskctl setup --code           donner un nouveau code technique, pour le menu sur l’écran de la borne
  kioskctl setup --example > borne.txt`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			dial := agentFlags(fs)
			again := fs.Bool("again", false, "recommencer la mise en service")
			sure := fs.Bool("yes", false, "ne pas poser la question")
			code := fs.Bool("code", false, "donner un nouveau code technique")
			example := fs.Bool("example", false, "écrire un borne.txt expliqué, puis finir")
			return func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
				switch {
				case *example && len(args) == 0:
					_, err := io.WriteString(stdout, setup.ConfExample())
					return err
				case *code && !*again && len(args) == 0:
					return newCode(ctx, dial, stdout, stderr)
				case !*again || *code || len(args) > 0:
					return cli.Usagef("écrivez kioskctl setup --again, ou kioskctl setup --code")
				case !*sure && !agreed(stdin, stderr, "Recommencer la mise en service sur l’écran de la borne ? Écrivez « oui » : "):
					return &kiosk.Error{Code: kiosk.CodeCanceled, Op: "kioskctl: setup"}
				}
				agent, err := dial()
				if err != nil {
					return err
				}
				if err := agent.SetUp(ctx); err != nil {
					return notRunning(stderr, err)
				}
				_, err = fmt.Fprintln(stdout, "La mise en service vient sur l’écran dès qu’aucune visite n’est en cours.")
				return err
			}
		},
	}
}

// newCode shows a new technician's code, the only time that anybody does.
func newCode(ctx context.Context, dial func() (control.Client, error), stdout, stderr io.Writer) error {
	agent, err := dial()
	if err != nil {
		return err
	}
	code, err := agent.NewCode(ctx)
	if err != nil {
		return notRunning(stderr, err)
	}
	_, err = fmt.Fprintf(stdout, "Code technique : %s\nNotez-le : personne ne peut le redire. Celui d’avant n’ouvre plus rien.\n", code)
	return err
}

// agreed asks and says whether the answer is yes.
func agreed(stdin io.Reader, stderr io.Writer, question string) bool {
	fmt.Fprint(stderr, question)
	line, err := bufio.NewReader(io.LimitReader(stdin, 100)).ReadString('\n')
	return (err == nil || errors.Is(err, io.EOF)) && strings.EqualFold(strings.TrimSpace(line), "oui")
}

func confCommand() cli.Command {
	return cli.Command{
		Name: "conf", Short: "lire borne.txt, ou en effacer les secrets qui ont servi",
		Long: `  kioskctl conf                 dire si borne.txt est juste, et ce qui y manque
  kioskctl conf --dir /media/x  celui d’une autre partition

Avec --steward, la demande est lue sur l’entrée : c’est ainsi que l’agent, qui n’est pas root, fait effacer le code et
le mot de passe du Wi-Fi dès qu’ils ont servi.`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			dir := fs.String("dir", agent.ConfDir, "`dossier` de borne.txt")
			asked := fs.Bool("steward", false, "répondre à une demande de l’agent")
			return func(ctx context.Context, args []string, stdin io.Reader, stdout, _ io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("argument inattendu : %s", args[0])
				}
				if *asked {
					return steward.Answer(ctx, stdin, stdout, func(_ context.Context, request []byte) (any, error) { return blank(*dir, request) })
				}
				c, err := setup.LoadConf(*dir)
				if err != nil {
					return err
				}
				return tellConf(stdout, c)
			}
		},
	}
}

func tellConf(w io.Writer, c *setup.Conf) error {
	var asked []string
	for _, part := range []struct {
		missing bool
		name    string
	}{
		{c.Language == "", "la langue"},
		{!c.Alone && c.Server == "", "l’adresse de la supervision"},
		{!c.Alone && c.Code == "", "le code"},
		{c.Alone && c.Place.Name == "", "le nom du lieu"},
	} {
		if part.missing {
			asked = append(asked, part.name)
		}
	}
	text := "borne.txt est juste : la borne se met en service toute seule."
	if len(asked) > 0 {
		text = "borne.txt est juste. La borne demandera : " + strings.Join(asked, ", ") + "."
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// blank does what the agent asks. The partition is read-only but for the
// moment that this takes.
func blank(dir string, request []byte) (answer any, err error) {
	var b setup.Blank
	d := json.NewDecoder(bytes.NewReader(request))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return nil, &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "conf", Err: err}
	}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); errors.Is(err, unix.ENOENT) {
		return "ok", nil // no such partition: nothing to take out
	} else if err != nil {
		return nil, fmt.Errorf("conf: %w", err)
	}
	if flags := uintptr(st.Flags); flags&unix.ST_RDONLY != 0 {
		// The flags of statfs(2) are those of mount(2).
		keep := flags & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_SYNCHRONOUS)
		if err := unix.Mount("", dir, "", keep|unix.MS_REMOUNT, ""); err != nil {
			return nil, fmt.Errorf("conf: make it writable: %w", err)
		}
		defer func() {
			if back := unix.Mount("", dir, "", keep|unix.MS_REMOUNT|unix.MS_RDONLY, ""); back != nil {
				err = errors.Join(err, fmt.Errorf("conf: make it read-only again: %w", back))
			}
		}()
	}
	return "ok", setup.BlankFile(dir, b)
}
