package raster_test

import (
	"image"
	"image/color"
	"image/draw"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
)

// strokes marks what is darker than the mean around it by depth: ink, as an
// eye that ignores the paper's shade sees it.
func strokes(g *image.Gray, depth int) []bool {
	const cell = 16
	small := raster.Scale(g, g.Rect.Dx()/cell, g.Rect.Dy()/cell).(*image.Gray)
	mask := make([]bool, len(g.Pix))
	for y := range g.Rect.Dy() {
		for x := range g.Rect.Dx() {
			around := small.GrayAt(min(x/cell, small.Rect.Dx()-1), min(y/cell, small.Rect.Dy()-1)).Y
			mask[y*g.Rect.Dx()+x] = int(g.GrayAt(x, y).Y)+depth < int(around)
		}
	}
	return mask
}

func TestPaleWritingSurvivesWhitening(t *testing.T) {
	for _, name := range []string{"fr-lettre-pale.jpg", "handwritten-graph-paper-front.jpg", "receipt-highlighter.jpg", "fr-lettre-manuscrite.jpg"} {
		img := corpus(t, name)
		before := strokes(raster.Gray(img), 14)
		after := strokes(raster.Gray(raster.Whiten(img)), 10)
		ink, lost := 0, 0
		b := img.Bounds()
		page := image.Rect(0, 0, b.Dx(), b.Dy()).Inset(b.Dx() / 16) // not the edge and its shadow
		for i, v := range before {
			if v && image.Pt(i%b.Dx(), i/b.Dx()).In(page) {
				ink++
				if !after[i] {
					lost++
				}
			}
		}
		if ink == 0 || lost > ink/200 {
			t.Errorf("%s: %d of %d pixels of ink are lost", name, lost, ink)
		}
	}
}

func TestPaperBecomesWhiteAndTheFileSmall(t *testing.T) {
	for _, name := range []string{"fr-lettre-pale.jpg", "fr-rapport-1984-p2.jpg", "sim-cerfa-15059-p2.jpg"} {
		img := corpus(t, name)
		out := raster.Whiten(img)
		g := raster.Gray(out)
		n := 0
		for _, p := range g.Pix {
			if p >= 250 {
				n++
			}
		}
		if n < len(g.Pix)*8/10 {
			t.Errorf("%s: only %d of %d pixels are white", name, n, len(g.Pix))
		}
		before, err := raster.EncodeJPEG(img, 75)
		if err != nil {
			t.Fatal(err)
		}
		after, err := raster.EncodeJPEG(out, 75)
		if err != nil {
			t.Fatal(err)
		}
		if len(after) >= len(before) {
			t.Errorf("%s: %d bytes became %d", name, len(before), len(after))
		}
	}
}

// verso lays what is printed on the other side of the paper over a page: its
// ink takes share thousandths of the light, seen in a mirror.
func verso(page *image.RGBA, share int) *image.RGBA {
	other := documenttest.Letterhead(page.Rect.Dx()*8/10, page.Rect.Dy(), white, black)
	w := other.Rect.Dx()
	for y := range page.Rect.Dy() {
		for x := range w {
			if other.RGBAAt(w-1-x, y).G < 128 {
				c := page.RGBAAt(x, y)
				k := 1000 - share
				page.SetRGBA(x, y, color.RGBA{uint8(int(c.R) * k / 1000), uint8(int(c.G) * k / 1000), uint8(int(c.B) * k / 1000), 255})
			}
		}
	}
	return page
}

func TestTheOtherSideVanishesFromAPlainPageOnly(t *testing.T) {
	paper := color.RGBA{232, 230, 226, 255}
	pencil := color.RGBA{176, 175, 173, 255}
	stained := func(share int, ink color.RGBA, gray bool) (n int) {
		var img image.Image = verso(documenttest.Letterhead(1000, 1400, paper, ink), share)
		if gray {
			img = raster.Gray(img)
		}
		for _, v := range raster.Gray(raster.Whiten(img)).Pix {
			if v < 255 && v > 200 {
				n++
			}
		}
		return n
	}
	for _, gray := range []bool{false, true} {
		if n := stained(40, black, gray); n > 2000 {
			t.Errorf("grey %v: %d pixels of the other side are left", gray, n)
		}
		if n := stained(40, pencil, gray); n < 20000 {
			t.Errorf("grey %v: of a page in pencil only %d pale pixels are left", gray, n)
		}
		if n := stained(150, black, gray); n < 20000 {
			t.Errorf("grey %v: of what may be pencil only %d pixels are left", gray, n)
		}
	}
}

func TestColoursAndFieldsStayOnAWhitenedPage(t *testing.T) {
	page := documenttest.Letterhead(1000, 1400, color.RGBA{222, 216, 200, 255}, black)
	fields := map[image.Rectangle]color.RGBA{
		image.Rect(0, 0, 1000, 120):      {250, 190, 20, 255}, // a header
		image.Rect(100, 1290, 400, 1380): {60, 70, 170, 255},  // a stamp
		image.Rect(500, 1290, 900, 1380): {180, 210, 175, 255},
	}
	for r, c := range fields {
		draw.Draw(page, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
	out := raster.ToRGBA(raster.Whiten(documenttest.Grain(page, 3)))
	if p := out.RGBAAt(50, 700); p.R < 250 || p.G < 250 || p.B < 250 {
		t.Errorf("the paper is %v", p)
	}
	for r, c := range fields {
		got := out.RGBAAt((r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2)
		if spread(got) < spread(c)/2 {
			t.Errorf("the field of %v became %v", c, got)
		}
	}
}

func spread(c color.RGBA) int {
	return int(max(c.R, c.G, c.B)) - int(min(c.R, c.G, c.B))
}

func TestEvenLightComesOutOfAShadow(t *testing.T) {
	page := documenttest.Letterhead(1000, 1400, white, black)
	for y := range 1400 {
		for x := range 1000 {
			c := page.RGBAAt(x, y)
			k := 1000 - 250*x/1000
			page.SetRGBA(x, y, color.RGBA{uint8(int(c.R) * k / 1000), uint8(int(c.G) * k / 1000), uint8(int(c.B) * k / 1000), 255})
		}
	}
	for kind, img := range map[string]image.Image{"colour": page, "grey": raster.Gray(page)} {
		out := raster.ToRGBA(raster.Whiten(img))
		for _, at := range []image.Point{{20, 30}, {980, 30}, {20, 1380}, {980, 1380}, {500, 60}} {
			if p := out.RGBAAt(at.X, at.Y); p.R < 248 {
				t.Errorf("%s: the paper at %v is %v", kind, at, p)
			}
		}
	}
}

func TestCardsPhotographsAndColouredPaperAreLeftAlone(t *testing.T) {
	pink := documenttest.Grain(documenttest.Letterhead(700, 1000, color.RGBA{245, 190, 205, 255}, black), 4)
	for name, img := range map[string]image.Image{
		"identity card": corpus(t, "photo-cni-specimen.jpg"), "older card": corpus(t, "photo-cni-rotated.jpeg"),
		"landscape": corpus(t, "photo-exif-6.jpg"), "portrait": corpus(t, "photo-exif-5-mirror.jpg"),
		"red cover": corpus(t, "fr-rapport-1984-cover.jpg"), "pink form": pink, "tiny": noise(2, 2),
	} {
		if out := raster.Whiten(img); out != img {
			t.Errorf("%s was changed", name)
		}
	}
}

func TestPaperOnCardboardIsNotBleached(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 1240, 1754))
	draw.Draw(m, m.Rect, image.NewUniform(color.RGBA{176, 164, 158, 255}), image.Point{}, draw.Src)
	receipt := documenttest.Letterhead(440, 1500, color.RGBA{212, 213, 216, 255}, black)
	draw.Draw(m, receipt.Rect.Add(image.Pt(780, 20)), receipt, image.Point{}, draw.Src)
	if img := documenttest.Grain(m, 6); raster.Whiten(img) != image.Image(img) {
		t.Error("the cardboard was taken for the paper")
	}
	// A rim of a brighter bed is no paper.
	page := documenttest.Letterhead(1240, 1754, color.RGBA{248, 239, 223, 255}, black)
	draw.Draw(page, image.Rect(0, 0, 60, 1754), image.NewUniform(white), image.Point{}, draw.Src)
	if img := documenttest.Grain(page, 6); raster.Whiten(img) == image.Image(img) {
		t.Error("yellowed paper on a white bed was not whitened")
	}
}
