// Package steps measures what each step of cleaning a page is worth: how well
// the page reads before and after it. Pages that need no cleaning are spoilt
// first: tilted, turned, shaded.
package steps

import (
	"image"
	"image/draw"

	"pointnum/kiosk/document/fit"
	"pointnum/kiosk/document/mrc"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/sheet"
	"pointnum/kiosk/document/upright"
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
	// Ready is what the steps before make of the page, where this one never
	// gets it otherwise; nil for nothing.
	Ready func(image.Image) image.Image
}

// asItIs is the trial of pages as they came.
const asItIs = "as it is"

// All gives the steps in their order of use.
func All() []Step {
	plain := Trial{Name: asItIs}
	tilted := func(name string, degrees float64) Trial {
		return Trial{Name: name, Spoil: func(img image.Image) image.Image { return Tilt(img, degrees) }}
	}
	turned := func(name string, degrees int) Trial {
		return Trial{Name: name, Spoil: func(img image.Image) image.Image { return raster.Turn(img, degrees) }}
	}
	return []Step{
		{Name: "deskew", Scan: true, Do: deskew, Trials: []Trial{plain, tilted("tilted by 2°", 2), tilted("tilted by -4.5°", -4.5)}},
		{Name: "crop of the bed", Scan: true, Do: crop, Trials: []Trial{plain, {Name: "on a dark bed", Spoil: OnBed}}},
		{Name: "upright", Photo: true, Scan: true, Do: turn, Trials: []Trial{plain, turned("turned by 90°", 90), turned("turned by 180°", 180)}},
		{Name: "page finding", Photo: true, Do: flatten, Trials: []Trial{plain}},
		{Name: "whitening", Photo: true, Scan: true, Do: whiten, Trials: []Trial{plain, {Name: "shaded", Spoil: Shade}}},
		{Name: "even light", Photo: true, Do: even, Trials: []Trial{plain}},
		{Name: "ink and paper apart", Scan: true, Do: layers, Trials: []Trial{plain, {Name: "shaded", Spoil: Shade}}},
		{Name: "ink and paper apart", Photo: true, Do: layers, Trials: []Trial{{Name: "in even light", Ready: evened}}},
		{Name: "all steps of a scan", Scan: true, Do: scan, Trials: []Trial{plain}},
		{Name: "all steps of a photo", Photo: true, Do: photo, Trials: []Trial{plain}},
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

func turn(img image.Image) (image.Image, bool) {
	degrees, sure := upright.Turn(img)
	if degrees == 0 || sure < upright.Sure {
		return img, false
	}
	return raster.Turn(img, degrees), true
}

// longSide is how large a page is at most, 300 dpi of A4.
const longSide = 3508

func flatten(img image.Image) (image.Image, bool) {
	q, sure := sheet.Find(img)
	if !sure {
		return img, false
	}
	return sheet.Flatten(img, q, 0, longSide), true
}

// scan takes all steps of a scanned page, one after the other.
func scan(img image.Image) (image.Image, bool) { return each(img, deskew, crop, turn, layers) }

// photo takes all steps of a photograph of a page.
func photo(img image.Image) (image.Image, bool) {
	if flat, ok := flatten(img); ok {
		out, _ := each(flat, turn, even, layers)
		return out, true
	}
	return each(img, turn, even, layers)
}

// even gives what was photographed the light of a scanner.
func even(img image.Image) (image.Image, bool) {
	_, sure := upright.Turn(img)
	own := image.NewRGBA(img.Bounds()) // it is written to
	draw.Draw(own, own.Rect, img, img.Bounds().Min, draw.Src)
	out, ok := sheet.Even(raster.NewOverview(own), sheet.Known{Writing: sure >= upright.Sure})
	if !ok {
		return img, false
	}
	return out, true
}

func evened(img image.Image) image.Image {
	out, _ := even(img)
	return out
}

func each(img image.Image, steps ...func(image.Image) (image.Image, bool)) (image.Image, bool) {
	acted := false
	for _, step := range steps {
		out, did := step(img)
		img, acted = out, acted || did
	}
	return img, acted
}

// layers draws the page again from its layers, without the loss of their
// encoding. Cards and photographs have none.
func layers(img image.Image) (image.Image, bool) {
	size := img.Bounds().Size()
	own := max(size.X, size.Y) * 10 / 117 // of a sheet of A4
	page, dpi, o := fit.Finer(raster.NewOverview(img), own)
	l := mrc.SplitPage(page, dpi, o)
	if l.Photo {
		return img, false
	}
	return l.Image(own, false), true
}
