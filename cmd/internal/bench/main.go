// Command bench compares scan-to-PDF with other programs on the same pages in
// the same run: ten A4 pages of 300 dpi in colour, as a scanner sends them.
// It prints pages per second, processor time, peak memory and size.
//
// The others do less than we do: img2pdf wraps the pictures as they are, and
// Ghostscript's /ebook only makes them smaller; neither straightens, crops or
// judges a page, nor aims at a limit.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"pointnum/kiosk/sample"
)

func main() {
	pages := flag.Int("pages", 10, "how many pages")
	rounds := flag.Int("rounds", 3, "how many times each program runs; the fastest counts")
	paint := flag.String("paint", "", "only paint the pages into this `folder`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	work := func() error { return run(ctx, *pages, *rounds) }
	if *paint != "" {
		work = func() error { return paintPages(*paint, *pages) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// method is one program's way from page images to a PDF.
type method struct {
	name string
	args func(images []string, wrapped, out string) []string
}

// figures are what one run of a program took.
type figures struct {
	wall, cpu time.Duration
	peakKB    int64
	bytes     int64
}

func run(ctx context.Context, n, rounds int) error {
	dir, err := os.MkdirTemp("", "pointnum-bench-")
	if err != nil {
		return fmt.Errorf("work folder: %w", err)
	}
	defer os.RemoveAll(dir)
	kioskctl := filepath.Join(dir, "kioskctl")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", kioskctl, "./cmd/kioskctl").CombinedOutput(); err != nil {
		return fmt.Errorf("build kioskctl: %w: %s", err, out)
	}
	// Linux counts a program's memory from before exec: the pages are painted
	// by another process, so that this one stays small.
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if out, err := exec.CommandContext(ctx, self, "-paint", dir, "-pages", fmt.Sprint(n)).CombinedOutput(); err != nil {
		return fmt.Errorf("paint: %w: %s", err, out)
	}
	images, err := filepath.Glob(filepath.Join(dir, "page-*.jpg"))
	if err != nil || len(images) != n {
		return fmt.Errorf("%d pages were painted, want %d: %w", len(images), n, err)
	}
	wrapped := filepath.Join(dir, "wrapped.pdf")
	if out, err := exec.CommandContext(ctx, "img2pdf", append(images, "-o", wrapped)...).CombinedOutput(); err != nil {
		return fmt.Errorf("img2pdf: %w: %s", err, out)
	}

	methods := []method{
		{"kioskctl convert --portal caf", func(in []string, _, out string) []string {
			return append([]string{kioskctl, "convert", "--scanned", "--portal", "caf", "-o", out}, in...)
		}},
		{"img2pdf (as they are)", func(in []string, _, out string) []string {
			return append([]string{"img2pdf", "-o", out}, in...)
		}},
		{"gs /ebook (of img2pdf's file)", func(_ []string, wrapped, out string) []string {
			return []string{"gs", "-q", "-dNOPAUSE", "-dBATCH", "-dSAFER", "-sDEVICE=pdfwrite",
				"-dPDFSETTINGS=/ebook", "-sOutputFile=" + out, wrapped}
		}},
	}
	tw := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintf(tw, "%d pages A4 300 dpi colour\tpages/s\tCPU s/page\tpeak MB\tkB/page\n", n)
	for _, m := range methods {
		best, err := measure(ctx, m, images, wrapped, filepath.Join(dir, "out.pdf"), rounds)
		if err != nil {
			return err
		}
		fmt.Fprintf(tw, "%s\t%.2f\t%.2f\t%d\t%d\n", m.name, float64(n)/best.wall.Seconds(),
			best.cpu.Seconds()/float64(n), best.peakKB/1024, best.bytes/int64(n)/1000)
	}
	return tw.Flush()
}

// paintPages paints the pages; their names are in page order.
func paintPages(dir string, n int) error {
	for i := range n {
		data, err := sample.JPEG(i+1, sample.Options{Total: n})
		if err != nil {
			return fmt.Errorf("sample page %d: %w", i+1, err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("page-%03d.jpg", i+1)), data, 0o600); err != nil {
			return fmt.Errorf("sample page %d: %w", i+1, err)
		}
	}
	return nil
}

// measure runs a method some times and keeps the fastest run's figures and the
// highest memory. The memory is the largest process's, the processor time
// that of all of them.
func measure(ctx context.Context, m method, images []string, wrapped, out string, rounds int) (figures, error) {
	var best figures
	for range rounds {
		args := m.args(images, wrapped, out)
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		start := time.Now()
		if text, err := cmd.CombinedOutput(); err != nil {
			return best, fmt.Errorf("%s: %w: %s", m.name, err, strings.TrimSpace(string(text)))
		}
		wall := time.Since(start)
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return best, fmt.Errorf("%s: no resource usage on this system", m.name)
		}
		if best.wall == 0 || wall < best.wall {
			best.wall = wall
			best.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
		best.peakKB = max(best.peakKB, usage.Maxrss)
		info, err := os.Stat(out)
		if err != nil {
			return best, fmt.Errorf("%s: %w", m.name, err)
		}
		best.bytes = info.Size()
		if err := os.Remove(out); err != nil {
			return best, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return best, nil
}
