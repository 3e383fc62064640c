// Package fit writes pages as files that a portal takes: in its format, under
// its limit, and as small as they can be while they are easy to read.
//
// Each page takes the form that suits what is on it: writing is split into
// layers, cards and photographs stay pictures, black and white is packed
// without loss, pages of a PDF that are live text stay that, and a page that
// is smaller as it came is taken over. How fine the forms are is one level for
// all pages; it is searched for with few encodings, and what is left of the
// limit then goes to the pages that need it most. There is a floor below which
// a page can't be trusted to be read, and no level below it: "does not fit" is
// an answer, an illegible proof is none. The same pages and target always give
// the same bytes.
package fit

import (
	"image"
	"sync"

	"pointnum/kiosk"
	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/pdf"
)

// Page is a page to be put in a file.
type Page struct {
	DPI  int // of the loaded image, on paper
	Kind kiosk.PageKind
	Turn int // clockwise, of all that follows: 0, 90, 180 or 270
	// Load gives the page's pixels, not turned. It is called several times,
	// perhaps from several goroutines at once.
	Load func() (image.Image, error)
	// Packed gives the page as Pack made it, not turned; nil when there is
	// none.
	Packed func() (pdf.Page, error)
	// Words are what can be read on the page, in pixels of what Load gives; nil
	// when nobody read it.
	Words *Words
	// Original is the PDF whose page number Index this is; nil when it came
	// from elsewhere. Only pages of the kind PageDigital are taken from it.
	Original *cleanpdf.Original
	Index    int
}

// Words are the words of a page of so many pixels.
type Words struct {
	Width, Height int
	All           []pdf.Word
}

// on gives the words at their places on a page of another size.
func (w *Words) on(p pdf.Page) []pdf.Word {
	if w == nil || w.Width <= 0 || w.Height <= 0 {
		return nil
	}
	all := make([]pdf.Word, len(w.All))
	for i, v := range w.All {
		v.X0, v.X1 = v.X0*p.Width/w.Width, v.X1*p.Width/w.Width
		v.Y0, v.Y1 = v.Y0*p.Height/w.Height, v.Y1*p.Height/w.Height
		all[i] = v
	}
	return all
}

// Form is what became of a page.
type Form string

// The forms.
const (
	FormOriginal Form = "original" // taken over from the PDF it came in
	FormLayers   Form = "layers"   // ink, its colour and the paper
	FormPicture  Form = "picture"  // one JPEG or PNG
	FormBilevel  Form = "bilevel"  // black and white without loss
)

// Result is what came out.
type Result struct {
	Files []kiosk.File
	DPI   int // of the coarsest page
	Gray  bool
	Level int    // how far down the quality had to go; 0 is the finest
	Forms []Form // of each page
}

// Options say how to work.
type Options struct {
	Workers   int                   // pages encoded at once; 0 is 1
	Progress  func(done, total int) // from any goroutine, one call at a time; may be nil
	Cached    int                   // pages whose pixels may be kept between encodings
	MaxMemory int                   // bytes that reading originals may take; 0 is 256 MiB
}

// cannotFit is what the caller hears when the floor is met before the limit.
func cannotFit(op string) error { return &kiosk.Error{Code: kiosk.CodeCannotFit, Op: op} }

// Fit makes files of pages. Errors: CodeCannotFit, and what Load and Packed
// say.
func Fit(pages []Page, t kiosk.Target, o Options) (Result, error) {
	if len(pages) == 0 || t.MaxBytes <= 1 {
		return Result{}, cannotFit("fit: nothing to do")
	}
	o.Workers, t.MaxFiles = max(o.Workers, 1), max(t.MaxFiles, 1)
	if o.MaxMemory <= 0 {
		o.MaxMemory = 256 << 20
	}
	b := budget{limit: t.MaxBytes - 1, generous: t.AimBytes == 0} // "less than"
	b.aim = b.limit
	if t.AimBytes > 0 {
		b.aim = min(b.aim, t.AimBytes)
	}
	pages = cache(pages, o.Cached)
	switch t.Format {
	case kiosk.FormatJPEG, kiosk.FormatPNG:
		return fitPictures(pages, t, b, o)
	case kiosk.FormatTIFF:
		return fitTIFF(pages, b, o)
	default:
		return fitPDF(pages, t.MaxFiles, b, o)
	}
}

// budget is what may be spent, in bytes.
type budget struct {
	aim, limit int64
	generous   bool // pictures may be finer than they need be
}

// cache keeps the pixels of documents of few pages between encodings.
func cache(pages []Page, most int) []Page {
	if len(pages) > most {
		return pages
	}
	kept := make([]Page, len(pages))
	for i, p := range pages {
		kept[i] = p
		kept[i].Load = sync.OnceValues(p.Load)
	}
	return kept
}
