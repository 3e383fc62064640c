package document_test

import (
	"bytes"
	"flag"
	"image/jpeg"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
	"pointnum/kiosk/document/documenttest"
)

// every makes the test of the corpus try all limits and formats: some minutes.
var every = flag.Bool("every", false, "every file of the corpus under every limit, as PDF and as JPEG")

// targets are what is made of each file of the corpus.
func targets() []kiosk.Target {
	all := []kiosk.Target{
		{Format: kiosk.FormatPDF, MaxBytes: 2_000_001, AimBytes: 1_000_000},
		{Format: kiosk.FormatPDF, MaxBytes: 200_000},
		{Format: kiosk.FormatJPEG, MaxBytes: 500_000},
	}
	if *every {
		for _, f := range []kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG} {
			for _, limit := range []int64{200_000, 500_000, 1_000_000, 2_000_000, 5_000_000} {
				all = append(all, kiosk.Target{Format: f, MaxBytes: limit})
			}
		}
	}
	return all
}

// Every file that somebody may bring gives a document that portals take, or
// one clear reason why not, within time and memory.
func TestCorpusBecomesDocumentsOrClearReasons(t *testing.T) {
	t.Parallel()
	e := newEngine(t, document.Options{})
	for _, name := range corpus(t) {
		base := filepath.Base(name)
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			in := input(readFile(t, name))
			start := time.Now()
			all, err := pages(t.Context(), e, in)
			took := time.Since(start)
			if took > 20*time.Second {
				t.Errorf("import took %v", took)
			}
			if code := kiosk.CodeOf(err); err != nil && !strings.HasPrefix(string(code), "file_") {
				t.Errorf("no clear reason: %v", err)
			}
			if err != nil {
				t.Logf("%d kB, %d pages, %v, %v", in.Size/1000, len(all), err, took)
			} else {
				t.Logf("%d kB, %d pages, %v", in.Size/1000, len(all), took)
			}
			for _, p := range all {
				t.Logf("page %d: %s, %d by %d at %d dpi, %d kB packed, %v %v", p.Index+1, p.Kind, p.Width, p.Height, p.DPI, len(p.Packed)/1000, p.Changes, p.Findings)
			}
			if len(all) > 0 && err == nil {
				for _, target := range targets() {
					becomes(t, e, refs(in, all), target, in.Size)
				}
			}
			if peak := e.PeakMemory(); peak > 1<<30 {
				t.Errorf("took %d MB", peak>>20)
			}
		})
	}
}

// leastPDF is below what any sound PDF takes: what is smaller was broken.
const leastPDF = 500

// becomes makes a file of pages of an input of so many bytes and checks that a
// portal would take it.
func becomes(t *testing.T, e *document.Engine, pages []kiosk.PageRef, target kiosk.Target, brought int64) {
	t.Helper()
	start := time.Now()
	c, err := e.Convert(t.Context(), pages, target, nil)
	took := time.Since(start)
	if err != nil {
		if kiosk.CodeOf(err) != kiosk.CodeCannotFit {
			t.Errorf("%s under %d: %v", target.Format, target.MaxBytes, err)
		}
		t.Logf("%s under %d: %v, %v", target.Format, target.MaxBytes, err, took)
		return
	}
	size := len(c.Files[0].Data)
	t.Logf("%s under %d: %d bytes, level %d, %d dpi, grey %v, passed %v, %v, %v", target.Format, target.MaxBytes, size,
		c.Level, c.DPI, c.Gray, c.Passed, c.Forms, took.Round(time.Millisecond))
	if int64(size) >= target.MaxBytes {
		t.Errorf("%s under %d: %d bytes", target.Format, target.MaxBytes, size)
	}
	if c.DPI > 0 && c.DPI < 150 && c.DPI < slices.MinFunc(pages, func(a, b kiosk.PageRef) int { return a.DPI - b.DPI }).DPI {
		t.Errorf("%s under %d: made at %d dpi", target.Format, target.MaxBytes, c.DPI)
	}
	if took > time.Duration(len(pages))*3*time.Second+40*time.Second { // of a busy machine
		t.Errorf("%s under %d: took %v", target.Format, target.MaxBytes, took)
	}
	if pages[0].Origin.Size > brought {
		brought = pages[0].Origin.Size // an office file became a PDF first
	}
	if same := formatOf(t, pages[0]) == target.Format; same && brought > leastPDF && brought < target.MaxBytes && int64(size) > brought {
		t.Errorf("%s under %d: %d bytes of %d that were brought", target.Format, target.MaxBytes, size, brought)
	}
	if target.Format == kiosk.FormatPDF {
		checkPDF(t, c.Files[0].Data, len(pages))
	} else if _, err := jpeg.Decode(bytes.NewReader(c.Files[0].Data)); err != nil {
		t.Errorf("%s under %d: %v", target.Format, target.MaxBytes, err)
	}
}

// formatOf is the format in which a page was brought; "" when it is none that
// can be made.
func formatOf(t *testing.T, p kiosk.PageRef) kiosk.Format {
	t.Helper()
	in, err := p.Origin.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var head [8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		t.Fatal(err)
	}
	for magic, f := range map[string]kiosk.Format{"%PDF-": kiosk.FormatPDF, "\xff\xd8\xff": kiosk.FormatJPEG, "\x89PNG": kiosk.FormatPNG} {
		if strings.HasPrefix(string(head[:]), magic) {
			return f
		}
	}
	return ""
}

// checkPDF asks another program whether a file is sound.
func checkPDF(t *testing.T, data []byte, pages int) {
	t.Helper()
	qpdf := documenttest.Tool(t, "qpdf")
	f := filepath.Join(t.TempDir(), "out.pdf")
	if err := os.WriteFile(f, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), qpdf, "--check", f).CombinedOutput(); err != nil {
		t.Errorf("qpdf: %v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), qpdf, "--show-npages", f).Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != itoa(pages) {
		t.Errorf("qpdf finds %s pages (%v), want %d", got, err, pages)
	}
}
