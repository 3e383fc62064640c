package turbojpeg

/*
#include "tj.h"
*/
import "C"

import (
	"encoding/binary"
	"image"
)

// A decoder keeps all coefficients of a progressive JPEG until its last scan:
// 210 MB for a page at 600 dpi whose colours are as fine as its brightness. So
// the file of one that large is split into a grey file for each component,
// which are decoded one after the other.

// splitter takes a progressive JPEG of three components apart.
type splitter struct {
	least         int // coefficients that are worth it
	width, height int
	components    [3]component
	framed        bool        // the frame's header was there
	cut           bool        // the file ends too soon
	tables        [4]*huffman // of DC coefficients
	refined       int         // scans of DC bits of several components
}

// component is one of a frame's (ITU-T T.81, A.1.1 and A.2).
type component struct {
	id           uint8
	across       int   // blocks in an MCU, all beside each other
	quantization uint8 // its table
	w, h         int   // samples
	file         []byte
	begun        bool // its DC coefficients were there
}

// blocks is how many blocks of eight by eight samples it has.
func (c *component) blocks() (cols, rows int) { return (c.w + 7) / 8, (c.h + 7) / 8 }

// Markers (ITU-T T.81, table B.1).
const (
	soi  = 0xd8
	eoi  = 0xd9
	sof2 = 0xc2
	dht  = 0xc4
	sos  = 0xda
	dqt  = 0xdb
	app0 = 0xe0
	com  = 0xfe
)

// splitFrom is how many coefficients of a file are too many to have at once:
// 100 MB.
const splitFrom = 50_000_000

// decodeSplit decodes a progressive JPEG of at least so many coefficients at so
// many eighths of its size, with the same pixels as at once. It reports false
// for all others.
func decodeSplit(data []byte, eighths, least int) (img *image.RGBA, flawed, ok bool) {
	s, ok := split(data, least)
	if !ok {
		return nil, false, false
	}
	w, h := (s.width*eighths+7)/8, (s.height*eighths+7)/8
	flawed = s.cut
	var planes [3]*image.Gray
	for i := range planes {
		c := &s.components[i]
		m := image.NewGray(image.Rect(0, 0, (c.w*eighths+7)/8, (c.h*eighths+7)/8))
		rc := decodeTo(m.Pix, c.file, m.Rect.Dx(), m.Rect.Dy(), m.Stride, C.TJ_GRAY)
		if fail(rc) != nil {
			return nil, false, false
		}
		flawed = flawed || rc == C.TJ_WARNING
		c.file = nil
		if c.across < s.components[0].across {
			if m.Rect.Dx() != (w+1)/2 {
				return nil, false, false
			}
			m = twiceAsWide(m, w, eighths > 1)
		}
		planes[i] = m
	}
	img = image.NewRGBA(image.Rect(0, 0, w, h))
	plane := func(i int) *C.uchar { return (*C.uchar)(&planes[i].Pix[0]) }
	rc := C.tj_join(plane(0), plane(1), plane(2), C.int(w), (*C.uchar)(&img.Pix[0]), C.int(w), C.int(h), C.int(img.Stride), C.TJ_RGBA)
	return img, flawed, fail(rc) == nil
}

// twiceAsWide gives chroma as many samples as luma has, as the library does: in
// between where it is soft, each twice where it is not.
func twiceAsWide(c *image.Gray, w int, soft bool) *image.Gray {
	m := image.NewGray(image.Rect(0, 0, w, c.Rect.Dy()))
	n := c.Rect.Dx()
	for y := range c.Rect.Dy() {
		from, to := c.Pix[y*c.Stride:][:n], m.Pix[y*m.Stride:][:w]
		for x := range to {
			v, next := uint(from[x/2]), min(max(x/2+2*(x&1)-1, 0), n-1)
			if soft && n > 2 && next != x/2 {
				v = (3*v + uint(from[next]) + 1 + uint(x&1)) / 4
			}
			to[x] = uint8(v)
		}
	}
	return m
}

// split gives the parts of a progressive JPEG of at least so many coefficients
// whose chroma has as many samples as its luma, or half as many in a row. It reports false for all
// others, for those with restarts, and for what is wrong in a way that is left
// to the decoder.
func split(data []byte, least int) (*splitter, bool) {
	s := &splitter{least: least}
	for i := range s.components {
		s.components[i].file = []byte{0xff, soi}
	}
	for at := 2; ; {
		for at+1 < len(data) && data[at] == 0xff && data[at+1] == 0xff {
			at++
		}
		if at+4 > len(data) || data[at] != 0xff {
			s.cut = at+2 > len(data) || data[at] != 0xff || data[at+1] != eoi
			return s, s.end()
		}
		marker := data[at+1]
		if marker == eoi {
			return s, s.end()
		}
		n := 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		if n < 4 || at+n > len(data) {
			return s, false
		}
		head := data[at : at+n]
		at += n
		ok := false
		if marker == sos {
			coded := entropyCoded(data[at:])
			at += len(coded)
			ok = s.scan(head, coded)
		} else {
			ok = s.segment(marker, head)
		}
		if !ok {
			return s, false
		}
	}
}

// entropyCoded is the data up to the next marker.
func entropyCoded(data []byte) []byte {
	for i := 0; i+1 < len(data); i++ {
		if m := data[i+1]; data[i] == 0xff && m != 0 && m != 0xff {
			return data[:i]
		}
	}
	return data
}

// end closes the parts, and reports whether all are there.
func (s *splitter) end() bool {
	for i := range s.components {
		c := &s.components[i]
		if !c.begun {
			return false
		}
		c.file = append(c.file, 0xff, eoi)
	}
	return true
}

// segment takes one that is no scan.
func (s *splitter) segment(marker uint8, b []byte) bool {
	switch {
	case marker == com || marker >= app0 && marker < app0+16:
		return true
	case marker == sof2:
		return !s.framed && s.frame(b[4:])
	case marker == dht:
		if !s.huffman(b[4:]) {
			return false
		}
	case marker != dqt:
		return false
	}
	for i := range s.components {
		s.components[i].file = append(s.components[i].file, b...)
	}
	return true
}

// frame takes the frame's header (ITU-T T.81, B.2.2).
func (s *splitter) frame(b []byte) bool {
	if len(b) != 6+3*3 || b[0] != 8 || b[5] != 3 {
		return false
	}
	s.framed = true
	s.height, s.width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	most := int(b[7] >> 4)
	if s.width == 0 || s.height == 0 || most < 1 || most > 2 || s.width*s.height/most*(most+2) < s.least {
		return false
	}
	for i := range s.components {
		c, d := &s.components[i], b[6+3*i:]
		c.id, c.across, c.quantization = d[0], int(d[1]>>4), d[2]
		if d[1]&15 != 1 || i > 0 && (c.across != 1 || c.id == s.components[0].id) || i > 1 && c.id == s.components[1].id {
			return false
		}
		c.w, c.h = (s.width*c.across+most-1)/most, s.height
		c.file = append(c.file, 0xff, sof2, 0, 11, 8, byte(c.h>>8), byte(c.h), byte(c.w>>8), byte(c.w), 1, c.id, 0x11, c.quantization)
	}
	return true
}

// scan takes a scan (ITU-T T.81, B.2.3 and G.1.1.1): one of a single component
// belongs to its part as it is.
func (s *splitter) scan(head, coded []byte) bool {
	b := head[4:]
	if !s.framed || len(b) < 1 || len(b) != 4+2*int(b[0]) {
		return false
	}
	n, band := int(b[0]), b[1+2*int(b[0]):]
	var in []scanned
	for i := range n {
		for k := range s.components {
			if s.components[k].id == b[1+2*i] {
				in = append(in, scanned{c: &s.components[k], table: b[2+2*i] >> 4})
			}
		}
	}
	if len(in) != n || n == 0 || n > 3 || band[0] != 0 && n > 1 {
		return false
	}
	first := band[0] == 0 && band[2]>>4 == 0
	for i := range in {
		c := in[i].c
		if first && c.begun || !first && !c.begun {
			return false
		}
		c.begun = true
	}
	if n == 1 {
		c := in[0].c
		c.file = append(append(c.file, head...), coded...)
		return true
	}
	if s.refined++; s.refined > 16 || band[1] != 0 {
		return false
	}
	return s.apart(in, coded, band)
}
