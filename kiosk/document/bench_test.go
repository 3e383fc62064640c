package document_test

import (
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
)

// BenchmarkScanToPDF takes ten A4 pages in colour at 300 dpi from the
// scanner's bytes to one PDF file under 2 MB.
func BenchmarkScanToPDF(b *testing.B) {
	const count = 10
	var scans [][]byte
	for i := range count {
		scans = append(scans, asJPEG(b, sheet(2480, 3508, true, uint64(100+i)), 85))
	}
	e := newEngine(b, document.Options{})
	e.Sandbox()
	size := 0
	for b.Loop() {
		var all []kiosk.Page
		for _, s := range scans {
			in := input(s)
			in.Scanned, in.DPI = true, 300
			p, err := pages(b.Context(), e, in)
			if err != nil {
				b.Fatal(err)
			}
			all = append(all, p...)
		}
		c, err := e.Convert(b.Context(), refs(nil, all), kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 2_000_001}, nil)
		if err != nil {
			b.Fatal(err)
		}
		size = len(c.Files[0].Data)
	}
	b.ReportMetric(float64(count*b.N)/b.Elapsed().Seconds(), "pages/s")
	b.ReportMetric(float64(e.PeakMemory()>>20), "MB-peak")
	b.ReportMetric(float64(size)/count, "B/page")
}

// BenchmarkImport takes one page from the scanner's bytes to its master.
func BenchmarkImport(b *testing.B) {
	in := input(asJPEG(b, sheet(2480, 3508, true, 100), 85))
	in.Scanned, in.DPI = true, 300
	e := newEngine(b, document.Options{})
	e.Sandbox()
	for b.Loop() {
		if _, err := pages(b.Context(), e, in); err != nil {
			b.Fatal(err)
		}
	}
}
