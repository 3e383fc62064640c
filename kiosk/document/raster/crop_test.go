package raster_test

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
)

func TestPaperIsFoundOnEveryBed(t *testing.T) {
	gray := color.RGBA{130, 131, 133, 255}
	for _, c := range []struct {
		name   string
		bed    color.RGBA
		turned float64
		width  int // of the paper, pixels: 620 are 75 dpi of A4
		ink    color.RGBA
	}{
		{"black", color.RGBA{12, 12, 12, 255}, -2, 450, black},
		{"black", color.RGBA{12, 12, 12, 255}, 3, 450, black},
		{"black, large", color.RGBA{12, 12, 12, 255}, 0.4, 1650, black},
		{"grey", gray, -7, 450, black},
		{"grey", gray, 1, 450, black},
		{"grey, large, pale ink", gray, -1, 1240, color.RGBA{190, 190, 195, 255}},
		{"brown cardboard", color.RGBA{150, 125, 100, 255}, -2, 450, black},
		{"brown cardboard", color.RGBA{150, 125, 100, 255}, 9, 450, black},
		{"brown cardboard, pale ink", color.RGBA{150, 125, 100, 255}, 3, 600, color.RGBA{190, 190, 195, 255}},
		{"pale grey", color.RGBA{205, 205, 205, 255}, -2, 450, black},
		{"pale grey", color.RGBA{205, 205, 205, 255}, 3, 900, black},
		{"blue cloth", color.RGBA{60, 80, 140, 255}, -9, 450, black},
		{"wood", color.RGBA{170, 120, 80, 255}, 2, 900, black},
	} {
		t.Run(fmt.Sprintf("%s %.1f %d", c.name, c.turned, c.width), func(t *testing.T) {
			height := c.width * 636 / 450
			page := documenttest.Letterhead(c.width, height, white, c.ink)
			bw, bh := c.width*620/450, height*877/636
			m := documenttest.Grain(tilt(page, c.turned, bw, bh, c.bed), 6)
			got, cut := raster.CropBed(m)
			if !cut {
				t.Fatal("kept the whole bed")
			}
			sin, cos := math.Sincos(math.Abs(c.turned) * math.Pi / 180)
			w := int(float64(c.width)*cos + float64(height)*sin)
			h := int(float64(height)*cos + float64(c.width)*sin)
			want := image.Rect((bw-w)/2, (bh-h)/2, (bw+w)/2, (bh+h)/2).Intersect(m.Rect)
			if d := apart(got, want); d > c.width/14 {
				t.Errorf("found %v, the paper is %v", got, want)
			}
			if lost := inkOutside(m, page, c.turned, got); lost > 0 {
				t.Errorf("%d pixels of ink are lost", lost)
			}
		})
	}
}

func TestABlackBorderIsCutOffAScan(t *testing.T) {
	page := raster.Gray(documenttest.Letterhead(1240, 1754, color.RGBA{255, 255, 255, 255}, color.RGBA{0, 0, 0, 255}))
	r := rand.New(rand.NewPCG(4, 4))
	for y := range 1754 { // as a copier leaves it beside and above the sheet
		for x := range 50 + r.IntN(8) {
			page.SetGray(x, y, color.Gray{})
		}
	}
	for x := range 1240 {
		for y := range 30 + r.IntN(8) {
			page.SetGray(x, y, color.Gray{})
		}
	}
	got, cut := raster.CropBed(page)
	if want := image.Rect(54, 34, 1240, 1754); !cut || apart(got, want) > 12 {
		t.Errorf("found %v (%v), the paper is %v", got, cut, want)
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
	draw.Draw(m, paper.Inset(20), documenttest.Letterhead(460, 810, white, black), image.Point{}, draw.Src)
	got, cut := raster.CropBed(documenttest.Grain(m, 2))
	if !cut || !paper.In(got) || got.Dx() > 700 || got.Dy() > 1000 {
		t.Errorf("found %v (%v), the paper is %v", got, cut, paper)
	}
}

func TestAPageIsNotCutWhereThereMightBeWriting(t *testing.T) {
	header := documenttest.Letterhead(1240, 1754, white, black)
	draw.Draw(header, image.Rect(0, 0, 1240, 160), image.NewUniform(color.RGBA{250, 190, 20, 255}), image.Point{}, draw.Src)
	draw.Draw(header, image.Rect(100, 20, 1100, 140), documenttest.Letterhead(1250, 150, color.RGBA{250, 190, 20, 255}, black), image.Pt(125, 15), draw.Src)
	short := image.NewRGBA(image.Rect(0, 0, 1240, 1754))
	draw.Draw(short, short.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	draw.Draw(short, image.Rect(200, 200, 700, 600), documenttest.Letterhead(500, 400, white, black), image.Point{}, draw.Src)
	blank := image.NewRGBA(image.Rect(0, 0, 1240, 1754))
	draw.Draw(blank, blank.Rect, image.NewUniform(white), image.Point{}, draw.Src)
	for name, img := range map[string]image.Image{
		"a white page":                      documenttest.Letterhead(1240, 1754, white, black),
		"a header of colour over all of it": header,
		"a few lines on a white page":       short,
		"a blank page":                      blank,
		"a green form":                      corpus(t, "sim-cerfa-12100-p1.jpg"),
		"a yellow header":                   corpus(t, "sim-cerfa-15059-p1.jpg"),
		"mostly empty form":                 corpus(t, "sim-cerfa-15059-p2.jpg"),
		"a long receipt":                    corpus(t, "receipt-highlighter.jpg"),
		"a payment slip":                    corpus(t, "qr-bill.jpg"),
		"a yellow pad with a head":          corpus(t, "handwritten-graph-paper-front.jpg"),
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

func TestTheBedBesideAFacingPageIsCutOff(t *testing.T) {
	const w, h, facing = 1240, 1754, 250 // the facing page ends lower and starts higher
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{120, 122, 125, 255}), image.Point{}, draw.Src)
	draw.Draw(m, image.Rect(0, 0, facing, h), image.NewUniform(white), image.Point{}, draw.Src)
	page := documenttest.Letterhead(860, 1614, white, black)
	draw.Draw(m, page.Rect.Add(image.Pt(facing, 70)), page, image.Point{}, draw.Src)
	got, cut := raster.CropBed(documenttest.Grain(m, 6))
	want := image.Rect(0, 70, facing+860, 70+1614)
	if d := apart(got, want); !cut || d > 12 {
		t.Errorf("found %v, the page is %v", got, want)
	}
}

// A rim of the bed is read as a column of letters.
func TestNoRimOfTheBedIsLeftBesideCrookedPaper(t *testing.T) {
	bed := color.RGBA{120, 122, 125, 255}
	m := tilt(documenttest.Letterhead(1000, 1414, white, black), 0.35, 1240, 1754, bed)
	r, cut := raster.CropBed(m)
	if !cut {
		t.Fatal("kept the whole bed")
	}
	for name, side := range map[string]image.Rectangle{
		"left": image.Rect(r.Min.X, r.Min.Y, r.Min.X+4, r.Max.Y), "right": image.Rect(r.Max.X-4, r.Min.Y, r.Max.X, r.Max.Y),
		"top": image.Rect(r.Min.X, r.Min.Y, r.Max.X, r.Min.Y+4), "bottom": image.Rect(r.Min.X, r.Max.Y-4, r.Max.X, r.Max.Y),
	} {
		n := 0
		for y := side.Min.Y; y < side.Max.Y; y++ {
			for x := side.Min.X; x < side.Max.X; x++ {
				if m.RGBAAt(x, y).R < 160 {
					n++
				}
			}
		}
		if 5*n > side.Dx()*side.Dy() {
			t.Errorf("%d of %d pixels along the %s are bed", n, side.Dx()*side.Dy(), name)
		}
	}
}
