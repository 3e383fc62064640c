package cleanpdf

import "pointnum/kiosk"

// Part is what comes next in a file that is put together: a page of an
// original, or the pages of a PDF that package pdf made.
type Part struct {
	Original *Original
	Page     int // of the original, counted from 0
	Turn     int // clockwise, added to what the page has: 0, 90, 180 or 270
	// Raster is a whole PDF of our own, when Original is nil. All its pages
	// are taken, in order, as they are.
	Raster []byte
}

// Quality says what may be done to the pictures of originals. The zero value
// keeps their pixels and only packs them better.
type Quality struct {
	// ImageDPI is how fine pictures need to be on paper; those of more than
	// 1.3 times that are brought down to it. 0 leaves them as fine as they are.
	ImageDPI int
	// JPEG is the quality (1 to 100) photographs are packed with again when
	// that makes them smaller; 0 packs without loss. Drawings of few colours
	// and masks are always packed without loss.
	JPEG int
	// Gray takes the colours out of pictures. Text and lines keep theirs.
	Gray bool
}

// Assemble puts pages of several files into one PDF, in order. Text stays
// text, lines stay lines and fonts keep the glyphs that are used; form fields
// and comments become part of the page as they show. Nothing else of the
// originals is in the result: what may stay is listed, key by key. The same
// parts always give the same bytes.
//
// Every page is drawn and read again and held against its original: a step
// that changed a page is left out. It fails with a CodeFile… code when a page
// can't be taken over faithfully: it is damaged, or unpacks to too much.
// maxMemory bounds what the library uses to check the result, in bytes.
func Assemble(parts []Part, q Quality, maxMemory int) ([]byte, error) {
	return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "cleanpdf: assemble"}
}
