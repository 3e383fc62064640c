// Package peers knows how each program that makes documents smaller is
// called, runs it in a process tree of its own, measures it, and keeps what
// came out, so that a second run only repeats what changed.
package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// Ours is the name of the method that is this project, on the same PDF as the
// others; OursFiles gets the files as they came.
const (
	Ours      = "pointnum"
	OursFiles = "pointnum (files)"
)

// Job is one document to be made smaller.
type Job struct {
	In      string   // the PDF that every program gets
	Files   []string // the files as they came, for OursFiles
	Scanned bool     // the files are a scanner's
	Out     string   // the PDF to be written
}

// Method is one program with its options.
type Method struct {
	Name  string
	Quick bool // part of a quick run
	// Version changes when what comes out may change.
	Version string
	Args    func(j Job) []string
	// Files says that the method reads Job.Files instead of Job.In.
	Files bool
}

// Programs are the programs built from the tree.
type Programs struct{ Kioskctl, Optimize, Measured string }

// Build builds them into a folder. kioskctl is the path of one that is there
// already, or "" to build it too.
func Build(ctx context.Context, folder, kioskctl string) (Programs, error) {
	p := Programs{Kioskctl: kioskctl, Optimize: filepath.Join(folder, "optimize"), Measured: filepath.Join(folder, "measured")}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return p, fmt.Errorf("build: %w", err)
	}
	packages := map[string]string{p.Optimize: "pointnum/cmd/internal/benchengine/optimize", p.Measured: "pointnum/cmd/internal/benchengine/measured"}
	if kioskctl == "" {
		p.Kioskctl = filepath.Join(folder, "kioskctl")
		packages[p.Kioskctl] = "pointnum/cmd/kioskctl"
	}
	for out, pkg := range packages {
		if text, err := exec.CommandContext(ctx, "go", "build", "-o", out, pkg).CombinedOutput(); err != nil {
			return p, fmt.Errorf("build %s: %w: %s", pkg, err, text)
		}
	}
	return p, nil
}

// Methods gives all methods, ours last. Debian's ImageMagick refuses the
// format PDF because of what strangers may send to a web server; the same
// format under its other names is let through.
func Methods(ctx context.Context, p Programs) ([]Method, error) {
	ours, err := fingerprint(p.Kioskctl)
	if err != nil {
		return nil, err
	}
	optimize, err := fingerprint(p.Optimize)
	if err != nil {
		return nil, err
	}
	magick := magickProgram()
	v := versions{ctx: ctx}
	list := []Method{
		{Name: "qpdf", Version: v.of("qpdf", "--version"), Args: func(j Job) []string {
			return []string{"qpdf", "--object-streams=generate", "--recompress-flate", "--compression-level=9", j.In, j.Out}
		}},
		{Name: "mutool", Version: v.of("mutool", "-v"), Args: func(j Job) []string {
			return []string{"mutool", "clean", "-gggg", "-z", j.In, j.Out}
		}},
		{Name: "pdfcpu", Version: optimize, Args: func(j Job) []string { return []string{p.Optimize, j.In, j.Out} }},
		ocrmypdf("ocrmypdf -O1", v.of("ocrmypdf", "--version"), "-O1"),
		ocrmypdf("ocrmypdf -O3", v.of("ocrmypdf", "--version"), "-O3"),
		ghostscript("gs /printer", v.of("gs", "--version"), false, "-dPDFSETTINGS=/printer"),
		ghostscript("gs /ebook", v.of("gs", "--version"), true, "-dPDFSETTINGS=/ebook"),
		ghostscript("gs /screen", v.of("gs", "--version"), false, "-dPDFSETTINGS=/screen"),
		{Name: "im 150 q50", Version: v.of(magick, "--version"), Args: func(j Job) []string {
			return []string{magick, "-limit", "thread", "1", "-density", "150", "EPDF:" + j.In, "-compress", "jpeg", "-quality", "50", "PDFA:" + j.Out}
		}},
		{Name: "im 300 G4", Version: v.of(magick, "--version"), Args: func(j Job) []string {
			return []string{magick, "-limit", "thread", "1", "-density", "300", "EPDF:" + j.In, "-background", "white", "-alpha", "remove", "-alpha", "off",
				"-colorspace", "Gray", "-threshold", "60%", "-type", "bilevel", "-compress", "Group4", "PDFA:" + j.Out}
		}},
		{Name: Ours, Quick: true, Version: ours, Args: func(j Job) []string {
			return []string{p.Kioskctl, "convert", "--portal", "caf", "-o", j.Out, j.In}
		}},
		{Name: OursFiles, Quick: true, Version: ours, Files: true, Args: func(j Job) []string {
			args := []string{p.Kioskctl, "convert", "--portal", "caf", "-o", j.Out}
			if j.Scanned {
				args = append(args, "--scanned")
			}
			return append(args, j.Files...)
		}},
	}
	return list, v.err
}

// Limited is this project aiming at a limit.
func Limited(ours Method, kioskctl string, limit int64) Method {
	return Method{Name: fmt.Sprintf("%s %d", Ours, limit), Version: ours.Version, Files: true, Args: func(j Job) []string {
		args := []string{kioskctl, "convert", "--max-bytes", strconv.FormatInt(limit, 10), "-o", j.Out}
		if j.Scanned {
			args = append(args, "--scanned")
		}
		return append(args, j.Files...)
	}}
}

// Falling is Ghostscript at a resolution, as people turn it down until a file
// fits.
func Falling(version string, dpi int) Method {
	d := strconv.Itoa(dpi)
	return ghostscript("gs "+d, version, false, "-dPDFSETTINGS=/ebook", "-dAutoRotatePages=/None",
		"-dColorImageResolution="+d, "-dGrayImageResolution="+d, "-dMonoImageResolution=300",
		"-dColorImageDownsampleThreshold=1.0", "-dGrayImageDownsampleThreshold=1.0")
}

func ghostscript(name, version string, quick bool, options ...string) Method {
	return Method{Name: name, Quick: quick, Version: version, Args: func(j Job) []string {
		args := append([]string{"gs", "-q", "-dBATCH", "-dNOPAUSE", "-dSAFER", "-sDEVICE=pdfwrite", "-dCompatibilityLevel=1.5"}, options...)
		return append(args, "-sOutputFile="+j.Out, j.In)
	}}
}

func ocrmypdf(name, version, level string) Method {
	return Method{Name: name, Version: version, Args: func(j Job) []string {
		return []string{"ocrmypdf", "--jobs", "1", "--skip-text", "--tesseract-timeout", "0", "--output-type", "pdf", level, j.In, j.Out}
	}}
}

// versions asks programs for their versions and keeps the first error.
type versions struct {
	ctx context.Context
	err error
}

func (v *versions) of(program, option string) string {
	out, err := exec.CommandContext(v.ctx, program, option).CombinedOutput()
	// Some say their version and exit with 1.
	if err != nil && v.err == nil && len(out) == 0 {
		v.err = fmt.Errorf("%s %s: %w (apt-get install ghostscript ocrmypdf imagemagick mupdf-tools qpdf)", program, option, err)
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

// magickProgram is ImageMagick's convert.
func magickProgram() string {
	for _, name := range []string{"convert-im6.q16", "convert-im7.q16"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return "convert"
}

// Environment gives the variables that all programs run with.
func Environment() []string {
	return append(os.Environ(), "OMP_THREAD_LIMIT=1")
}
