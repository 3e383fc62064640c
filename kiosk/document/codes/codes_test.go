package codes_test

import (
	"image"
	"testing"

	"pointnum/kiosk/document/codes"
	"pointnum/kiosk/document/documenttest"
)

func scan(t testing.TB, name string) *image.Gray {
	return documenttest.PGM(t, documenttest.Run(t, "convert", "-quiet", "-limit", "thread", "1", documenttest.Path(t, name), "-resize", "3508x3508>", "-colorspace", "gray", "-depth", "8", "pgm:-"))
}

func printed(t testing.TB, name string, page string) *image.Gray {
	return documenttest.PGM(t, documenttest.Run(t, "pdftoppm", "-r", "300", "-gray", "-f", page, "-l", page, documenttest.Path(t, name)))
}

func TestCodesAreFound(t *testing.T) {
	bill := scan(t, "qr-bill.jpg")
	for name, c := range map[string]struct {
		page *image.Gray
		dpi  int
		want []image.Rectangle
	}{
		"the code of a bill": {bill, 121, []image.Rectangle{image.Rect(350, 1020, 575, 1245)}},
		"three on a page": {printed(t, "paperless-600dpi-colour.pdf", "2"), 300,
			[]image.Rectangle{image.Rect(220, 270, 760, 800), image.Rect(1650, 270, 2190, 800), image.Rect(940, 850, 1480, 1380)}},
	} {
		found := codes.Find(c.page, c.dpi)
		for _, want := range c.want {
			in := false
			for _, r := range found {
				in = in || want.In(r)
			}
			if !in {
				t.Errorf("%s: %v is not in %v", name, want, found)
			}
		}
	}
}

func TestTypeIsNoCode(t *testing.T) {
	for _, name := range []string{"fr-rapport-1984-p2.jpg", "sim-cerfa-15059-p1.jpg"} {
		m := scan(t, name)
		area := 0
		for _, r := range codes.Find(m, 300) {
			area += r.Dx() * r.Dy()
		}
		if 10*area > m.Rect.Dx()*m.Rect.Dy() {
			t.Errorf("%s: %d percent of it", name, 100*area/(m.Rect.Dx()*m.Rect.Dy()))
		}
	}
}

func TestOddPagesHaveNone(t *testing.T) {
	for _, size := range []image.Point{{1, 1}, {44, 50}, {50, 44}, {301, 64}} {
		for _, dpi := range []int{1, 72, 300, 1200} {
			m := image.NewGray(image.Rectangle{Max: size})
			if found := codes.Find(m, dpi); len(found) > 0 {
				t.Errorf("%v at %d dpi: %v", size, dpi, found)
			}
		}
	}
}

func BenchmarkFind(b *testing.B) {
	m := scan(b, "fr-rapport-1984-p2.jpg")
	for b.Loop() {
		codes.Find(m, 300)
	}
}
