// Package steps measures what each step of cleaning a page is worth: how well
// the page reads before and after it. Pages that need no cleaning are spoilt
// first: tilted, turned, shaded.
package steps

import (
	"image"
	"image/draw"

	"pointnum/kiosk/document/mrc"
	"pointnum/kiosk/document/raster"
)

// Step is one step of cleaning.
type Step struct {
	Name string
	// Photo says that the step is for photographs of pages; Scan that it is
	// for scans.
	Photo, Scan bool
	// Do cleans a page; false when it left it alone.
	Do     func(image.Image) (image.Image, bool)
	Trials []Trial
}

// Trial is a page as it is, or spoilt.
type Trial struct {
	Name  string
	Spoil func(image.Image) image.Image // nil for the page as it is
}

// asItIs is the trial of pages as they came.
const asItIs = "as it is"

// All gives the steps in their order of use.
func All() []Step {
	plain := Trial{Name: asItIs}
	tilted := func(name string, degrees float64) Trial {
		return Trial{name, func(img image.Image) image.Image { return Tilt(img, degrees) }}
	}
	return []Step{
		{Name: "deskew", Scan: true, Do: deskew, Trials: []Trial{plain, tilted("tilted by 2°", 2), tilted("tilted by -4.5°", -4.5)}},
		{Name: "crop of the bed", Scan: true, Do: crop, Trials: []Trial{plain, {"on a dark bed", OnBed}}},
		{Name: "whitening", Photo: true, Scan: true, Do: whiten, Trials: []Trial{plain, {"shaded", Shade}}},
		{Name: "ink and paper apart", Photo: true, Scan: true, Do: layers, Trials: []Trial{plain, {"shaded", Shade}}},
	}
}

func deskew(img image.Image) (image.Image, bool) {
	out, angle := raster.Deskew(img)
	return out, angle != 0
}

func crop(img image.Image) (image.Image, bool) {
	r, ok := raster.CropBed(img)
	if !ok {
		return img, false
	}
	dst := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(dst, dst.Rect, img, r.Min, draw.Src)
	return dst, true
}

func whiten(img image.Image) (image.Image, bool) {
	out := raster.Whiten(img)
	return out, out != img
}

// layers draws the page again from its layers, without the loss of their
// encoding. Cards and photographs have none.
func layers(img image.Image) (image.Image, bool) {
	l := mrc.Split(img, 0, mrc.Options{})
	if l.Photo {
		return img, false
	}
	return l.Image(l.DPI, false), true
}
