package mrc

import (
	"errors"
	"image"
	"image/color"
	"image/draw"

	"pointnum/kiosk/document/codes"
	"pointnum/kiosk/document/jbig2"
	"pointnum/kiosk/document/jpegenc"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/raster"
)

// Level says how fine a page is encoded.
type Level struct {
	MaskDPI       int // of what is ink; 0 for the page's own
	BackgroundDPI int
	Quality       int  // of the background's JPEG, 1 to 100
	Gray          bool // without colour
}

// Levels are the levels a page should be tried at, the finest first. The last
// is the floor of legibility.
func Levels() []Level {
	return []Level{
		{BackgroundDPI: 150, Quality: 50},
		{BackgroundDPI: 100, Quality: 35},
		{BackgroundDPI: 75, Quality: 25},
		{MaskDPI: 200, BackgroundDPI: 75, Quality: 20},
		{MaskDPI: 150, BackgroundDPI: 50, Quality: 20},
		{BackgroundDPI: 75, Quality: 25, Gray: true},
		{MaskDPI: 200, BackgroundDPI: 75, Quality: 20, Gray: true},
		{MaskDPI: 150, BackgroundDPI: 50, Quality: 20, Gray: true},
	}
}

// Standard is the level that reads as well as the page itself.
func Standard() Level { return Level{BackgroundDPI: 100, Quality: 35} }

// errPhoto is Encode's answer to a page that was not split.
var errPhoto = errors.New("mrc: encode: a photograph has no layers")

// Encode packs the layers as a page of a PDF, and gives how many bytes its
// images take; what the file has around them comes on top. The page has layers
// only and no Data. It fails when l.Photo is set.
func (l *Layers) Encode(v Level) (pdf.Page, int, error) {
	if l.Photo {
		return pdf.Page{}, 0, errPhoto
	}
	p := pdf.Page{Width: l.Width, Height: l.Height, DPI: l.DPI}
	if m := l.ground.image(v.BackgroundDPI, v.Gray); m != nil {
		_, gray := m.(*image.Gray)
		b := m.Bounds()
		p.Layers = append(p.Layers, pdf.Image{Data: jpegenc.Encode(m, v.Quality, jpegenc.Options{}), Encoding: pdf.JPEG,
			Width: b.Dx(), Height: b.Dy(), Gray: gray}.Packed())
	}
	for _, s := range l.stencils(v) {
		p.Layers = append(p.Layers, pdf.Image{Data: jbig2.Encode(s.Mask), Encoding: pdf.JBIG2, Width: s.Mask.Width, Height: s.Mask.Height,
			Gray: true, Stencil: true, Color: s.Color})
	}
	for _, c := range l.coarseCodes() {
		p.Layers = append(p.Layers, pdf.Image{Data: jpegenc.Encode(c, codeQuality, jpegenc.Options{}), Encoding: pdf.JPEG,
			Width: c.Rect.Dx(), Height: c.Rect.Dy(), Gray: true, Place: c.Rect}.Packed())
	}
	if len(p.Layers) == 0 { // an empty sheet is a page too
		m := image.NewGray(image.Rect(0, 0, 1, 1))
		m.Pix[0] = 255
		white, err := pdf.Lossless(m)
		if err != nil {
			return pdf.Page{}, 0, err
		}
		p.Layers = []pdf.Image{white}
	}
	size := 0
	for i := range p.Layers {
		size += len(p.Layers[i].Data)
	}
	return p, size, nil
}

// stencils gives those of a level.
func (l *Layers) stencils(v Level) []Stencil {
	all := l.Stencils
	if v.MaskDPI > 0 && v.MaskDPI < l.DPI && l.mask != nil {
		all = l.coarser(v.MaskDPI)
	}
	if !v.Gray {
		return all
	}
	out := make([]Stencil, len(all))
	for i, s := range all {
		y := color.GrayModel.Convert(s.Color).(color.Gray).Y
		out[i] = Stencil{s.Mask, color.RGBA{y, y, y, 255}}
	}
	return out
}

// coarser makes the mask again of the page at a lower resolution: from the
// brightness of its pixels, which says more than what the fine mask made of
// it.
func (l *Layers) coarser(dpi int) []Stencil {
	w, h := coarser(l.Width, l.DPI, dpi), coarser(l.Height, l.DPI, dpi)
	small := raster.Scale(l.page.gray.gray(), w, h).(*image.Gray)
	mask := jbig2.NewBitmap(w, h)
	near := shrinkTo(widen(l.mask), w, h)
	c := l.cells
	cell := make([]int, w)
	for x := range cell {
		cell[x] = (2*x + 1) * l.Width / (2 * w) / c.size
	}
	for y := range h {
		limit := l.limit[(2*y+1)*l.Height/(2*h)/c.size*c.w:]
		row, to, ok := small.Pix[y*small.Stride:][:w], mask.Row(y), near.Row(y)
		for x, v := range row {
			if v < limit[cell[x]] {
				to[x>>3] |= 0x80 >> (x & 7) & ok[x>>3]
			}
		}
	}
	fine := l.codes()
	for _, s := range fine {
		without(mask, shrinkTo(s.Mask, w, h))
	}
	if len(l.Stencils) == 1 {
		return append([]Stencil{{mask, l.Stencils[0].Color}}, fine...)
	}
	return append(l.share(mask), fine...)
}

// Codes on a page of less than so many dpi have modules of a few pixels: with
// one bit for each of these, too little is known of their edges.
const (
	leastCodeDPI = 200
	codeQuality  = 25
)

// coarseCodes gives the codes of a page as they are, at their places, when it
// is too coarse for them to be cut out as ink.
func (l *Layers) coarseCodes() (all []*image.Gray) {
	own := l.DPI
	if l.doubled {
		own /= 2
	}
	if own >= leastCodeDPI {
		return nil
	}
	g := l.page.gray.gray()
	for _, r := range codes.Find(g, l.DPI) {
		if !raster.IsGray(l.before(r)) {
			continue // a picture that is like a code would lose its colours
		}
		m := image.NewGray(r)
		for y := r.Min.Y; y < r.Max.Y; y++ {
			copy(m.Pix[(y-r.Min.Y)*m.Stride:][:r.Dx()], g.Pix[g.PixOffset(r.Min.X, y):])
		}
		all = append(all, m)
	}
	return all
}

// before is a place of the page as it was, small.
func (l *Layers) before(r image.Rectangle) image.Image {
	b := l.original.Bounds()
	at := image.Rect(r.Min.X*b.Dx()/l.Width, r.Min.Y*b.Dy()/l.Height, r.Max.X*b.Dx()/l.Width, r.Max.Y*b.Dy()/l.Height).Add(b.Min)
	m, ok := l.original.(*image.RGBA)
	if !ok {
		return l.original
	}
	out := image.NewRGBA(image.Rect(0, 0, at.Dx(), at.Dy()))
	draw.Draw(out, out.Rect, m, at.Min, draw.Src)
	return out
}

// codes gives, at the page's own resolution, the ink of the codes for
// machines that are on it, which can't be read when they are coarse.
func (l *Layers) codes() (all []Stencil) {
	places := codes.Find(l.page.gray.gray(), l.DPI)
	if len(places) == 0 {
		return nil
	}
	for _, s := range l.Stencils {
		fine := jbig2.NewBitmap(l.Width, l.Height)
		any := false
		var runs []run
		for _, r := range places {
			for y := r.Min.Y; y < r.Max.Y; y++ {
				runs = rowRuns(runs[:0], s.Mask.Row(y), l.Width)
				for _, k := range runs {
					if x0, x1 := max(int(k.x0), r.Min.X), min(int(k.x1), r.Max.X); x0 < x1 {
						paint(fine.Row(y), x0, x1)
						any = true
					}
				}
			}
		}
		if any {
			all = append(all, Stencil{fine, s.Color})
		}
	}
	return all
}

// without makes white what is black in another picture of the same size.
func without(b, other *jbig2.Bitmap) {
	for i, v := range other.Pix {
		b.Pix[i] &^= v
	}
}

// share cuts a coarse mask by which fine stencil is below it.
func (l *Layers) share(mask *jbig2.Bitmap) []Stencil {
	out := make([]Stencil, len(l.Stencils))
	for i := range out {
		out[i] = Stencil{jbig2.NewBitmap(mask.Width, mask.Height), l.Stencils[i].Color}
		if i == 0 {
			continue // has what is in no other
		}
		b := shrinkTo(l.Stencils[i].Mask, mask.Width, mask.Height)
		to := out[i].Mask
		for k, v := range b.Pix {
			to.Pix[k] = v & mask.Pix[k]
			mask.Pix[k] &^= v
		}
	}
	out[0].Mask = mask
	return out
}

// shrinkTo gives a picture of fewer pixels, black where any below is.
func shrinkTo(b *jbig2.Bitmap, w, h int) *jbig2.Bitmap {
	out := jbig2.NewBitmap(w, h)
	runs := make([]run, 0, 256)
	for y := range b.Height {
		runs = rowRuns(runs[:0], b.Row(y), b.Width)
		for _, r := range runs {
			paint(out.Row(y*h/b.Height), int(r.x0)*w/b.Width, (int(r.x1)-1)*w/b.Width+1)
		}
	}
	return out
}
