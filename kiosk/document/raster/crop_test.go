package raster_test

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"testing"

	"pointnum/kiosk/document/raster"
)

func TestPaperIsFoundOnEveryBed(t *testing.T) {
	beds := map[string]color.RGBA{
		"black": {12, 12, 12, 255}, "grey": {130, 131, 133, 255}, "brown cardboard": {150, 125, 100, 255},
		"pale grey": {205, 205, 205, 255}, "blue cloth": {60, 80, 140, 255},
	}
	for name, bed := range beds {
		for _, turned := range []float64{-2, 3} {
			t.Run(fmt.Sprintf("%s %.0f", name, turned), func(t *testing.T) {
				page := letterhead(450, 636, white, black)
				m := grain(tilt(page, turned, 620, 877, bed), 6)
				got, cut := raster.CropBed(m)
				if !cut {
					t.Fatal("kept the whole bed")
				}
				sin, cos := math.Sincos(math.Abs(turned) * math.Pi / 180)
				w, h := int(450*cos+636*sin), int(636*cos+450*sin)
				want := image.Rect(310-w/2, 438-h/2, 310+w/2, 438+h/2)
				if d := apart(got, want); d > 32 {
					t.Errorf("found %v, the paper is %v", got, want)
				}
				if lost := inkOutside(m, page, turned, got); lost > 0 {
					t.Errorf("%d pixels of ink are lost", lost)
				}
			})
		}
	}
}

// inkOutside counts the page's ink that a crop of the tilted page loses.
func inkOutside(m *image.RGBA, page *image.RGBA, turned float64, r image.Rectangle) int {
	ink := tilt(page, turned, m.Rect.Dx(), m.Rect.Dy(), white)
	n := 0
	for i := 0; i < len(ink.Pix); i += 4 {
		if ink.Pix[i+1] < 128 && !image.Pt(i%ink.Stride/4, i/ink.Stride).In(r) {
			n++
		}
	}
	return n
}

// apart is the largest distance between the sides of two rectangles.
func apart(a, b image.Rectangle) int {
	d := 0
	for _, v := range []int{a.Min.X - b.Min.X, a.Min.Y - b.Min.Y, a.Max.X - b.Max.X, a.Max.Y - b.Max.Y} {
		d = max(d, v, -v)
	}
	return d
}

func TestSmallPaperOnAWhiteBedIsFoundByItsEdge(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 1240, 1754))
	draw.Draw(m, m.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	paper := image.Rect(60, 50, 560, 900)
	draw.Draw(m, paper, image.NewUniform(color.RGBA{225, 225, 225, 255}), image.Point{}, draw.Src)
	draw.Draw(m, paper.Inset(4), image.NewUniform(color.RGBA{246, 246, 244, 255}), image.Point{}, draw.Src)
	draw.Draw(m, paper.Inset(20), letterhead(460, 810, white, black), image.Point{}, draw.Src)
	got, cut := raster.CropBed(grain(m, 2))
	if !cut || !paper.In(got) || got.Dx() > 700 || got.Dy() > 1000 {
		t.Errorf("found %v (%v), the paper is %v", got, cut, paper)
	}
}

func TestAPageIsNotCutWhereThereMightBeWriting(t *testing.T) {
	header := letterhead(1240, 1754, white, black)
	draw.Draw(header, image.Rect(0, 0, 1240, 160), image.NewUniform(color.RGBA{250, 190, 20, 255}), image.Point{}, draw.Src)
	draw.Draw(header, image.Rect(100, 20, 1100, 140), letterhead(1250, 150, color.RGBA{250, 190, 20, 255}, black), image.Pt(125, 15), draw.Src)
	short := image.NewRGBA(image.Rect(0, 0, 1240, 1754))
	draw.Draw(short, short.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	draw.Draw(short, image.Rect(200, 200, 700, 600), letterhead(500, 400, white, black), image.Point{}, draw.Src)
	blank := image.NewRGBA(image.Rect(0, 0, 1240, 1754))
	draw.Draw(blank, blank.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	for name, img := range map[string]image.Image{
		"a white page":                      letterhead(1240, 1754, white, black),
		"a header of colour over all of it": header,
		"a few lines on a white page":       short,
		"a blank page":                      blank,
		"a green form":                      corpus(t, "sim-cerfa-12100-p1.jpg"),
		"a yellow header":                   corpus(t, "sim-cerfa-15059-p1.jpg"),
		"mostly empty form":                 corpus(t, "sim-cerfa-15059-p2.jpg"),
		"a long receipt":                    corpus(t, "receipt-highlighter.jpg"),
		"a payment slip":                    corpus(t, "qr-bill.jpg"),
		"ruled paper":                       corpus(t, "handwritten-notesA1.jpg"),
		"noise":                             noise(300, 300),
		"a tiny picture":                    noise(5, 3),
	} {
		if r, cut := raster.CropBed(img); cut || r != image.Rect(0, 0, img.Bounds().Dx(), img.Bounds().Dy()) {
			t.Errorf("%s: %v of %v", name, r, img.Bounds())
		}
	}
}

// The sides of the paper as measured by eye, in pixels of the reduced picture.
func TestRealBedsAreCutOff(t *testing.T) {
	for name, want := range map[string]image.Rectangle{
		"fr-programme-1962.jpg":        image.Rect(16, 15, 1362, 1734),
		"fr-typescript-greybed-p1.jpg": image.Rect(0, 41, 1172, 1689),
		"receipt-dark-bed.jpg":         image.Rect(820, 0, 1276, 1550),
	} {
		img := corpus(t, name)
		got, cut := raster.CropBed(img)
		if !cut || apart(got, want) > max(img.Bounds().Dx(), img.Bounds().Dy())/60 {
			t.Errorf("%s: found %v (%v), want about %v", name, got, cut, want)
		}
	}
}
