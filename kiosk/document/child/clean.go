package child

import (
	"image"
	"math"

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
	// The page, and the copies of it that all share who look at it.
	*raster.Overview
	dpi     int // 0 is not known
	digital bool
	photo   bool // from a camera
	camera  bool // the same, for sure: a sheet was cut out of its picture
	written bool // there are lines of letters on it
	doubt   bool // it may stand on its head
	turned  int
	changes []kiosk.Change
}

// sheetOf makes a page upright, straight and cut to its paper, no larger than
// a master. Every step leaves the page alone when it is not sure, and all of
// them do when the page is wanted as it came, or is no picture of paper at
// all. It takes the picture out of p, so that it can be freed on the way, and
// gives the page's resolution, a guess where none is known.
func sheetOf(p *decode.Picture, job wire.JobMessage) (*sheetOfPaper, int) {
	img := raster.Orient(p.Image, p.Orientation)
	p.Image = nil
	// What was done to a page of black and white leaves nothing to clean, and
	// any change would cost its sharpness.
	bare := job.AsIs || p.Vector || raster.IsBilevel(img)
	s := &sheetOfPaper{Overview: raster.NewOverview(img), dpi: p.DPI, digital: p.Vector}
	if job.Scanned && job.DPI > 0 {
		s.dpi = job.DPI
	}
	if !bare && (job.Scanned && !s.OnBed() || !s.flatten(job.Scanned)) {
		s.straighten()
	}
	img, dpi := toMaster(s.Page(), s.dpi)
	s.replace(img)
	if !job.AsIs && !p.Vector {
		s.turn()
	}
	return s, dpi
}

// replace puts another state of the page in the place of the last.
func (s *sheetOfPaper) replace(img image.Image) {
	if img != s.Page() {
		s.Overview = raster.NewOverview(img)
	}
}

// flatten finds the sheet in a photograph, or on a scanner's bed.
func (s *sheetOfPaper) flatten(scanned bool) bool {
	page := s.Page()
	view := sheet.NewView(page)
	found, sure := view.Find()
	if !sure && !scanned {
		found, sure = findWithin(page, view)
	}
	s.photo = !scanned && (sure && s.dpi < flatbedDPI || view.IsPhoto())
	if !sure {
		return false
	}
	s.camera = s.photo || !scanned && found.Tilted()
	least := 0
	if s.camera {
		least = fineSide
	}
	flat := sheet.Flatten(page, found, least, masterSide)
	if s.photo {
		s.dpi = 0 // what a camera says of it means nothing
	} else {
		s.dpi = scaledDPI(s.dpi, found.Quad, flat.Bounds())
	}
	s.replace(flat)
	s.changes = append(s.changes, kiosk.ChangeFlattened)
	return true
}

// fineSide is the long side of a sheet that letters are told apart on: 250 dpi
// of A4.
const fineSide = 2923

// findWithin looks for a sheet in a picture that lies on a white page, as those
// that were put into a PDF do.
func findWithin(page image.Image, view *sheet.View) (sheet.Sheet, bool) {
	r, ok := view.Inlay()
	if !ok {
		return sheet.Sheet{}, false
	}
	found, sure := sheet.Find(cut(page, r))
	return found.Moved(r.Min), sure
}

// flatbedDPI is what a scanner says of its pictures, and no camera.
const flatbedDPI = 100

// scaledDPI is the resolution of a sheet that was flattened.
func scaledDPI(dpi int, q sheet.Quad, flat image.Rectangle) int {
	side := func(a, b sheet.Point) float64 { return math.Hypot(a.X-b.X, a.Y-b.Y) }
	across, down := max(side(q[0], q[1]), side(q[3], q[2])), max(side(q[1], q[2]), side(q[0], q[3]))
	f := min(float64(flat.Dx())/across, float64(flat.Dy())/down)
	return int(math.Round(float64(dpi) * f))
}

// straighten turns a scan by a few degrees and cuts off the scanner's bed.
func (s *sheetOfPaper) straighten() {
	o, angle := s.Deskew()
	if angle != 0 {
		s.changes = append(s.changes, kiosk.ChangeStraightened)
	}
	s.Overview = o
	if r, ok := o.Crop(); ok {
		s.replace(cut(o.Page(), r))
		s.changes = append(s.changes, kiosk.ChangeCropped)
	}
}

// probably is how sure the way up must be for a warning.
const probably = 0.6

// turn makes the writing upright.
func (s *sheetOfPaper) turn() {
	page := s.Page()
	if long := max(page.Bounds().Dx(), page.Bounds().Dy()); long >= writingSide {
		page = s.Half() // letters are still told apart
	}
	degrees, sure := upright.Turn(page)
	if half := s.Half(); sure < upright.Sure && s.photo && page != half && max(half.Bounds().Dx(), half.Bounds().Dy()) >= photoSide {
		if d, again := upright.Turn(half); again >= upright.Sure { // without the grain of the dark
			degrees, sure = d, again
		}
	}
	s.written = sure >= upright.Sure
	switch {
	case degrees == 0:
	case sure >= upright.Sure:
		s.replace(raster.Turn(s.Page(), degrees))
		s.turned = degrees
		s.changes = append(s.changes, kiosk.ChangeTurned)
	default:
		s.doubt = sure >= probably
	}
}

// even gives a photographed sheet the light of a scanner. What has the shape of
// a card stays as it is: its ground is a part of it.
func (s *sheetOfPaper) even() {
	b := s.Page().Bounds()
	shape := float64(max(b.Dx(), b.Dy())) / float64(max(min(b.Dx(), b.Dy()), 1))
	if !s.camera && !s.written || shape > cardShape*0.955 && shape < cardShape*1.05 {
		return
	}
	if img, ok := sheet.Even(s.Overview, sheet.Known{Sheet: s.camera, Writing: s.written}); ok {
		s.Overview = raster.NewOverview(img)
		s.changes = append(s.changes, kiosk.ChangeLit)
	}
}

// cardShape is the width of an identity card over its height (ISO/IEC 7810).
const cardShape = 1.586

// writingSide is the long side of a page of which a half shows which way up
// its letters are: 300 dpi of a sheet a little shorter than A4.
const writingSide = 3000

// photoSide is the same for the half of a photograph that the whole of was not
// clear: a letter of A4 is 10 pixels high.
const photoSide = 1000

// judge says what is wrong with the page once it is ready.
func (s *sheetOfPaper) judge(dpi int) []kiosk.Finding {
	if s.digital {
		if verdict.Blank(s.Overview) {
			return []kiosk.Finding{{Verdict: kiosk.VerdictBlank}}
		}
		return nil
	}
	if s.dpi == 0 {
		dpi = 0 // its size on paper is a guess
	}
	found := verdict.Judge(s.Overview, dpi, s.photo)
	if s.doubt {
		found = append(found, kiosk.Finding{Verdict: kiosk.VerdictTurned})
	}
	return found
}

// cut gives a part of a page: a copy, so that the whole can be freed, or a view
// of it where it is most of the whole.
func cut(img image.Image, r image.Rectangle) image.Image {
	b := img.Bounds()
	r = r.Intersect(b)
	if r.Empty() || r == b {
		return img
	}
	view := 4*r.Dx()*r.Dy() >= 3*b.Dx()*b.Dy()
	to := image.Rect(0, 0, r.Dx(), r.Dy())
	switch m := img.(type) {
	case *image.Gray:
		if view {
			return &image.Gray{Pix: m.Pix[m.PixOffset(r.Min.X, r.Min.Y):], Stride: m.Stride, Rect: to}
		}
		dst := image.NewGray(to)
		for y := range r.Dy() {
			copy(dst.Pix[y*dst.Stride:], m.Pix[m.PixOffset(r.Min.X, r.Min.Y+y):][:r.Dx()])
		}
		return dst
	default:
		src := raster.ToRGBA(img)
		from := src.Pix[src.PixOffset(r.Min.X, r.Min.Y):]
		if view {
			return &image.RGBA{Pix: from, Stride: src.Stride, Rect: to}
		}
		dst := image.NewRGBA(to)
		for y := range r.Dy() {
			copy(dst.Pix[y*dst.Stride:], from[y*src.Stride:][:4*r.Dx()])
		}
		return dst
	}
}
