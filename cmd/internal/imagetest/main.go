// Command imagetest starts the image of a kiosk in virtual machines and tries
// what a technician and a year of updates do to it: the first start, the
// enrolment at a supervision, an update that serves, one that does not, ones
// that are refused, and cuts of the power at every kind of write.
//
// The machines are emulated in software and on loopback only. It needs no
// root, but the images do: see command image.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pointnum/cmd/internal/cli"
	"pointnum/provisioning/update"
)

func main() { cli.Main(cli.Single(command())) }

// trial is one run of the tests.
type trial struct {
	image  string // folder of command image
	dir    string // of disks, logs and pictures
	cuts   int    // states that are started after a cut
	log    io.Writer
	began  time.Time
	report []line3
	*world
}

// line3 is a line of the report.
type line3 struct{ what, result, figure string }

func command() cli.Command {
	return cli.Command{
		Name:  "imagetest",
		Short: "Tries the image of a kiosk in virtual machines.",
		Long: `imagetest needs, in IMAGE, the disk image of 1.0.0 and the releases 2.0.0, which is good, and 3.0.0, which
does not serve: "make image-test" makes them. Pictures, logs and disks stay in OUT.`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			t := &trial{began: time.Now()}
			fs.StringVar(&t.image, "image", "bin/image-test/images", "`folder` of the images and releases")
			fs.StringVar(&t.dir, "out", "bin/image-test", "`folder` of disks, logs and pictures")
			fs.IntVar(&t.cuts, "cuts", 40, "states after a cut of an update that are started, at most; of an enrolment a quarter")
			only := fs.String("only", "", "`steps` to run, with commas: "+strings.Join(names(), ", "))
			return func(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) error {
				if len(args) > 0 {
					return cli.Usagef("unexpected argument: %s", args[0])
				}
				t.log = stderr
				return t.run(ctx, *only, stdout)
			}
		},
	}
}

// step is a part of the trial. Steps go on with the disk of those before.
type step struct {
	name string
	do   func(*trial, context.Context) error
}

func steps() []step {
	return []step{
		{"start", (*trial).firstStart},
		{"install", (*trial).installation},
		{"enrol", (*trial).enrolment},
		{"refuse", (*trial).refusals},
		{"update", (*trial).goodUpdate},
		{"return", (*trial).badUpdate},
		{"erase", (*trial).erasing},
		{"cuts", (*trial).cutUpdate},
		{"enrol-cuts", (*trial).cutEnrolment},
		{"secure", (*trial).secureBoot},
		{"plain", (*trial).plainDebian},
	}
}

func names() []string {
	var out []string
	for _, s := range steps() {
		out = append(out, s.name)
	}
	return out
}

func (t *trial) run(ctx context.Context, only string, stdout io.Writer) (err error) {
	for _, path := range []*string{&t.image, &t.dir} {
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return err
	}
	if err := t.forget(); err != nil {
		return err
	}
	signers, err := update.LoadKeys(filepath.Join(t.image, "keys", "release.pub"))
	if err != nil {
		return err
	}
	w, err := newWorld(ctx, t.dir, signers)
	if err != nil {
		return err
	}
	t.world = w
	defer func() { err = errors.Join(err, w.close()) }()
	wanted := strings.FieldsFunc(only, func(r rune) bool { return r == ',' })
	for _, s := range steps() {
		if len(wanted) > 0 && !slices.Contains(wanted, s.name) {
			continue
		}
		t.say("== %s", s.name)
		if err := s.do(t, ctx); err != nil {
			t.note(s.name, "FAILED", err.Error())
			t.print(stdout)
			return fmt.Errorf("imagetest: %s: %w", s.name, err)
		}
	}
	t.print(stdout)
	return nil
}

// forget removes what machines of an earlier run kept in their firmware.
func (t *trial) forget() error {
	for _, pattern := range []string{"*.vars", "*.tpm"} {
		old, err := filepath.Glob(filepath.Join(t.dir, pattern))
		if err != nil {
			return err
		}
		for _, path := range old {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *trial) say(format string, a ...any) {
	fmt.Fprintf(t.log, "%5.0f s  %s\n", time.Since(t.began).Seconds(), fmt.Sprintf(format, a...))
}

// note adds a line to the report.
func (t *trial) note(what, result, figure string) {
	t.say("%s: %s %s", what, result, figure)
	t.report = append(t.report, line3{what, result, figure})
}

func (t *trial) print(w io.Writer) {
	for _, l := range t.report {
		fmt.Fprintf(w, "%-60s %-9s %s\n", l.what, l.result, l.figure)
	}
}

// seconds is how long something took, for the report.
func seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", d.Seconds()) }
