package decode

import (
	"errors"
	"math"

	"pointnum/kiosk"
	"pointnum/kiosk/document/mupdf"
)

type pdfFile struct {
	doc   *mupdf.Document
	pages int
	l     Limits
}

func openPDF(data []byte, l Limits) (Source, error) {
	doc, err := mupdf.Open(data, int(l.MaxMemory))
	if err != nil {
		return nil, pdfFault(err, "decode: open pdf")
	}
	n, err := doc.Pages()
	switch {
	case err != nil:
		err = pdfFault(err, "decode: count pdf pages")
	case n <= 0:
		err = fault(kiosk.CodeFileBroken, "decode: pdf without a page")
	case n > l.MaxPages:
		err = fault(kiosk.CodeFileTooLong, "decode: pdf of too many pages")
	}
	if err != nil {
		doc.Close()
		return nil, err
	}
	return &pdfFile{doc, n, l}, nil
}

func pdfFault(err error, op string) error {
	switch {
	case errors.Is(err, mupdf.ErrPassword):
		return fault(kiosk.CodeFilePassword, op)
	case errors.Is(err, mupdf.ErrMemory):
		return fault(kiosk.CodeFileTooBig, op)
	}
	return fault(kiosk.CodeFileBroken, op)
}

func (f *pdfFile) Pages() int { return f.pages }
func (f *pdfFile) Close()     { f.doc.Close() }

// largestPage is the longest side of a page that is drawn, in points: 7 m.
const largestPage = 20000

func (f *pdfFile) Page(i int) (Picture, error) {
	frame, err := f.doc.Bounds(i)
	if err != nil {
		return Picture{}, pdfFault(err, "decode: load pdf page")
	}
	w, h := frame.Width(), frame.Height()
	if w <= 0 || h <= 0 {
		return Picture{}, fault(kiosk.CodeFileBroken, "decode: pdf page without a size")
	}
	if max(w, h) > largestPage {
		return Picture{}, fault(kiosk.CodeFileTooBig, "decode: pdf page of a giant")
	}
	dpi := pageDPI(w/72, h/72)
	pw, ph := max(1, int(math.Round(w*dpi/72))), max(1, int(math.Round(h*dpi/72)))
	img, flaws, err := f.doc.Render(i, frame, pw, ph)
	if err != nil {
		return Picture{}, pdfFault(err, "decode: draw pdf page")
	}
	return Picture{Image: img, Orientation: 1, DPI: int(math.Round(dpi)), Partial: flaws > 0 || f.doc.Repaired()}, nil
}

// pageDPI chooses how finely a page of w by h inches is drawn: 300 dpi, less
// for sheets larger than A4 so that the long side stays within enoughSide, and
// more for pages that say they are smaller than a card: those are sheets
// whose program got their size wrong.
func pageDPI(w, h float64) float64 {
	long := max(w, h)
	const card = 2.5 // inches
	if long < card {
		return min(2400, 2480/long)
	}
	return min(300, enoughSide/long)
}
