package raster_test

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
)

func TestSkewOfRealPagesIsFoundWithinAQuarterOfADegree(t *testing.T) {
	for _, name := range []string{"sim-cerfa-15059-p1.jpg", "fr-rapport-1984-p2.jpg", "fr-lettre-pale.jpg", "sim-cerfa-12100-p1.jpg"} {
		img := corpus(t, name)
		img = raster.Scale(img, img.Bounds().Dx()*1200/img.Bounds().Dy(), 1200)
		own := raster.Skew(raster.Gray(img))
		if math.Abs(own) > 1 {
			t.Fatalf("%s itself is said to be turned by %.2f", name, own)
		}
		b := img.Bounds()
		for _, turned := range []float64{-9.5, 1.5} {
			m := tilt(img, turned, b.Dx(), b.Dy(), white)
			if got := raster.Skew(raster.Gray(m)) - own; math.Abs(got-turned) > 0.25 {
				t.Errorf("%s turned by %.2f: found %.2f", name, turned, got)
			}
		}
	}
}

func TestLinesDownThePageCountToo(t *testing.T) {
	page := documenttest.Letterhead(800, 1100, white, black)
	sideways := raster.Turn(tilt(page, 2, 800, 1100, white), 90)
	if got := raster.Skew(raster.Gray(sideways)); math.Abs(got-2) > 0.2 {
		t.Errorf("a page on its side, turned by 2 degrees: found %.2f", got)
	}
}

func TestSkewIsZeroWhenThereAreNoLines(t *testing.T) {
	blank := image.NewRGBA(image.Rect(0, 0, 1000, 1400))
	draw.Draw(blank, blank.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	for name, img := range map[string]image.Image{
		"blank": documenttest.Grain(blank, 8), "noise": grayNoise(600, 800), "tiny": noise(3, 5), "one pixel": noise(1, 1),
		"landscape": corpus(t, "photo-exif-6.jpg"), "card": corpus(t, "photo-cni-specimen.jpg"),
	} {
		if got := raster.Skew(raster.Gray(img)); got != 0 {
			t.Errorf("%s: %.2f", name, got)
		}
		if m, a := raster.Deskew(img); a != 0 || m != img {
			t.Errorf("%s was straightened by %.2f", name, a)
		}
	}
}

func TestDeskewStraightensAndKeepsTheInk(t *testing.T) {
	page := documenttest.Letterhead(700, 980, white, black)
	for _, turned := range []float64{-12, -4, 0.8} {
		for _, kind := range []string{"colour", "grey"} {
			t.Run(fmt.Sprintf("%s %.1f", kind, turned), func(t *testing.T) {
				var m image.Image = tilt(page, turned, 910, 1120, white)
				if kind == "grey" {
					m = raster.Gray(m)
				}
				before := darkness(m)
				got, a := raster.Deskew(m)
				if math.Abs(a-turned) > 0.3 {
					t.Errorf("straightened by %.2f", a)
				}
				if rest := raster.Skew(raster.Gray(got)); math.Abs(rest) > 0.3 {
					t.Errorf("still turned by %.2f", rest)
				}
				if after := darkness(got); math.Abs(after-before)/before > 0.02 {
					t.Errorf("ink was %.0f, is %.0f", before, after)
				}
				if _, ok := got.(*image.Gray); ok != (kind == "grey") {
					t.Errorf("became %T", got)
				}
			})
		}
	}
}

func TestDeskewGrowsRatherThanCutting(t *testing.T) {
	// Writing up to the very corners.
	page := documenttest.Letterhead(1250, 1750, white, black).SubImage(image.Rect(130, 180, 1120, 1570))
	b := page.Bounds()
	m := tilt(page, 6, b.Dx()+170, b.Dy()+120, white)
	got, a := raster.Deskew(m)
	if math.Abs(a-6) > 0.3 {
		t.Fatalf("straightened by %.2f", a)
	}
	if before, after := darkness(m), darkness(got); math.Abs(after-before)/before > 0.02 {
		t.Errorf("ink was %.0f, is %.0f", before, after)
	}
}

func TestAPageThatIsNearlyStraightStaysAsItIs(t *testing.T) {
	for _, turned := range []float64{-0.5, 0, 0.5} {
		page := tilt(documenttest.Letterhead(700, 980, white, black), turned, 910, 1120, white)
		if got := raster.Skew(page); math.Abs(got-turned) > 0.15 {
			t.Errorf("turned by %.1f: found %.2f", turned, got)
		}
		if m, a := raster.Deskew(page); a != 0 || m != image.Image(page) {
			t.Errorf("turned by %.1f: was straightened by %.2f", turned, a)
		}
	}
}

// Handwriting rises on straight paper, and curved pages have lines of every
// angle.
func TestLinesThatAreNotPlainTurnNoPage(t *testing.T) {
	for _, name := range []string{"fr-lettre-manuscrite.jpg", "photo-fairscan-img03.jpg"} {
		if _, a := raster.Deskew(corpus(t, name)); a != 0 {
			t.Errorf("%s was straightened by %.2f", name, a)
		}
	}
}

func TestEdgesOfThePictureAreNoLinesOfThePage(t *testing.T) {
	for _, turned := range []float64{-3, 1.2} {
		page := tilt(documenttest.Letterhead(700, 980, white, black), turned, 910, 1120, white)
		for y := range 1120 { // shadows along the straight sides
			for x := range 910 {
				if x%9 < 2 && x > 880 || y%9 < 2 && y < 30 {
					page.SetRGBA(x, y, black)
				}
			}
		}
		if got := raster.Skew(page); math.Abs(got-turned) > 0.15 {
			t.Errorf("turned by %.1f: found %.2f", turned, got)
		}
	}
}

func TestDeskewKeepsLettersSharp(t *testing.T) {
	page := documenttest.Letterhead(450, 630, white, black) // letters of a few pixels
	for _, turned := range []float64{-3, 0.9} {
		for _, kind := range []string{"colour", "grey"} {
			var m image.Image = tilt(page, turned, 585, 720, white)
			if kind == "grey" {
				m = raster.Gray(m)
			}
			got, a := raster.Deskew(m)
			if a == 0 {
				t.Fatal("left as it is")
			}
			if before, after := contrast(m), contrast(got); after < 0.8*before {
				t.Errorf("%s turned by %.1f: contrast was %.0f, is %.0f", kind, turned, before, after)
			}
		}
	}
}

// contrast is how much the brightness of neighbours differs, squared.
func contrast(img image.Image) float64 {
	g := raster.Gray(img)
	sum := 0.0
	for y := 1; y < g.Rect.Dy(); y++ {
		for x := 1; x < g.Rect.Dx(); x++ {
			p, left, above := float64(g.Pix[y*g.Stride+x]), float64(g.Pix[y*g.Stride+x-1]), float64(g.Pix[(y-1)*g.Stride+x])
			sum += (p-left)*(p-left) + (p-above)*(p-above)
		}
	}
	return sum
}

func TestDeskewDoesNotGrowForTheEdgeOfThePaper(t *testing.T) {
	page := tilt(documenttest.Letterhead(700, 980, white, black), 2, 910, 1120, white)
	for y := range 1120 { // from end to end of the picture
		x := 30 - int(float64(y)*0.035)
		for d := range 4 {
			page.SetRGBA(max(x+d, 0), y, black)
		}
	}
	got, a := raster.Deskew(page)
	if math.Abs(a-2) > 0.3 || got.Bounds() != page.Bounds() {
		t.Errorf("straightened by %.2f, became %v", a, got.Bounds())
	}
}

// darkness is how much ink there is on white paper.
func darkness(img image.Image) float64 {
	g := raster.Gray(img)
	paper := float64(color.GrayModel.Convert(white).(color.Gray).Y)
	sum := 0.0
	for _, p := range g.Pix {
		if v := paper - float64(p); v > 20 {
			sum += v
		}
	}
	return sum
}
