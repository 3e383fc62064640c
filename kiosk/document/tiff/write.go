package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// FileOverhead is what a file takes besides its pages.
const FileOverhead = 8

// Write writes a file of the given pages. It fails when a page's data is not
// what the page says, when there is no page or more than a file can hold (4
// GiB, 65535 pages), and when w fails.
func Write(w io.Writer, pages []Page) error {
	if len(pages) == 0 || len(pages) > math.MaxUint16 {
		return fmt.Errorf("tiff: write: %d pages", len(pages))
	}
	at := int64(FileOverhead)
	parts := [][]byte{append([]byte("II*\x00"), binary.LittleEndian.AppendUint32(nil, uint32(at))...)}
	for i := range pages {
		d, data, err := pages[i].directory(i, len(pages))
		if err != nil {
			return fmt.Errorf("tiff: page %d: %w", i+1, err)
		}
		next := at + d.size() + even(len(data))
		if next > math.MaxUint32 {
			return errors.New("tiff: write: the file would be too large")
		}
		end := next
		if i == len(pages)-1 {
			end = 0
		}
		parts = append(parts, d.bytes(at, end), data, make([]byte, len(data)&1))
		at = next
	}
	for _, b := range parts {
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("tiff: write: %w", err)
		}
	}
	return nil
}

// Size is what the page adds to a file; in one of a single page, 24 bytes
// more than that. A page that Write would refuse has the size 0.
func (p *Page) Size() int64 {
	d, data, err := p.directory(0, 2)
	if err != nil {
		return 0
	}
	return d.size() + even(len(data))
}

func even(n int) int64 { return int64(n + n&1) }

// The fields of a directory (TIFF 6.0, appendix A; Technical Note 2).
const (
	tagNewSubfileType    = 254
	tagImageWidth        = 256
	tagImageLength       = 257
	tagBitsPerSample     = 258
	tagCompression       = 259
	tagPhotometric       = 262
	tagStripOffsets      = 273
	tagSamplesPerPixel   = 277
	tagRowsPerStrip      = 278
	tagStripByteCounts   = 279
	tagXResolution       = 282
	tagYResolution       = 283
	tagPlanarConfig      = 284
	tagT6Options         = 293
	tagResolutionUnit    = 296
	tagPageNumber        = 297
	tagPredictor         = 317
	tagJPEGTables        = 347
	tagYCbCrSubSampling  = 530
	tagYCbCrPositioning  = 531
	tagReferenceBlkWhite = 532
)

// The values of tagCompression and tagPhotometric that are used.
const (
	packedG4      = 4
	packedJPEG    = 7
	packedDeflate = 8

	whiteIsZero = 0
	blackIsZero = 1
	colorRGB    = 2
	colorYCbCr  = 6
)

// directory describes page i of n, and gives its data as it is to be written.
func (p *Page) directory(i, n int) (*directory, []byte, error) {
	if p.Width <= 0 || p.Height <= 0 || p.DPI < 0 || len(p.Data) == 0 {
		return nil, nil, fmt.Errorf("%d by %d pixels at %d dpi in %d bytes", p.Width, p.Height, p.DPI, len(p.Data))
	}
	d := new(directory)
	if n > 1 {
		d.long(tagNewSubfileType, 2) // a page of several
	}
	d.long(tagImageWidth, p.Width)
	d.long(tagImageLength, p.Height)
	samples, photometric, compression, data := 3, colorRGB, packedDeflate, p.Data
	if p.Gray {
		samples, photometric = 1, blackIsZero
	}
	var jpeg *split
	switch p.Encoding {
	case G4:
		samples, photometric, compression = 1, whiteIsZero, packedG4
	case JPEG:
		var err error
		if jpeg, err = p.jpeg(); err != nil {
			return nil, nil, err
		}
		compression, data = packedJPEG, jpeg.picture
		if samples == 3 && !jpeg.rgb {
			photometric = colorYCbCr
		}
	case Deflate:
	default:
		return nil, nil, fmt.Errorf("unknown encoding %d", p.Encoding)
	}
	depth := []int{8, 8, 8}[:samples]
	if p.Encoding == G4 {
		depth = []int{1}
	}
	d.short(tagBitsPerSample, depth...)
	d.short(tagCompression, compression)
	d.short(tagPhotometric, photometric)
	d.long(tagStripOffsets, 0) // set by bytes
	d.short(tagSamplesPerPixel, samples)
	d.long(tagRowsPerStrip, p.Height)
	d.long(tagStripByteCounts, len(data))
	p.resolution(d)
	if p.Encoding == G4 {
		d.long(tagT6Options, 0)
	}
	if n > 1 {
		d.short(tagPageNumber, i, n)
	}
	if p.Encoding == Deflate {
		d.short(tagPredictor, 2) // differences to the left
	}
	if jpeg != nil {
		d.undefined(tagJPEGTables, jpeg.tables)
	}
	if photometric == colorYCbCr {
		d.short(tagYCbCrSubSampling, jpeg.subsampling[:]...)
		d.short(tagYCbCrPositioning, 1) // in the middle, as JFIF has it
		d.rational(tagReferenceBlkWhite, 0, 255, 128, 255, 128, 255)
	}
	return d, data, nil
}

// resolution is of no unit, as a shape only, when it is not known.
func (p *Page) resolution(d *directory) {
	unit, dpi := 2, p.DPI
	if dpi == 0 {
		unit, dpi = 1, 1
	}
	d.rational(tagXResolution, dpi)
	d.rational(tagYResolution, dpi)
	d.short(tagPlanarConfig, 1)
	d.short(tagResolutionUnit, unit)
}

// jpeg takes the page's JPEG file apart and compares it with what the page
// says of it.
func (p *Page) jpeg() (*split, error) {
	s, err := splitJPEG(p.Data)
	if err != nil {
		return nil, err
	}
	if s.width != p.Width || s.height != p.Height || p.Gray != (s.components == 1) {
		return nil, fmt.Errorf("jpeg is %d by %d pixels of %d components", s.width, s.height, s.components)
	}
	return s, nil
}

// Size is how many bytes Write writes; 0 when it would fail.
func Size(pages []Page) int64 {
	sum := int64(FileOverhead)
	for i := range pages {
		d, data, err := pages[i].directory(i, len(pages))
		if err != nil {
			return 0
		}
		sum += d.size() + even(len(data))
	}
	return sum
}
