package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/control"
	"pointnum/kiosk/steward"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
	"pointnum/provisioning/update/install"
)

func updateCommand() cli.Command {
	return cli.Command{
		Name: "update", Args: "[status | now | cancel | usb | key FICHIER | sign DOSSIER | verify DOSSIER]",
		Short: "les mises à jour du système de la borne, et leur signature",
		Long: `Une mise à jour arrive d’elle-même, et s’installe quand le lieu est fermé. Si la nouvelle version ne va pas,
la borne revient seule à l’ancienne.

  kioskctl update                          où en est la mise à jour
  kioskctl update now                      ne pas attendre la fermeture (jamais pendant une visite) ; montre
                                           la suite jusqu’au redémarrage (Ctrl-C : elle continue sans vous)
  kioskctl update cancel                   y renoncer, tant que rien n’est écrit
  kioskctl update usb                      prendre celle du dossier « pointnum-update » d’une clé USB
  kioskctl update --from /media/cle/pointnum-update

Pour qui publie une version :

  kioskctl update key release.key          crée une clé ; écrit la ligne publique pour release.pub
  kioskctl update sign --key release.key --minimum 1.0.0 --notes "…" DOSSIER
                                           écrit manifest.json et manifest.json.sig à côté des fichiers
  kioskctl update verify DOSSIER           contrôle la signature et chaque fichier

La clé privée n’est jamais affichée. Gardez-la hors ligne : qui l’a peut mettre à jour toutes les bornes.`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			o := updateOptions{dial: agentFlags(fs)}
			fs.StringVar(&o.key, "key", "", "`fichier` de la clé privée qui signe")
			fs.StringVar(&o.keys, "keys", "", "`fichier` des clés publiques, à la place de "+update.KeysFile)
			fs.StringVar(&o.minimum, "minimum", "", "`version` la plus ancienne qui peut passer à celle-ci")
			fs.StringVar(&o.notes, "notes", "", "ce qui change, en une `phrase`")
			fs.StringVar(&o.arch, "arch", "amd64", "`machine` de cette version")
			fs.StringVar(&o.from, "from", "", "prendre la version de ce `dossier`, sans attendre la fermeture")
			fs.BoolVar(&o.again, "again", false, "même si la borne est déjà revenue de cette version")
			fs.BoolVar(&o.asJSON, "json", false, "répondre en JSON")
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
	dial                            func() (control.Client, error)
	key, keys, minimum, notes, arch string
	from                            string
	again, asJSON, steward          bool
}

func (o *updateOptions) run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
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
	word := strings.Join(args, " ")
	ask := control.UpdateAsk{From: o.from, Again: o.again}
	switch {
	case word == "usb" && o.from == "":
		var err error
		if ask.From, err = onlyStick(); err != nil {
			return err
		}
		ask.Do = control.UpdateFrom
	case word == "" && o.from != "":
		var err error
		if ask.From, err = filepath.Abs(o.from); err != nil {
			return fmt.Errorf("update: %w", err)
		}
		ask.Do = control.UpdateFrom
	case (word == "now" || word == "cancel") && o.from == "":
		ask.Do = control.UpdateDo(word)
	case word != "" && word != "status" || o.from != "":
		return cli.Usagef("que faire ? status, now, cancel, usb, key FICHIER, sign DOSSIER ou verify DOSSIER")
	}
	return o.ask(ctx, ask, stdout, stderr)
}

// ask has the agent do something about the update, and tells how it stands.
func (o *updateOptions) ask(ctx context.Context, a control.UpdateAsk, stdout, stderr io.Writer) error {
	agent, err := o.dial()
	if err != nil {
		return err
	}
	var u control.Update
	if a.Do == "" {
		u, err = agent.Update(ctx)
	} else {
		u, err = agent.ChangeUpdate(ctx, a)
	}
	if err != nil {
		return notRunning(stderr, err)
	}
	switch {
	case o.asJSON:
		return writeJSON(stdout, u)
	case a.Do == control.UpdateFrom, a.Do == control.UpdateNow:
		return follow(ctx, agent, u, stdout)
	}
	tellUpdate(stdout, &u)
	return nil
}

// follow tells how an update goes on, for the technician who waits beside it,
// until the kiosk starts anew or gives it up. Whoever leaves stops nothing.
func follow(ctx context.Context, agent control.Client, u control.Update, stdout io.Writer) error {
	var told string
	for {
		var line strings.Builder
		phase := provisioning.UpdatePhase(u.Phase)
		switch phase {
		case provisioning.UpdateFailed: // the error says it
		case provisioning.UpdateWaiting:
			fmt.Fprintf(&line, "système : la version %s est prête et attend la fin de la visite\n", u.Wanted)
		case provisioning.UpdateTrying:
			fmt.Fprintf(&line, "système : la version %s est écrite ; la borne redémarre pour l’essayer\n", u.Wanted)
		default:
			tellUpdate(&line, &u)
		}
		if line.String() != told {
			told = line.String()
			fmt.Fprint(stdout, told)
		}
		switch phase {
		case provisioning.UpdateFailed, provisioning.UpdateReturned:
			err := &kiosk.Error{Code: u.Code, Op: "update: " + u.Wanted}
			if u.Detail != "" {
				err.Err = errors.New(u.Detail)
			}
			return err
		case provisioning.UpdateIdle, provisioning.UpdateDone, provisioning.UpdateTrying:
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(followEvery):
		}
		next, err := agent.Update(ctx)
		if err != nil && phase == provisioning.UpdateInstalling {
			fmt.Fprintln(stdout, "la borne redémarre")
			return nil
		} else if err != nil {
			return err
		}
		u = next
	}
}

// followEvery is how often follow looks.
const followEvery = 500 * time.Millisecond

// onlyStick is the folder of the release on a USB stick.
func onlyStick() (string, error) {
	found, err := update.Sticks()
	if err != nil {
		return "", err
	}
	switch len(found) {
	case 0:
		return "", &kiosk.Error{Code: provisioning.CodeUpdateMissing, Op: "update: no stick with a folder " + update.StickFolder}
	case 1:
		return found[0], nil
	}
	return "", cli.Usagef("plusieurs clés ont une mise à jour : choisissez avec --from %s", strings.Join(found, ", --from "))
}

// tellUpdate says in one sentence how the system stands; what can't be updated
// this way has a sentence of its own.
func tellUpdate(w io.Writer, u *control.Update) {
	if !u.Image {
		fmt.Fprintln(w, "système : pas l’image de la borne ; ses paquets se mettent à jour avec apt")
		return
	}
	line := "système : version " + u.Version
	switch provisioning.UpdatePhase(u.Phase) {
	case provisioning.UpdateIdle:
		line += ", aucune mise à jour demandée"
	case provisioning.UpdateFetching:
		line += fmt.Sprintf(" ; la version %s se télécharge, %d %%", u.Wanted, u.Percent)
	case provisioning.UpdateWaiting:
		line += fmt.Sprintf(" ; la version %s est prête et attend la fermeture (« kioskctl update now » pour ne pas attendre)", u.Wanted)
	case provisioning.UpdateInstalling:
		line += fmt.Sprintf(" ; la version %s s’écrit", u.Wanted)
	case provisioning.UpdateTrying:
		line += fmt.Sprintf(" ; la version %s est à l’essai, ou attend le redémarrage", u.Wanted)
	case provisioning.UpdateDone:
		line += ", à jour"
	case provisioning.UpdateReturned:
		line = fmt.Sprintf("! système : la version %s n’a pas réussi son contrôle ; la borne est revenue à la version %s", u.Wanted, u.Version)
	default:
		line = fmt.Sprintf("! système : version %s ; la version %s n’est pas installée", u.Version, u.Wanted)
	}
	if u.Code != "" && provisioning.UpdatePhase(u.Phase) != provisioning.UpdateReturned {
		line += fmt.Sprintf(" : %s (%s)", cli.CodeText(u.Code, "fr"), u.Code)
	}
	fmt.Fprintln(w, line)
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
