package main_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/math/f64"

	"pointnum/kiosk/sample"
)

// What the kiosk did to a photograph is taken back and done again by touches.
func TestAPhotographGoesBackToHowItCame(t *testing.T) {
	for _, c := range []struct {
		name, lang    string
		width, height int
	}{
		{"in French on a standing screen", "fr", 1080, 1920},
		{"in Arabic on a lying screen", "ar", 1920, 1080},
	} {
		t.Run(c.name, func(t *testing.T) {
			told := start(t, "kioskdev", "-json", "-browser=false", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0", "-sheets", "0").told(t)
			bench := panel{told.Panel}
			dir := bench.state(t).KeyDir
			if err := os.WriteFile(filepath.Join(dir, "IMG_1.jpg"), onATable(t), 0o644); err != nil {
				t.Fatal(err)
			}
			bench.post(t, "/key", "in", "true")
			s := openScreen(t, told.Screen, c.width, c.height)
			s.touch(`[data-act="start"][data-lang="` + c.lang + `"]`)
			s.shows("scan")
			s.touch(`[data-act="list-key"]`)
			s.shows("key")
			s.touch(`#files .row`)
			s.touch(`section[data-section="key"] [data-screen="review"]`)
			s.shows("review")
			eventually(t, "the photograph", func() bool { return s.pages() == 1 })

			s.touch(`#pages [data-do="zoom"]`)
			s.tableIs(t, false)
			s.keep("made-ready")
			s.touch(`#zoom [data-do="as-is"]`)
			s.tableIs(t, true)
			s.keep("as-it-came")
			s.touch(`#zoom [data-do="as-is"]`)
			s.tableIs(t, false)
			s.touch(`#zoom [data-close]`)
			s.touch(`section[data-section="review"] [data-act="undo"]`)
			s.touch(`#pages [data-do="zoom"]`)
			s.tableIs(t, true)
			s.touch(`#zoom [data-close]`)

			s.makeFile("caf")
			s.touch(`[data-act="save"]`)
			eventually(t, "a file on the key", func() bool { return len(keyFiles(t, dir)) == 1 })
			if light := cornerOf(t, filepath.Join(dir, keyFiles(t, dir)[0])); light > dark {
				t.Errorf("the table is not on the page that was saved: its corner has %d of 255", light)
			}
		})
	}
}

// The same with a scan; nothing of it is left once the visit is over.
func TestAScanGoesBackToHowItCame(t *testing.T) {
	told := start(t, "kioskdev", "-json", "-browser=false", "-listen", "127.0.0.1:0", "-panel", "127.0.0.1:0", "-page-time", "100ms").told(t)
	// One that is drawn askew.
	panel{told.Panel}.post(t, "/load", "sheets", "1", "from", "3", "total", "4")
	s := openScreen(t, told.Screen, 1080, 1920)
	s.touch(`[data-act="start"][data-lang="fr"]`)
	s.touch(`[data-act="scan"]`)
	s.shows("review")
	eventually(t, "the scan", func() bool { return s.pages() == 1 })
	s.touch(`#pages [data-do="zoom"]`)
	eventually(t, "the scan large", func() bool { return s.zoomed() != "" })
	before := s.zoomed()
	s.touch(`#zoom [data-do="as-is"]`)
	eventually(t, "the scan as it came", func() bool { z := s.zoomed(); return z != "" && z != before })
	s.keep("as-it-came")
	s.touch(`#zoom [data-do="as-is"]`)
	eventually(t, "the scan made straight", func() bool { return s.zoomed() == before })
	s.touch(`#zoom [data-close]`)
	s.leave()
	checkEmpty(t, told.Spool)
}

// onATable is a photograph of a sheet that lies askew on a dark table.
func onATable(t *testing.T) []byte {
	t.Helper()
	sheet := sample.Page(1, sample.Options{DPI: 150, Total: 1, Straight: true, Clean: true})
	size := sheet.Bounds().Size()
	table := image.NewRGBA(image.Rect(0, 0, size.X*5/4, size.Y*5/4))
	draw.Draw(table, table.Rect, image.NewUniform(color.RGBA{70, 48, 32, 255}), image.Point{}, draw.Src)
	sin, cos := math.Sincos(4 * math.Pi / 180)
	x, y := float64(size.X), float64(size.Y)
	xdraw.BiLinear.Transform(table, f64.Aff3{cos, -sin, 0.625*x - cos*x/2 + sin*y/2, sin, cos, 0.625*y - sin*x/2 - cos*y/2},
		sheet, sheet.Bounds(), draw.Over, nil)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, table, &jpeg.Options{Quality: 88}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// dark is what the table is at most, of 255.
const dark = 110

// tableIs waits until the large picture shows the table around the sheet, or
// does not.
func (s *screen) tableIs(t *testing.T, seen bool) {
	t.Helper()
	eventually(t, fmt.Sprintf("a picture with the table: %t", seen), func() bool {
		light := eval[float64](s, `(() => {
			const c = document.querySelector('#zoom[open] canvas');
			if (!c || c.width < 100) return 0;
			const d = c.getContext('2d').getImageData(c.width / 50, c.height / 50, 20, 20).data;
			return 1 + d.reduce((sum, v, i) => i % 4 === 3 ? sum : sum + v, 0) / (d.length * 3 / 4);
		})()`)
		return light > 0 && (light < dark) == seen
	})
}

// zoomed names what the large picture shows; "" while it is not there.
func (s *screen) zoomed() string {
	return eval[string](s, `(() => {
		const c = document.querySelector('#zoom[open] canvas');
		return c && c.width >= 100 ? c.toDataURL('image/jpeg', 0.5) : '';
	})()`)
}

// cornerOf is how light the upper left corner of a file's first page is.
func cornerOf(t *testing.T, path string) uint8 {
	t.Helper()
	picture := filepath.Join(t.TempDir(), "page")
	run(t, "pdftoppm", "-r", "50", "-png", "-singlefile", "-f", "1", "-l", "1", path, picture)
	f, err := os.Open(picture + ".png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	page, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return color.GrayModel.Convert(page.At(page.Bounds().Dx()/40, page.Bounds().Dy()/40)).(color.Gray).Y
}
