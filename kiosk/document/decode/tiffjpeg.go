package decode

import (
	"bytes"
	"image"
	"io"
	"math"

	"pointnum/kiosk/document/turbojpeg"
)

// jpegBlock gives what a strip or tile holds as a JPEG file of its own: with the
// tables that all of them share, and what its colours mean (TIFF Technical Note
// 2; Adobe's segment, ITU-T T.872, 6.5.3).
func (r *tiffRows) jpegBlock(packed []byte) ([]byte, error) {
	if !bytes.HasPrefix(packed, []byte{0xff, 0xd8}) {
		return nil, errCompression
	}
	colors := byte(0)
	if r.photometric == inYCbCr {
		colors = 1
	}
	jpg := append([]byte("\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"), colors)
	if n := len(r.tables); n > 4 {
		jpg = append(jpg, r.tables[2:n-2]...)
	}
	return append(jpg, packed[2:]...), nil
}

// jpegRows gives the samples of a block's rows.
func (r *tiffRows) jpegRows(packed []byte) (io.Reader, error) {
	jpg, err := r.jpegBlock(packed)
	if err != nil {
		return nil, err
	}
	img, flawed, err := turbojpeg.Decode(jpg, 8, 2*r.across*r.down)
	if err != nil {
		return nil, err
	}
	m, ok := img.(*image.RGBA)
	if !ok || flawed || m.Rect.Dx() != r.across {
		return nil, errCompression
	}
	rgb := m.Pix[:0] // in its place
	for i := 0; i < len(m.Pix); i += 4 {
		rgb = append(rgb, m.Pix[i], m.Pix[i+1], m.Pix[i+2])
	}
	return bytes.NewReader(rgb), nil
}

// jpegPage gives so many eighths of a picture that is one JPEG.
func (r *tiffRows) jpegPage(eighths int, l Limits) (image.Image, error) {
	from, n := r.offsets[0], r.counts[0]
	if from > len(r.data) || n > len(r.data)-from {
		return nil, io.ErrUnexpectedEOF
	}
	jpg, err := r.jpegBlock(r.data[from : from+n])
	if err != nil {
		return nil, err
	}
	h, ok := ReadJPEGHeader(jpg)
	if !ok || h.Width != r.w || h.Height != r.h || h.Components != 3 {
		return nil, errCompression
	}
	img, flawed, err := turboJPEG(jpg, h, eighths, l)
	if err == nil && flawed {
		err = errCompression
	}
	return img, err
}

// onePiece says whether the picture is a single strip or tile.
func (r *tiffRows) onePiece() bool { return r.across >= r.w && r.down >= r.h }

// jpegTables gives the tables of a directory's JPEG data.
func (d directory) jpegTables() []byte {
	for i := range d.count {
		e := d.data[d.at+12*i:][:12]
		n, at := d.order.Uint32(e[4:]), d.order.Uint32(e[8:])
		if int(d.order.Uint16(e)) == tagJPEGTables && n > 4 && n < math.MaxUint16 && int(at) <= len(d.data) && int(n) <= len(d.data)-int(at) {
			return d.data[at:][:n]
		}
	}
	return nil
}
