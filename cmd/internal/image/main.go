// Command image makes the system of a kiosk: a disk image to write on a stick
// or a disk, and the release that updates kiosks to the same version.
//
// It needs root, for the owners of the system's files, and neither loop
// devices nor mounts. What goes in is in provisioning/image: Debian's packages
// by their names, and an overlay of files; and the project's own packages.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"pointnum/cmd/internal/cli"
)

func main() { cli.Main(cli.Single(command())) }

// maker makes images.
type maker struct {
	version string
	source  string // provisioning/image
	debs    string // folder of the project's packages
	out     string
	cache   string
	keys    string
	epoch   int64  // of every file in the image
	edit    string // program that may change the tree
	disk    bool
	bare    bool // plain Debian instead
	log     io.Writer
	began   time.Time
}

func command() cli.Command {
	return cli.Command{
		Name:  "image",
		Short: "Makes the system of a kiosk: a disk image, and the release for updates.",
		Long: `image makes OUT/pointnum_VERSION.img, to be written on a stick or a disk, and
OUT/releases/VERSION, the signed folder from which kiosks update themselves.

It takes Debian's packages from its archive of today; what was taken is listed in
OUT/pointnum_VERSION.packages. Trees are kept in CACHE, by what is in them.
KEYS holds the release key and the Secure Boot keys; missing ones are made, and
are then those of a laboratory: a project that ships keeps its own, elsewhere.`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			m := &maker{began: time.Now()}
			fs.StringVar(&m.version, "version", "0.1.0", "MAJOR.MINOR.PATCH of the image")
			fs.StringVar(&m.source, "source", "provisioning/image", "`folder` of package lists and overlay")
			fs.StringVar(&m.debs, "debs", "bin/deb", "`folder` of the project's .deb")
			fs.StringVar(&m.out, "out", "bin/image", "`folder` of what is made")
			fs.StringVar(&m.cache, "cache", "bin/image/cache", "`folder` of Debian's trees")
			fs.StringVar(&m.keys, "keys", "bin/image/keys", "`folder` of the keys")
			fs.StringVar(&m.edit, "edit", "", "`program` that is run with the tree's path before it is closed")
			fs.BoolVar(&m.disk, "disk", true, "make the disk image too, not the release only")
			fs.BoolVar(&m.bare, "plain", false, "make OUT/plain.img instead: Debian with Chromium and nothing of the project's, to compare with")
			fs.Int64Var(&m.epoch, "epoch", 1760000000, "time of every file, seconds since 1970")
			return func(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("unexpected argument: %s", args[0])
				}
				m.log = stderr
				return m.make(ctx, stdout)
			}
		},
	}
}

func (m *maker) say(format string, a ...any) {
	fmt.Fprintf(m.log, "%5.0f s  %s\n", time.Since(m.began).Seconds(), fmt.Sprintf(format, a...))
}

// make makes everything, and prints what it made.
func (m *maker) make(ctx context.Context, stdout io.Writer) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("image: only root can make files that are root's: use sudo")
	}
	if !regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+$`).MatchString(m.version) {
		return cli.Usagef("a version is MAJOR.MINOR.PATCH, not %q", m.version)
	}
	for _, path := range []*string{&m.source, &m.debs, &m.out, &m.cache, &m.keys} {
		if *path, err = filepath.Abs(*path); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	for _, dir := range []string{m.out, m.cache, m.keys} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("image: %w", err)
		}
	}
	if err := m.ensureKeys(ctx); err != nil {
		return err
	}
	base, err := m.base(ctx)
	if err != nil {
		return err
	}
	tools, err := m.tools(ctx)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(m.out, ".work-")
	if err != nil {
		return fmt.Errorf("image: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if m.bare {
		path := filepath.Join(m.out, "plain.img")
		if err := m.plain(ctx, base, tools, work, path); err != nil {
			return err
		}
		fmt.Fprintln(stdout, path)
		return nil
	}
	tree := filepath.Join(work, "tree")
	if err := m.assemble(ctx, base, tree); err != nil {
		return err
	}
	r, err := m.release(ctx, tree, work, tools)
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, r.dir)
	if !m.disk {
		return nil
	}
	path := filepath.Join(m.out, "pointnum_"+m.version+".img")
	if err := m.image(ctx, r, tools, work, path); err != nil {
		return err
	}
	m.say("done")
	fmt.Fprintln(stdout, path)
	return nil
}
