// Package verdict says what is wrong with a page for somebody who has to read
// it, and where on the page: the kiosk warns, the visitor decides.
//
// A warning that is wrong costs a visitor's trust and another scan, so every
// verdict but the plainest stays silent when in doubt. Nothing here keeps
// state, and every function may be called from any goroutine.
package verdict

import (
	"image"
	"math"

	"pointnum/kiosk"
	"pointnum/kiosk/document/raster"
)

const (
	lowDPI  = 120 // a sheet with fewer dots per inch is hard to read
	lowSide = 800 // the same, in pixels of the long side, when dpi is unknown
)

// Judge gives the findings about a page, the worst first; none when it is
// fine. dpi is the page's resolution on paper, 0 when unknown: then the page
// is taken for a sheet of A4. photo says that it comes from a camera: a
// scanner sees neither lamps nor fingers. VerdictPartial and VerdictTurned are
// not for this function to know.
func Judge(o *raster.Overview, dpi int, photo bool) []kiosk.Finding {
	p := newPage(o, dpi)
	if p.blank() {
		return []kiosk.Finding{{Verdict: kiosk.VerdictBlank}}
	}
	var found []kiosk.Finding
	add := func(v kiosk.Verdict, where image.Rectangle, is bool) {
		if is {
			found = append(found, kiosk.Finding{Verdict: v, Area: p.area(where)})
		}
	}
	add(kiosk.VerdictLowRes, image.Rectangle{}, dpi > 0 && dpi < lowDPI || dpi <= 0 && max(p.size.X, p.size.Y) < lowSide)
	s := p.strokes()
	where, is := p.blurred(s)
	add(kiosk.VerdictBlurred, where, is)
	add(kiosk.VerdictDark, image.Rectangle{}, p.dark(s))
	if photo {
		where, is = p.glare()
		add(kiosk.VerdictGlare, where, is)
		where, is = p.fingers()
		add(kiosk.VerdictFingers, where, is)
	}
	where, is = p.cut()
	add(kiosk.VerdictCut, where, is)
	return found
}

// Blank says whether there is nothing to see on a page, not even pale: only
// paper, its grain, specks of dust, the shadow of an edge.
func Blank(o *raster.Overview) bool { return newPage(o, 0).blank() }

// page is what the verdicts look at. Places are pixels of the small copy.
type page struct {
	*raster.Overview
	size  image.Point // of the page, pixels
	dpi   int
	gray  *image.Gray   // the small copy
	w, h  int           // of the small copy
	long  int           // its longer side
	count [256]int      // of the small copy's pixels, by brightness
	paper int           // the brightness most of them have
	share float64       // of them that are about as bright
	found []raster.Mark // every patch of plain ink
	text  []raster.Mark // those that may be letters or words
}

const paperReach = 25 // how far the paper's brightness goes from the commonest

func newPage(o *raster.Overview, dpi int) *page {
	p := &page{Overview: o, size: o.Page().Bounds().Size(), dpi: dpi, gray: o.SmallGray()}
	p.w, p.h = p.gray.Rect.Dx(), p.gray.Rect.Dy()
	p.long = max(p.w, p.h)
	if dpi <= 0 {
		p.dpi = max(max(p.size.X, p.size.Y)*10/117, 1) // A4 is 11.7 inches long
	}
	for y := range p.h {
		for _, v := range p.gray.Pix[y*p.gray.Stride:][:p.w] {
			p.count[v]++
		}
	}
	best := 0
	for v := 2; v < 254; v++ {
		if n := p.count[v-2] + p.count[v-1] + p.count[v] + p.count[v+1] + p.count[v+2]; n > best {
			best, p.paper = n, v
		}
	}
	like := 0
	for v := max(p.paper-paperReach, 0); v <= min(p.paper+paperReach, 255); v++ {
		like += p.count[v]
	}
	p.share = float64(like) / float64(max(p.w*p.h, 1))
	return p
}

// inkDepth is how far plain writing stands out from its paper.
const inkDepth = 24

// marks are the patches of plain ink.
func (p *page) marks() []raster.Mark {
	if p.found == nil {
		p.found = raster.Marks(p.Ink(inkDepth), p.w)
	}
	return p.found
}

// letters are the patches of ink that may be letters or words.
func (p *page) letters() []raster.Mark {
	if p.text == nil {
		p.text = []raster.Mark{}
		for _, m := range p.marks() {
			if m.Letter(p.long) {
				p.text = append(p.text, m)
			}
		}
	}
	return p.text
}

// area gives a part of the small copy as the screen takes it.
func (p *page) area(r image.Rectangle) kiosk.Area {
	if r.Empty() {
		return kiosk.Area{}
	}
	at := func(v, size int) int {
		return int(math.Round(1000 * float64(min(max(v, 0), size)) / float64(size)))
	}
	return kiosk.Area{X0: at(r.Min.X, p.w), Y0: at(r.Min.Y, p.h), X1: at(r.Max.X, p.w), Y1: at(r.Max.Y, p.h)}
}
