package verdict

import (
	"image"

	"pointnum/kiosk/document/raster"
)

const (
	paleDepth  = 7   // pencil stands out at least so far
	fewMarks   = 3   // fewer are dust
	bigMark    = 200 // pixels of a mark that is no dust and no letter
	blockDepth = 45  // a block is that much darker than its paper
	blockShare = 300 // and takes at least one part in so many of the page
)

func (p *page) blank() bool {
	inner := p.gray.Rect.Inset(p.long / 60)
	if p.painted(inner) {
		return false
	}
	n := 0
	for _, m := range raster.Marks(p.Ink(paleDepth), p.w) {
		c := m.Box.Min.Add(m.Box.Max).Div(2)
		if c.In(inner) && (m.Letter(p.long) || m.Pixels > bigMark) {
			n++
		}
	}
	return n < fewMarks
}

// painted says whether an area of the page is plainly not paper: a block of
// colour or a picture, whose inside has no strokes to be taken for ink.
func (p *page) painted(inner image.Rectangle) bool {
	dark := 0
	for y := inner.Min.Y; y < inner.Max.Y; y++ {
		for _, v := range p.gray.Pix[y*p.gray.Stride+inner.Min.X:][:inner.Dx()] {
			if int(v) < p.paper-blockDepth {
				dark++
			}
		}
	}
	return dark*blockShare > inner.Dx()*inner.Dy()
}
