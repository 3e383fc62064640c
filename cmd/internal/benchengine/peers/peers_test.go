package peers_test

import (
	"context"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/benchengine/peers"
)

// runner builds the measuring programs and gives a runner with a file to read.
func runner(t *testing.T) (*peers.Runner, peers.Programs, peers.Job) {
	t.Helper()
	dir := t.TempDir()
	in := filepath.Join(dir, "in.pdf")
	if err := os.WriteFile(in, []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err := peers.Build(t.Context(), filepath.Join(dir, "programs"), "kioskctl")
	if err != nil {
		t.Fatal(err)
	}
	return &peers.Runner{Work: dir, Measured: p.Measured, Env: os.Environ(), Limit: time.Minute}, p, peers.Job{In: in, Files: []string{in}}
}

// shell is a method that runs a script with the input as $1, the output as $2.
func shell(script string) peers.Method {
	return peers.Method{Name: "sh", Version: "1", Args: func(j peers.Job) []string {
		return []string{"sh", "-c", script, "sh", j.In, j.Out}
	}}
}

func do(t *testing.T, r *peers.Runner, m peers.Method, j peers.Job) *peers.Run {
	t.Helper()
	run, err := r.Do(t.Context(), m, j)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestARunIsMeasured(t *testing.T) {
	r, _, j := runner(t)
	t.Run("children count too", func(t *testing.T) {
		run := do(t, r, shell(`(i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done); cp "$1" "$2"`), j)
		if !run.OK() || run.Bytes != 7 || run.CPU < 0.005 || run.Wall <= 0 || run.PeakKB < 500 || len(run.Files) != 1 {
			t.Errorf("%+v", run)
		}
	})
	t.Run("what outlives the program is ended and counted", func(t *testing.T) {
		run := do(t, r, shell(`sleep 600 & cp "$1" "$2"`), j)
		if !run.OK() || run.Left != 1 || run.Wall > 10 {
			t.Errorf("%+v", run)
		}
	})
	t.Run("a failure keeps the code and the words", func(t *testing.T) {
		run := do(t, r, shell(`echo broken >&2; exit 5`), j)
		if run.OK() || run.Exit != 5 || run.Said != "broken" {
			t.Errorf("%+v", run)
		}
	})
	t.Run("several files are one result", func(t *testing.T) {
		run := do(t, r, shell(`cp "$1" "${2%.pdf}-1.pdf"; cp "$1" "${2%.pdf}-2.pdf"`), j)
		if run.Bytes != 14 || len(run.Files) != 2 {
			t.Errorf("%+v", run)
		}
	})
	t.Run("too long is ended", func(t *testing.T) {
		short := &peers.Runner{Work: r.Work, Measured: r.Measured, Env: r.Env, Limit: 200 * time.Millisecond, Fresh: r.Fresh}
		run := do(t, short, shell(`sleep 600`), j)
		if run.OK() || !run.TimedOut || run.Exit != -1 {
			t.Errorf("%+v", run)
		}
	})
	t.Run("a stopped run ends its children", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		started := time.Now()
		_, err := r.Do(ctx, shell(`sleep 601`), j)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(started) > 10*time.Second {
			t.Errorf("got %v after %v", err, time.Since(started))
		}
	})
}

func TestOnlyWhatChangedRunsAgain(t *testing.T) {
	r, _, j := runner(t)
	count := filepath.Join(t.TempDir(), "count")
	m := shell(`echo run >>` + count + `; cp "$1" "$2"`)
	times := func() int {
		data, err := os.ReadFile(count)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(data), "run")
	}
	first := do(t, r, m, j)
	if second := do(t, r, m, j); second.Bytes != first.Bytes || times() != 1 {
		t.Errorf("the same again: %d runs, %+v", times(), second)
	}
	m.Version = "2"
	if do(t, r, m, j); times() != 2 {
		t.Errorf("another version: %d runs", times())
	}
	if err := os.WriteFile(j.In, []byte("other"), 0o644); err != nil {
		t.Fatal(err)
	}
	if do(t, r, m, j); times() != 3 {
		t.Errorf("another input: %d runs", times())
	}
	r.Fresh = true
	if do(t, r, m, j); times() != 4 {
		t.Errorf("asked to run again: %d runs", times())
	}
}

func TestPeersMakeFiles(t *testing.T) {
	r, p, j := runner(t)
	r.Env = peers.Environment()
	p.Kioskctl = p.Measured // any file: it is not run here
	methods, err := peers.Methods(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	// A picture with an alpha channel: img2pdf refuses it until it is plain.
	img := image.NewNRGBA(image.Rect(0, 0, 400, 600))
	for i := range img.Pix {
		img.Pix[i] = byte(i * i >> 9)
	}
	picture := filepath.Join(t.TempDir(), "alpha.png")
	f, err := os.Create(picture)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
		t.Fatal(err)
	}
	if j.In, err = r.Wrap(t.Context(), "alpha", []string{picture}); err != nil {
		t.Fatal(err)
	}
	j.Files = []string{j.In}
	// OCRmyPDF and ImageMagick at 300 dpi take most of a minute.
	quick := []string{"qpdf", "mutool", "pdfcpu", "gs /ebook", "im 150 q50"}
	methods = slices.DeleteFunc(methods, func(m peers.Method) bool { return !slices.Contains(quick, m.Name) })
	if len(methods) != len(quick) {
		t.Fatalf("%d methods, want %v", len(methods), quick)
	}
	for _, m := range append(methods, peers.Falling("1", 72)) {
		if run := do(t, r, m, j); !run.OK() {
			t.Errorf("%s: %+v", m.Name, run)
		}
	}
}
