package pdf_test

import (
	"image"
	"strings"
	"testing"

	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/pdf"
)

func TestPagesLieOnA4InTheirOwnSize(t *testing.T) {
	dark := func(w, h int) image.Image { return image.NewGray(image.Rect(0, 0, w, h)) }
	for name, c := range map[string]struct {
		page  pdf.Page
		sheet image.Point
		want  image.Rectangle
	}{
		"a card keeps its size":         {jpegPage(t, dark(340, 216), 100), image.Pt(595, 842), image.Rect(175, 229, 420, 384)},
		"a sheet fills the page":        {jpegPage(t, dark(827, 1169), 100), image.Pt(595, 842), image.Rect(0, 0, 595, 842)},
		"nearly a sheet fills the page": {jpegPage(t, dark(850, 1150), 100), image.Pt(595, 842), image.Rect(0, 0, 595, 842)},
		"a larger one is shrunk":        {jpegPage(t, dark(1000, 1000), 50), image.Pt(595, 842), image.Rect(0, 82, 595, 677)},
		"unknown resolution fills":      {jpegPage(t, dark(600, 300), 0), image.Pt(842, 595), image.Rect(0, 58, 842, 479)},
		"wider than a sheet":            {jpegPage(t, dark(1000, 300), 100), image.Pt(842, 595), image.Rect(61, 126, 781, 342)},
		"a long receipt fits in height": {jpegPage(t, dark(300, 3000), 72), image.Pt(595, 842), image.Rect(255, 0, 340, 842)},
	} {
		img := drawn(t, write(t, c.page))
		if got := img.Bounds().Size(); abs(got.X-c.sheet.X) > 1 || abs(got.Y-c.sheet.Y) > 1 {
			t.Errorf("%s: the sheet is %v", name, got)
		}
		got := inked(img)
		for _, d := range []int{got.Min.X - c.want.Min.X, got.Min.Y - c.want.Min.Y, got.Max.X - c.want.Max.X, got.Max.Y - c.want.Max.Y} {
			if abs(d) > 2 {
				t.Errorf("%s: it lies at %v, want %v", name, got, c.want)
				break
			}
		}
	}
}

func TestTurnedPagesAreShownTurned(t *testing.T) {
	// A sheet with a dark upper left corner, and a card of the same kind.
	sheet, card := image.NewGray(image.Rect(0, 0, 827, 1169)), image.NewGray(image.Rect(0, 0, 340, 216))
	for _, m := range []*image.Gray{sheet, card} {
		for i := range m.Pix {
			if i%m.Stride > m.Rect.Dx()/4 || i/m.Stride > m.Rect.Dy()/4 {
				m.Pix[i] = 255
			}
		}
	}
	for name, c := range map[string]struct {
		page *image.Gray
		turn int
		size image.Point
		want image.Rectangle
	}{
		"a sheet":             {sheet, 0, image.Pt(595, 842), image.Rect(0, 0, 149, 211)},
		"a sheet to the side": {sheet, 90, image.Pt(842, 595), image.Rect(631, 0, 842, 149)},
		"a sheet on its head": {sheet, 180, image.Pt(595, 842), image.Rect(446, 631, 595, 842)},
		"a sheet to the left": {sheet, 270, image.Pt(842, 595), image.Rect(0, 446, 211, 595)},
		"a card":              {card, 0, image.Pt(595, 842), image.Rect(175, 229, 236, 268)},
		"a card to the side":  {card, 90, image.Pt(595, 842), image.Rect(336, 199, 375, 260)},
		"a card on its head":  {card, 180, image.Pt(595, 842), image.Rect(359, 345, 420, 384)},
		"a card to the left":  {card, 270, image.Pt(595, 842), image.Rect(220, 383, 259, 444)},
	} {
		p := jpegPage(t, c.page, 100)
		p.Turn = c.turn
		img := drawn(t, write(t, p))
		if got := img.Bounds().Size(); abs(got.X-c.size.X) > 1 || abs(got.Y-c.size.Y) > 1 {
			t.Errorf("%s: shown on %v", name, got)
		}
		if got := inked(img); far(got, c.want) {
			t.Errorf("%s: the corner lies at %v, want %v", name, got, c.want)
		}
	}
}

// far tells rectangles apart that differ by more than rounding.
func far(a, b image.Rectangle) bool {
	return max(abs(a.Min.X-b.Min.X), abs(a.Min.Y-b.Min.Y), abs(a.Max.X-b.Max.X), abs(a.Max.Y-b.Max.Y)) > 2
}

func TestNaturalPaperIsAsLargeAsThePage(t *testing.T) {
	for want, p := range map[string]pdf.Page{
		"244.8 x 155.52":    jpegPage(t, documenttest.GrayGradient(340, 216), 100),
		"72 x 720":          jpegPage(t, documenttest.GrayGradient(100, 1000), 100),
		"833.386 x 595.276": jpegPage(t, documenttest.GrayGradient(140, 100), 0),
		"14400 x 72":        jpegPage(t, documenttest.GrayGradient(2000, 10), 1),
		"595.44 x 841.68":   jpegPage(t, documenttest.GrayGradient(827, 1169), 100),
		"3 x 72":            jpegPage(t, documenttest.GrayGradient(1, 100), 100),
	} {
		if info := run(t, "pdfinfo", documenttest.Save(t, "file.pdf", documenttest.Natural(t, p))); !strings.Contains(info, want+" pts") {
			t.Errorf("no page of %s in\n%s", want, info)
		}
	}
}

func TestImagesLieInTheirPlace(t *testing.T) {
	black := image.NewGray(image.Rect(0, 0, 10, 10))
	photo, err := pdf.Lossless(black)
	if err != nil {
		t.Fatal(err)
	}
	photo.Place = image.Rect(100, 200, 300, 250)
	white := image.NewGray(image.Rect(0, 0, 595, 842))
	for i := range white.Pix {
		white.Pix[i] = 255
	}
	p := jpegPage(t, white, 72)
	p.Layers = []pdf.Image{photo}
	if got := inked(drawn(t, write(t, p))); far(got, photo.Place) {
		t.Errorf("it lies at %v", got)
	}
	masked, mask := photo, blackCCITT()
	masked.Mask = &mask
	alone := pdf.Page{Width: 595, Height: 842, DPI: 72, Layers: []pdf.Image{masked}}
	if got := inked(drawn(t, write(t, alone))); far(got, photo.Place) {
		t.Errorf("with a mask, it lies at %v", got)
	}
}
