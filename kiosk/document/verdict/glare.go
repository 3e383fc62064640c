package verdict

import (
	"image"
)

const (
	blown       = 251   // every colour of a pixel that a lamp's reflection drowned
	whitePaper  = 243   // on paper as bright as this a reflection can't be told
	leastGlare  = 0.001 // of the page
	mostGlare   = 0.15
	haloNear    = 4   // steps from a reflection where it still lightens the page
	haloFar     = 18  // and where it doesn't
	haloDepth   = 5   // how much brighter it is near than far
	glareNear   = 250 // the least a halo is below white
	glareTexts  = 2   // letters on both sides of a reflection that hides some
	insideTexts = 2   // letters seen in it: then nothing is hidden
)

// glare looks for the reflection of a lamp: a patch that is white where the
// paper is not, that fades into the page around it, between writing and
// without any in it. Paper that is lit up to white keeps its writing.
func (p *page) glare() (image.Rectangle, bool) {
	m, ok := p.Small().(*image.RGBA)
	if p.paper >= whitePaper || p.w < 100 || p.h < 100 {
		return image.Rectangle{}, false
	}
	mask := make([]uint8, p.w*p.h)
	for y := range p.h {
		for x := range p.w {
			v := p.gray.Pix[y*p.gray.Stride+x]
			if ok {
				c := m.Pix[y*m.Stride+4*x:]
				v = min(c[0], c[1], c[2])
			}
			if v >= blown {
				mask[y*p.w+x] = 1
			}
		}
	}
	all := float64(p.w * p.h)
	found, _ := blobs(mask, p.w, int(leastGlare*all), int(mostGlare*all))
	best, where := 0, image.Rectangle{}
	for _, b := range found {
		if len(b.pixels) > best && 5*len(b.pixels) > 2*b.box.Dx()*b.box.Dy() && p.fades(b) && p.hides(b.box) {
			best, where = len(b.pixels), b.box
		}
	}
	return where, best > 0
}

// fades says whether the page gets darker slowly around a white patch. A field
// that is printed white has a sharp edge.
func (p *page) fades(b blob) bool {
	relief := p.Relief()
	var light [haloFar]int
	for d, ring := range b.around(p.w, p.h, haloFar) {
		sum, n := 0, 0
		for _, i := range ring {
			if int(relief[i]) < inkDepth {
				sum += int(p.gray.Pix[i/p.w*p.gray.Stride+i%p.w])
				n++
			}
		}
		if 2*n < len(ring) || n == 0 {
			return false
		}
		light[d] = sum / n
	}
	near, middle, far := light[haloNear-1], light[(haloNear+haloFar)/2-1], light[haloFar-1]
	return near-far >= haloDepth && near >= middle && middle >= far && near < glareNear && far < whitePaper
}

// hides says whether a patch lies between letters and none is seen in it.
func (p *page) hides(r image.Rectangle) bool {
	reach := max(r.Dx(), r.Dy(), p.long/20)
	var left, right, above, below, inside int
	core := image.Rect(r.Min.X+r.Dx()/5, r.Min.Y+r.Dy()/5, r.Max.X-r.Dx()/5, r.Max.Y-r.Dy()/5)
	for _, m := range p.letters() {
		c := m.Box.Min.Add(m.Box.Max).Div(2)
		beside := c.Y >= r.Min.Y && c.Y < r.Max.Y
		over := c.X >= r.Min.X && c.X < r.Max.X
		switch {
		case c.In(core):
			inside++
		case beside && c.X < r.Min.X+r.Dx()/2 && c.X > r.Min.X-reach:
			left++
		case beside && c.X < r.Max.X+reach && c.X > r.Min.X:
			right++
		case over && c.Y < r.Min.Y+r.Dy()/2 && c.Y > r.Min.Y-reach:
			above++
		case over && c.Y < r.Max.Y+reach && c.Y > r.Min.Y:
			below++
		}
	}
	return inside < insideTexts && (min(left, right) >= glareTexts || min(above, below) >= glareTexts)
}
