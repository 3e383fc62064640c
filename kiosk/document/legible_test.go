package document_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/jpeg"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/raster"
)

// A bill's code can be paid from whatever becomes of it.
func TestCodesReadUnderEveryLimit(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	_, all := imported(t, e, "qr-bill.jpg")
	want := codes(t, documenttest.Path(t, "qr-bill.jpg"))
	if !strings.Contains(want, "SPC") {
		t.Fatalf("the code reads %q to begin with", want)
	}
	tried := map[[32]byte]bool{}
	for _, f := range []kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG} {
		for _, limit := range []int64{40_000, 60_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000} {
			c, err := e.Convert(t.Context(), all, kiosk.Target{Format: f, MaxBytes: limit}, nil)
			if err != nil {
				if limit >= 200_000 || kiosk.CodeOf(err) != kiosk.CodeCannotFit {
					t.Errorf("%s under %d: %v", f, limit, err)
				}
				continue
			}
			data := c.Files[0].Data
			if key := sha256.Sum256(data); tried[key] {
				continue
			} else {
				tried[key] = true
			}
			path := saved(t, data)
			if f == kiosk.FormatPDF {
				path = picture(t, data, 1, 250)
			}
			if got := codes(t, path); got != want {
				t.Errorf("%s under %d (%d bytes, %d dpi): reads %q", f, limit, len(data), c.DPI, got)
			}
		}
	}
}

// codes gives the QR code that zbar reads in a picture, looked at from a few
// distances.
func codes(t *testing.T, path string) string {
	t.Helper()
	for _, side := range []int{4269, 3557, 2846, 4980} { // three times a bill of 121 dpi, and others
		big := filepath.Join(t.TempDir(), "big.pgm")
		output(t, "convert", "-quiet", "-limit", "thread", "1", path, "-resize", fmt.Sprintf("%dx%d", side, side), "-colorspace", "gray", "-normalize", big)
		out, err := exec.CommandContext(t.Context(), documenttest.Tool(t, "zbarimg"), "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", big).Output()
		if err == nil {
			return string(out)
		}
	}
	return ""
}

// Colours of ink for a press are those of the screen afterwards.
func TestTheHueOfCMYKSurvives(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	_, all := imported(t, e, "ocrmypdf-cmyk.pdf")
	want := hue(drawn(t, documenttest.Read(t, "ocrmypdf-cmyk.pdf"), 1, 50))
	for _, f := range []kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG} {
		data := made(t, e, all, f, 500_000).Files[0].Data
		var img image.Image
		if f == kiosk.FormatPDF {
			img = drawn(t, data, 1, 50)
		} else {
			var err error
			if img, err = jpeg.Decode(strings.NewReader(string(data))); err != nil {
				t.Fatal(err)
			}
		}
		if got := hue(img); math.Abs(math.Remainder(got-want, 360)) > 12 {
			t.Errorf("%s: a mean hue of %.0f degrees, %.0f before", f, got, want)
		}
	}
}

// hue gives the mean hue of a picture's colours, in degrees; strong ones count
// more.
func hue(img image.Image) float64 {
	var x, y float64
	b := img.Bounds()
	for py := b.Min.Y; py < b.Max.Y; py += 2 {
		for px := b.Min.X; px < b.Max.X; px += 2 {
			r, g, bl, _ := img.At(px, py).RGBA()
			x += float64(r) - float64(g)/2 - float64(bl)/2
			y += math.Sqrt(3) / 2 * (float64(g) - float64(bl))
		}
	}
	return math.Atan2(y, x) * 180 / math.Pi
}

// Writing stands upright, whichever way the sheet lay.
func TestPagesComeOutUpright(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	for _, name := range []string{"ocrmypdf-cardinal.pdf", "paperless-rotated.pdf"} {
		_, all := imported(t, e, name)
		data := made(t, e, all, kiosk.FormatPDF, 2_000_000).Files[0].Data
		for i, p := range all {
			if way := upright(t, picture(t, data, i+1, 150)); way != 0 {
				t.Errorf("%s: page %d lies turned by %d, it was turned: %v", name, i+1, way, p.Turned)
			}
		}
	}
}

// upright gives how far a page has to be turned, clockwise, for tesseract to
// find its writing upright.
func upright(t *testing.T, page string) int {
	t.Helper()
	out := output(t, "tesseract", page, "-", "--psm", "0")
	_, rest, ok := strings.Cut(out, "Rotate: ")
	line, _, _ := strings.Cut(rest, "\n")
	degrees, err := strconv.Atoi(line)
	if !ok || err != nil {
		t.Fatalf("tesseract says %q", out)
	}
	return degrees
}

// A scan that is turned comes out as if it had not been; one that is wanted as
// it is does not.
func TestATurnedScanIsTurnedBack(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	_, all := imported(t, e, "ocrmypdf-francais.pdf")
	page := picture(t, made(t, e, all, kiosk.FormatPDF, 1_000_000).Files[0].Data, 1, 150)
	if way := upright(t, page); way != 0 {
		t.Fatalf("turned by %d to begin with", way)
	}
	for _, turn := range []int{90, 180, 270} {
		in := input([]byte(output(t, "convert", page, "-rotate", itoa(turn), "-quality", "85", "jpeg:-")))
		in.Scanned, in.DPI = true, 150
		turned, err := pages(t.Context(), e, in)
		if err != nil {
			t.Fatal(err)
		}
		data := made(t, e, refs(in, turned), kiosk.FormatPDF, 1_000_000).Files[0].Data
		if way := upright(t, picture(t, data, 1, 150)); way != 0 || !slices.Contains(turned[0].Changes, kiosk.ChangeTurned) {
			t.Errorf("turned by %d it comes out turned by %d, %v", turn, way, turned[0].Changes)
		}
		in.AsIs = true
		if left, err := pages(t.Context(), e, in); err != nil || len(left[0].Changes) > 0 {
			t.Errorf("turned by %d and wanted as it is: %v, %v", turn, left[0].Changes, err)
		}
	}
}

// A photographed letter gets even light, and can be had without.
func TestAPhotographedLetterIsLit(t *testing.T) {
	t.Parallel()
	e := newEngine(t, patient())
	in := input(documenttest.Read(t, "photo-fairscan-img01.jpg"))
	for _, asIs := range []bool{false, true} {
		in.AsIs = asIs
		all, err := pages(t.Context(), e, in)
		if err != nil {
			t.Fatal(err)
		}
		lit := slices.Contains(all[0].Changes, kiosk.ChangeLit)
		sheet, err := jpeg.Decode(bytes.NewReader(all[0].Image))
		if err != nil {
			t.Fatal(err)
		}
		if white := whiteShare(sheet); lit == asIs || lit != (white > 0.5) {
			t.Errorf("wanted as it is %v: changed %v, %.2f of it is white", asIs, all[0].Changes, white)
		}
	}
}

func whiteShare(img image.Image) float64 {
	g := raster.Gray(img)
	n := 0
	for _, v := range g.Pix {
		if v >= 250 {
			n++
		}
	}
	return float64(n) / float64(len(g.Pix))
}
