package verdict_test

import (
	"bytes"
	"image/jpeg"
	"syscall"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/verdict"
)

// A sheet of A4 at 300 dpi in colour: with its small copy and without, as
// others look at that too.
func BenchmarkJudge(b *testing.B) {
	img, err := jpeg.Decode(bytes.NewReader(documenttest.Read(b, "sim-cerfa-15059-p1.jpg")))
	if err != nil {
		b.Fatal(err)
	}
	page := raster.ToRGBA(img)
	shared := raster.NewOverview(page)
	shared.Relief()
	for name, of := range map[string]func() *raster.Overview{
		"alone":  func() *raster.Overview { return raster.NewOverview(page) },
		"shared": func() *raster.Overview { return shared },
	} {
		b.Run(name, func(b *testing.B) {
			before := processorMillis()
			for b.Loop() {
				verdict.Judge(of(), 300, true)
			}
			b.ReportMetric((processorMillis()-before)/float64(b.N), "cpu-ms/op")
		})
	}
}

// processorMillis is what this process has used of the processors.
func processorMillis() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}
