package pdf

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

// Write writes a file of the given pages.
func Write(w io.Writer, pages []Page) error {
	f := NewWriter(w)
	for _, p := range pages {
		if err := f.Add(p); err != nil {
			return err
		}
	}
	return f.Close()
}

// Writer writes a file page by page and keeps none of them. Its first error
// is returned by every later call. It may be used by one goroutine at a time.
type Writer struct {
	// Paper is what the pages lie on; it may be set before the first Add.
	Paper Paper

	w       io.Writer
	digest  hash.Hash
	written int64
	offsets []int64 // of object i+1; 0 until it is written
	pages   []int   // objects
	err     error
}

// The objects every file starts with.
const (
	catalog   = 1
	pageTree  = 2
	firstFree = 3
)

// NewWriter starts a file. The caller closes w itself, after Close.
func NewWriter(w io.Writer) *Writer {
	f := &Writer{w: w, digest: sha256.New(), offsets: make([]int64, firstFree-1)}
	// The comment of bytes over 127 tells programs that the file is binary
	// (ISO 32000-1, 7.5.2).
	f.printf("%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n")
	f.begin(catalog)
	f.printf("<</Type/Catalog/Pages %d 0 R>>\nendobj\n", pageTree)
	return f
}

// Size is how many bytes were written so far.
func (f *Writer) Size() int64 { return f.written }

// Add writes a page. It fails when the page's data is not what the page says,
// and when w fails.
func (f *Writer) Add(p Page) error {
	if f.err != nil {
		return f.err
	}
	if err := p.check(); err != nil {
		f.err = fmt.Errorf("pdf: page %d: %w", len(f.pages)+1, err)
		return f.err
	}
	sheet, place := p.layout(f.Paper)
	var names, paint strings.Builder
	for i, m := range p.images() {
		n := f.image(m)
		fmt.Fprintf(&names, "/I%d %d 0 R", i, n)
		paint.WriteString("q ")
		if m.Stencil {
			fmt.Fprintf(&paint, "%s %s %s rg ", unit(m.Color.R), unit(m.Color.G), unit(m.Color.B))
		}
		b := place.part(&p, m)
		fmt.Fprintf(&paint, "%s 0 0 %s %s %s cm /I%d Do Q\n", num(b.w), num(b.h), num(b.x), num(b.y), i)
	}
	content := f.object()
	f.printf("<</Length %d>>\nstream\n%s\nendstream\nendobj\n", paint.Len(), paint.String())
	page := f.object()
	f.printf("<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s %s]/Rotate %d/Resources<</XObject<<%s>>>>/Contents %d 0 R>>\nendobj\n",
		pageTree, num(sheet.w), num(sheet.h), p.Turn, names.String(), content)
	f.pages = append(f.pages, page)
	return f.err
}

// Close ends the file. A file without pages is an error.
func (f *Writer) Close() error {
	if f.err != nil {
		return f.err
	}
	if len(f.pages) == 0 {
		f.err = errors.New("pdf: no pages")
		return f.err
	}
	f.begin(pageTree)
	f.printf("<</Type/Pages/Count %d/Kids[", len(f.pages))
	for i, p := range f.pages {
		if i > 0 {
			f.printf(" ")
		}
		f.printf("%d 0 R", p)
	}
	f.printf("]>>\nendobj\n")
	id := f.digest.Sum(nil)[:16]
	start := f.written
	f.printf("xref\n0 %d\n0000000000 65535 f \n", len(f.offsets)+1)
	for _, o := range f.offsets {
		f.printf("%010d 00000 n \n", o)
	}
	f.printf("trailer\n<</Size %d/Root %d 0 R/ID[<%x><%x>]>>\nstartxref\n%d\n%%%%EOF\n",
		len(f.offsets)+1, catalog, id, id, start)
	if f.err != nil {
		return f.err
	}
	f.err = errors.New("pdf: file is closed")
	return nil
}

// image writes an image, its mask before it, and returns its object.
func (f *Writer) image(m Image) int {
	mask := 0
	if m.Mask != nil {
		s := *m.Mask
		s.Stencil = true
		mask = f.image(s)
	}
	n := f.object()
	f.printf("<</Type/XObject/Subtype/Image/Width %d/Height %d", m.Width, m.Height)
	switch {
	case m.Stencil:
		// A stencil paints its zeros, and both one bit filters give 0 for
		// black: neither needs /Decode (ISO 32000-1, 8.9.6.2).
		f.printf("/ImageMask true/BitsPerComponent 1")
	case m.bilevel():
		f.printf("/ColorSpace/DeviceGray/BitsPerComponent 1")
	case m.Gray:
		f.printf("/ColorSpace/DeviceGray/BitsPerComponent 8")
	default:
		f.printf("/ColorSpace/DeviceRGB/BitsPerComponent 8")
	}
	if mask != 0 {
		f.printf("/Mask %d 0 R", mask)
	}
	switch m.Encoding {
	case JPEG:
		f.printf("/Filter/DCTDecode")
	case Flate:
		colors := 3
		if m.Gray {
			colors = 1
		}
		f.printf("/Filter/FlateDecode/DecodeParms<</Predictor 15/Colors %d/BitsPerComponent 8/Columns %d>>", colors, m.Width)
	case CCITT:
		f.printf("/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns %d/Rows %d>>", m.Width, m.Height)
	case JBIG2:
		f.printf("/Filter/JBIG2Decode")
	}
	f.printf("/Length %d>>\nstream\n", len(m.Data))
	f.write(m.Data)
	f.printf("\nendstream\nendobj\n")
	return n
}

// object starts the next free object.
func (f *Writer) object() int {
	f.offsets = append(f.offsets, 0)
	n := len(f.offsets)
	f.begin(n)
	return n
}

func (f *Writer) begin(n int) {
	f.offsets[n-1] = f.written
	f.printf("%d 0 obj\n", n)
}

func (f *Writer) printf(format string, args ...any) {
	f.write(fmt.Appendf(nil, format, args...))
}

func (f *Writer) write(b []byte) {
	if f.err != nil {
		return
	}
	n, err := f.w.Write(b)
	f.written += int64(n)
	f.digest.Write(b[:n])
	if err != nil {
		f.err = fmt.Errorf("pdf: write: %w", err)
	}
}

// num writes a length in points, to 1/1000 point.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 3, 64)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// unit writes a channel of a colour as a share of 1.
func unit(v uint8) string { return num(float64(v) / 255) }
