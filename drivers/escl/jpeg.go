package escl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// checkJPEG reports why data is not a whole JPEG image, without decoding it:
// it walks the markers (ITU-T T.81, annex B) from SOI over a frame of some size
// and at least one scan to EOI. A scanner that loses a page half-way often
// closes the connection properly, and a decoder then paints the rest grey.
func checkJPEG(data []byte) error {
	if len(data) == 0 {
		return errors.New("no bytes")
	}
	if !bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		return errors.New("not a JPEG image")
	}
	w := jpegWalk{rest: data[2:]}
	for {
		done, err := w.step()
		if err != nil || done {
			return err
		}
	}
}

var errJPEGCut = errors.New("the JPEG image is cut short")

// jpegWalk is how far a walk over the markers has come.
type jpegWalk struct {
	rest    []byte
	frame   bool // a frame header with a width was seen
	lines   bool // and the number of its lines
	scanned bool // a scan with content was seen
}

// step walks over one marker and what belongs to it.
func (w *jpegWalk) step() (done bool, err error) {
	if len(w.rest) < 2 {
		return false, errJPEGCut
	}
	if w.rest[0] != 0xff {
		return false, errors.New("the JPEG image is damaged")
	}
	marker := w.rest[1]
	switch {
	case marker == 0xff: // fill byte
		w.rest = w.rest[1:]
		return false, nil
	case marker == 0xd9: // EOI; scanners may pad after it
		return true, w.complete()
	case marker == 0x01 || marker >= 0xd0 && marker <= 0xd8: // without content
		w.rest = w.rest[2:]
		return false, nil
	}
	if len(w.rest) < 4 {
		return false, errJPEGCut
	}
	length := int(binary.BigEndian.Uint16(w.rest[2:]))
	if length < 2 {
		return false, errors.New("the JPEG image is damaged")
	}
	if len(w.rest) < 2+length {
		return false, errJPEGCut
	}
	content := w.rest[4 : 2+length]
	w.rest = w.rest[2+length:]
	return false, w.segment(marker, content)
}

func (w *jpegWalk) segment(marker byte, content []byte) error {
	switch {
	case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc: // SOF
		if len(content) < 6 {
			return errors.New("the JPEG image has a broken frame header")
		}
		w.lines = binary.BigEndian.Uint16(content[1:]) > 0
		w.frame = binary.BigEndian.Uint16(content[3:]) > 0
	case marker == 0xdc: // DNL: feeders learn a sheet's length at its end
		w.lines = len(content) == 2 && binary.BigEndian.Uint16(content) > 0
	case marker == 0xda: // SOS
		return w.scan()
	}
	return nil
}

// scan skips entropy-coded bytes up to the next marker that is neither stuffing
// nor a restart.
func (w *jpegWalk) scan() error {
	start := len(w.rest)
	for {
		i := bytes.IndexByte(w.rest, 0xff)
		if i < 0 || i+1 >= len(w.rest) {
			return errJPEGCut
		}
		next := w.rest[i+1]
		if next == 0x00 || next >= 0xd0 && next <= 0xd7 {
			w.rest = w.rest[i+2:]
			continue
		}
		w.rest = w.rest[i:]
		w.scanned = w.scanned || len(w.rest) < start
		return nil
	}
}

func (w *jpegWalk) complete() error {
	if !w.frame || !w.lines || !w.scanned {
		return fmt.Errorf("the JPEG image is empty (frame %t, lines %t, scan %t)", w.frame, w.lines, w.scanned)
	}
	return nil
}
