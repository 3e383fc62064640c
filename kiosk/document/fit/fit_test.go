package fit_test

import (
	"bytes"
	"image"
	"math/rand/v2"
	"slices"
	"testing"

	"pointnum/kiosk"
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
