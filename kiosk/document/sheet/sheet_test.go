package sheet_test

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"testing"

	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/sheet"
)

func TestFindsPagesOnAnyGround(t *testing.T) {
	pages := []string{"fr-rapport-1984-p2.jpg", "sim-cerfa-12100-p1.jpg", "qr-bill.jpg", "handwritten-notesB1.jpg"}
	grounds := map[string]ground{"wood": wood, "cloth": cloth, "keyboard": keys, "white table": whiteTable, "black": black}
	// White on white under a shadow, and a page over keys: better unsure.
	least := map[string]int{"wood": 5, "cloth": 3, "black": 3, "keyboard": 1, "white table": 1}
	poses := []struct{ turned, tilted, size float64 }{{2, 0, 0.8}, {-8, 15, 0.75}, {28, 5, 0.6}, {5, 35, 0.65}, {-20, 25, 0.6}}
	for name, g := range grounds {
		found := 0
		for i, p := range poses {
			if i < 2 && name != "wood" {
				continue // one ground shows what the easy ones are like
			}
			page := corpus(t, pages[i%len(pages)], 1000)
			ratio := float64(page.Rect.Dx()) / float64(page.Rect.Dy())
			s := scene{page: page, ground: g, quad: seen(ratio, p.turned, p.tilted, p.size), shadow: i%2 == 1, seed: uint64(i)}
			q, sure := sheet.Find(s.picture())
			off := 100 * miss(q.Quad, s.quad)
			if !sure {
				t.Logf("%s, pose %d: not sure, off by %.2f %%", name, i, off)
				continue
			}
			found++
			most := 1.0
			if name == "keyboard" {
				most = 1.5 // the letters on the keys are as bright as the page
			}
			if off > most {
				t.Errorf("%s, pose %d: a corner is off by %.2f %% of the page's long side, want %v", name, i, off, most)
			}
		}
		if found < least[name] {
			t.Errorf("sure of %d pages of %d on %s, want %d", found, len(poses), name, least[name])
		}
	}
}

func TestIsNotSureWithoutAPage(t *testing.T) {
	for name, g := range map[string]ground{"wood": wood, "cloth": cloth, "keyboard": keys, "white table": whiteTable} {
		if q, sure := sheet.Find(scene{ground: g, shadow: true}.picture()); sure {
			t.Errorf("sure of a sheet on bare %s at %.0f", name, q)
		}
	}
	for _, name := range []string{"photo-exif-5-mirror.jpg", "photo-exif-6.jpg", "photo-cni-specimen.jpg", "photo-cni-rotated.jpeg",
		"photo-book-sideways.jpg", "photo-thesis-curved.jpg"} {
		if q, sure := sheet.Find(corpus(t, name, 1000)); sure {
			t.Errorf("%s: sure of a sheet at %.0f", name, q.Quad)
		}
	}
}

// A scan that fills its picture has nothing to cut; fields, pictures and
// coloured blocks on it are no sheets.
func TestLeavesScansAlone(t *testing.T) {
	for _, pattern := range []string{"sim-*.jpg", "receipt-*.jpg", "fr-rapport-1984-p1.jpg", "fr-rapport*cover.jpg", "fr-lettre*.jpg", "handwritten-n*.jpg", "qr-bill.jpg"} {
		for _, name := range names(t, pattern) {
			img := corpus(t, name, 1000)
			if q, sure := sheet.Find(img); sure {
				t.Errorf("%s %v: sure of a sheet at %.0f", name, img.Rect.Max, q.Quad)
			}
		}
	}
}

// Half of a sheet that a coloured field covers must not be cut off.
func TestAFieldAsWideAsTheSheetIsAPartOfIt(t *testing.T) {
	page := copied(corpus(t, "fr-rapport-1984-p2.jpg", 1000))
	w, h := page.Rect.Dx(), page.Rect.Dy()
	for y := range h * 2 / 5 {
		for x := range w {
			copy(page.Pix[page.PixOffset(x, y):], []uint8{225, 175, 20, 255})
		}
	}
	q := seen(float64(w)/float64(h), 4, 10, 0.75)
	for name, g := range map[string]ground{"white table": whiteTable, "wood": wood, "black": black} {
		found, sure := sheet.Find(scene{page: page, ground: g, quad: q}.picture())
		if off := miss(found.Quad, q); sure && off > 0.02 {
			t.Errorf("on %s: sure of %.0f, %.0f %% off", name, found.Quad, 100*off)
		}
	}
}

func TestFindsAPictureOnAWhitePage(t *testing.T) {
	for _, name := range []string{"photo-fairscan-img02.jpg", "photo-thesis-curved.jpg", "photo-exif-6.jpg"} {
		img := smaller(corpus(t, name, 1000), 0.6)
		page := image.NewRGBA(image.Rect(0, 0, 700, 990))
		for i := range page.Pix {
			page.Pix[i] = 255
		}
		want := img.Rect.Add(image.Pt(50, 180))
		for y := range img.Rect.Dy() {
			copy(page.Pix[page.PixOffset(50, 180+y):], img.Pix[y*img.Stride:][:4*img.Rect.Dx()])
		}
		got, ok := sheet.Inlay(page)
		if !ok || !got.In(want.Inset(-2)) || !want.Inset(6).In(got) {
			t.Errorf("%s: found at %v (%v), want %v", name, got, ok, want)
		}
		if r, ok := sheet.Inlay(img); ok {
			t.Errorf("%s fills its picture, found at %v", name, r)
		}
	}
	for _, name := range []string{"fr-rapport-1984-p2.jpg", "qr-bill.jpg", "sim-cerfa-12100-p1.jpg"} {
		if r, ok := sheet.Inlay(raster.Whiten(corpus(t, name, 1000))); ok {
			t.Errorf("%s is a page of writing, found a picture at %v", name, r)
		}
	}
}

func TestOnlyACameraSeesASheetTilted(t *testing.T) {
	for _, c := range []struct {
		turned, tilted float64
		want           bool
	}{{0, 0, false}, {20, 0, false}, {45, 0, false}, {0, 15, true}, {30, 25, true}} {
		if got := seen(1/math.Sqrt2, c.turned, c.tilted, 0.6).Tilted(); got != c.want {
			t.Errorf("turned by %v, tilted by %v: %v", c.turned, c.tilted, got)
		}
	}
}

func TestCoarseSheetsAreFlattenedFine(t *testing.T) {
	page := corpus(t, "fr-rapport-1984-p2.jpg", 1000)
	for _, c := range []struct {
		ratio float64
		long  int // of what comes out
	}{{1 / math.Sqrt2, 1200}, {85.60 / 53.98, 0}} {
		q := seen(c.ratio, 5, 0, min(0.7, 0.45/c.ratio))
		img := scene{page: page, ground: black, quad: q}.picture()
		plain, fine := sheet.Flatten(img, sheet.Sheet{Quad: q}, 0, 3508), sheet.Flatten(img, sheet.Sheet{Quad: q}, 1200, 3508)
		if c.long == 0 && fine.Bounds() != plain.Bounds() {
			t.Errorf("a card is enlarged from %v to %v", plain.Bounds(), fine.Bounds())
		}
		if got := max(fine.Bounds().Dx(), fine.Bounds().Dy()); c.long > 0 && got != c.long {
			t.Errorf("a coarse sheet is %d long, want %d", got, c.long)
		}
	}
}

func TestFindsTheSheetsOfRealPictures(t *testing.T) {
	// Corners read off by eye, thousandths of the picture.
	for name, want := range map[string]sheet.Quad{
		"photo-fairscan-img01.jpg": {{X: 207, Y: 232}, {X: 800, Y: 202}, {X: 872, Y: 899}, {X: 160, Y: 897}},
		"photo-fairscan-img02.jpg": {{X: 135, Y: 156}, {X: 816, Y: 99}, {X: 922, Y: 884}, {X: 194, Y: 912}},
		"newspaper-colour.png":     {{X: 10, Y: 8}, {X: 970, Y: 8}, {X: 981, Y: 981}, {X: 12, Y: 989}},
		"photo-fairscan-img03.jpg": {{X: 194, Y: 89}, {X: 862, Y: 89}, {X: 877, Y: 861}, {X: 111, Y: 825}},
	} {
		img := corpus(t, name, 1000)
		q, sure := sheet.Find(img)
		for i := range want {
			want[i].X *= float64(img.Rect.Dx()) / 1000
			want[i].Y *= float64(img.Rect.Dy()) / 1000
		}
		if off := miss(q.Quad, want); !sure || off > 0.015 {
			t.Errorf("%s: found %.0f (sure: %v), %.1f %% off", name, q.Quad, sure, 100*off)
		}
	}
}

func TestFlattenGivesTheSheetsOwnProportions(t *testing.T) {
	page := corpus(t, "fr-rapport-1984-p2.jpg", 1000)
	for _, c := range []struct{ ratio, turned, tilted float64 }{
		{1 / math.Sqrt2, 3, 0}, {1 / math.Sqrt2, 20, 30}, {1 / math.Sqrt2, 0, 35}, {0.5, 12, 30}, {1, 25, 20}, {85.60 / 53.98, 10, 20},
	} {
		size := min(0.7, 0.45/c.ratio)
		q := seen(c.ratio, c.turned, c.tilted, size)
		img := sheet.Flatten(scene{page: page, ground: black, quad: q}.picture(), sheet.Sheet{Quad: q}, 0, 1000)
		got := float64(img.Bounds().Dx()) / float64(img.Bounds().Dy())
		if math.Abs(got/c.ratio-1) > 0.05 {
			t.Errorf("turned %v, tilted %v: proportions %.3f, want %.3f", c.turned, c.tilted, got, c.ratio)
		}
		if max(img.Bounds().Dx(), img.Bounds().Dy()) > 1000 {
			t.Errorf("%v is larger than was asked for", img.Bounds())
		}
	}
}

func TestFlattenShowsThePageAsItWas(t *testing.T) {
	page := corpus(t, "fr-rapport-1984-p2.jpg", 1000)
	ratio := float64(page.Rect.Dx()) / float64(page.Rect.Dy())
	q := seen(ratio, 10, 20, 0.75)
	img := scene{page: page, ground: wood, quad: q}.picture()
	flat := sheet.Flatten(img, sheet.Sheet{Quad: q}, 0, 4000)
	gray := sheet.Flatten(raster.Gray(img), sheet.Sheet{Quad: q}, 0, 4000)
	if _, ok := gray.(*image.Gray); !ok || gray.Bounds() != flat.Bounds() {
		t.Errorf("a grey picture is flattened to %T of %v, want grey of %v", gray, gray.Bounds(), flat.Bounds())
	}
	a, b := raster.Gray(raster.Scale(flat, 250, 350)), raster.Gray(raster.Scale(page, 250, 350))
	off := 0
	for i := range a.Pix {
		off += max(int(a.Pix[i]), int(b.Pix[i])) - min(int(a.Pix[i]), int(b.Pix[i]))
	}
	// The light takes up to a third of the page's brightness away.
	if mean := off / len(a.Pix); mean > 80 {
		t.Errorf("the flat page differs by %d levels", mean)
	}
	if correlation(a.Pix, b.Pix) < 0.6 {
		t.Errorf("the flat page is like the page by %.2f only", correlation(a.Pix, b.Pix))
	}
}

func correlation(a, b []uint8) float64 {
	var n, sa, sb, saa, sbb, sab float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		n, sa, sb, saa, sbb, sab = n+1, sa+x, sb+y, saa+x*x, sbb+y*y, sab+x*y
	}
	return (n*sab - sa*sb) / math.Sqrt((n*saa-sa*sa)*(n*sbb-sb*sb))
}

func TestTellsPhotographsFromScans(t *testing.T) {
	for _, pattern := range []string{"sim-*.jpg", "fr-rapport-1984-p1.jpg", "fr-lettre*.jpg", "handwritten-n*.jpg", "qr-bill.jpg", "receipt-h*"} {
		for _, name := range names(t, pattern) {
			if sheet.IsPhoto(corpus(t, name, 1000)) {
				t.Errorf("%s is a scan, taken for a photograph", name)
			}
		}
	}
	for _, name := range []string{"photo-fairscan-img01.jpg", "photo-fairscan-img02.jpg", "photo-thesis-curved.jpg"} {
		if !sheet.IsPhoto(corpus(t, name, 1000)) {
			t.Errorf("%s is a photograph, taken for a scan", name)
		}
	}
}

func TestOddPictures(t *testing.T) {
	for _, img := range []image.Image{
		image.NewGray(image.Rect(0, 0, 0, 0)), image.NewRGBA(image.Rect(0, 0, 1, 4000)), image.NewGray(image.Rect(5, 5, 900, 700)),
		image.NewUniform(color.White), image.NewYCbCr(image.Rect(0, 0, 300, 300), image.YCbCrSubsampleRatio420),
	} {
		if _, ok := img.(*image.Uniform); ok {
			continue // has no end
		}
		if q, sure := sheet.Find(img); sure {
			t.Errorf("%T %v: sure of a sheet at %.0f", img, img.Bounds(), q.Quad)
		}
		sheet.IsPhoto(img)
		sheet.Inlay(img)
	}
	// A quad that is none still gives a picture.
	img := image.NewRGBA(image.Rect(0, 0, 50, 50))
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var q sheet.Quad
		for i := range q {
			q[i] = sheet.Point{X: math.Trunc(r.Float64()*9) * 10, Y: math.Trunc(r.Float64()*9) * 10}
		}
		if got := sheet.Flatten(img, sheet.Sheet{Quad: q}, 0, 60).Bounds(); got.Empty() || got.Dx() > 60 || got.Dy() > 60 {
			t.Fatalf("%v flattened to %v", q, got)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	img := raster.ToRGBA(original(b, "photo-fairscan-img01.jpg"))
	for b.Loop() {
		sheet.Find(img)
	}
}

func BenchmarkFlatten(b *testing.B) {
	img := raster.ToRGBA(original(b, "photo-fairscan-img01.jpg"))
	q, _ := sheet.Find(img)
	for b.Loop() {
		sheet.Flatten(img, q, 0, 3508)
	}
}
