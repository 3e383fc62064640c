package steps_test

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"strings"
	"testing"

	"pointnum/cmd/internal/benchengine/steps"
	"pointnum/kiosk/document/raster"
)

// lines is a page of lines of dashes, as writing looks from afar.
func lines() *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, 800, 1130))
	draw.Draw(img, img.Rect, image.NewUniform(color.RGBA{240, 238, 230, 255}), image.Point{}, draw.Src)
	for y := 130; y < 1000; y += 30 {
		for x := 100; x < 700; x += 16 {
			draw.Draw(img, image.Rect(x, y, x+11, y+10), image.Black, image.Point{}, draw.Src)
		}
	}
	return img
}

func TestATiltedPageIsStraightenedAgain(t *testing.T) {
	for _, degrees := range []float64{2, -4.5} {
		tilted := steps.Tilt(lines(), degrees)
		if tilted.Bounds() != lines().Bounds() {
			t.Errorf("%v became %v", lines().Bounds(), tilted.Bounds())
		}
		if got := math.Abs(raster.Skew(tilted)); math.Abs(got-math.Abs(degrees)) > 0.3 {
			t.Errorf("tilted by %v: %v degrees of skew", degrees, got)
		}
		if corner := color.RGBAModel.Convert(tilted.At(1, 1)).(color.RGBA); corner.R < 225 {
			t.Errorf("the corner is %v, not as light as paper", corner)
		}
	}
}

func TestAShadedPageIsDarkOnOneSide(t *testing.T) {
	shaded := steps.Shade(lines())
	left, right := color.GrayModel.Convert(shaded.At(2, 2)).(color.Gray).Y, color.GrayModel.Convert(shaded.At(797, 2)).(color.Gray).Y
	if left < 230 || right > left/2 {
		t.Errorf("left %d, right %d", left, right)
	}
}

func TestAPageOnABedIsLarger(t *testing.T) {
	on := steps.OnBed(lines())
	if b := on.Bounds(); b.Dx() <= 800 || b.Dy() <= 1130 {
		t.Errorf("%v", b)
	}
	if c := color.GrayModel.Convert(on.At(1, 1)).(color.Gray).Y; c > 100 {
		t.Errorf("the bed is %d", c)
	}
}

// Photographs have no exact text, and without one a page is not spoilt.
func TestEveryStepOfAPhotoIsTriedOnWholePages(t *testing.T) {
	tried := map[string]bool{}
	for _, s := range steps.All() {
		for _, trial := range s.Trials {
			if s.Photo && trial.Spoil == nil {
				tried[s.Name] = true
			}
		}
	}
	for _, s := range steps.All() {
		if s.Photo && !tried[s.Name] {
			t.Errorf("%s is never tried on a photograph", s.Name)
		}
	}
}

func TestEveryStepLeavesAnEmptySheetAlone(t *testing.T) {
	sheet := image.NewRGBA(image.Rect(0, 0, 800, 1130))
	draw.Draw(sheet, sheet.Rect, image.White, image.Point{}, draw.Src)
	for _, s := range steps.All() {
		if out, acted := s.Do(sheet); acted && out.Bounds().Dx() < 750 {
			t.Errorf("%s made %v of it", s.Name, out.Bounds())
		}
	}
}

func TestWhatGotWorseIsSaidPlainly(t *testing.T) {
	truth := func(found, errors float64) steps.Reading {
		return steps.Reading{Truth: true, Found: found, Errors: errors, Sure: 100}
	}
	results := []steps.Result{
		{Step: "whitening", Trial: "as it is", Class: "scan-colour", Page: "a.jpg", Acted: true, Before: truth(0.90, 0.05), After: truth(0.96, 0.03)},
		{Step: "whitening", Trial: "as it is", Class: "scan-colour", Page: "b.jpg", Acted: true, Before: truth(0.95, 0.05), After: truth(0.60, 0.30)},
		{Step: "whitening", Trial: "as it is", Class: "photo", Page: "c.jpg", Before: steps.Reading{Sure: 50}, After: steps.Reading{Sure: 50}},
		{Step: "deskew", Trial: "tilted by 2°", Class: "scan-colour", Page: "a.jpg", Acted: true, Before: truth(0.5, 0.4), After: truth(0.9, 0.05)},
	}
	var out strings.Builder
	if err := steps.Markdown(&out, results); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| whitening | as it is | scan-colour | 2 | 2 | 92.5 → 78.0 | 5.0 → 16.5 | 200 → 200 | 1 | 1 |",
		"| whitening | as it is | photo | 1 | 0 | - | - | 50 → 50 | 0 | 0 |",
		"| deskew | tilted by 2° | scan-colour | 1 | 1 | 50.0 → 90.0 | 40.0 → 5.0 | 100 → 100 | 1 | 0 |",
		"- **Worse:** whitening, scan-colour pages, as it is.",
		"whitening makes 1 of 2 scan-colour pages (as it is) worse: b.jpg, words found 95.0 → 60.0 %.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := steps.Markdown(&out, results[2:]); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "No class is made worse by any step.") {
		t.Errorf("%s", out.String())
	}
}
