package verdict_test

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/verdict"
)

func judge(img image.Image, dpi int, photo bool) []kiosk.Finding {
	return verdict.Judge(raster.NewOverview(img), dpi, photo)
}

func verdicts(found []kiosk.Finding) (v []kiosk.Verdict) {
	for _, f := range found {
		v = append(v, f.Verdict)
	}
	return v
}

// area is the part of the page that found names for a verdict, in pixels of
// img, and whether it has that verdict.
func area(found []kiosk.Finding, v kiosk.Verdict, img image.Image) (image.Rectangle, bool) {
	s := img.Bounds().Size()
	for _, f := range found {
		if f.Verdict == v {
			a := f.Area
			return image.Rect(a.X0*s.X/1000, a.Y0*s.Y/1000, a.X1*s.X/1000, a.Y1*s.Y/1000), true
		}
	}
	return image.Rectangle{}, false
}

// pages are readable pages of every kind; none of them deserves a warning.
var pages = []string{
	"sim-cerfa-12100-p1.jpg", "sim-cerfa-15059-p1.jpg",
	"fr-rapport-1984-p4.jpg", "fr-rapport-1984-cover.jpg", "fr-typescript-greybed-p1.jpg",
	"fr-programme-1962.jpg", "fr-lettre-pale.jpg", "fr-lettre-manuscrite.jpg", "handwritten-graph-paper-front.jpg",
	"handwritten-notesA1.jpg", "handwritten-notesB1.jpg", "newspaper-colour.png", "qr-bill.jpg",
	"receipt-highlighter.jpg", "receipt-dark-bed.jpg", "receipt-flatbed-brown.jpg", "photo-cni-specimen.jpg",
	"photo-exif-6.jpg", "photo-exif-5-mirror.jpg", "photo-fairscan-img01.jpg",
	"photo-fairscan-img03.jpg", "photo-thesis-curved.jpg", "photo-book-sideways.jpg",
}

func TestReadablePagesRaiseNoWarning(t *testing.T) {
	t.Parallel()
	for _, name := range pages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := judge(corpus(t, name), 0, true); len(got) > 0 {
				t.Error(got)
			}
		})
	}
}

func TestTheWholePage(t *testing.T) {
	t.Parallel()
	page := documenttest.Letterhead(1654, 2339, white, black)
	pale := color.RGBA{242, 242, 240, 255}
	blurred := raster.Scale(raster.Scale(page, 107, 151), 1654, 2339)
	for name, c := range map[string]struct {
		img  image.Image
		dpi  int
		want []kiosk.Verdict
	}{
		"a clear page":                 {page, 200, nil},
		"a clear page of unknown size": {page, 0, nil},
		"grain only":                   {documenttest.Grain(plain(white), 8), 150, []kiosk.Verdict{kiosk.VerdictBlank}},
		"grey grain only":              {raster.Gray(documenttest.Grain(plain(color.RGBA{190, 190, 180, 255}), 6)), 150, []kiosk.Verdict{kiosk.VerdictBlank}},
		"a pale sheet":                 {plain(pale), 150, []kiosk.Verdict{kiosk.VerdictBlank}},
		"out of focus":                 {blurred, 200, []kiosk.Verdict{kiosk.VerdictBlurred}},
		"hardly any light":             {documenttest.Letterhead(1654, 2339, color.RGBA{60, 60, 60, 255}, black), 200, []kiosk.Verdict{kiosk.VerdictDark}},
		"hardly any ink":               {documenttest.Letterhead(1654, 2339, white, color.RGBA{232, 232, 230, 255}), 200, []kiosk.Verdict{kiosk.VerdictDark}},
		"a fax of a fax":               {raster.Scale(page, 826, 1169), 100, []kiosk.Verdict{kiosk.VerdictLowRes}},
		"a thumbnail":                  {raster.Scale(page, 500, 707), 0, []kiosk.Verdict{kiosk.VerdictLowRes}},
	} {
		got := judge(c.img, c.dpi, true)
		if !slices.Equal(verdicts(got), c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		for _, f := range got {
			if f.Area != (kiosk.Area{}) {
				t.Errorf("%s: %v is said of a part", name, f)
			}
		}
	}
}

func TestPaleWritingAndBlocksAreToldFromNothing(t *testing.T) {
	t.Parallel()
	block := plain(white)
	draw.Draw(block, image.Rect(100, 1440, 310, 1650), image.NewUniform(color.RGBA{0, 255, 0, 255}), image.Point{}, draw.Src)
	for name, img := range map[string]image.Image{
		"a block of colour": block, "pale writing": documenttest.Letterhead(1654, 2339, white, color.RGBA{228, 228, 226, 255}),
	} {
		if verdict.Blank(raster.NewOverview(img)) {
			t.Errorf("%s is taken for nothing", name)
		}
	}
}

// soften puts a part of a picture out of focus.
func soften(m *image.RGBA, r image.Rectangle, by int) {
	s := raster.Scale(raster.Scale(m.SubImage(r), r.Dx()/by, r.Dy()/by), r.Dx(), r.Dy())
	draw.Draw(m, r, s, image.Point{}, draw.Src)
}

func TestAPartOutOfFocusIsShown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		right bool
		low   bool
	}{
		{"fr-rapport-1984-p2.jpg", false, false}, {"fr-rapport-1984-p2.jpg", true, false},
		{"sim-cerfa-12100-p1.jpg", false, false}, {"sim-cerfa-12100-p1.jpg", true, true},
		{"photo-thesis-curved.jpg", true, true},
		{"sim-cerfa-15059-p1.jpg", false, false}, {"sim-cerfa-15059-p1.jpg", true, true},
	} {
		m := corpus(t, c.name)
		w, h := m.Rect.Dx(), m.Rect.Dy()
		r := image.Rect(0, 0, w*55/100, h*45/100)
		if c.right {
			r = r.Add(image.Pt(w*45/100, 0))
		}
		if c.low {
			r = r.Add(image.Pt(0, h*55/100))
		}
		soften(m, r, 6)
		where, is := area(judge(m, 150, true), kiosk.VerdictBlurred, m)
		if !is {
			t.Errorf("%s: %v not seen", c.name, r)
		} else if common := where.Intersect(r); 2*size(common) < size(where) || 5*size(common) < size(r) {
			t.Errorf("%s: %v is soft, found %v", c.name, r, where)
		}
	}
}

func size(r image.Rectangle) int { return r.Dx() * r.Dy() }

func TestPagesCutThroughTheirWritingAreSeen(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		part image.Rectangle // of the page, in thousandths
		edge image.Point     // where the cut is
	}{
		{"fr-rapport-1984-p2.jpg", image.Rect(300, 0, 1000, 1000), image.Pt(0, 500)},
		{"fr-rapport-1984-p2.jpg", image.Rect(0, 0, 700, 1000), image.Pt(1000, 500)},
		{"sim-cerfa-12100-p1.jpg", image.Rect(0, 0, 500, 1000), image.Pt(1000, 500)},
		{"newspaper-colour.png", image.Rect(150, 100, 1000, 1000), image.Pt(0, 500)},
		{"qr-bill.jpg", image.Rect(0, 0, 620, 1000), image.Point{}},
		{"fr-typescript-greybed-p1.jpg", image.Rect(0, 0, 600, 1000), image.Pt(1000, 500)},
		{"fr-lettre-manuscrite.jpg", image.Rect(350, 0, 1000, 1000), image.Pt(0, 500)},
	} {
		m := corpus(t, c.name)
		w, h := m.Rect.Dx(), m.Rect.Dy()
		r := image.Rect(c.part.Min.X*w/1000, c.part.Min.Y*h/1000, c.part.Max.X*w/1000, c.part.Max.Y*h/1000)
		found := judge(m.SubImage(r), 150, false)
		where, is := area(found, kiosk.VerdictCut, image.Rect(0, 0, 1000, 1000))
		if !is {
			t.Errorf("%s cut to %v: %v", c.name, c.part, found)
		} else if c.edge != (image.Point{}) && (c.edge.X == 0 && where.Min.X > 0 || c.edge.X == 1000 && where.Max.X < 1000) {
			t.Errorf("%s cut to %v: shown at %v", c.name, c.part, where)
		}
	}
	// Through the middle of one line, at several heights of it.
	page := documenttest.Letterhead(1240, 1754, white, black)
	size := 1240 / 80
	for _, up := range []int{5, 10} {
		top := 1754/10 + 20*2*size + up
		for side, r := range map[string]image.Rectangle{"top": image.Rect(0, top, 1240, 1754), "foot": image.Rect(0, 0, 1240, top)} {
			if found := judge(page.SubImage(r), 150, false); !slices.Contains(verdicts(found), kiosk.VerdictCut) {
				t.Errorf("a line cut at the %s after %d pixels: %v", side, up, found)
			}
		}
	}
}

func TestFramesAndShadowsMayGoToTheEdge(t *testing.T) {
	t.Parallel()
	ruled := documenttest.Letterhead(1240, 1754, white, black)
	for y := 60; y < 1754; y += 60 {
		draw.Draw(ruled, image.Rect(0, y, 1240, y+2), image.NewUniform(black), image.Point{}, draw.Src)
	}
	for x := 100; x < 1240; x += 130 {
		draw.Draw(ruled, image.Rect(x, 0, x+2, 1754), image.NewUniform(black), image.Point{}, draw.Src)
	}
	bed := documenttest.Letterhead(1240, 1754, white, black)
	r := rand.New(rand.NewPCG(1, 9))
	for y := range 1754 {
		for x := range 12 + r.IntN(4) {
			bed.SetRGBA(x, y, color.RGBA{110, 110, 112, 255})
		}
	}
	punched := documenttest.Letterhead(1240, 1754, white, black)
	for _, y := range []int{300, 700, 1100, 1500} {
		disc(punched, image.Pt(4, y), 14, black)
	}
	for name, img := range map[string]image.Image{"a table": ruled, "a bed's edge": bed, "holes": punched} {
		if found := judge(img, 150, false); len(found) > 0 {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func disc(m *image.RGBA, c image.Point, radius int, ink color.RGBA) {
	for y := -radius; y <= radius; y++ {
		for x := -radius; x <= radius; x++ {
			if p := c.Add(image.Pt(x, y)); x*x+y*y <= radius*radius && p.In(m.Rect) {
				m.SetRGBA(p.X, p.Y, ink)
			}
		}
	}
}

// dim is a page under the light of a room.
func dim(m *image.RGBA) *image.RGBA {
	for i := range m.Pix {
		if i%4 != 3 {
			m.Pix[i] = uint8(int(m.Pix[i]) * 82 / 100)
		}
	}
	return m
}

// lamp adds the reflection of a lamp: white within radius, gone at twice that.
func lamp(m *image.RGBA, c image.Point, radius float64) {
	reach := int(2 * radius)
	near := image.Rect(c.X-reach, c.Y-reach, c.X+reach, c.Y+reach).Intersect(m.Rect)
	for y := near.Min.Y; y < near.Max.Y; y++ {
		for x := near.Min.X; x < near.Max.X; x++ {
			d := math.Hypot(float64(x-c.X), float64(y-c.Y)) / radius
			f := min(max(2-d, 0), 1)
			f *= f
			for k := range 3 {
				v := &m.Pix[y*m.Stride+4*x+k]
				*v = uint8(min(float64(*v)+f*300, 255))
			}
		}
	}
}

func TestALampsReflectionIsShown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fr-rapport-1984-p2.jpg", "sim-cerfa-12100-p1.jpg", "photo-cni-specimen.jpg", "photo-fairscan-img01.jpg", "photo-thesis-curved.jpg"} {
		m := dim(corpus(t, name))
		if found := judge(m, 150, true); slices.Contains(verdicts(found), kiosk.VerdictGlare) {
			t.Errorf("%s without a reflection: %v", name, found)
		}
		c := image.Pt(m.Rect.Dx()*45/100, m.Rect.Dy()*55/100)
		radius := float64(m.Rect.Dx()) / 14
		lamp(m, c, radius)
		where, is := area(judge(m, 150, true), kiosk.VerdictGlare, m)
		if !is {
			t.Errorf("%s: not seen", name)
		} else if !c.In(where) || float64(where.Dx()) > 4*radius || float64(where.Dy()) > 4*radius {
			t.Errorf("%s: at %v around %v, found %v", name, radius, c, where)
		}
		if found := judge(m, 150, false); slices.Contains(verdicts(found), kiosk.VerdictGlare) {
			t.Errorf("%s: a scanner has no lamp to be seen: %v", name, found)
		}
	}
	field := documenttest.Letterhead(1240, 1754, color.RGBA{205, 200, 190, 255}, black)
	draw.Draw(field, image.Rect(400, 700, 640, 860), image.NewUniform(color.White), image.Point{}, draw.Src)
	if found := judge(field, 150, true); len(found) > 0 {
		t.Errorf("a white field on grey paper: %v", found)
	}
}

// finger lays a finger over a page: from the left edge at y, length long and
// width wide, with a round tip, shaded to its sides.
func finger(m *image.RGBA, y, length, width int, skin color.RGBA) {
	r := float64(width) / 2
	for py := y - width; py <= y+width; py++ {
		for px := range length + 3 {
			along := math.Max(float64(px)-float64(length)+r, 0)
			d := math.Hypot(along, float64(py-y)) / r
			if d > 1.06 || py < 0 || py >= m.Rect.Dy() {
				continue
			}
			cover := min((1.06-d)/0.06, 1)
			shade := 1 - 0.35*min(d, 1)*min(d, 1)
			for k, v := range []uint8{skin.R / 10 * 8, skin.G / 10 * 8, skin.B / 10 * 8} {
				p := &m.Pix[py*m.Stride+4*px+k]
				*p = uint8(float64(*p)*(1-cover) + float64(v)*shade*cover)
			}
		}
	}
}

var skins = map[string]color.RGBA{
	"pale": {236, 190, 170, 255}, "tanned": {205, 150, 115, 255}, "brown": {150, 98, 70, 255}, "dark": {100, 65, 48, 255},
}

func TestAFingerOverThePageIsShown(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"fr-rapport-1984-p2.jpg", "sim-cerfa-15059-p1.jpg", "qr-bill.jpg"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for tone, skin := range skins {
				m := dim(corpus(t, name))
				y, length, width := m.Rect.Dy()*6/10, m.Rect.Dx()/6, m.Rect.Dx()/12
				finger(m, y, length, width, skin)
				where, is := area(judge(m, 150, true), kiosk.VerdictFingers, m)
				want := image.Rect(0, y-width/2, length, y+width/2)
				if !is {
					t.Errorf("%s finger not seen", tone)
				} else if common := where.Intersect(want); 10*size(common) < 7*size(want) || 10*size(common) < 6*size(where) {
					t.Errorf("%s finger %v, found %v", tone, want, where)
				}
				for _, d := range []int{90, 180, 270} {
					if tone != "tanned" {
						break
					}
					if found := judge(raster.Turn(m, d), 150, true); !slices.Contains(verdicts(found), kiosk.VerdictFingers) {
						t.Errorf("%s finger not seen when turned by %d: %v", tone, d, found)
					}
				}
				if found := judge(m, 150, false); slices.Contains(verdicts(found), kiosk.VerdictFingers) {
					t.Errorf("a scanner sees no fingers: %v", found)
				}
			}
		})
	}
}

func TestWoodFacesAndColouredPaperAreNoFingers(t *testing.T) {
	t.Parallel()
	wood := color.RGBA{170, 120, 80, 255}
	table := dim(documenttest.Letterhead(1240, 1754, white, black))
	for y := range 1754 { // a wedge of it beside the sheet
		for x := range y / 16 {
			table.SetRGBA(x, y, wood)
		}
	}
	header := dim(documenttest.Letterhead(1240, 1754, white, black))
	draw.Draw(header, image.Rect(0, 60, 300, 150), image.NewUniform(color.RGBA{220, 160, 120, 255}), image.Point{}, draw.Src)
	for name, img := range map[string]image.Image{
		"a table beside the sheet": documenttest.Grain(table, 5), "a coloured field": documenttest.Grain(header, 3),
		"manila paper": documenttest.Grain(documenttest.Letterhead(1240, 1754, color.RGBA{222, 184, 145, 255}, black), 4),
	} {
		if found := judge(img, 150, true); slices.Contains(verdicts(found), kiosk.VerdictFingers) {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestTheSmallestPicturesDoNoHarm(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []image.Point{{1, 1}, {1, 50}, {50, 1}, {16, 16}, {33, 31}, {65, 64}, {101, 130}, {4000, 3}} {
		img := image.NewRGBA(image.Rect(0, 0, size.X, size.Y))
		for i := range img.Pix {
			img.Pix[i] = uint8(r.Uint32()) | 255*uint8(i%4/3)
		}
		judge(img, 300, true)
		judge(raster.Gray(img), 0, false)
	}
}
