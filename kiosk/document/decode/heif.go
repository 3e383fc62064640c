package decode

import (
	"bytes"
	"image"

	"github.com/gen2brain/avif"
	"github.com/gen2brain/heic"

	"pointnum/kiosk"
)

// HEIFSize reads the largest image size that a HEIC or AVIF file declares: the
// ispe boxes of its item properties (ISO/IEC 23008-12, 6.5.3). It gives 0, 0
// when there is none.
func HEIFSize(data []byte) (w, h int) {
	meta := findBox(data, "meta")
	if len(meta) < 4 {
		return 0, 0
	}
	ipco := findBox(findBox(meta[4:], "iprp"), "ipco")
	eachBox(ipco, func(name string, body []byte) bool {
		if name == "ispe" && len(body) >= 12 {
			if bw, bh := int(be32(body[4:])), int(be32(body[8:])); bw*bh > w*h {
				w, h = bw, bh
			}
		}
		return true
	})
	return w, h
}

func findBox(data []byte, want string) []byte {
	var found []byte
	eachBox(data, func(name string, body []byte) bool {
		if name == want {
			found = body
			return false
		}
		return true
	})
	return found
}

// eachBox walks the boxes of ISO/IEC 14496-12, 4.2.
func eachBox(data []byte, each func(name string, body []byte) bool) {
	for len(data) >= 8 {
		n, head := int64(be32(data)), 8
		switch n {
		case 0:
			n = int64(len(data))
		case 1:
			if len(data) < 16 || be32(data[8:]) != 0 {
				return
			}
			n, head = int64(be32(data[12:])), 16
		}
		if n < int64(head) || n > int64(len(data)) {
			return
		}
		if !each(string(data[4:8]), data[head:n]) {
			return
		}
		data = data[n:]
	}
}

func openHEIF(data []byte, f Format, l Limits) (Source, error) {
	w, h := HEIFSize(data)
	if w <= 0 || h <= 0 {
		if findBox(data, "moov") != nil {
			return nil, fault(kiosk.CodeFileUnsupported, "decode: a film, not a picture")
		}
		return nil, fault(kiosk.CodeFileBroken, "decode: heif without a size")
	}
	// The decoder holds the picture three times in its own memory; AVIF's
	// twice in four bytes a pixel, beside its planes.
	perPixel := 6
	if f == AVIF {
		perPixel = 12
	}
	if err := checkSize(w, h, perPixel, l); err != nil {
		return nil, err
	}
	decode := decodeHEIC
	if f == AVIF {
		decode = decodeAVIF
	}
	return single{f, func() (Picture, error) {
		// The decoders give the primary picture of several; HEIC's turns it
		// as the file says, AVIF's does not.
		img, err := decode(data)
		if err != nil {
			return Picture{}, fault(kiosk.CodeFileBroken, "decode: heif")
		}
		p := Picture{Image: img, Orientation: 1}
		if f == AVIF {
			p.Orientation = HEIFOrientation(data)
		}
		return p, nil
	}}, nil
}

// HEIFOrientation gives the EXIF orientation, 1 to 8, that says the same as the
// irot and imir boxes of a HEIF file's primary picture (ISO/IEC 23008-12,
// 6.5.10 and 6.5.12).
func HEIFOrientation(data []byte) int {
	meta := findBox(data, "meta")
	if len(meta) < 4 {
		return 1
	}
	var props []struct {
		name string
		v    byte
	}
	iprp := findBox(meta[4:], "iprp")
	eachBox(findBox(iprp, "ipco"), func(name string, body []byte) bool {
		v := byte(0)
		if len(body) > 0 {
			v = body[0]
		}
		props = append(props, struct {
			name string
			v    byte
		}{name, v})
		return true
	})
	angle, mirror := 0, 0
	for _, i := range associated(findBox(iprp, "ipma"), primary(findBox(meta[4:], "pitm"))) {
		if i < 1 || i > len(props) {
			continue
		}
		switch p := props[i-1]; p.name {
		case "irot":
			angle = int(p.v & 3)
		case "imir":
			mirror = 1 + int(p.v&1)
		}
	}
	// Quarter turns against the clock; then nothing, top and bottom, or left
	// and right exchanged.
	return [4][3]int{{1, 4, 2}, {8, 5, 7}, {3, 2, 4}, {6, 7, 5}}[angle][mirror]
}

// primary reads a pitm box: the number of the primary picture.
func primary(pitm []byte) uint32 {
	switch {
	case len(pitm) >= 8 && pitm[0] > 0:
		return be32(pitm[4:])
	case len(pitm) >= 6:
		return uint32(pitm[4])<<8 | uint32(pitm[5])
	}
	return 0
}

// associated gives the properties, counted from 1, that an ipma box says a
// picture has.
func associated(ipma []byte, item uint32) []int {
	if len(ipma) < 8 {
		return nil
	}
	wideID, wide := ipma[0] > 0, ipma[3]&1 != 0
	b := ipma[8:]
	for range be32(ipma[4:]) {
		var id uint32
		switch {
		case wideID && len(b) >= 5:
			id, b = be32(b), b[4:]
		case !wideID && len(b) >= 3:
			id, b = uint32(b[0])<<8|uint32(b[1]), b[2:]
		default:
			return nil
		}
		n := int(b[0])
		b = b[1:]
		size := 1
		if wide {
			size = 2
		}
		if len(b) < n*size {
			return nil
		}
		if id == item {
			var out []int
			for i := range n {
				if wide {
					out = append(out, int(b[2*i]&0x7f)<<8|int(b[2*i+1]))
				} else {
					out = append(out, int(b[i]&0x7f))
				}
			}
			return out
		}
		b = b[n*size:]
	}
	return nil
}

func decodeHEIC(data []byte) (image.Image, error) {
	return heic.Decode(bytes.NewReader(plainBrand(data)))
}

func decodeAVIF(data []byte) (image.Image, error) {
	return avif.Decode(bytes.NewReader(data))
}

// plainBrand names a file by the codec that it says it is compatible with: the
// decoder refuses files whose first brand is only the container's.
func plainBrand(data []byte) []byte {
	ftyp := findBox(data, "ftyp")
	if len(ftyp) < 12 || string(ftyp[:4]) != "mif1" {
		return data
	}
	for brands := ftyp[8:]; len(brands) >= 4; brands = brands[4:] {
		if b := string(brands[:4]); b == "heic" || b == "heix" {
			data = bytes.Clone(data)
			copy(findBox(data, "ftyp"), b)
			return data
		}
	}
	return data
}
