package decode

import (
	"image"
	"io"

	"golang.org/x/image/webp"

	"pointnum/kiosk/document/raster"
)

// decodeWebP decodes a WebP picture, laid over white, and makes one smaller that
// has far more pixels than are wanted. Its lossy form has
// samples of studio range (RFC 6386, 9.2), which the decoder hands on as they
// are and everybody else takes for the full one: white would be grey.
func decodeWebP(r io.Reader, want int) (image.Image, error) {
	img, err := webp.Decode(r)
	if err != nil {
		return nil, err
	}
	switch m := img.(type) {
	case *image.YCbCr:
		return fromStudio(m, nil, 0, want), nil
	case *image.NYCbCrA:
		return fromStudio(&m.YCbCr, m.A, m.AStride, want), nil
	}
	return img, nil
}

func fromStudio(m *image.YCbCr, alpha []byte, stride, want int) *image.RGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	dst := raster.NewReducer(m.Rect.Size(), reducedTo(want)(w, h))
	for y := range h {
		row := dst.Next()
		luma := m.Y[m.YOffset(m.Rect.Min.X, m.Rect.Min.Y+y):]
		for x := range w {
			c := m.COffset(m.Rect.Min.X+x, m.Rect.Min.Y+y)
			// ITU-R BT.601, in 1/65536.
			l := 76309 * (int32(luma[x]) - 16)
			u, v := int32(m.Cb[c])-128, int32(m.Cr[c])-128
			p := row[4*x : 4*x+4 : 4*x+4]
			p[0] = clamp(l + 104597*v)
			p[1] = clamp(l - 25675*u - 53279*v)
			p[2] = clamp(l + 132201*u)
			p[3] = 255
			if alpha != nil {
				a := uint32(alpha[y*stride+x])
				for i := range 3 {
					p[i] = uint8((uint32(p[i])*a + 255*(255-a) + 127) / 255)
				}
			}
		}
	}
	return dst.Image()
}

func clamp(v int32) uint8 { return uint8(min(max((v+1<<15)>>16, 0), 255)) }
