// Command arm64test runs the arm64 packages of a kiosk on a machine of another
// kind: under the emulator qemu-user, in a tree of Debian's arm64 libraries.
// The agent starts, shows its screen and makes a file of a page; kioskctl
// converts papers, and what comes out is looked at by poppler and compared with
// what the same program, built for this machine, makes of them.
//
//	arm64test bin/deb/*_arm64.deb
//
// It needs root, and what ".ci/deps image" installs. make arm64-test runs it.
//
// This emulator has neither namespaces nor Landlock nor seccomp: the document
// engine goes without those locks, as on any kernel that lacks them, and there
// is no switch that opens them. So they are tried on Debian's arm64 kernel too,
// on an emulated computer (qemu-system): by their own tests, and with a page.
package main

import (
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
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "arm64test:", err)
		os.Exit(1)
	}
}

// libraries are what the programs need of Debian, and what starts them on an
// arm64 kernel. Tesseract, LibreOffice and Chromium are left out: they run in
// namespaces, which qemu-user has not.
const libraries = "libc6,libturbojpeg0,ca-certificates,fonts-dejavu-core,linux-image-arm64,dash,coreutils,mount,util-linux"

// trial is one run.
type trial struct {
	out    io.Writer
	tree   string // the arm64 Debian
	native string // kioskctl for this machine
	corpus string // folder of papers; some are tried when it is there
	began  time.Time
	bad    []string
}

func run(ctx context.Context, args []string, out io.Writer) error {
	t := &trial{out: out, began: time.Now()}
	fs := flag.NewFlagSet("arm64test", flag.ContinueOnError)
	fs.StringVar(&t.native, "native", "bin/kioskctl", "`kioskctl` for this machine, to compare with")
	fs.StringVar(&t.corpus, "corpus", "../shared/corpus", "`folder` of papers; left out when it is not there")
	sandbox := fs.String("sandbox", "bin/sandbox-arm64.test", "`program` with the tests of the document engine's locks, for arm64")
	suite := fs.String("suite", "bookworm", "Debian's name")
	fs.StringVar(&t.tree, "inside", "", "for its own use: the tree, from inside the namespaces")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if t.tree != "" {
		return t.inside(ctx)
	}
	if os.Geteuid() != 0 {
		return errors.New("it has to be root")
	}
	var debs []string
	for _, d := range fs.Args() {
		if !strings.Contains(filepath.Base(d), "fleetd") { // a server's: not beside a kiosk
			debs = append(debs, d)
		}
	}
	if len(debs) == 0 {
		return errors.New("no packages: arm64test FILE.deb…")
	}
	return t.outside(ctx, *suite, *sandbox, debs)
}

// outside makes the tree, and has the rest done in namespaces: nothing that is
// mounted, registered or started there outlives it.
func (t *trial) outside(ctx context.Context, suite, sandbox string, debs []string) (err error) {
	dir, err := os.MkdirTemp("", "arm64test-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil { // the agent's accounts pass
		return err
	}
	t.tree = filepath.Join(dir, "tree")
	if err := t.makeTree(ctx, suite, debs); err != nil {
		return err
	}
	t.say("%d packages of ours with them; the clock starts again", len(debs))
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "-inside", t.tree, "-native", t.native, "-corpus", t.corpus)
	cmd.Stdout, cmd.Stderr = t.out, os.Stderr
	cmd.SysProcAttr = namespaces()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("in the tree: %w", err)
	}
	t.began = time.Now()
	t.say("starting Debian's arm64 kernel")
	if err := t.machine(ctx, sandbox); err != nil {
		return err
	}
	if err := t.result(); err != nil {
		return err
	}
	t.say("all of it holds")
	return nil
}

// result names what did not hold.
func (t *trial) result() error {
	if len(t.bad) > 0 {
		return fmt.Errorf("%d of the checks failed:\n  %s", len(t.bad), strings.Join(t.bad, "\n  "))
	}
	return nil
}

// makeTree unpacks Debian's packages and ours. None of their scripts is run:
// the accounts are made as theirs do.
func (t *trial) makeTree(ctx context.Context, suite string, debs []string) error {
	t.say("unpacking Debian's arm64 libraries")
	tar := t.tree + ".tar"
	steps := [][]string{
		{"mmdebstrap", "--quiet", "--mode=root", "--variant=extract", "--architectures=arm64", "--include=" + libraries, suite, tar},
		{"mkdir", "-p", t.tree},
		{"tar", "-C", t.tree, "--exclude=./dev/*", "-xf", tar},
	}
	for _, d := range debs {
		steps = append(steps, []string{"dpkg-deb", "-x", d, t.tree})
	}
	steps = append(steps,
		[]string{"systemd-sysusers", "--root=" + t.tree},
		[]string{"mkdir", "-p", t.tree + "/dev", t.tree + "/proc", t.tree + "/run", t.tree + "/tmp"},
	)
	for _, s := range steps {
		if out, err := exec.CommandContext(ctx, s[0], s[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", strings.Join(s, " "), err, out)
		}
	}
	return nil
}

// inside is the run, in namespaces of its own.
func (t *trial) inside(ctx context.Context) error {
	if err := t.enter(); err != nil {
		return err
	}
	if err := t.agent(ctx); err != nil {
		return err
	}
	if err := t.papers(ctx); err != nil {
		return err
	}
	return t.result()
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
