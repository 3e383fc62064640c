package decode

import (
	"bytes"
	"image"
	"io"

	"golang.org/x/image/tiff"

	"pointnum/kiosk"
	"pointnum/kiosk/document/mupdf"
	"pointnum/kiosk/document/raster"
)

// Directories walks the directories of a TIFF file and gives their offsets,
// those of reduced copies left out. It fails with CodeFileTooLong beyond max
// and with CodeFileBroken when the chain runs in a circle or there is no page.
func Directories(data []byte, max int) ([]int, error) {
	var found []int
	seen := map[int]bool{}
	d, ok := readDirectory(data, 0)
	at := d.at - 2
	for ok {
		if seen[at] {
			return nil, fault(kiosk.CodeFileBroken, "decode: tiff runs in a circle")
		}
		seen[at] = true
		if sub, _ := d.number(tagSubfileType); sub&1 == 0 {
			found = append(found, at)
		}
		if len(seen) > max {
			return nil, fault(kiosk.CodeFileTooLong, "decode: tiff of too many pages")
		}
		if d.next == 0 {
			break
		}
		at = d.next
		d, ok = readDirectory(data, at)
	}
	if len(found) == 0 {
		return nil, fault(kiosk.CodeFileBroken, "decode: tiff without a page")
	}
	return found, nil
}

type tiffFile struct {
	data  []byte
	pages []int
	l     Limits
}

func openTIFF(data []byte, l Limits) (Source, error) {
	pages, err := Directories(data, l.MaxPages)
	if err != nil {
		return nil, err
	}
	for _, at := range pages {
		d, _ := readDirectory(data, at)
		w, ok1 := d.number(tagWidth)
		h, ok2 := d.number(tagHeight)
		if !ok1 || !ok2 || w <= 0 || h <= 0 {
			return nil, fault(kiosk.CodeFileBroken, "decode: tiff without a size")
		}
		perPixel := 4
		if bits, _ := d.number(tagBits); bits == 16 {
			perPixel = 8
		}
		if err := checkSize(w, h, perPixel, l); err != nil {
			return nil, err
		}
	}
	return &tiffFile{data, pages, l}, nil
}

func (f *tiffFile) Format() Format   { return TIFF }
func (f *tiffFile) Restricted() bool { return false }
func (f *tiffFile) Pages() int       { return len(f.pages) }
func (f *tiffFile) Close()           {}

func (f *tiffFile) Page(i int) (Picture, error) {
	d, _ := readDirectory(f.data, f.pages[i])
	p := Picture{Orientation: 1, DPI: d.dpi()}
	if v, ok := d.number(tagOrientation); ok && v >= 1 && v <= 8 {
		p.Orientation = v
	}
	compression, _ := d.number(tagCompression)
	photometric, _ := d.number(tagPhotometric)
	if compression == jpegInTIFF && photometric == separated {
		return p, fault(kiosk.CodeFileUnsupported, "decode: tiff of jpeg in four inks")
	}
	width, _ := d.number(tagWidth)
	height, _ := d.number(tagHeight)
	raster.MakeRoom(width * height)
	img, err := f.decode(i, d, compression >= 2 && compression <= 4 && photometric == blackIsZero)
	if err != nil {
		return p, fault(kiosk.CodeFileBroken, "decode: tiff page")
	}
	p.Image = img
	p.DPI = p.DPI * img.Bounds().Dx() / width
	p.size()
	return p, nil
}

// Values of TIFF tags that matter here.
const (
	jpegInTIFF  = 7 // Compression
	blackIsZero = 1 // PhotometricInterpretation
	inRGB       = 2
	inPalette   = 3
	separated   = 5
	inYCbCr     = 6
)

// decode makes pictures in colour smaller while they are read, where they have
// far more pixels than are wanted. For all others it tries the Go decoder, then the PDF library. The Go decoder reads the
// first page only, so it is shown the file with another first page; and it
// shows faxes that say that their zeros are black as negatives.
func (f *tiffFile) decode(i int, d directory, negative bool) (image.Image, error) {
	if r, ok := colorRows(d); ok {
		if e := eighths(r.w, r.h, f.l.wantSide()); e < 8 {
			if img, err := r.reduced(e, f.l); err == nil {
				return img, nil
			}
		}
	}
	img, err := tiff.Decode(overlay{f.data, d.header(f.pages[i])})
	if err != nil {
		m, err := mupdf.TIFF(f.data, f.index(i), int(f.l.MaxMemory), reducedTo(f.l.wantSide()))
		if err != nil {
			return nil, err
		}
		return m, nil
	}
	if g, ok := img.(*image.Gray); ok && negative {
		for i, v := range g.Pix {
			g.Pix[i] = ^v
		}
	}
	return img, nil
}

// index is a page's place among all directories, which the PDF library counts.
func (f *tiffFile) index(i int) int {
	n := 0
	for d, ok := readDirectory(f.data, 0); ok && d.at-2 != f.pages[i] && d.next != 0; n++ {
		d, ok = readDirectory(f.data, d.next)
	}
	return n
}

// header gives a file header whose first directory is the one at an offset.
func (d directory) header(at int) []byte {
	h := bytes.Clone(d.data[:8])
	d.order.PutUint32(h[4:], uint32(at))
	return h
}

// overlay reads data with other first bytes.
type overlay struct{ data, first []byte }

func (o overlay) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(o.data)) {
		return 0, io.EOF
	}
	n := copy(p, o.data[off:])
	if off < int64(len(o.first)) {
		copy(p[:n], o.first[off:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Read makes an overlay an io.Reader, as the decoder's signature asks; it uses
// ReadAt.
func (o overlay) Read([]byte) (int, error) { return 0, io.ErrNoProgress }
