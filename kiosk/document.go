package kiosk

import (
	"context"
	"io"
)

// Format is a file format that a portal takes and the kiosk makes.
type Format string

// The formats.
const (
	FormatPDF  Format = "pdf"
	FormatJPEG Format = "jpeg"
	FormatPNG  Format = "png"
	FormatTIFF Format = "tiff"
)

// MediaType gives the format's media type.
func (f Format) MediaType() string {
	switch f {
	case FormatJPEG:
		return "image/jpeg"
	case FormatPNG:
		return "image/png"
	case FormatTIFF:
		return "image/tiff"
	default:
		return "application/pdf"
	}
}

// Ext gives the extension of a file name, with its dot, lower case, as portals
// expect it.
func (f Format) Ext() string {
	switch f {
	case FormatJPEG:
		return ".jpg"
	case FormatPNG:
		return ".png"
	case FormatTIFF:
		return ".tif"
	default:
		return ".pdf"
	}
}

// Input is something to be read: one scanned page or a file somebody brought.
// Nobody has parsed it and its name proves nothing.
type Input struct {
	Name    string                        // as brought; a hint for the error text only, may be empty
	Open    func() (io.ReadCloser, error) // may be called again
	Size    int64                         // bytes
	Scanned bool                          // from our own scanner: a sheet on its bed
	DPI     int                           // as the scanner says; 0 when unknown
	// Language is the visitor's, a BCP 47 tag such as "fr"; what they bring is
	// probably in it. It may be empty.
	Language string
	AsIs     bool // its pages are not straightened, cut or turned: the way back from that
}

// Verdict is what the kiosk thinks of a page's legibility. It warns; it never
// blocks: the visitor may have only this paper.
type Verdict string

// The verdicts.
const (
	VerdictBlank   Verdict = "blank"   // nothing on it
	VerdictBlurred Verdict = "blurred" // not sharp enough to be read
	VerdictDark    Verdict = "dark"    // too little light or contrast
	VerdictCut     Verdict = "cut"     // writing runs over the edge
	VerdictPartial Verdict = "partial" // the file was damaged: only a part could be saved
	VerdictLowRes  Verdict = "low_res" // too few pixels for a sheet of writing
	VerdictGlare   Verdict = "glare"   // a lamp's reflection hides a part
	VerdictFingers Verdict = "fingers" // a hand covers a part
	VerdictTurned  Verdict = "turned"  // probably upside down or on its side, not surely enough to turn it
)

// Finding is a verdict and where on the page it was found.
type Finding struct {
	Verdict Verdict
	Area    Area // zero when it is the whole page's
}

// Area is a part of a page, in thousandths of its width and height counted
// from its upper left corner, so that it can be shown on a picture of any size.
type Area struct{ X0, Y0, X1, Y1 int }

// Change is something done to a page on its way in, that its owner may want
// to take back; see Input.AsIs.
type Change string

// The changes.
const (
	ChangeFlattened    Change = "flattened"    // the sheet was found in a photograph and seen from above
	ChangeStraightened Change = "straightened" // turned by a few degrees
	ChangeCropped      Change = "cropped"      // what lies around the sheet is cut off
	ChangeTurned       Change = "turned"       // by quarter turns, to how its writing stands
	ChangeLit          Change = "lit"          // a photographed sheet got even light and white paper
)

// PageKind is what a page is to those who have to make it small.
type PageKind string

// The kinds of pages.
const (
	PageDigital PageKind = "digital" // live text and drawings of a PDF, which stay such
	PageWriting PageKind = "writing" // ink on paper: split into layers
	PagePicture PageKind = "picture" // a card, a photograph: kept as a picture
	PageBilevel PageKind = "bilevel" // black and white only: packed without loss
)

// Page is one page made ready: upright, straight, cut to the paper, its
// metadata gone.
type Page struct {
	Index    int    // within its input, from 0
	Total    int    // pages of the input as far as known
	Image    []byte // the page's master, JPEG or PNG, at most 300 dpi of A4
	Preview  []byte // JPEG for the screen, long side about 1,400 pixels
	Thumb    []byte // JPEG, long side about 320 pixels
	Packed   []byte // the page as it would go into a PDF, for PageRef.Packed; nil when there is none
	Width    int    // of Image, pixels
	Height   int
	DPI      int // of Image, on paper
	Gray     bool
	Kind     PageKind
	Findings []Finding
	Changes  []Change
	Turned   int // by how many degrees clockwise ChangeTurned was
	// Source is the PDF that the input was turned into, when it was none and
	// no picture; of the first page only. It takes the input's place as
	// PageRef.Origin.
	Source []byte
}

// PageRef is a page to be put in a file.
type PageRef struct {
	Open  func() (io.ReadCloser, error) // the page's master, Page.Image
	Size  int64
	DPI   int
	Turn  int // 0, 90, 180, 270 degrees clockwise
	Index int // of the page in Origin
	// Packed is Page.Packed, so that the page need not be encoded again; nil
	// when it is not kept.
	Packed     func() (io.ReadCloser, error)
	PackedSize int64
	Kind       PageKind
	Changed    bool // there were Page.Changes other than ChangeTurned
	Turned     int  // Page.Turned
	// Origin is the input the page came from, with OriginPages pages; nil when
	// it is not kept. Pages of the kind PageDigital are taken from it. One
	// whose pages are all used, in order and unturned, may be passed on as it
	// came when nothing smaller can be made of it.
	Origin      *Input
	OriginPages int
}

// Target is what a field takes.
type Target struct {
	Format   Format
	MaxBytes int64 // never exceeded; "less than", so MaxBytes-1 is the largest
	// AimBytes is what should be spent at most, unless legibility asks for
	// more; 0 is MaxBytes, and lets pictures be finer than they need be.
	AimBytes int64
	MaxFiles int // how many files the field takes; 0 is 1
}

// File is one file made for a field.
type File struct {
	Format Format
	Data   []byte
	Pages  int
}

// Conversion is what came out, and what was done for it.
type Conversion struct {
	Files []File
	// Passed is true when the input already fitted and is passed on as it was
	// (at most stripped of metadata and active content).
	Passed bool
	// The rest says how the pages were made; for the technician.
	DPI   int // of the coarsest page
	Gray  bool
	Level int      // how far down the quality had to go; 0 is the finest, 1 the usual
	Forms []string // what became of each page: original, layers, picture, bilevel
}

// Documents reads what comes in and makes what goes out. Nothing of it is
// parsed in the calling process. Methods may be called from any goroutine.
type Documents interface {
	// Import reads an input and calls each with its pages, in order, as they
	// become ready. A non-nil error of each ends the import and is returned.
	// Pages handed over before an error stay good. Errors: the CodeFile…
	// codes; CodeCanceled when ctx ends.
	Import(ctx context.Context, in Input, each func(Page) error) error
	// Convert makes files of pages that fit the target. progress, which may
	// be nil, is called from the same goroutine. Errors: CodeCannotFit when
	// the floor of legibility is met before the limit; the CodeFile… codes.
	Convert(ctx context.Context, pages []PageRef, t Target, progress func(done, total int)) (Conversion, error)
	// Forget drops all that is known of pages seen so far. It is called when
	// a visit ends.
	Forget()
}
