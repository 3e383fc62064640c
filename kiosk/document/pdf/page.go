package pdf

import (
	"image"
	"image/color"
)

// Encoding says how the samples of an image are packed.
type Encoding int

// The encodings.
const (
	// JPEG is a whole JPEG file of one or three components, kept byte for byte.
	JPEG Encoding = iota
	// Flate is what a PNG's IDAT chunks hold: rows of 8 bit samples, grey or
	// red-green-blue, each after the number of its PNG filter, in one zlib
	// stream.
	Flate
	// CCITT is one bit per pixel, 0 for black, as ITU-T T.6 (group 4).
	CCITT
	// JBIG2 is one bit per pixel, 1 for black, as ITU-T T.88: the segments of
	// one page without a file header and without an end-of-page segment.
	JBIG2
	// PackedJPEG is what JPEG is, in a zlib stream: see Image.Packed.
	PackedJPEG
)

// Image is a rectangle of pixels that is stretched over its place on the
// page, whatever its own resolution.
type Image struct {
	Data          []byte
	Encoding      Encoding
	Width, Height int  // pixels
	Gray          bool // one sample a pixel, not three; CCITT and JBIG2 are so anyway

	// Place is where the image lies, in pixels of the page, on which it must
	// lie whole; the zero rectangle is all of the page.
	Place image.Rectangle

	// Stencil paints the black pixels of a one bit image with Color and
	// leaves the others as they are.
	Stencil bool
	Color   color.RGBA
	// Mask shows the image only where this one bit image is black. It lies
	// where the image lies; a place of its own is an error.
	Mask *Image
}

// Page is one page: a picture that fills it, layers over it, and words behind
// them.
type Page struct {
	Data          []byte // may be nil when layers are all there is
	Encoding      Encoding
	Width, Height int // pixels
	Gray          bool
	// DPI says how large the page is on paper; 0 is not known, and fills the
	// sheet.
	DPI    int
	Layers []Image // painted in order over the picture
	// Turn is by how much the page is shown turned, in degrees clockwise: 0,
	// 90, 180 or 270. Everything else is said of the page before it.
	Turn int
	// Words can be searched for, selected and copied, but are not seen.
	Words []Word
}

// Word is a word that can be read on a page, and the pixels it covers: from
// X0, Y0 to just before X1, Y1, of the page before its Turn. Words are listed
// in the order in which they are read; those of a line are joined by spaces.
type Word struct {
	Text           string // in the order it is spoken, whatever its script
	X0, Y0, X1, Y1 int
	// Turn says that the word is upright once the page is turned by so many
	// degrees clockwise: 0, 90, 180 or 270.
	Turn int
}
