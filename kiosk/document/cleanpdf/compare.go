package cleanpdf

import (
	"bytes"
	"errors"
	"image"
	"math"

	"pointnum/kiosk/document/mupdf"
)

var errDamaged = errors.New("cleanpdf: damaged")

// comparedSide is the long side of the pictures that are compared, in pixels:
// small print is still some dots high.
const comparedSide = 700

// tolerance says how far pictures of a page may differ, in steps of 255.
type tolerance struct {
	mean  float64 // over all blocks
	block float64 // in the worst one
}

// blockSide is the side of the blocks that are compared, in pixels. Within one
// a letter may move a little, as numbers are rounded, but not be missing.
const blockSide = 10

func (s steps) tolerance() tolerance {
	if s.pictures && s.quality != (Quality{}) {
		return tolerance{mean: 3, block: 30}
	}
	return tolerance{mean: 0.5, block: 9}
}

// alike says whether page i of a file looks and reads as the original's page.
func alike(p Part, after *mupdf.File, i int, t tolerance) (bool, error) {
	before := p.Original.file.file
	b, err := drawn(before, p.Page)
	if err != nil {
		return false, err
	}
	a, err := drawn(after, i)
	if errors.Is(err, mupdf.ErrMemory) {
		return false, err
	}
	if err != nil {
		return false, nil
	}
	a = turnedBack(a, p.Turn)
	if a.Rect != b.Rect || !t.holds(b, a) {
		return false, nil
	}
	if p.Turn%360 != 0 {
		return true, nil // the words come in another order
	}
	tb, err := before.Text(p.Page)
	if err != nil {
		return false, err
	}
	ta, err := after.Text(i)
	return err == nil && bytes.Equal(words(tb), words(ta)), nil
}

func words(b []byte) []byte { return bytes.Join(bytes.Fields(b), nil) }

func drawn(f *mupdf.File, page int) (*image.RGBA, error) {
	r, err := f.Bounds(page)
	if err != nil {
		return nil, err
	}
	long := max(r.Width(), r.Height())
	if r.Width() <= 0 || r.Height() <= 0 {
		return nil, errDamaged
	}
	w, h := math.Ceil(r.Width()*comparedSide/long), math.Ceil(r.Height()*comparedSide/long)
	img, flaws, err := f.Draw(page, r, int(w), int(h))
	if err == nil && flaws > 0 {
		err = errDamaged
	}
	return img, err
}

// holds says whether two pictures of the same size are close enough.
func (t tolerance) holds(a, b *image.RGBA) bool {
	w, h := a.Rect.Dx(), a.Rect.Dy()
	columns := (w + blockSide - 1) / blockSide
	sums := make([][3]int, columns)
	total, blocks := 0, 0
	for y := range h {
		ra, rb := a.Pix[y*a.Stride:][:w*4], b.Pix[y*b.Stride:][:w*4]
		for x := range w {
			s := &sums[x/blockSide]
			for i := range s {
				s[i] += int(ra[x*4+i]) - int(rb[x*4+i])
			}
		}
		if (y+1)%blockSide != 0 && y+1 != h {
			continue
		}
		for i, s := range sums {
			worst := 0
			for _, d := range s {
				worst = max(worst, d, -d)
			}
			if float64(worst) > t.block*blockSide*blockSide {
				return false
			}
			total += worst
			blocks++
			sums[i] = [3]int{}
		}
	}
	return float64(total) <= t.mean*float64(blocks*blockSide*blockSide)
}

// turnedBack undoes a clockwise turn.
func turnedBack(img *image.RGBA, turn int) *image.RGBA {
	turn = (turn%360 + 360) % 360
	if turn == 0 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if turn != 180 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			u, v := w-1-x, h-1-y
			switch turn {
			case 90:
				u, v = y, w-1-x
			case 270:
				u, v = h-1-y, x
			}
			copy(out.Pix[v*out.Stride+u*4:][:4], img.Pix[y*img.Stride+x*4:][:4])
		}
	}
	return out
}
