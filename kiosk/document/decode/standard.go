package decode

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"pointnum/kiosk"
	"pointnum/kiosk/document/mupdf"
)

// openStandard opens formats of one page whose decoders tell the size first.
// Of an animation the first picture is the page.
func openStandard(data []byte, f Format, l Limits) (Source, error) {
	var c image.Config
	var err error
	var decode func() (image.Image, error)
	r := func() *bytes.Reader { return bytes.NewReader(data) }
	dpi := 0
	switch f {
	case PNG:
		c, err = png.DecodeConfig(r())
		decode = func() (image.Image, error) { return decodePNG(data, l.wantSide()) }
		dpi = pngDPI(data)
	case GIF:
		c, err = gif.DecodeConfig(r())
		decode = func() (image.Image, error) { return gif.Decode(r()) }
	case BMP:
		c, err = bmpConfig(data)
		decode = func() (image.Image, error) {
			img, err := bmp.Decode(r())
			if err != nil { // run lengths, 16 bits, odd palettes
				img, _, err = mupdf.JPEG(data, 0, 0, int(l.MaxMemory))
			}
			return img, err
		}
	default:
		c, err = webp.DecodeConfig(r())
		decode = func() (image.Image, error) { return decodeWebP(r(), l.wantSide()) }
	}
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return nil, fault(kiosk.CodeFileBroken, "decode: image header")
	}
	if err := checkSize(c.Width, c.Height, bytesPerPixel(c.ColorModel), l); err != nil {
		return nil, err
	}
	return single{f, func() (Picture, error) {
		img, err := decode()
		if err != nil {
			return Picture{}, fault(kiosk.CodeFileBroken, "decode: image")
		}
		p := Picture{Image: img, Orientation: 1, DPI: dpi * img.Bounds().Dx() / c.Width}
		p.size()
		return p, nil
	}}, nil
}

// bmpConfig reads a BMP's size, also of kinds that the Go decoder refuses.
func bmpConfig(data []byte) (image.Config, error) {
	if len(data) < 30 {
		return image.Config{}, io.ErrUnexpectedEOF
	}
	c := image.Config{ColorModel: color.RGBAModel}
	if le := binary.LittleEndian; le.Uint32(data[14:]) == 12 { // OS/2's
		c.Width, c.Height = int(le.Uint16(data[18:])), int(le.Uint16(data[20:]))
	} else {
		c.Width, c.Height = int(int32(le.Uint32(data[18:]))), int(int32(le.Uint32(data[22:])))
		c.Height = max(c.Height, -c.Height)
	}
	return c, nil
}

// checkSize refuses bombs by their header. Products can't overflow: sides of
// these formats have 32 bits at most.
func checkSize(w, h, perPixel int, l Limits) error {
	if w > 1<<31 || h > 1<<31 || w > l.MaxPixels || h > l.MaxPixels || w*h > l.MaxPixels ||
		int64(w)*int64(h)*int64(perPixel) > l.MaxMemory {
		return fault(kiosk.CodeFileTooBig, "decode: too many pixels")
	}
	return nil
}

func bytesPerPixel(m color.Model) int {
	switch m {
	case color.GrayModel:
		return 1
	case color.Gray16Model:
		return 2
	case color.RGBA64Model, color.NRGBA64Model:
		return 8
	}
	if _, ok := m.(color.Palette); ok {
		return 1
	}
	return 4
}

// pngDPI reads the pHYs chunk (PNG 3, 11.3.4.3) before the image data.
func pngDPI(data []byte) int {
	for at := 8; at+12 <= len(data); {
		n := int(be32(data[at:]))
		name := string(data[at+4 : at+8])
		if name == "IDAT" || n < 0 || n > len(data)-at-12 {
			return 0
		}
		if name == "pHYs" && n == 9 && data[at+16] == 1 {
			return saneDPI(int((int64(be32(data[at+8:]))*254 + 5000) / 10000))
		}
		at += 12 + n
	}
	return 0
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// StripPNG gives a PNG with the chunks that make its picture only. It reports
// false when the file is damaged.
func StripPNG(data []byte) ([]byte, bool) {
	const signature = "\x89PNG\r\n\x1a\n"
	if !bytes.HasPrefix(data, []byte(signature)) {
		return nil, false
	}
	out := append(make([]byte, 0, len(data)), signature...)
	for at := len(signature); at+12 <= len(data); {
		n := int64(be32(data[at:]))
		if n > int64(len(data)-at-12) {
			return nil, false
		}
		chunk := data[at : at+12+int(n)]
		switch string(chunk[4:8]) {
		case "IHDR", "PLTE", "tRNS", "IDAT", "gAMA", "sRGB", "pHYs":
			out = append(out, chunk...)
		case "IEND":
			return append(out, chunk...), true
		}
		at += len(chunk)
	}
	return nil, false
}
