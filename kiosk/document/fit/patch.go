package fit

import (
	"image"
	"image/color"
	"image/draw"

	"pointnum/kiosk/document/jpegenc"
	"pointnum/kiosk/document/mrc"
	"pointnum/kiosk/document/pdf"
	"pointnum/kiosk/document/raster"
)

// A stroke that the layers of a page would not show is laid over them as a
// patch of the page itself, so that nothing is lost for being pale.
const (
	patchBorder  = 6  // pixels around what is missing
	mostPatches  = 40 // more, or more than
	mostPatched  = 12 // one part in so many of the page, and it is no page of writing
	patchQuality = 50
	paperShare   = 10 // the brightest of ten pixels of a patch is paper
	edgeShare    = 16 // the edge of a sheet lies in the outermost sixteenth
	edgeThin     = 26 // pixels at 300 dpi, and is no wider than that
	edgeLong     = 6  // but so many times as long
)

// patches gives the places to be patched; false when they are too many.
func patches(l *mrc.Layers) ([]image.Rectangle, bool) {
	page := image.Rect(0, 0, l.Width, l.Height)
	var all []image.Rectangle
	for _, r := range l.Holes() {
		if sheetEdge(r, page, l.DPI) {
			continue
		}
		all = raster.Join(all, r.Inset(-patchBorder).Intersect(page))
	}
	area := 0
	for _, r := range all {
		area += r.Dx() * r.Dy()
	}
	return all, len(all) <= mostPatches && area <= l.Width*l.Height/mostPatched
}

// sheetEdge says whether what is missing is the shadow along the edge of a
// sheet that lies on another one: a thin straight line beside the page's edge.
func sheetEdge(r, page image.Rectangle, dpi int) bool {
	thin := edgeThin * max(dpi, 75) / 300
	inner := image.Rect(page.Dx()/edgeShare, page.Dy()/edgeShare, page.Dx()-page.Dx()/edgeShare, page.Dy()-page.Dy()/edgeShare)
	switch {
	case r.Dx() <= thin && r.Dy() >= edgeLong*r.Dx():
		return r.Max.X <= inner.Min.X || r.Min.X >= inner.Max.X
	case r.Dy() <= thin && r.Dx() >= edgeLong*r.Dy():
		return r.Max.Y <= inner.Min.Y || r.Min.Y >= inner.Max.Y
	}
	return false
}

// patch is a place of a page, for a form of it that is w by h pixels.
func patch(img image.Image, r image.Rectangle, w, h int, gray bool) pdf.Image {
	b, m := img.Bounds(), cutOut(img, r)
	var out image.Image = m
	if gray || raster.IsGray(m) {
		out, gray = raster.Gray(m), true
	}
	place := image.Rect(r.Min.X*w/b.Dx(), r.Min.Y*h/b.Dy(), max(r.Max.X*w/b.Dx(), r.Min.X*w/b.Dx()+1), max(r.Max.Y*h/b.Dy(), r.Min.Y*h/b.Dy()+1))
	return pdf.Image{Data: jpegenc.Encode(out, patchQuality, jpegenc.Options{}), Encoding: pdf.JPEG, Width: r.Dx(), Height: r.Dy(), Gray: gray,
		Place: place.Intersect(image.Rect(0, 0, w, h))}
}

// cutOut copies a part of a page, its paper white.
func cutOut(img image.Image, r image.Rectangle) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	draw.Draw(m, m.Rect, img, img.Bounds().Min.Add(r.Min), draw.Src)
	whitePaper(m)
	return m
}

// Paper that is tinted more is coloured.
const (
	mostTint   = 30 // between its strongest and its weakest colour
	mostYellow = 90 // the same where it yellowed
)

// whitePaper makes the paper of a small piece of a page white.
func whitePaper(m *image.RGBA) {
	var count [3][256]int
	n := len(m.Pix) / 4
	for i := 0; i < len(m.Pix); i += 4 {
		for c := range 3 {
			count[c][m.Pix[i+c]]++
		}
	}
	var paper [3]int
	for c := range 3 {
		seen := 0
		for paper[c] = 255; paper[c] > 1; paper[c]-- {
			if seen += count[c][paper[c]]; seen*paperShare >= n {
				break
			}
		}
	}
	r, g, b := paper[0], paper[1], paper[2]
	tint := max(r, g, b) - min(r, g, b)
	yellowed := r >= g-4 && g >= b-4 && r-g <= g-b+12
	if tint > mostTint && !(yellowed && tint <= mostYellow) {
		return // a field of colour, as the others on the page
	}
	var table [3][256]uint8
	for c := range 3 {
		for v := range 256 {
			table[c][v] = uint8(min(v*255/paper[c], 255))
		}
	}
	for i := 0; i < len(m.Pix); i += 4 {
		for c := range 3 {
			m.Pix[i+c] = table[c][m.Pix[i+c]]
		}
	}
}

// paint lays the patches over a drawn page.
func paint(page, original image.Image, all []image.Rectangle) image.Image {
	if len(all) == 0 {
		return page
	}
	b, from := page.Bounds(), original.Bounds()
	out := raster.ToRGBA(page)
	for _, r := range all {
		m := cutOut(original, r)
		for y := range r.Dy() {
			for x := range r.Dx() {
				at := image.Pt((r.Min.X+x)*b.Dx()/from.Dx(), (r.Min.Y+y)*b.Dy()/from.Dy())
				c := m.RGBAAt(x, y)
				out.SetRGBA(at.X, at.Y, color.RGBA{c.R, c.G, c.B, 255})
			}
		}
	}
	if _, gray := page.(*image.Gray); gray {
		return raster.Gray(out)
	}
	return out
}
