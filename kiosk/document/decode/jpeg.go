package decode

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"

	"pointnum/kiosk"
	"pointnum/kiosk/document/mupdf"
	"pointnum/kiosk/document/turbojpeg"
)

// JPEGHeader is what a JPEG file says before its first scan.
type JPEGHeader struct {
	Width, Height int
	Components    int
	Progressive   bool
	Orientation   int // EXIF's, 1 when it does not say
	DPI           int // 0 when it does not say
	ok            bool
}

// ReadJPEGHeader walks the segments of a JPEG file up to its frame header
// (ITU-T T.81, annex B). It reports false when there is none.
func ReadJPEGHeader(data []byte) (JPEGHeader, bool) {
	h := JPEGHeader{Orientation: 1}
	walkSegments(data, func(marker byte, payload []byte) bool {
		switch {
		case marker == 0xe0 && len(payload) >= 12 && string(payload[:5]) == "JFIF\x00":
			h.DPI = jfifDPI(payload)
		case marker == 0xe1 && len(payload) > 6 && string(payload[:6]) == "Exif\x00\x00":
			h.Orientation = Orientation(payload[6:])
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			if len(payload) < 6 {
				return false
			}
			h.Height = int(binary.BigEndian.Uint16(payload[1:]))
			h.Width = int(binary.BigEndian.Uint16(payload[3:]))
			h.Components = int(payload[5])
			h.Progressive = marker == 0xc2
			h.ok = h.Width > 0 && h.Height > 0
			return false
		}
		return true
	})
	return h, h.ok
}

// walkSegments calls each with the marker and the payload of each segment
// until each says false, the entropy coded data starts or the bytes end. It
// returns where it stopped.
func walkSegments(data []byte, each func(marker byte, payload []byte) bool) int {
	if len(data) < 2 || data[0] != 0xff || data[1] != 0xd8 {
		return 0
	}
	for at := 2; ; {
		for at < len(data) && data[at] != 0xff { // junk that decoders skip
			at++
		}
		for at < len(data) && data[at] == 0xff {
			at++
		}
		if at >= len(data) {
			return len(data)
		}
		marker := data[at]
		at++
		if marker == 0 || marker == 1 || marker >= 0xd0 && marker <= 0xd8 {
			continue
		}
		if marker == 0xd9 || at+2 > len(data) {
			return len(data)
		}
		n := int(binary.BigEndian.Uint16(data[at:]))
		if n < 2 || at+n > len(data) {
			return len(data)
		}
		if !each(marker, data[at+2:at+n]) || marker == 0xda {
			return at + n
		}
		at += n
	}
}

func jfifDPI(payload []byte) int {
	v := int(binary.BigEndian.Uint16(payload[8:]))
	switch payload[7] {
	case 1:
		return saneDPI(v)
	case 2:
		return saneDPI(v * 254 / 100)
	}
	return 0
}

func openJPEG(data []byte, l Limits) (Source, error) {
	h, ok := ReadJPEGHeader(data)
	if !ok {
		return nil, fault(kiosk.CodeFileBroken, "decode: jpeg without a frame")
	}
	// A baseline JPEG can be decoded at an eighth of its size, row by row.
	most := l.MaxPixels
	if !h.Progressive {
		most *= 4
	}
	if h.Width*h.Height > most {
		return nil, fault(kiosk.CodeFileTooBig, "decode: jpeg of too many pixels")
	}
	return single{JPEG, func() (Picture, error) {
		p, err := decodeJPEG(data, h, l)
		p.size()
		return p, err
	}}, nil
}

// manyPixels is how many are worth some time to have fewer of: 100 MB.
const manyPixels = 24_000_000

// twicePixels is how many a page may have to be in memory twice, as it is while
// it is straightened: 170 MB.
const twicePixels = 21_500_000

// eighths is how much of a picture's sides has to be decoded, in eighths. Only
// halves come as fast as the whole does.
func eighths(w, h, want int) int {
	long := max(w, h)
	for _, e := range []int{1, 2, 4} {
		if (long*e+7)/8 >= want {
			return e
		}
	}
	switch {
	case w*h > manyPixels:
		for _, e := range []int{5, 6, 7} {
			if (long*e+7)/8 >= want {
				return e
			}
		}
	case w*h > twicePixels && long*7/8 >= want*5/4: // enough to stay sharp
		return 7
	}
	return 8
}

func decodeJPEG(data []byte, h JPEGHeader, l Limits) (Picture, error) {
	p := Picture{Orientation: h.Orientation}
	e := eighths(h.Width, h.Height, l.wantSide())
	p.DPI = h.DPI * e / 8
	img, flawed, err := turboJPEG(data, h, e, l)
	if err == nil {
		p.Image, p.Partial = img, flawed
		return p, nil
	}
	if kiosk.CodeOf(err) == kiosk.CodeFileTooBig {
		return p, err
	}
	return slowJPEG(data, h, l, p)
}

// turboJPEG decodes with the fast library, or fails where it is not there or
// can't.
func turboJPEG(data []byte, h JPEGHeader, eighths int, l Limits) (image.Image, bool, error) {
	if !turbojpeg.Available() {
		return nil, false, turbojpeg.ErrMissing
	}
	w, ht, n := int64(h.Width), int64(h.Height), int64(max(h.Components, 1))
	need := (w*int64(eighths)/8 + 1) * (ht*int64(eighths)/8 + 1) * 4
	if h.Progressive { // all coefficients of the full size, 2 bytes each
		need += w * ht * n * 2
	}
	if need > l.MaxMemory {
		return nil, false, fault(kiosk.CodeFileTooBig, "decode: jpeg needs too much memory")
	}
	return turbojpeg.Decode(data, eighths, l.MaxPixels)
}

// slowJPEG decodes with the Go decoder, and with the PDF library what that
// refuses.
func slowJPEG(data []byte, h JPEGHeader, l Limits, p Picture) (Picture, error) {
	// The Go decoder keeps all coefficients of a progressive JPEG, 4 bytes
	// each, beside the samples.
	need := int64(h.Width) * int64(h.Height) * int64(max(h.Components, 1))
	if h.Progressive {
		need *= 5
	}
	p.DPI = h.DPI
	half := max(h.Width, h.Height) >= 2*l.wantSide()
	if need <= l.MaxMemory && !half {
		img, err := jpeg.Decode(bytes.NewReader(data))
		if err == nil {
			p.Image = img
			return p, nil
		}
	}
	wantW, wantH := 0, 0
	if half {
		f := float64(l.wantSide()) / float64(max(h.Width, h.Height))
		wantW, wantH = max(1, int(float64(h.Width)*f)), max(1, int(float64(h.Height)*f))
	}
	img, flaws, err := mupdf.JPEG(data, wantW, wantH, int(l.MaxMemory))
	if err == mupdf.ErrMemory {
		return p, fault(kiosk.CodeFileTooBig, "decode: jpeg needs too much memory")
	}
	if err != nil {
		return p, fault(kiosk.CodeFileBroken, "decode: jpeg")
	}
	p.Image, p.Partial = img, flaws > 0
	p.DPI = h.DPI * img.Rect.Dx() / h.Width
	return p, nil
}

// StripJPEG gives a JPEG without what does not belong to its picture:
// comments, EXIF with place and time, colour profiles, thumbnails, and what
// hangs behind its end. It reports false when that can't be done without
// changing what is seen: an orientation other than 1, four components, or a
// damaged file.
func StripJPEG(data []byte) ([]byte, bool) {
	h, ok := ReadJPEGHeader(data)
	if !ok || h.Orientation != 1 || h.Components == 4 {
		return nil, false
	}
	return DropSegments(data)
}

// DropSegments gives a JPEG's picture and nothing else, whatever its EXIF data
// says of it. It reports false for a damaged file.
func DropSegments(data []byte) ([]byte, bool) {
	if _, ok := ReadJPEGHeader(data); !ok {
		return nil, false
	}
	out := append(make([]byte, 0, len(data)), 0xff, 0xd8)
	scan := walkSegments(data, func(marker byte, payload []byte) bool {
		drop := marker == 0xfe || marker >= 0xe1 && marker <= 0xef && marker != 0xee
		if marker == 0xe0 && (len(payload) < 14 || string(payload[:5]) != "JFIF\x00") {
			drop = true
		}
		if marker == 0xe0 && !drop {
			payload = append(append([]byte{}, payload[:12]...), 0, 0) // its thumbnail
		}
		if marker == 0xee && (len(payload) < 12 || string(payload[:5]) != "Adobe") {
			drop = true
		}
		if !drop {
			out = append(out, 0xff, marker)
			out = binary.BigEndian.AppendUint16(out, uint16(len(payload)+2))
			out = append(out, payload...)
		}
		return true
	})
	end := endOfImage(data, scan)
	if end < 0 {
		return nil, false
	}
	return append(out, data[scan:end]...), true
}

// endOfImage finds the byte behind the EOI marker that ends the picture whose
// entropy coded data starts at an offset; -1 when there is none, or when
// segments between its scans hold something else than tables.
func endOfImage(data []byte, at int) int {
	for at > 0 && at+1 < len(data) {
		if data[at] != 0xff {
			i := bytes.IndexByte(data[at:], 0xff)
			if i < 0 {
				return -1
			}
			at += i
			continue
		}
		m := data[at+1]
		switch {
		case m == 0xd9:
			return at + 2
		case m == 0 || m == 0xff || m >= 0xd0 && m <= 0xd7:
			at += 2
			if m == 0xff {
				at--
			}
		case m == 0xc4 || m == 0xdb || m == 0xdd || m == 0xda || m == 0xdc: // tables, next scan, lines
			if at+4 > len(data) {
				return -1
			}
			at += 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		default:
			return -1
		}
	}
	return -1
}
