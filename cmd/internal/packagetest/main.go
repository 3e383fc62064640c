// Command packagetest tries the Debian packages where they have never been: in
// a clean Debian 12 tree. They are installed, looked over, upgraded and purged;
// in between, the tree boots a systemd of its own (systemd-nspawn), and the
// kiosk runs there under its real units: health, self-test, a whole
// conversion, and what each account must not be able to do.
//
//	packagetest bin/deb/*.deb
//
// It needs root, and what ".ci/deps image" installs. make deb-test runs it.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "packagetest:", err)
		os.Exit(1)
	}
}

// included are the packages that ours need, and what the trial needs: an X
// server without a screen, and a program to look at the network with.
const included = "systemd,systemd-sysv,udev,dbus,ca-certificates,libnss-systemd,nftables,chromium,xserver-xorg-core," +
	"xserver-xorg-input-libinput,x11-xserver-utils,fonts-dejavu-core,tesseract-ocr,tesseract-ocr-fra,libturbojpeg0," +
	"xvfb,iproute2,procps"

// trial is one run.
type trial struct {
	out   io.Writer
	dir   string // everything of the run
	tree  string // the Debian that is tried on
	debs  []string
	began time.Time
	bad   []string
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	fs := flag.NewFlagSet("packagetest", flag.ContinueOnError)
	tar := fs.String("tree", "", "a tree made before, by -keep; \"\" makes one")
	keep := fs.String("keep", "", "where to keep the tree as a tar; \"\" does not")
	suite := fs.String("suite", "bookworm", "Debian's name")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("it has to be root")
	}
	t := &trial{out: out, debs: fs.Args(), began: time.Now()}
	if len(t.debs) == 0 {
		return errors.New("no packages: packagetest FILE.deb…")
	}
	if t.dir, err = os.MkdirTemp("", "packagetest-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(t.dir)) }()
	t.tree = filepath.Join(t.dir, "tree")
	if err := t.makeTree(ctx, *suite, *tar, *keep); err != nil {
		return err
	}
	if err := t.whole(ctx); err != nil {
		return err
	}
	if len(t.bad) > 0 {
		return fmt.Errorf("%d of the checks failed:\n  %s", len(t.bad), strings.Join(t.bad, "\n  "))
	}
	_, err = fmt.Fprintf(out, "all of it holds (%.0f s)\n", time.Since(t.began).Seconds())
	return err
}

// whole is the life of the packages on a machine.
func (t *trial) whole(ctx context.Context) error {
	before, err := t.files()
	if err != nil {
		return err
	}
	for _, part := range []func(context.Context) error{t.install, t.live, t.upgrade, t.purge} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return t.compare(before)
}

// makeTree unpacks a clean Debian.
func (t *trial) makeTree(ctx context.Context, suite, tar, keep string) error {
	if tar == "" {
		tar = filepath.Join(t.dir, "tree.tar")
		if keep != "" {
			tar = keep
		}
		t.say("making a clean %s", suite)
		if out, err := exec.CommandContext(ctx, "mmdebstrap", "--quiet", "--mode=root", "--variant=minbase",
			"--include="+included, suite, tar).CombinedOutput(); err != nil {
			return fmt.Errorf("mmdebstrap: %w\n%s", err, out)
		}
	}
	if err := os.Mkdir(t.tree, 0o755); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "tar", "-C", t.tree, "--exclude=./dev/*", "-xf", tar).CombinedOutput(); err != nil {
		return fmt.Errorf("unpack the tree: %w\n%s", err, out)
	}
	return nil
}

func (t *trial) say(format string, args ...any) {
	_, _ = fmt.Fprintf(t.out, "%5.0f s  %s\n", time.Since(t.began).Seconds(), fmt.Sprintf(format, args...))
}

// check tells whether something holds; the run goes on if not.
func (t *trial) check(what string, ok bool, detail string) {
	mark := "ok  "
	if !ok {
		mark = "BAD "
		what += ": " + strings.TrimSpace(detail)
		t.bad = append(t.bad, what)
	}
	t.say("%s %s", mark, what)
}

// chroot runs a program in the tree while nothing else runs there.
func (t *trial) chroot(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "chroot", append([]string{t.tree}, args...)...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LANG=C.UTF-8", "HOME=/root"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(bytes.TrimSpace(out)), err
}
