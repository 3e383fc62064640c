package raster_test

import (
	"image"
	"syscall"
	"testing"
	"time"

	xdraw "golang.org/x/image/draw"

	"pointnum/kiosk/document/raster"
)

// Every benchmark takes a sheet of A4 at 300 dpi in colour.
func BenchmarkPage(b *testing.B) {
	img := original(b, "sim-cerfa-15059-p1.jpg")
	page, gray := raster.ToRGBA(img), raster.Gray(img)
	crooked := tilt(page, 2, 2480, 3508, white)
	crookedGray := raster.Gray(crooked)
	for name, f := range map[string]func(){
		"ToRGBA":     func() { raster.ToRGBA(img) },
		"GrayYCbCr":  func() { raster.Gray(img) },
		"Gray":       func() { raster.Gray(page) },
		"IsGray":     func() { raster.IsGray(page) },
		"Turn":       func() { raster.Turn(page, 90) },
		"TurnGray":   func() { raster.Turn(gray, 90) },
		"Skew":       func() { raster.Skew(gray) },
		"Deskew":     func() { raster.Deskew(crooked) },
		"DeskewGray": func() { raster.Deskew(crookedGray) },
		"CropBed":    func() { raster.CropBed(page) },
		"Scale":      func() { raster.Scale(page, 827, 1169) },
		"Screen":     func() { raster.Scale(raster.Scale(page, 990, 1400), 226, 320) },
		"ScalePeer": func() {
			xdraw.ApproxBiLinear.Scale(image.NewRGBA(image.Rect(0, 0, 827, 1169)), image.Rect(0, 0, 827, 1169), page, page.Rect, xdraw.Src, nil)
		},
		"ScalePeerFine": func() { // which covers all pixels, as we do
			xdraw.BiLinear.Scale(image.NewRGBA(image.Rect(0, 0, 827, 1169)), image.Rect(0, 0, 827, 1169), page, page.Rect, xdraw.Src, nil)
		},
		"ScaleGray":  func() { raster.Scale(gray, 827, 1169) },
		"Whiten":     func() { raster.Whiten(page) },
		"WhitenGray": func() { raster.Whiten(gray) },
		"EncodeJPEG": func() { _, _ = raster.EncodeJPEG(page, 75) },
	} {
		b.Run(name, func(b *testing.B) {
			before := processorTime()
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(1000*b.N), "cpu-ms/op")
		})
	}
}

// processorTime is what this process has used of the processors, which other
// processes on the machine don't change much.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
