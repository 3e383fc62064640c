// Package jpegenc writes pictures as progressive JPEG (ITU-T T.81), small for
// what they show: Huffman tables made for each scan, runs of empty blocks
// counted, coefficients that cost more than they tell left out. On the coarse
// layers of a page, which are mostly empty, that takes a tenth of what
// image/jpeg does.
//
// A file holds nothing but the picture: no JFIF header, no metadata, no
// profile. The same picture always gives the same bytes.
package jpegenc

import (
	"image"

	"pointnum/kiosk/document/raster"
)

// Options say how to encode. The zero value is meant for pages and what is on
// them.
type Options struct {
	// FullColor keeps colours at the resolution of the picture, not at half
	// of it: for coloured letters and thin lines.
	FullColor bool
}

// Encode writes a picture, of at least one pixel and at most 65,535 a side,
// at a quality of 1 to 100. An *image.Gray makes a file of one component, all
// else one of three; what is transparent lies over white.
func Encode(img image.Image, quality int, o Options) []byte {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	var planes []plane
	sampling := byte(0x11)
	if g, ok := img.(*image.Gray); ok {
		planes = []plane{grayPlane(g)}
	} else {
		m := raster.ToRGBA(img)
		if o.FullColor {
			planes = fullPlanes(m)
		} else {
			planes, sampling = halfPlanes(m), 0x22
		}
	}
	tables := quantizers(quality)
	out := append(make([]byte, 0, 1<<14), 0xFF, 0xD8)
	head := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(len(planes))}
	all := make([]*blocks, len(planes))
	for i, p := range planes {
		table, s := min(i, 1), byte(0x11)
		if i == 0 {
			s = sampling
		}
		if i < 2 {
			out = segment(out, 0xDB, append([]byte{byte(i)}, tables[i][:]...))
		}
		head = append(head, byte(i+1), s, byte(table))
		all[i] = transform(p, &tables[table])
		planes[i].v = nil
	}
	out = segment(out, 0xC2, head)
	f := frame{w: w, h: h, half: sampling == 0x22, all: all}
	return append(f.scans(out), 0xFF, 0xD9)
}

func segment(out []byte, marker byte, data []byte) []byte {
	n := len(data) + 2
	return append(append(out, 0xFF, marker, byte(n>>8), byte(n)), data...)
}

// quantizers are the tables for brightness and for colour, in zigzag order,
// scaled as libjpeg does for a quality of 1 to 100.
func quantizers(quality int) (tables [2][64]byte) {
	quality = min(max(quality, 1), 100)
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / quality
	}
	order := zigzag()
	for t, base := range []string{lumTable, chromaTable} {
		for i, at := range order {
			tables[t][i] = byte(min(max((int(base[at])*scale+50)/100, 1), 255))
		}
	}
	return tables
}

// The tables of T.81, annex K.
const (
	lumTable = "\x10\x0b\x0a\x10\x18\x28\x33\x3d\x0c\x0c\x0e\x13\x1a\x3a\x3c\x37\x0e\x0d\x10\x18\x28\x39\x45\x38\x0e\x11\x16\x1d\x33\x57\x50\x3e" +
		"\x12\x16\x25\x38\x44\x6d\x67\x4d\x18\x23\x37\x40\x51\x68\x71\x5c\x31\x40\x4e\x57\x67\x79\x78\x65\x48\x5c\x5f\x62\x70\x64\x67\x63"
	chromaTable = "\x11\x12\x18\x2f\x63\x63\x63\x63\x12\x15\x1a\x42\x63\x63\x63\x63\x18\x1a\x38\x63\x63\x63\x63\x63\x2f\x42\x63\x63\x63\x63\x63\x63" +
		"\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63"
)

// zigzag is the order in which a block's frequencies are written (T.81,
// figure A.6).
func zigzag() (order [64]int) {
	x, y := 0, 0
	for i := range order {
		order[i] = 8*y + x
		switch {
		case (x+y)%2 == 0 && x == 7, (x+y)%2 == 1 && y < 7 && x == 0:
			y++
		case (x+y)%2 == 0 && y == 0, (x+y)%2 == 1 && y == 7:
			x++
		case (x+y)%2 == 0:
			x, y = x+1, y-1
		default:
			x, y = x-1, y+1
		}
	}
	return order
}
