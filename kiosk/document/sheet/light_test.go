package sheet_test

import (
	"image"
	"math"
	"testing"

	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/sheet"
)

// lamp gives a picture the light of a lamp: of a colour, brighter on the left,
// with a shadow across it whose edges are soft.
func lamp(page *image.RGBA, tint [3]float64) *image.RGBA {
	out := image.NewRGBA(page.Rect)
	w, h := float64(page.Rect.Dx()), float64(page.Rect.Dy())
	for i := 0; i < len(page.Pix); i += 4 {
		x, y := float64(i/4%page.Rect.Dx())/w, float64(i/4/page.Rect.Dx())/h
		light := (0.85 - 0.35*x) * (1 - 0.4/(1+math.Exp((0.7-x-0.3*y)*40)))
		for c := range tint {
			out.Pix[i+c] = uint8(min(float64(page.Pix[i+c])*light*tint[c], 255))
		}
		out.Pix[i+3] = 255
	}
	return out
}

// tones says how much of a picture is white, and how much is as dark as ink.
func tones(img image.Image) (white, dark float64) {
	g := raster.Gray(img)
	for _, v := range g.Pix {
		if v >= 245 {
			white++
		}
		if v < 128 {
			dark++
		}
	}
	return white / float64(len(g.Pix)), dark / float64(len(g.Pix))
}

func TestPhotographedPaperBecomesWhite(t *testing.T) {
	for _, name := range []string{"sim-cerfa-12100-p1.jpg", "handwritten-notesB1.jpg"} {
		page := smaller(corpus(t, name, 1000), 0.8)
		wantWhite, wantDark := tones(raster.Whiten(page))
		for light, tint := range map[string][3]float64{"daylight": {1, 1, 1}, "shade": {0.6, 0.66, 0.75}, "bulb": {1, 0.8, 0.55}} {
			for _, gray := range []bool{false, true} {
				if gray && light != "shade" {
					continue
				}
				var photo image.Image = lamp(page, tint)
				if gray {
					photo = raster.Gray(photo)
				}
				out, ok := sheet.Even(raster.NewOverview(photo), sheet.Known{Sheet: true})
				if !ok {
					t.Errorf("%s, %s, gray %v: not made even", name, light, gray)
					continue
				}
				white, dark := tones(out)
				if white < wantWhite-0.08 {
					t.Errorf("%s, %s, gray %v: %.2f of it is white, want %.2f", name, light, gray, white, wantWhite)
				}
				if dark < wantDark*0.8 || dark > wantDark*1.6+0.01 {
					t.Errorf("%s, %s, gray %v: %.3f of it is dark, want %.3f", name, light, gray, dark, wantDark)
				}
			}
		}
	}
}

func TestColoursOnPaperStayUnderALamp(t *testing.T) {
	page := corpus(t, "fr-rapport-1984-p2.jpg", 1000)
	fields := map[image.Rectangle][3]uint8{
		image.Rect(60, 60, 200, 160):  {230, 90, 100},
		image.Rect(400, 60, 520, 200): {120, 200, 120},
		image.Rect(60, 700, 300, 900): {90, 120, 220},
	}
	painted := image.NewRGBA(page.Rect)
	copy(painted.Pix, page.Pix)
	for r, c := range fields {
		for y := r.Min.Y; y < r.Max.Y; y++ {
			for x := r.Min.X; x < r.Max.X; x++ {
				copy(painted.Pix[painted.PixOffset(x, y):], c[:])
			}
		}
	}
	out, ok := sheet.Even(raster.NewOverview(lamp(painted, [3]float64{1, 0.9, 0.75})), sheet.Known{Sheet: true, Writing: true})
	if !ok {
		t.Fatal("not made even")
	}
	for r, want := range fields {
		got := out.(*image.RGBA).RGBAAt((r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2)
		for c, v := range [3]uint8{got.R, got.G, got.B} {
			if math.Abs(float64(v)-float64(want[c])) > 40 {
				t.Errorf("the field of %v is %v under even light", want, got)
				break
			}
		}
	}
}

func TestSeenAsASheetOrLeftAlone(t *testing.T) {
	for _, name := range []string{"photo-thesis-curved.jpg", "photo-book-sideways.jpg"} {
		if _, ok := sheet.Even(raster.NewOverview(copied(corpus(t, name, 1000))), sheet.Known{Writing: true}); !ok {
			t.Errorf("%s is a page, left in the light it had", name)
		}
	}
	for _, name := range []string{"photo-exif-5-mirror.jpg", "photo-exif-6.jpg"} {
		// A print of it on a table is a sheet with four sides too.
		for _, known := range []sheet.Known{{}, {Sheet: true}, {Writing: true}} {
			img := copied(corpus(t, name, 1000))
			out, ok := sheet.Even(raster.NewOverview(img), known)
			if ok || out != image.Image(img) || string(img.Pix) != string(corpus(t, name, 1000).Pix) {
				t.Errorf("%s is a photograph and was changed (%+v)", name, known)
			}
		}
	}
	for _, pattern := range []string{"sim-*.jpg", "fr-rapport-1984-p1.jpg", "fr-lettre-pale.jpg", "qr-bill.jpg"} {
		for _, name := range names(t, pattern) {
			if _, ok := sheet.Even(raster.NewOverview(copied(corpus(t, name, 1000))), sheet.Known{Writing: true}); ok {
				t.Errorf("%s is a scan in even light and was changed", name)
			}
		}
	}
	for _, g := range []ground{wood, cloth, keys, whiteTable} {
		if _, ok := sheet.Even(raster.NewOverview(scene{ground: g, shadow: true}.picture()), sheet.Known{Writing: true}); ok {
			t.Error("a bare table was taken for paper")
		}
	}
}

func TestOddPicturesKeepTheirLight(t *testing.T) {
	for _, img := range []image.Image{
		image.NewGray(image.Rect(0, 0, 0, 0)), image.NewRGBA(image.Rect(0, 0, 1, 4000)), image.NewGray(image.Rect(0, 0, 900, 700)),
		image.NewRGBA(image.Rect(0, 0, 49, 49)), image.NewRGBA(image.Rect(0, 0, 3000, 60)),
	} {
		if _, ok := sheet.Even(raster.NewOverview(img), sheet.Known{Sheet: true, Writing: true}); ok {
			t.Errorf("%T %v was taken for a sheet", img, img.Bounds())
		}
	}
}

// smaller is a picture scaled down.
func smaller(img *image.RGBA, f float64) *image.RGBA {
	return raster.Scale(img, int(float64(img.Rect.Dx())*f), int(float64(img.Rect.Dy())*f)).(*image.RGBA)
}

// copied is a picture that may be written to.
func copied(img *image.RGBA) *image.RGBA {
	return &image.RGBA{Pix: append([]uint8(nil), img.Pix...), Stride: img.Stride, Rect: img.Rect}
}

func BenchmarkEven(b *testing.B) {
	img := raster.ToRGBA(original(b, "photo-thesis-curved.jpg"))
	for b.Loop() {
		b.StopTimer()
		o := raster.NewOverview(copied(img))
		o.Small()
		b.StartTimer()
		sheet.Even(o, sheet.Known{Writing: true})
	}
}
