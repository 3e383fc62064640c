// Command packages makes the project's Debian packages: it builds the
// programs, collects the licences of every module in them, writes each
// package's bill of materials, and packs. Two runs of it on one commit make the
// same bytes.
//
//	packages -version 1.2.3 -arch amd64 -out bin/deb
//
// It is run in the project's folder. What goes into each package is in
// provisioning/image/deb.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// maintainer is the packages' until somebody who distributes them says another.
const maintainer = "pointnum <pointnum@localhost>"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "packages:", err)
		os.Exit(1)
	}
}

// job is one run.
type job struct {
	Version    string
	Arch       string // as Debian and Go both name it
	Out        string
	Maintainer string
	stage      string    // what is made before it is packed
	time       time.Time // of every file
}

// versionWord: MAJOR.MINOR.PATCH, as updates compare them.
var versionWord = regexp.MustCompile(`^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$`)

func run(ctx context.Context, args []string, stdout io.Writer) error {
	var j job
	fs := flag.NewFlagSet("packages", flag.ContinueOnError)
	fs.StringVar(&j.Version, "version", "0.1.0", "MAJOR.MINOR.PATCH")
	fs.StringVar(&j.Arch, "arch", "amd64", "amd64 or arm64")
	fs.StringVar(&j.Out, "out", "bin/deb", "folder of the packages")
	fs.StringVar(&j.Maintainer, "maintainer", maintainer, "who answers for them")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if !versionWord.MatchString(j.Version) {
		return fmt.Errorf("%q is not a version: MAJOR.MINOR.PATCH", j.Version)
	}
	if j.Arch != "amd64" && j.Arch != "arm64" {
		return fmt.Errorf("no packages for %q", j.Arch)
	}
	seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64)
	if err != nil {
		return errors.New("SOURCE_DATE_EPOCH is not set: the time of the last commit, in seconds since 1970")
	}
	j.time = time.Unix(seconds, 0).UTC()
	j.stage = filepath.Join(j.Out, "stage-"+j.Arch)
	if err := os.MkdirAll(j.stage, 0o755); err != nil {
		return err
	}
	return j.make(ctx, stdout)
}

func (j *job) make(ctx context.Context, stdout io.Writer) error {
	for _, program := range []string{"kioskd", "kioskctl", "fleetd"} {
		if err := j.build(ctx, program); err != nil {
			return err
		}
		if err := j.describe(program); err != nil {
			return fmt.Errorf("%s: %w", program, err)
		}
	}
	if err := j.write("screen.copyright", copyright(nil)); err != nil {
		return err
	}
	if err := j.policies(); err != nil {
		return err
	}
	for _, name := range []string{"kioskd", "kioskctl", "screen", "fleetd"} {
		p, err := j.pack(name)
		if err != nil {
			return fmt.Errorf("pointnum-%s: %w", name, err)
		}
		if _, err := fmt.Fprintf(stdout, "%s  %9d  %s\n", p.sum, p.size, p.path); err != nil {
			return err
		}
	}
	return nil
}

func (j *job) write(name string, b []byte) error {
	return os.WriteFile(filepath.Join(j.stage, name), b, 0o644)
}
