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
		// The decoders turn the picture as the file says and give the
		// primary one of several.
		img, err := decode(data)
		if err != nil {
			return Picture{}, fault(kiosk.CodeFileBroken, "decode: heif")
		}
		return Picture{Image: img, Orientation: 1}, nil
	}}, nil
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
