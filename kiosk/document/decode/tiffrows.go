package decode

import (
	"bytes"
	"encoding/binary"
	"image"
	"io"

	"golang.org/x/image/tiff/lzw"

	"pointnum/kiosk/document/mupdf"
	"pointnum/kiosk/document/raster"
)

// tiffRows reads the rows of a TIFF's picture in colour, of samples of whole
// bytes that lie beside each other, one after the other (TIFF 6.0, sections 5 to
// 9, 13 to 15).
type tiffRows struct {
	w, h, samples, bytes  int   // bytes of a sample
	palette               []int // reds, greens and blues in 1/65535; nil without
	across, down          int   // size of a block: a tile, or a strip
	offsets, counts       []int
	compression           int
	differences, straight bool
	photometric           int
	tables                []byte // that JPEG data shares
	order                 binary.ByteOrder
	data                  []byte
}

// The compressions that are read row by row.
const (
	noCompression = 1
	lzwInTIFF     = 5
	flateInTIFF   = 8
	oldFlate      = 32946
	packBits      = 32773
)

// colorRows finds out how to read a picture; false is for other kinds, and for
// what is damaged.
func colorRows(d directory) (r tiffRows, ok bool) {
	get := func(tag, otherwise int) int {
		v, ok := d.number(tag)
		if !ok {
			return otherwise
		}
		return v
	}
	r = tiffRows{w: get(tagWidth, 0), h: get(tagHeight, 0), samples: get(tagSamples, 1), compression: get(tagCompression, noCompression), order: d.order, data: d.data}
	if !r.kind(d, get) {
		return r, false
	}
	starts, lengths := tagStripOffsets, tagStripCounts
	r.across, r.down = r.w, min(get(tagRowsPerStrip, r.h), r.h)
	if w, tiled := d.number(tagTileWidth); tiled {
		r.across, r.down = w, get(tagTileLength, 0)
		starts, lengths = tagTileOffsets, tagTileCounts
	}
	if r.across < 8 || r.down < 1 || r.across > r.w+1024 || r.down > r.h+1024 {
		return r, false
	}
	r.offsets, _ = d.numbers(starts)
	r.counts, _ = d.numbers(lengths)
	blocks := (r.w + r.across - 1) / r.across * ((r.h + r.down - 1) / r.down)
	return r, len(r.offsets) >= blocks && len(r.counts) >= blocks
}

// kind finds out what the samples are, and whether they are read here.
func (r *tiffRows) kind(d directory, get func(tag, otherwise int) int) bool {
	bits, _ := d.numbers(tagBits)
	for _, b := range bits {
		if b != bits[0] {
			return false
		}
	}
	extra, predictor := get(tagExtraSamples, 0), get(tagPredictor, 1)
	r.differences, r.straight = predictor == 2, extra == 2
	if len(bits) != r.samples || get(tagPlanar, 1) != 1 || get(tagSampleFormat, 1) != 1 || predictor != 1 && predictor != 2 {
		return false
	}
	r.bytes = bits[0] / 8
	r.photometric = get(tagPhotometric, -1)
	switch {
	case r.compression == jpegInTIFF:
		r.tables = d.jpegTables()
		return bits[0] == 8 && r.samples == 3 && predictor == 1 && (r.photometric == inRGB || r.photometric == inYCbCr)
	case bits[0] == 8 && r.photometric == inPalette && r.samples == 1:
		r.palette, _ = d.numbers(tagColorMap)
		return len(r.palette) == 3*256
	case r.photometric != inRGB:
		return false
	}
	return r.samples == 3 && (bits[0] == 8 || bits[0] == 16) || r.samples == 4 && bits[0] == 8 && (extra == 1 || extra == 2)
}

// reduced gives so many eighths of the picture.
func (r *tiffRows) reduced(eighths int, l Limits) (image.Image, error) {
	if r.compression == jpegInTIFF && r.onePiece() {
		return r.jpegPage(eighths, l)
	}
	reducer := raster.NewReducer(image.Pt(r.w, r.h), reducedSize(r.w, r.h, eighths))
	put := r.pixels()
	row := make([]uint8, (r.w+r.across-1)/r.across*r.across*r.samples*r.bytes)
	for y := 0; y < r.h; y += r.down {
		if err := r.blocks(y, row, func() { put(reducer.Next(), row[:r.w*r.samples*r.bytes]) }); err != nil {
			return nil, err
		}
	}
	return reducer.Image(), nil
}

// pixels says how opaque pixels are made of a row.
func (r *tiffRows) pixels() func(to, row []uint8) {
	rect := image.Rect(0, 0, r.w, 1)
	switch {
	case r.palette != nil:
		return func(to, row []uint8) {
			for i, v := range row {
				*(*rgba)(to[4*i:]) = rgba{uint8(r.palette[v] >> 8), uint8(r.palette[256+int(v)] >> 8), uint8(r.palette[512+int(v)] >> 8), 255}
			}
		}
	case r.bytes == 2:
		high := r.high()
		return func(to, row []uint8) {
			for x, i := 0, high; x < len(to); x, i = x+4, i+6 {
				to[x], to[x+1], to[x+2], to[x+3] = row[i], row[i+2], row[i+4], 255
			}
		}
	case r.samples == 3:
		return fromRGB
	case r.straight:
		return func(to, row []uint8) { onWhite(to, &image.NRGBA{Pix: row, Stride: len(row), Rect: rect}) }
	}
	return func(to, row []uint8) { onWhite(to, &image.RGBA{Pix: row, Stride: len(row), Rect: rect}) }
}

// high is the place of the upper byte of a sample of two.
func (r *tiffRows) high() int {
	if r.order.Uint16([]byte{1, 0}) == 1 {
		return 1
	}
	return 0
}

// addUp undoes the differences of samples of two bytes.
func (r *tiffRows) addUp(row []uint8) {
	for i := 2 * r.samples; i+1 < len(row); i += 2 {
		r.order.PutUint16(row[i:], r.order.Uint16(row[i:])+r.order.Uint16(row[i-2*r.samples:]))
	}
}

// blocks reads the blocks that begin at a row, and calls each when a row of all
// of them is there.
func (r *tiffRows) blocks(y int, row []uint8, each func()) error {
	n := (r.w + r.across - 1) / r.across
	readers := make([]io.Reader, n)
	for i := range readers {
		b, done, err := r.block(y/r.down*n + i)
		if err != nil {
			return err
		}
		defer done()
		readers[i] = b
	}
	part := r.across * r.samples * r.bytes
	for range min(r.down, r.h-y) {
		for i, b := range readers {
			p := row[i*part:][:part]
			if _, err := io.ReadFull(b, p); err != nil {
				return err
			}
			switch {
			case r.differences && r.bytes == 2:
				r.addUp(p)
			case r.differences:
				unfilter(1, p, p, r.samples)
			}
		}
		each()
	}
	return nil
}

// block reads what a strip or tile holds, until done.
func (r *tiffRows) block(i int) (b io.Reader, done func(), err error) {
	from, n := r.offsets[i], r.counts[i]
	if from > len(r.data) || n > len(r.data)-from {
		return nil, nil, io.ErrUnexpectedEOF
	}
	packed := r.data[from : from+n]
	done = func() {}
	switch r.compression {
	case noCompression:
		return bytes.NewReader(packed), done, nil
	case lzwInTIFF:
		z := lzw.NewReader(bytes.NewReader(packed), lzw.MSB, 8)
		return z, func() { z.Close() }, nil
	case flateInTIFF, oldFlate:
		z := mupdf.NewInflater(func() (piece []byte) {
			piece, packed = packed, nil
			return piece
		})
		return z, func() { z.Close() }, nil
	case packBits:
		return &runs{in: packed}, done, nil
	case jpegInTIFF:
		b, err = r.jpegRows(packed)
		return b, done, err
	}
	return nil, nil, errCompression
}

// runs reads PackBits data (TIFF 6.0, section 9).
type runs struct {
	in           []byte
	copied, left int // bytes to copy, and to give again
	again        byte
}

func (r *runs) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case r.copied > 0:
			k := copy(p[n:], r.in[:min(r.copied, len(r.in))])
			if k == 0 {
				return n, io.ErrUnexpectedEOF
			}
			r.in, r.copied, n = r.in[k:], r.copied-k, n+k
		case r.left > 0:
			p[n] = r.again
			r.left, n = r.left-1, n+1
		case len(r.in) == 0:
			return n, io.EOF
		default:
			switch code := int(int8(r.in[0])); {
			case code >= 0:
				r.copied = code + 1
			case code == -128:
			case len(r.in) < 2:
				return n, io.ErrUnexpectedEOF
			default:
				r.left, r.again = 1-code, r.in[1]
				r.in = r.in[1:]
			}
			r.in = r.in[1:]
		}
	}
	return n, nil
}
