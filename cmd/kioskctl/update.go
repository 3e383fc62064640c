package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/steward"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
	"pointnum/provisioning/update/install"
)

func updateCommand() cli.Command {
	return cli.Command{
		Name: "update", Args: "[key FICHIER | sign DOSSIER | verify DOSSIER]",
		Short: "les mises à jour du système de la borne, et leur signature",
		Long: `Pour qui publie une version :

  kioskctl update key release.key          crée une clé ; écrit la ligne publique pour release.pub
  kioskctl update sign --key release.key --minimum 1.0.0 --notes "…" DOSSIER
                                           écrit manifest.json et manifest.json.sig à côté des fichiers
  kioskctl update verify DOSSIER           contrôle la signature et chaque fichier

La clé privée n’est jamais affichée. Gardez-la hors ligne : qui l’a peut mettre à jour toutes les bornes.`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			var o updateOptions
			fs.StringVar(&o.key, "key", "", "`fichier` de la clé privée qui signe")
			fs.StringVar(&o.keys, "keys", "", "`fichier` des clés publiques, à la place de "+update.KeysFile)
			fs.StringVar(&o.minimum, "minimum", "", "`version` la plus ancienne qui peut passer à celle-ci")
			fs.StringVar(&o.notes, "notes", "", "ce qui change, en une `phrase`")
			fs.StringVar(&o.arch, "arch", "amd64", "`machine` de cette version")
			fs.BoolVar(&o.steward, "steward", false, "écrire la version que l’agent demande (pour systemd, avec les droits de root)")
			return func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
				if o.steward && len(args) == 0 {
					return updateSteward(ctx, stdin, stdout)
				}
				return o.run(ctx, args, stdout, stderr)
			}
		},
	}
}

// updateOptions are what a command line of "update" says.
type updateOptions struct {
	key, keys, minimum, notes, arch string
	steward                         bool
}

// updateSteward is root's side: paths and keys are those of the system, never
// those of whoever asks.
func updateSteward(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	return steward.Answer(ctx, stdin, stdout, func(ctx context.Context, request []byte) (any, error) {
		running, err := update.ImageVersion(update.OSRelease)
		if err != nil {
			return nil, err
		}
		if running == "" {
			return nil, &kiosk.Error{Code: provisioning.CodeUpdateForeign, Op: "update"}
		}
		keys, err := update.LoadKeys("")
		if err != nil {
			return nil, err
		}
		return install.Do(ctx, install.Options{Keys: keys, Arch: runtime.GOARCH, Running: running}, request)
	})
}

func (o *updateOptions) run(ctx context.Context, args []string, stdout, _ io.Writer) error {
	if len(args) == 2 {
		switch args[0] {
		case "key":
			return newReleaseKey(args[1], stdout)
		case "sign":
			return o.sign(ctx, args[1], stdout)
		case "verify":
			return o.verify(ctx, args[1], stdout)
		}
	}
	return cli.Usagef("que faire ? key FICHIER, sign DOSSIER ou verify DOSSIER")
}

func newReleaseKey(path string, stdout io.Writer) error {
	public, err := update.NewKey(path)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, update.PublicLine(public))
	return err
}

func (o *updateOptions) sign(ctx context.Context, dir string, stdout io.Writer) error {
	if o.key == "" {
		return cli.Usagef("donnez la clé privée : --key FICHIER")
	}
	key, err := update.LoadPrivateKey(o.key)
	if err != nil {
		return err
	}
	created := time.Now().Unix()
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" { // reproducible builds
		if created, err = strconv.ParseInt(epoch, 10, 64); err != nil {
			return cli.Usagef("SOURCE_DATE_EPOCH n’est pas un nombre")
		}
	}
	m, err := update.WriteManifest(ctx, dir, update.Manifest{Arch: o.arch, Minimum: o.minimum, Notes: o.notes, Created: created})
	if err != nil {
		return err
	}
	if err := update.SignFolder(dir, key); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "Version %s signée : %d fichiers, %d octets.\n", m.Version, len(m.Files), m.Size())
	return err
}

func (o *updateOptions) verify(ctx context.Context, dir string, stdout io.Writer) error {
	keys, err := update.LoadKeys(o.keys)
	if err != nil {
		return err
	}
	m, err := update.Verify(ctx, keys, dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "Version %s : signature et %d fichiers justes, %d octets.\n", m.Version, len(m.Files), m.Size())
	return err
}
