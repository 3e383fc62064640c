package raster_test

import (
	"testing"

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
		"ScaleGray":  func() { raster.Scale(gray, 827, 1169) },
		"Whiten":     func() { raster.Whiten(page) },
		"WhitenGray": func() { raster.Whiten(gray) },
		"Verdicts":   func() { raster.Verdicts(page, 300) },
		"Blank":      func() { raster.Blank(gray) },
		"EncodeJPEG": func() { _, _ = raster.EncodeJPEG(page, 75) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
		})
	}
}
