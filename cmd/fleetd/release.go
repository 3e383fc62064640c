package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/release"
	"pointnum/provisioning/fleet/store"
	"pointnum/provisioning/update"
)

// shelf is the folder of the releases of a configuration. Without "keys:" and
// without the file of the package there is none: nothing could be checked.
func (c *config) shelf() (*release.Shelf, error) {
	path := c.ReleaseKeys
	if path == "" {
		path = update.KeysFile
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil, nil //nolint:nilnil // no releases is a good answer
		}
	}
	keys, err := update.LoadKeys(path)
	if err != nil {
		return nil, err
	}
	dir := c.ReleaseDir
	if dir == "" {
		dir = filepath.Join(c.Dir, "releases")
	}
	return release.Open(dir, keys), nil
}

func releaseCommand() cli.Command {
	return cli.Command{
		Name: "release", Args: "add DOSSIER | list | remove VERSION", Short: "les versions du système des bornes que ce serveur donne",
		Long: `Le dossier d’une version vient de « make image » : ses fichiers, manifest.json et sa signature. Il est vérifié,
puis copié. Les bornes ne la prennent que lorsqu’un déploiement commence, dans la console, page « Mises à jour ».

  fleetd release add /media/cle/pointnum-2.0.0
  fleetd release list -json
  fleetd release remove 1.9.0        (pas pendant son déploiement)`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			asJSON := fs.Bool("json", false, "écrire la liste en JSON")
			return operated(fs, "", func(ctx context.Context, c *config, args []string, stdout io.Writer) error {
				if len(args) == 0 || (args[0] == "list") != (len(args) == 1) || len(args) > 2 {
					return cli.Usagef("écrivez add et le dossier, list, ou remove et la version")
				}
				s, err := c.shelf()
				if err != nil {
					return err
				}
				if s == nil {
					return cli.Usagef("il manque les clés des versions : « releases: keys: » dans la configuration")
				}
				return withStore(ctx, c, func(db *store.Store) error {
					switch args[0] {
					case "add":
						return addRelease(ctx, db, s, args[1], stdout)
					case "remove":
						return removeRelease(ctx, db, s, args[1])
					case "list":
						return listReleases(ctx, db, s, *asJSON, stdout)
					}
					return cli.Usagef("« %s » : écrivez add, list ou remove", args[0])
				})
			})
		},
	}
}

// addRelease may be cut short between its two halves, and is then done again:
// several servers share the database, and each has its own folder.
func addRelease(ctx context.Context, db *store.Store, s *release.Shelf, dir string, stdout io.Writer) error {
	m, err := s.Add(ctx, dir)
	there := errors.Is(err, fleet.ErrExists)
	if err != nil && !there {
		return err
	}
	switch err := db.AddRelease(ctx, release.Of(m)); {
	case errors.Is(err, fleet.ErrExists) && there:
		return fmt.Errorf("%s: %w", m.Version, fleet.ErrExists)
	case err != nil && !errors.Is(err, fleet.ErrExists):
		return err
	}
	if err := audit(ctx, db, "", "release/add", m.Version); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "version %s, %d Mo : vérifiée et copiée\n", m.Version, m.Size()>>20)
	return err
}

// removeRelease asks the database first: an open rollout keeps its files.
func removeRelease(ctx context.Context, db *store.Store, s *release.Shelf, version string) error {
	err := db.RemoveRelease(ctx, version)
	if errors.Is(err, fleet.ErrInUse) {
		return cli.Usagef("la version %s est en déploiement : arrêtez-le d’abord, dans la console", version)
	}
	gone := s.Remove(version)
	if errors.Is(err, fleet.ErrNotFound) && !errors.Is(gone, fleet.ErrNotFound) {
		err = nil // another server has forgotten it, this one had its files
	}
	if errors.Is(gone, fleet.ErrNotFound) && err == nil {
		gone = nil
	}
	if err := errors.Join(err, gone); err != nil {
		return err
	}
	return audit(ctx, db, "", "release/remove", version)
}

// listed is a release as -json writes it.
type listed struct {
	Version string    `json:"version"`
	Minimum string    `json:"minimum,omitempty"`
	Arch    string    `json:"arch"`
	Size    int64     `json:"size"`
	Created time.Time `json:"created"`
	Added   time.Time `json:"added"`
	Notes   string    `json:"notes,omitempty"`
	Here    bool      `json:"here"` // its files are on this server
}

func listReleases(ctx context.Context, db *store.Store, s *release.Shelf, asJSON bool, stdout io.Writer) error {
	all, err := db.Releases(ctx)
	if err != nil {
		return err
	}
	out := []listed{}
	for _, r := range all {
		out = append(out, listed{r.Version, r.Minimum, r.Arch, r.Size, r.Created, r.Added, r.Notes, s.Has(r.Version)})
	}
	if asJSON {
		return json.NewEncoder(stdout).Encode(out)
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	for _, r := range out {
		here := ""
		if !r.Here {
			here = "fichiers absents de ce serveur"
		}
		fmt.Fprintf(w, "%s\t%s\t%d Mo\t%s\t%s\n", r.Version, r.Arch, r.Size>>20, r.Added.Format(time.DateOnly), here)
	}
	return w.Flush()
}
