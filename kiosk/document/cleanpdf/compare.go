package cleanpdf

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"image"
	"math"

	"pointnum/kiosk/document/mupdf"
)

var errDamaged = errors.New("cleanpdf: damaged")

// comparedSide is the long side of the pictures that are compared, in pixels:
// small print is still some dots high.
const comparedSide = 700

// longest is how long a side of a page may be, in points: 5 metres, what PDF
// knows without stretching its unit.
const longest = 14400

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

// A sketch is what a page looks and reads like: enough to see whether another
// is the same.
type sketch struct {
	columns, rows int
	w, h          int
	blocks        [][3]uint16 // sums of the blocks' colours
	words         [sha256.Size]byte
}

// sketch draws a page turned back by some degrees, and reads it.
func sketched(f *mupdf.File, page, turn, side int) (*sketch, error) {
	img, err := drawn(f, page, side)
	if err != nil {
		return nil, err
	}
	words, err := f.Text(page)
	if err != nil {
		return nil, err
	}
	s := blocks(turnedBack(img, turn))
	s.words = sha256.Sum256(bytes.Join(bytes.Fields(words), nil))
	return s, nil
}

// sketch gives a page's sketch; it is made once.
func (o *Original) sketch(page, side int) (*sketch, error) {
	if s := o.sketches[page]; s != nil {
		return s, nil
	}
	s, err := sketched(o.file.file, page, 0, side)
	if err != nil {
		return nil, err
	}
	if o.sketches == nil {
		o.sketches = map[int]*sketch{}
	}
	o.sketches[page] = s
	return s, nil
}

// alike says whether page i of a file looks and reads as the original's page.
func alike(p Part, after *mupdf.File, i, side int, t tolerance) (bool, error) {
	b, err := p.Original.sketch(p.Page, side)
	if err != nil {
		return false, err
	}
	a, err := sketched(after, i, p.Turn, side)
	if errors.Is(err, mupdf.ErrMemory) {
		return false, err
	}
	if err != nil {
		return false, nil
	}
	// The words of a turned page come in another order.
	return (a.words == b.words || p.Turn%360 != 0) && t.holds(a, b), nil
}

func drawn(f *mupdf.File, page, side int) (*image.RGBA, error) {
	r, err := f.Bounds(page)
	if err != nil {
		return nil, err
	}
	long := max(r.Width(), r.Height())
	if r.Width() <= 0 || r.Height() <= 0 {
		return nil, errDamaged
	}
	if long > longest {
		return nil, errBomb
	}
	w, h := math.Ceil(r.Width()*float64(side)/long), math.Ceil(r.Height()*float64(side)/long)
	img, flaws, err := f.Draw(page, r, int(w), int(h))
	if err == nil && flaws > 0 {
		err = errDamaged
	}
	return img, err
}

func blocks(img *image.RGBA) *sketch {
	s := &sketch{w: img.Rect.Dx(), h: img.Rect.Dy()}
	s.columns, s.rows = (s.w+blockSide-1)/blockSide, (s.h+blockSide-1)/blockSide
	s.blocks = make([][3]uint16, s.columns*s.rows)
	for y := range s.h {
		row, sums := img.Pix[y*img.Stride:][:s.w*4], s.blocks[y/blockSide*s.columns:]
		for x := range s.w {
			sum := &sums[x/blockSide]
			sum[0] += uint16(row[x*4])
			sum[1] += uint16(row[x*4+1])
			sum[2] += uint16(row[x*4+2])
		}
	}
	return s
}

// holds says whether two sketches are close enough.
func (t tolerance) holds(a, b *sketch) bool {
	if a.w != b.w || a.h != b.h {
		return false
	}
	total := 0.0
	for i, s := range a.blocks {
		worst := 0
		for j, v := range s {
			d := int(v) - int(b.blocks[i][j])
			worst = max(worst, d, -d)
		}
		mean := float64(worst) / (blockSide * blockSide)
		if mean > t.block {
			return false
		}
		total += mean
	}
	return total <= t.mean*float64(len(a.blocks))
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
