package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/cmd/internal/fault"
	"pointnum/kiosk/config"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/update"
)

func faultCommand() cli.Command {
	return cli.Command{
		Name: "fault", Short: "montrer la page de panne quand kioskd ne peut pas marcher",
		Long: `Pour les services de la borne, pas pour la main. Avec --serve, l’écran de la borne commence à http://` + fault.Listen + `/ :
la page mène à l’agent dès qu’il répond ; sinon elle dit au visiteur d’aller à l’accueil et montre un code (P1, P2…) et
un code QR : le code, la version, la borne, le démarrage. Avec --note, root garde comment l’agent a fini (ExecStopPost).
Sans option : la dernière note.

  kioskctl fault`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			load := configFlag(fs)
			serve := fs.Bool("serve", false, "servir la page de panne")
			note := fs.Bool("note", false, "garder comment l’agent a fini")
			path := fs.String("file", fault.NotePath, "`fichier` de la note")
			listen := fs.String("listen", fault.Listen, "`adresse` de la page")
			to := fs.String("agent", "http://"+config.Default().Listen+"/", "`adresse` de l’écran de l’agent")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				switch {
				case *serve:
					ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *listen)
					if err != nil {
						return fmt.Errorf("fault: %w", err)
					}
					return fault.Serve(ctx, fault.Options{Agent: *to, Note: *path, Log: logTo(stderr)}, ln)
				case *note:
					cfg, err := load()
					if err != nil { // that may be the very fault
						cfg = config.Default()
					}
					return fault.Write(*path, noteNow(cfg))
				}
				n, err := fault.Read(*path)
				if err != nil {
					return err
				}
				return writeJSON(stdout, n)
			}).run
		},
	}
}

// noteNow is how the agent ended, as systemd tells it to an ExecStopPost
// (systemd.exec(5)); without that, only whose kiosk it is.
func noteNow(cfg *config.Config) fault.Note {
	n := fault.Note{Version: imageVersion(), Result: os.Getenv("SERVICE_RESULT"), Status: os.Getenv("EXIT_STATUS"), At: time.Now()}
	if id, err := enrol.Load(filepath.Join(cfg.Fleet.Dir, "identity.json")); err == nil {
		n.Kiosk = id.Kiosk()
	}
	var st unix.Statfs_t
	if err := unix.Statfs(cfg.Fleet.Dir, &st); err == nil && n.Result != "success" {
		n.Full = st.Blocks > 0 && st.Bavail*200 < st.Blocks // half a percent
	}
	return n
}

// imageVersion is that of the system's image, or of this program without one.
func imageVersion() string {
	if v, err := update.ImageVersion(update.OSRelease); err == nil && v != "" {
		return v
	}
	return agent.Version
}
