// Package decode opens files that people bring, whatever their names say, and
// gives their pages as pixels.
//
// Sizes and counts are read from headers and checked before anything is
// decoded, so that a bomb is refused by its first bytes. Decoders still run on
// hostile bytes, some of them in C: use this only in the sandboxed child.
package decode

import (
	"image"

	"pointnum/kiosk"
)

// Limits bound what is opened.
type Limits struct {
	MaxPages  int
	MaxPixels int   // of one page, decoded
	MaxMemory int64 // bytes one decoder may use
	// WantSide is how many pixels a page's longer side needs; 0 is 3,508, as
	// A4 has at 300 dpi. Pictures with at least twice as many are decoded at
	// a half, a quarter or an eighth of their size where that is cheaper,
	// never below it.
	WantSide int
}

func (l Limits) wantSide() int {
	if l.WantSide > 0 {
		return l.WantSide
	}
	return enoughSide
}

// enoughSide is as long as a page's longer side is ever needed: 300 dpi of A4.
const enoughSide = 3508

// Picture is one page as its file shows it.
type Picture struct {
	Image image.Image
	// Orientation is EXIF's: 1 to 8, as raster.Orient takes it.
	Orientation int
	// DPI is the image's resolution on paper; 0 when the file does not say.
	DPI int
	// Width and Height are the page's size in points, turned as it is shown;
	// 0 when the file does not say.
	Width, Height float64
	// Vector is true for a page whose text and drawings are live, and which
	// would lose by being taken as pixels: only PDF has such.
	Vector bool
	// Searchable is true when words lie invisibly over a picture of them.
	Searchable bool
	// Partial is true when the file was damaged and something may be missing.
	Partial bool
}

// Source is an open file. It is not safe for concurrent use.
type Source interface {
	// Format says what the file is.
	Format() Format
	// Restricted is true when its author locked a part of its uses with a
	// password that reading does not need.
	Restricted() bool
	// Pages counts the pages; at least 1.
	Pages() int
	// Page decodes one page. Errors: the CodeFile… codes.
	Page(i int) (Picture, error)
	// Close frees the file.
	Close()
}

// Open finds out what data is and opens it. Errors: the CodeFile… codes;
// office files are CodeFileUnsupported, see Format.Office, or CodeFilePassword.
func Open(data []byte, l Limits) (Source, error) {
	switch f := Sniff(data); f {
	case Empty:
		return nil, fault(kiosk.CodeFileEmpty, "decode: no bytes")
	case JPEG:
		return openJPEG(data, l)
	case PNG, GIF, BMP, WebP:
		return openStandard(data, f, l)
	case TIFF:
		return openTIFF(data, l)
	case HEIC, AVIF:
		return openHEIF(data, f, l)
	case PDF:
		return openPDF(data, l)
	case LockedOffice:
		return nil, fault(kiosk.CodeFilePassword, "decode: office file with a password")
	case Unknown:
		return nil, fault(kiosk.CodeFileUnknown, "decode: unknown format")
	default:
		return nil, fault(kiosk.CodeFileUnsupported, "decode: known format that is not opened here")
	}
}

// fault makes an error that says nothing of the file's content.
func fault(c kiosk.Code, op string) error { return &kiosk.Error{Code: c, Op: op} }

// single is a file with one page.
type single struct {
	format Format
	decode func() (Picture, error)
}

func (s single) Format() Format            { return s.format }
func (s single) Restricted() bool          { return false }
func (s single) Pages() int                { return 1 }
func (s single) Page(int) (Picture, error) { return s.decode() }
func (s single) Close()                    {}

// size gives the sides in points of a picture with a resolution.
func (p *Picture) size() {
	if p.DPI == 0 || p.Image == nil {
		return
	}
	b := p.Image.Bounds()
	p.Width, p.Height = float64(b.Dx())*72/float64(p.DPI), float64(b.Dy())*72/float64(p.DPI)
	if p.Orientation >= 5 {
		p.Width, p.Height = p.Height, p.Width
	}
}
