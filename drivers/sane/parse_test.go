package sane_test

import (
	"bytes"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"

	"pointnum/drivers/sane"
	"pointnum/kiosk"
)

// Option lists in the words of real backends.
const (
	fujitsu = `
All options specific to device 'fujitsu:fi-7160:1':
  Standard:
    --source ADF Front|ADF Back|ADF Duplex [ADF Front]
    --mode Lineart|Halftone|Gray|Color [Lineart]
    --resolution 50..600dpi (in steps of 1) [600]
  Geometry:
    --page-width 0..221.121mm (in steps of 0.0211639) [215.872]
    --page-height 0..876.695mm (in steps of 0.0211639) [279.364]
    -l 0..215.872mm (in steps of 0.0211639) [0]
    -t 0..279.364mm (in steps of 0.0211639) [0]
    -x 0..215.872mm (in steps of 0.0211639) [215.872]
    -y 0..279.364mm (in steps of 0.0211639) [279.364]
  Advanced:
    --df-action Default|Continue|Stop [Default]
  Sensors:
    --page-loaded[=(yes|no)] [no] [hardware]
    --cover-open[=(yes|no)] [no] [hardware]
`
	brother = `
    --mode Black & White|Gray[Error Diffusion]|True Gray|24bit Color[Fast] [24bit Color[Fast]]
    --resolution 100|150|200|300|400|600|1200|2400|4800|9600dpi [200]
    --source FlatBed|Automatic Document Feeder(left aligned) [Automatic Document Feeder(left aligned)]
    -l 0..215.9mm (in steps of 0.0999908) [0]
    -x 0..215.9mm (in steps of 0.0999908) [215.88]
    -y 0..297mm (in steps of 0.0999908) [297]
`
)

func TestArguments(t *testing.T) {
	cases := []struct {
		name, list string
		opts       kiosk.ScanOptions
		want       []string // one per run
	}{
		{"a feeder that is asked to stop at double feeds", fujitsu, kiosk.ScanOptions{},
			[]string{"--source=ADF Front --mode=Color --resolution=300 --page-width=209.9882158 --page-height=296.9928087 -l 0 -t 0 -x 209.9882158 -y 279.36348 --df-action=Stop"}},
		{"both sides", fujitsu, kiosk.ScanOptions{Duplex: true, DPI: 700},
			[]string{"--source=ADF Duplex --mode=Color --resolution=600 --page-width=209.9882158 --page-height=296.9928087 -l 0 -t 0 -x 209.9882158 -y 279.36348 --df-action=Stop"}},
		{"the feeder, then the glass", brother, kiosk.ScanOptions{DPI: 260},
			[]string{"--source=Automatic Document Feeder(left aligned) --mode=24bit Color[Fast] --resolution=300 -l 0 -x 209.98068 -y 296.9726760",
				"--source=FlatBed --mode=24bit Color[Fast] --resolution=300 -l 0 -x 209.98068 -y 296.972676"}},
		{"gray on the glass", brother, kiosk.ScanOptions{Source: kiosk.SourceGlass, Color: kiosk.Gray},
			[]string{"--source=FlatBed --mode=Gray[Error Diffusion] --resolution=300 -l 0 -x 209.98068 -y 296.972676"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			for _, args := range sane.Arguments(c.list, c.opts) {
				got = append(got, strings.Join(args, " "))
			}
			if len(got) != len(c.want) {
				t.Fatalf("got %q", got)
			}
			for i := range got {
				// The last digits of a length say nothing.
				if a, b := words(got[i]), words(c.want[i]); !slices.Equal(a, b) {
					t.Errorf("got  %q\nwant %q", a, b)
				}
			}
		})
	}
}

// words cuts numbers after their second decimal.
func words(s string) []string {
	f := strings.Fields(s)
	for i, w := range f {
		if dot := strings.LastIndexByte(w, '.'); dot >= 0 && dot+3 < len(w) {
			f[i] = w[:dot+3]
		}
	}
	return f
}

func FuzzOptions(f *testing.F) {
	f.Add(fujitsu, 300, 210.0, true)
	f.Add(brother, 75, 0.0, false)
	f.Add("    -x 9..1mm (in steps of 0.000001) []\n    --source |||\n    --[=(", -1, 1e300, true)
	f.Fuzz(func(t *testing.T, list string, dpi int, width float64, duplex bool) {
		for _, source := range []kiosk.Source{kiosk.SourceAuto, kiosk.SourceGlass, kiosk.SourceFeeder} {
			runs := sane.Arguments(list, kiosk.ScanOptions{Source: source, DPI: dpi, Width: width, Duplex: duplex})
			if len(runs) == 0 || len(runs) > 2 {
				t.Fatalf("%d runs", len(runs))
			}
			for _, args := range runs {
				if len(args) > 20 {
					t.Errorf("%q", args)
				}
			}
		}
	})
}

func pngPage(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCheckPNG(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 61, 40))
	for i := range gray.Pix {
		gray.Pix[i] = byte(i * i)
	}
	page := pngPage(t, gray)
	if w, h, _, err := sane.CheckPNG(page); w != 61 || h != 40 || err != nil {
		t.Errorf("%dx%d, %v", w, h, err)
	}
	for n := range len(page) - 12 { // before IEND
		if _, _, _, err := sane.CheckPNG(page[:n]); err == nil {
			t.Fatalf("%d of %d bytes are taken for a page", n, len(page))
		}
	}
	taller := bytes.Clone(page)
	taller[23]++ // the height; the checks of chunks are not looked at
	if _, _, _, err := sane.CheckPNG(taller); err == nil {
		t.Error("a page that lacks a row is taken")
	}
}

func FuzzCheckPNG(f *testing.F) {
	f.Add(pngPage(f, image.NewGray(image.Rect(0, 0, 3, 2))))
	f.Add(pngPage(f, image.NewRGBA(image.Rect(0, 0, 20, 30))))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, h, dpi, err := sane.CheckPNG(data)
		if err == nil && (w < 1 || h < 1 || dpi < 0) {
			t.Errorf("%dx%d at %d dpi", w, h, dpi)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add("Progress: 1.0%\rProgress: 2.0%\r1.png\n", 5)
	f.Fuzz(func(t *testing.T, text string, at int) {
		at = min(max(at, 0), len(text))
		whole, cut := sane.CutLines(text), sane.CutLines(text[:at], text[at:])
		if len(text) < 4000 && !slices.Equal(whole, cut) {
			t.Errorf("%q in one piece, %q in two", whole, cut)
		}
	})
}
