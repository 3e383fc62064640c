package cleanpdf

import (
	"errors"
	"image"
	"math"

	"pointnum/kiosk/document/mupdf"
)

var (
	errDamaged = errors.New("cleanpdf: damaged")
	errPages   = errors.New("cleanpdf: another number of pages")
	errLooks   = errors.New("cleanpdf: looks different")
)

const (
	// comparedSide is the long side of the pictures that are compared, in
	// pixels.
	comparedSide = 500
	// mostCompared pages are looked at: the first ones, which differ if any
	// do.
	mostCompared = 20
	// tolerance is how far pixels may differ on average, of 255.
	tolerance = 0.2
)

// compare draws both files and says whether a page is missing or looks
// different.
func compare(before, after []byte, pages, maxMemory int) error {
	b, err := mupdf.Open(before, maxMemory/2)
	if err != nil {
		return err
	}
	defer b.Close()
	if n, err := b.Pages(); err != nil || n != pages || b.Repaired() {
		return errDamaged
	}
	if len(before) == len(after) && &before[0] == &after[0] {
		return nil
	}
	a, err := mupdf.Open(after, maxMemory/2)
	if err != nil {
		return err
	}
	defer a.Close()
	if n, err := a.Pages(); err != nil || n != pages {
		return errPages
	}
	for i := range min(pages, mostCompared) {
		pb, err := drawn(b, i)
		if err != nil {
			return err
		}
		pa, err := drawn(a, i)
		if err != nil {
			return err
		}
		if a.Repaired() || b.Repaired() || pa.Rect != pb.Rect || difference(pa, pb) > tolerance {
			return errLooks
		}
	}
	return nil
}

func drawn(d *mupdf.Document, page int) (*image.RGBA, error) {
	f, err := d.Bounds(page)
	if err != nil {
		return nil, err
	}
	long := max(f.Width(), f.Height())
	if f.Width() <= 0 || f.Height() <= 0 {
		return nil, errDamaged
	}
	w, h := math.Ceil(f.Width()*comparedSide/long), math.Ceil(f.Height()*comparedSide/long)
	img, flaws, err := d.Render(page, f, int(w), int(h))
	if err == nil && flaws > 0 {
		err = errDamaged
	}
	return img, err
}

func difference(a, b *image.RGBA) float64 {
	sum := 0
	for i, v := range a.Pix {
		d := int(v) - int(b.Pix[i])
		sum += max(d, -d)
	}
	return float64(sum) / float64(len(a.Pix))
}
