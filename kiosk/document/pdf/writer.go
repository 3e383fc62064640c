package pdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

// Write writes a file of the given pages, on A4.
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
	base    int     // objects that are not of this file, see Page.Size
	offsets []int64 // of object base+i+1; 0 until it is written
	pages   []int   // objects
	fonts   int     // the object of the words' font, 0 when none was needed yet
	err     error
}

// The objects every file starts with.
const (
	catalog         = 1
	pageTree        = 2
	catalogMetadata = 3
	outputProfile   = 4
	firstFree       = 5
)

// maxObjects keeps the numbers of objects at five digits, on which Page.Size
// relies; it is far above any number of pages.
const maxObjects = 99_999

// NewWriter starts a file. The caller closes w itself, after Close.
func NewWriter(w io.Writer) *Writer {
	f := &Writer{w: w, digest: sha256.New(), offsets: make([]int64, firstFree-1)}
	// The comment of bytes over 127 tells programs that the file is binary
	// (ISO 32000-1, 7.5.2).
	f.printf("%%PDF-1.7\n%%\xe2\xe3\xcf\xd3\n")
	f.archive()
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
	if len(f.offsets) > maxObjects-2*len(p.images())-20 {
		f.err = errors.New("pdf: too many pages")
		return f.err
	}
	f.pages = append(f.pages, f.page(&p))
	return f.err
}

// page writes a page and returns its object.
func (f *Writer) page(p *Page) int {
	sheet, place := p.layout(f.Paper)
	var resources, paint bytes.Buffer
	resources.WriteString("/XObject<<")
	var at box
	for i, m := range p.images() {
		fmt.Fprintf(&resources, "/I%d %d 0 R", i, f.image(m))
		// Images on the same place share its matrix.
		if b := place.part(p, m); b != at {
			if i > 0 {
				paint.WriteString(" Q\n")
			}
			fmt.Fprintf(&paint, "q %s 0 0 %s %s %s cm", num(b.w), num(b.h), num(b.x), num(b.y))
			at = b
		}
		if c := m.Color; m.Stencil && c.R == c.G && c.G == c.B {
			fmt.Fprintf(&paint, " %s g", unit(c.R))
		} else if m.Stencil {
			fmt.Fprintf(&paint, " %s %s %s rg", unit(c.R), unit(c.G), unit(c.B))
		}
		fmt.Fprintf(&paint, "/I%d Do", i)
	}
	paint.WriteString(" Q\n")
	resources.WriteString(">>")
	if len(p.Words) > 0 {
		fmt.Fprintf(&resources, "/Font<</%s %d 0 R>>", fontName, f.wordFont())
		fmt.Fprintf(&paint, "%s 0 0 %s %s %s cm\n%s", num6(place.w/float64(p.Width)), num6(place.h/float64(p.Height)),
			num(place.x), num(place.y), text(p.Words, p.Height))
	}
	content := f.object()
	f.packed("", paint.Bytes())
	page := f.object()
	f.printf("<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s %s]", pageTree, num(sheet.w), num(sheet.h))
	if p.Turn != 0 {
		f.printf("/Rotate %d", p.Turn)
	}
	f.printf("/Resources<<%s>>/Contents %d 0 R>>\nendobj\n", resources.Bytes(), content)
	return page
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
	if f.fonts != 0 {
		f.font(f.fonts)
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
	case PackedJPEG:
		f.printf("/Filter[/FlateDecode/DCTDecode]")
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
	f.stream(m.Data)
	return n
}

// wordFont is the object of the font of words; it is written by Close.
func (f *Writer) wordFont() int {
	if f.fonts == 0 {
		f.offsets = append(f.offsets, 0)
		f.fonts = f.base + len(f.offsets)
	}
	return f.fonts
}

// object starts the next free object.
func (f *Writer) object() int {
	f.offsets = append(f.offsets, 0)
	n := f.base + len(f.offsets)
	f.begin(n)
	return n
}

func (f *Writer) begin(n int) {
	f.offsets[n-f.base-1] = f.written
	f.printf("%d 0 obj\n", n)
}

// deflated writes data as a stream object of its own.
func (f *Writer) deflated(entries string, data []byte) int {
	n := f.object()
	f.packed(entries, data)
	return n
}

// worthPacking is the least data in bytes that deflating can make smaller by
// more than the entry that names the filter.
const worthPacking = 128

// packed writes the dictionary, of the given entries, and the data of a
// stream, deflated where that is smaller, and ends the object.
func (f *Writer) packed(entries string, data []byte) {
	const filter = "/Filter/FlateDecode"
	if len(data) >= worthPacking {
		var b bytes.Buffer
		z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
		if err == nil {
			_, err = z.Write(data)
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil && f.err == nil { // a buffer takes everything
			f.err = fmt.Errorf("pdf: pack: %w", err)
		}
		if b.Len()+len(filter) < len(data) {
			entries, data = entries+filter, b.Bytes()
		}
	}
	f.printf("<<%s", entries)
	f.stream(data)
}

// stream ends a dictionary with the length of data, writes data behind it,
// and ends the object.
func (f *Writer) stream(data []byte) {
	f.printf("/Length %d>>\nstream\n", len(data))
	f.write(data)
	f.printf("\nendstream\nendobj\n")
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
	if f.digest != nil {
		f.digest.Write(b[:n])
	}
	if err != nil {
		f.err = fmt.Errorf("pdf: write: %w", err)
	}
}

// num writes a length in points, to 1/1000 point.
func num(v float64) string { return decimal(v, 3) }

// num2 and num6 write other numbers, to so many digits.
func num2(v float64) string { return decimal(v, 2) }
func num6(v float64) string { return decimal(v, 6) }

func decimal(v float64, digits int) string {
	s := strconv.FormatFloat(v, 'f', digits, 64)
	return strings.TrimRight(strings.TrimRight(s, "0"), ".")
}

// unit writes a channel of a colour as a share of 1.
func unit(v uint8) string { return num(float64(v) / 255) }
