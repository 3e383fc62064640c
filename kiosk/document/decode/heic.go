package decode

import (
	"bytes"

	"github.com/gen2brain/heic"

	"pointnum/kiosk"
)

// HEICSize reads the largest image size that a HEIC file declares: the ispe
// boxes of its item properties (ISO/IEC 23008-12, 6.5.3). It gives 0, 0 when
// there is none.
func HEICSize(data []byte) (w, h int) {
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

func openHEIC(data []byte, l Limits) (Source, error) {
	w, h := HEICSize(data)
	if w <= 0 || h <= 0 {
		return nil, fault(kiosk.CodeFileBroken, "decode: heic without a size")
	}
	// The decoder holds the picture three times in its own memory.
	if err := checkSize(w, h, 6, l); err != nil {
		return nil, err
	}
	return single{func() (Picture, error) {
		// The decoder turns the picture as the file says and gives the
		// primary one of several.
		img, err := heic.Decode(bytes.NewReader(plainBrand(data)))
		if err != nil {
			return Picture{}, fault(kiosk.CodeFileBroken, "decode: heic")
		}
		return Picture{Image: img, Orientation: 1}, nil
	}}, nil
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
