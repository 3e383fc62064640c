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
}

// Picture is one page as its file shows it.
type Picture struct {
	Image image.Image
	// Orientation is EXIF's: 1 to 8, as raster.Orient takes it.
	Orientation int
	// DPI is the image's resolution on paper; 0 when the file does not say.
	DPI int
	// Partial is true when the file was damaged and something may be missing.
	Partial bool
}

// Source is an open file. It is not safe for concurrent use.
type Source interface {
	// Pages counts the pages; at least 1.
	Pages() int
	// Page decodes one page. Errors: the CodeFile… codes.
	Page(i int) (Picture, error)
	// Close frees the file.
	Close()
}

// Open finds out what data is and opens it. Errors: the CodeFile… codes.
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
	case HEIC:
		return openHEIC(data, l)
	case PDF:
		return openPDF(data, l)
	case Foreign:
		return nil, fault(kiosk.CodeFileUnsupported, "decode: known format that is not opened here")
	default:
		return nil, fault(kiosk.CodeFileUnknown, "decode: unknown format")
	}
}

// fault makes an error that says nothing of the file's content.
func fault(c kiosk.Code, op string) error { return &kiosk.Error{Code: c, Op: op} }

// single is a file with one page.
type single struct {
	decode func() (Picture, error)
}

func (s single) Pages() int                { return 1 }
func (s single) Page(int) (Picture, error) { return s.decode() }
func (s single) Close()                    {}
