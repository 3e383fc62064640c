package fit_test

import (
	"bytes"
	"image"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/document/documenttest"
	"pointnum/kiosk/document/fit"
)

// noisy pages are the hardest to make small; each has another size.
func noisy(n int) []fit.Page {
	var all []fit.Page
	for i := range n {
		all = append(all, fit.Page{DPI: 100, Load: func() (image.Image, error) {
			r := rand.New(rand.NewPCG(uint64(i), 2))
			g := image.NewGray(image.Rect(0, 0, 100+i*10, 140))
			for p := range g.Pix {
				g.Pix[p] = uint8(r.IntN(256))
			}
			return g, nil
		}})
	}
	return all
}

func TestTheNumberOfWorkersChangesNothing(t *testing.T) {
	for _, limit := range []int64{60_000, 110_000, 300_000} {
		target := kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: limit, MaxFiles: 3}
		one, err1 := fit.Fit(noisy(7), target, fit.Options{Workers: 1})
		for range 2 {
			many, err2 := fit.Fit(noisy(7), target, fit.Options{Workers: 4})
			same := slices.EqualFunc(one.Files, many.Files, func(a, b kiosk.File) bool { return bytes.Equal(a.Data, b.Data) })
			if kiosk.CodeOf(err1) != kiosk.CodeOf(err2) || !same || one.DPI != many.DPI {
				t.Errorf("limit %d: %v and %v, %d and %d files", limit, err1, err2, len(one.Files), len(many.Files))
			}
		}
		for _, f := range one.Files {
			if int64(len(f.Data)) >= limit {
				t.Errorf("limit %d: %d bytes", limit, len(f.Data))
			}
		}
	}
}

// photo is a page that stays a picture, in colour.
func photo() fit.Page {
	return fit.Page{DPI: 300, Kind: kiosk.PagePicture, Load: func() (image.Image, error) {
		return documenttest.Grain(documenttest.Gradient(1200, 900), 20), nil
	}}
}

func fitted(t *testing.T, limit int64) (fit.Result, int64) {
	t.Helper()
	r, err := fit.Fit([]fit.Page{photo()}, kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: limit}, fit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r, int64(len(r.Files[0].Data))
}

// A finer picture than need be fills a limit to four fifths at most.
func TestWhatIsNotNeededLeavesSomeOfTheLimit(t *testing.T) {
	_, finest := fitted(t, 50_000_000)
	if _, n := fitted(t, finest*5/4+2000); n != finest {
		t.Errorf("with enough room it takes %d bytes, of %d", n, finest)
	}
	if _, n := fitted(t, finest*6/5); n >= finest*4/5*6/5 {
		t.Errorf("under %d it takes %d", finest*6/5, n)
	}
}

// Pictures get coarser before colours go.
func TestColourGoesAfterTheFinenessOfPictures(t *testing.T) {
	coarse, gray := false, false
	for limit := int64(16_000); ; limit -= limit / 25 {
		r, err := fit.Fit([]fit.Page{photo()}, kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: limit}, fit.Options{})
		if kiosk.CodeOf(err) == kiosk.CodeCannotFit {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		coarse = coarse || r.DPI < 200 && !r.Gray
		if r.Gray && !coarse {
			t.Fatalf("under %d the picture is grey, and was never coarser than 200 dpi", limit)
		}
		gray = gray || r.Gray
	}
	if !gray {
		t.Error("no limit is low enough for a picture without colour")
	}
}

func TestWhatCanNotBeReadIsNotMade(t *testing.T) {
	for _, f := range []kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG, kiosk.FormatPNG} {
		_, err := fit.Fit(noisy(1), kiosk.Target{Format: f, MaxBytes: 2000}, fit.Options{})
		if kiosk.CodeOf(err) != kiosk.CodeCannotFit {
			t.Errorf("%s: got %v, want %q", f, err, kiosk.CodeCannotFit)
		}
	}
	_, err := fit.Fit(noisy(5), kiosk.Target{Format: kiosk.FormatJPEG, MaxBytes: 9_000_000}, fit.Options{})
	if kiosk.CodeOf(err) != kiosk.CodeCannotFit {
		t.Errorf("five pages in one picture: got %v, want %q", err, kiosk.CodeCannotFit)
	}
}

// A black and white page drawn again is neither blurred nor larger.
func TestBlackAndWhitePagesLoseNoPixel(t *testing.T) {
	page := image.NewGray(image.Rect(0, 0, 413, 585))
	r := rand.New(rand.NewPCG(7, 7))
	for i := range page.Pix {
		page.Pix[i] = 255
	}
	for range 300 {
		x, y := 20+r.IntN(360), 20+r.IntN(540)
		for k := range 3 + r.IntN(9) {
			page.Pix[page.PixOffset(x+k%4, y+k/4*3)] = 0
		}
	}
	result, err := fit.Fit([]fit.Page{{DPI: 50, Load: func() (image.Image, error) { return page, nil }}},
		kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 100_000}, fit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "image")
	documenttest.Run(t, "pdfimages", "-png", documenttest.Save(t, "page.pdf", result.Files[0].Data), out)
	got := documenttest.PNG(t, out+"-000.png")
	for y := range 585 {
		for x := range 413 {
			if r, _, _, _ := got.At(x, y).RGBA(); uint8(r>>8) != page.GrayAt(x, y).Y {
				t.Fatalf("pixel %d, %d is %d", x, y, r>>8)
			}
		}
	}
	if n := len(result.Files[0].Data); n > 4000 {
		t.Errorf("%d bytes for 300 marks", n)
	}
}
