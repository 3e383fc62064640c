package child

import (
	"image"

	"pointnum/kiosk"
	"pointnum/kiosk/document/decode"
	"pointnum/kiosk/document/raster"
	"pointnum/kiosk/document/sheet"
	"pointnum/kiosk/document/upright"
	"pointnum/kiosk/document/verdict"
	"pointnum/kiosk/document/wire"
)

// sheetOfPaper is a page while it is cleaned, and what was done to it.
type sheetOfPaper struct {
	page    image.Image
	dpi     int // 0 is not known
	digital bool
	photo   bool // from a camera
	doubt   bool // it may stand on its head
	turned  int
	changes []kiosk.Change
}

// sheetOf makes a page upright, straight and cut to its paper. Every step
// leaves the page alone when it is not sure, and all of them do when the page
// is wanted as it came, or is no picture of paper at all.
func sheetOf(p decode.Picture, job wire.JobMessage) *sheetOfPaper {
	s := &sheetOfPaper{page: raster.Orient(p.Image, p.Orientation), dpi: p.DPI, digital: p.Vector}
	if job.Scanned && job.DPI > 0 {
		s.dpi = job.DPI
	}
	if job.AsIs || s.digital {
		return s
	}
	if !bilevelPage(s.page) {
		if job.Scanned || !s.flatten() {
			s.straighten()
		}
	}
	s.turn()
	return s
}

// bilevelPage says whether a page is black and white only: what was done to
// that before leaves nothing to clean, and any change would cost its sharpness.
func bilevelPage(img image.Image) bool {
	g, ok := img.(*image.Gray)
	return ok && bilevel(g)
}

// flatten finds the sheet in a photograph.
func (s *sheetOfPaper) flatten() bool {
	s.photo = sheet.IsPhoto(s.page)
	q, sure := sheet.Find(s.page)
	if !sure {
		return false
	}
	s.page, s.dpi, s.photo = sheet.Flatten(s.page, q, masterSide), 0, true
	s.changes = append(s.changes, kiosk.ChangeFlattened)
	return true
}

// straighten turns a scan by a few degrees and cuts off the scanner's bed.
func (s *sheetOfPaper) straighten() {
	o, angle := raster.NewOverview(s.page).Deskew()
	if angle != 0 {
		s.changes = append(s.changes, kiosk.ChangeStraightened)
	}
	s.page = o.Page()
	if r, ok := o.Crop(); ok {
		s.page = cut(s.page, r)
		s.changes = append(s.changes, kiosk.ChangeCropped)
	}
}

// probably is how sure the way up must be for a warning.
const probably = 0.6

// turn makes the writing upright.
func (s *sheetOfPaper) turn() {
	degrees, sure := upright.Turn(s.page)
	switch {
	case degrees == 0:
	case sure >= upright.Sure:
		s.page = raster.Turn(s.page, degrees)
		s.turned = degrees
		s.changes = append(s.changes, kiosk.ChangeTurned)
	default:
		s.doubt = sure >= probably
	}
}

// judge says what is wrong with the page once it is ready.
func (s *sheetOfPaper) judge(img image.Image, dpi int) []kiosk.Finding {
	o := raster.NewOverview(img)
	if s.digital {
		if verdict.Blank(o) {
			return []kiosk.Finding{{Verdict: kiosk.VerdictBlank}}
		}
		return nil
	}
	if s.dpi == 0 {
		dpi = 0 // its size on paper is a guess
	}
	found := verdict.Judge(o, dpi, s.photo)
	if s.doubt {
		found = append(found, kiosk.Finding{Verdict: kiosk.VerdictTurned})
	}
	return found
}

// cut copies a part of a page, so that the whole can be freed.
func cut(img image.Image, r image.Rectangle) image.Image {
	r = r.Intersect(img.Bounds())
	if r.Empty() || r == img.Bounds() {
		return img
	}
	switch m := img.(type) {
	case *image.Gray:
		dst := image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
		for y := range r.Dy() {
			copy(dst.Pix[y*dst.Stride:], m.Pix[m.PixOffset(r.Min.X, r.Min.Y+y):][:r.Dx()])
		}
		return dst
	default:
		src := raster.ToRGBA(img)
		dst := image.NewRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
		for y := range r.Dy() {
			copy(dst.Pix[y*dst.Stride:], src.Pix[src.PixOffset(r.Min.X, r.Min.Y+y):][:4*r.Dx()])
		}
		return dst
	}
}
