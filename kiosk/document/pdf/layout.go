package pdf

import "math"

// A4 in points of 1/72 inch, upright.
const (
	A4Width  = 595.276
	A4Height = 841.890
)

// nearA4 is by what share the sides of a page may differ from those of A4
// while it is taken for A4 that was cut or scanned inexactly. It spans the
// glass of scanners that are 216 mm wide.
const nearA4 = 0.03

// The least and the most that a side of a sheet may measure, in points (ISO
// 19005-2, 6.1.13).
const (
	minSide = 3
	maxSide = 14400
)

// Paper says what sheets the pages lie on.
type Paper int

// The papers.
const (
	// A4 is what printers and portals expect. A page that measures A4 within
	// 3 % a side fills the sheet exactly. A smaller one has its real size, in
	// the middle and a third of the way down; the sheet lies on its side when
	// the page is wider than A4 is. A larger one, and one of unknown size, is
	// as large as fits.
	A4 Paper = iota
	// Natural is a sheet that is just as large as the page. One of unknown
	// size is as large as fits on A4.
	Natural
)

// box is a rectangle in points, from its lower left corner.
type box struct{ x, y, w, h float64 }

// layout gives the sheet and where on it the page lies, both before the turn,
// with which readers show them (ISO 32000-1, table 30, Rotate).
func (p *Page) layout(paper Paper) (sheet, place box) {
	w, h := float64(p.Width), float64(p.Height)
	if p.Turn%180 != 0 {
		w, h = h, w
	}
	sheet, place = shown(w, h, float64(p.DPI), paper)
	return sheet.unturned(sheet, p.Turn), place.unturned(sheet, p.Turn)
}

// shown is the layout as it is seen.
func shown(w, h, dpi float64, paper Paper) (sheet, place box) {
	if dpi > 0 {
		w, h = w*72/dpi, h*72/dpi
	}
	sheet = box{w: A4Width, h: A4Height}
	if w > h && (dpi <= 0 || w > A4Width*(1+nearA4)) {
		sheet = box{w: A4Height, h: A4Width}
	}
	fit := min(sheet.w/w, sheet.h/h)
	switch {
	case paper == Natural && dpi > 0:
		// What is too thin to be a sheet has blank on one side.
		fit = min(1, maxSide/max(w, h))
		w, h = w*fit, h*fit
		return box{w: max(w, minSide), h: max(h, minSide)}, box{w: w, h: h}
	case paper == Natural:
		w, h = w*fit, h*fit
		return box{w: max(w, minSide), h: max(h, minSide)}, box{w: w, h: h}
	case dpi > 0 && near(w, sheet.w) && near(h, sheet.h):
		return sheet, sheet
	case fit < 1 || dpi <= 0:
		w, h = w*fit, h*fit
	}
	return sheet, box{x: (sheet.w - w) / 2, y: (sheet.h - h) * 2 / 3, w: w, h: h}
}

func near(a, b float64) bool { return math.Abs(a-b) <= b*nearA4 }

// unturned gives where a box lies on its sheet before the sheet is turned
// clockwise to be shown.
func (b box) unturned(sheet box, turn int) box {
	switch turn {
	case 90:
		return box{x: sheet.h - b.y - b.h, y: b.x, w: b.h, h: b.w}
	case 180:
		return box{x: sheet.w - b.x - b.w, y: sheet.h - b.y - b.h, w: b.w, h: b.h}
	case 270:
		return box{x: b.y, y: sheet.w - b.x - b.w, w: b.h, h: b.w}
	}
	return b
}

// part gives where an image lies on a page that fills b.
func (b box) part(p *Page, m Image) box {
	r := m.Place
	if r.Empty() {
		return b
	}
	sx, sy := b.w/float64(p.Width), b.h/float64(p.Height)
	return box{
		x: b.x + float64(r.Min.X)*sx, y: b.y + float64(p.Height-r.Max.Y)*sy,
		w: float64(r.Dx()) * sx, h: float64(r.Dy()) * sy,
	}
}
