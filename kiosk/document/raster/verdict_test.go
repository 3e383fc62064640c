package raster_test

import (
	"image"
	"image/color"
	"image/draw"
	"slices"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document/raster"
)

func plain(c color.RGBA) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, 1240, 1754))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

func TestVerdicts(t *testing.T) {
	page := letterhead(1654, 2339, white, black)
	pale := color.RGBA{242, 242, 240, 255}
	cut := letterhead(1654, 2339, white, black).SubImage(image.Rect(170, 70, 1600, 2270))
	blurred := raster.Scale(raster.Scale(page, 107, 151), 1654, 2339)
	none := []kiosk.Verdict(nil)
	for name, c := range map[string]struct {
		img  image.Image
		dpi  int
		want []kiosk.Verdict
	}{
		"a clear page":                 {page, 200, none},
		"a clear page of unknown size": {page, 0, none},
		"grain only":                   {grain(plain(white), 8), 150, []kiosk.Verdict{kiosk.VerdictBlank}},
		"grey grain only":              {raster.Gray(grain(plain(color.RGBA{190, 190, 180, 255}), 6)), 150, []kiosk.Verdict{kiosk.VerdictBlank}},
		"out of focus":                 {blurred, 200, []kiosk.Verdict{kiosk.VerdictBlurred}},
		"hardly any light":             {letterhead(1654, 2339, color.RGBA{60, 60, 60, 255}, black), 200, []kiosk.Verdict{kiosk.VerdictDark}},
		"hardly any ink":               {letterhead(1654, 2339, white, color.RGBA{232, 232, 230, 255}), 200, []kiosk.Verdict{kiosk.VerdictDark}},
		"cut through its lines":        {cut, 200, []kiosk.Verdict{kiosk.VerdictCut}},
		"a fax of a fax":               {raster.Scale(page, 826, 1169), 100, []kiosk.Verdict{kiosk.VerdictLowRes}},
		"a thumbnail":                  {raster.Scale(page, 500, 707), 0, []kiosk.Verdict{kiosk.VerdictLowRes}},
	} {
		got := raster.Verdicts(c.img, c.dpi)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	block := plain(white)
	draw.Draw(block, image.Rect(100, 1440, 310, 1650), image.NewUniform(color.RGBA{0, 255, 0, 255}), image.Point{}, draw.Src)
	if raster.Blank(block) {
		t.Error("a block of colour is taken for an empty page")
	}
	if !raster.Blank(plain(pale)) || raster.Blank(letterhead(1654, 2339, white, color.RGBA{228, 228, 226, 255})) {
		t.Error("pale writing is not told from none")
	}
}

func TestReadablePagesRaiseNoWarning(t *testing.T) {
	for _, name := range []string{"sim-cerfa-12100-p1.jpg", "sim-cerfa-15059-p1.jpg", "sim-cerfa-15059-p2.jpg", "fr-rapport-1984-p1.jpg", "fr-lettre-pale.jpg", "fr-lettre-manuscrite.jpg", "handwritten-graph-paper-front.jpg", "receipt-highlighter.jpg"} {
		if got := raster.Verdicts(corpus(t, name), 0); len(got) > 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheSmallestPicturesDoNoHarm(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {1, 50}, {50, 1}, {16, 16}, {33, 31}, {65, 64}} {
		img := noise(size.X, size.Y)
		raster.Verdicts(img, 300)
		raster.Blank(img)
		raster.IsGray(img)
		raster.Whiten(img)
		raster.CropBed(img)
		raster.Deskew(img)
	}
}
