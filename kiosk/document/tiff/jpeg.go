package tiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// The markers of a JPEG file (ITU-T T.81, table B.1).
const (
	markStart    = 0xD8
	markEnd      = 0xD9
	markBaseline = 0xC0 // SOF0; SOF1 is sequential too
	markHuffman  = 0xC4
	markQuantize = 0xDB
	markScan     = 0xDA
	markRestart  = 0xDD // defines the interval
	markAdobe    = 0xEE
)

var errJPEG = errors.New("not a whole JPEG file")

// split is a JPEG file as TIFF Technical Note 2 wants it: its tables, as an
// abbreviated stream, and its picture without them.
type split struct {
	tables, picture []byte
	width, height   int
	components      int
	rgb             bool   // red, green and blue as they are
	subsampling     [2]int // of the two colour differences, across and down
}

// splitJPEG takes a file apart and leaves out what is not needed to show it.
func splitJPEG(data []byte) (*split, error) {
	if len(data) < 4 || data[0] != 0xFF || data[1] != markStart {
		return nil, errJPEG
	}
	s := &split{tables: []byte{0xFF, markStart}, picture: []byte{0xFF, markStart}}
	for rest := data[2:]; ; {
		if len(rest) < 4 || rest[0] != 0xFF {
			return nil, errJPEG
		}
		mark, n := rest[1], 2+int(binary.BigEndian.Uint16(rest[2:]))
		if mark == 0xFF { // padding
			rest = rest[1:]
			continue
		}
		if n < 4 || n > len(rest) {
			return nil, errJPEG
		}
		segment := rest[:n]
		switch {
		case mark == markHuffman || mark == markQuantize:
			s.tables = append(s.tables, segment...)
		case mark == markBaseline || mark == markBaseline+1:
			segment = slices.Clone(segment)
			if err := s.frame(segment[4:]); err != nil {
				return nil, err
			}
			s.picture = append(s.picture, segment...)
		case mark == markRestart:
			s.picture = append(s.picture, segment...)
		case mark == markAdobe:
			s.rgb = s.rgb || n >= 16 && string(segment[4:9]) == "Adobe" && segment[15] == 0
		case mark == markScan:
			s.tables = append(s.tables, 0xFF, markEnd)
			return s, s.scan(rest, n)
		case mark >= 0xE0 && mark <= 0xEF || mark == 0xFE: // applications, comments
		default:
			return nil, fmt.Errorf("jpeg of a kind that is not sequential (marker %#x)", mark)
		}
		rest = rest[n:]
	}
}

// frame reads the header of the picture (ITU-T T.81, B.2.2).
func (s *split) frame(b []byte) error {
	if len(b) < 6 || s.components != 0 || len(b) != 6+3*int(b[5]) {
		return errJPEG
	}
	s.height, s.width, s.components = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:])), int(b[5])
	if b[0] != 8 || s.components != 1 && s.components != 3 {
		return fmt.Errorf("jpeg of %d components of %d bits", s.components, b[0])
	}
	if s.components == 1 {
		b[7] = 0x11 // it means nothing here, but libtiff looks at it
		return nil
	}
	s.rgb = s.rgb || b[6] == 'R' && b[9] == 'G' && b[12] == 'B'
	luma, blue, red := b[7], b[10], b[13]
	s.subsampling = [2]int{int(luma >> 4), int(luma & 15)}
	for _, v := range s.subsampling {
		if s.rgb && v != 1 || blue != 0x11 || red != 0x11 || v != 1 && v != 2 && v != 4 {
			return fmt.Errorf("jpeg is sampled as %x, %x, %x", luma, blue, red)
		}
	}
	return nil
}

// scan takes the one scan, whose header has n bytes.
func (s *split) scan(b []byte, n int) error {
	if s.components == 0 || n < 5 || int(b[4]) != s.components {
		return errors.New("jpeg of several scans")
	}
	for i := n; i+1 < len(b); i++ {
		if b[i] != 0xFF || b[i+1] == 0 || b[i+1] == 0xFF || b[i+1] >= 0xD0 && b[i+1] <= 0xD7 {
			continue
		}
		if b[i+1] != markEnd {
			return errors.New("jpeg of several scans")
		}
		s.picture = append(s.picture, b[:i+2]...)
		return nil
	}
	return errJPEG
}
