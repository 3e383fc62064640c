package document_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
)

// Every file that somebody may bring gives a document that portals take, or
// one clear reason why not, within time and memory.
func TestCorpusBecomesDocumentsOrClearReasons(t *testing.T) {
	target := kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 2_000_001, AimBytes: 1_000_000}
	e := newEngine(t, document.Options{})
	for _, name := range corpus(t) {
		base := filepath.Base(name)
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			in := input(readFile(t, name))
			start := time.Now()
			all, err := pages(t.Context(), e, in)
			read := time.Since(start)
			var c kiosk.Conversion
			if err == nil {
				c, err = e.Convert(t.Context(), refs(in, all), target, nil)
			}
			total := time.Since(start)
			if total > 20*time.Second {
				t.Errorf("took %v", total)
			}
			if peak := e.PeakMemory(); peak > 1<<30 {
				t.Errorf("took %d MB", peak>>20)
			}
			var size int
			if err == nil {
				size = len(c.Files[0].Data)
				checkPDF(t, c.Files[0].Data, len(all))
			} else if code := kiosk.CodeOf(err); !strings.HasPrefix(string(code), "file_") && code != kiosk.CodeCannotFit {
				t.Errorf("no clear reason: %v", err)
			}
			var verdicts []kiosk.Finding
			for _, p := range all {
				verdicts = append(verdicts, p.Findings...)
			}
			t.Logf("%d kB, %d pages, %v -> %d kB, %d dpi, grey %v, passed %v, %v; import %v, convert %v, %d MB; %v",
				in.Size/1000, len(all), kiosk.CodeOf(err), size/1000, c.DPI, c.Gray, c.Passed, verdicts,
				read.Round(time.Millisecond), (total - read).Round(time.Millisecond), e.PeakMemory()>>20, err)
		})
	}
}

// checkPDF asks another program whether a file is sound.
func checkPDF(t *testing.T, data []byte, pages int) {
	t.Helper()
	qpdf := tool(t, "qpdf")
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
