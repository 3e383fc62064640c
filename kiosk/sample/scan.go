package sample

import (
	"image"
	"image/draw"
	"math/rand/v2"

	xdraw "golang.org/x/image/draw"
)

// scan makes a painted sheet look as if it had come out of a scanner: a little
// crooked, its paper tinted, its light uneven, with grain.
func scan(sheet *image.RGBA, n int, o Options) *image.RGBA {
	lot := rand.New(rand.NewPCG(uint64(n), 0x5bec1e))
	skew := o.Skew
	if skew == 0 && !o.Straight {
		skew = lot.Float64()*2.4 - 1.2
	}
	if skew != 0 && !o.Straight {
		turned := image.NewRGBA(sheet.Rect)
		draw.Draw(turned, turned.Rect, image.White, image.Point{}, draw.Src)
		size := sheet.Rect.Size()
		m := around(float64(size.X)/2, float64(size.Y)/2, skew)
		xdraw.ApproxBiLinear.Transform(turned, m, sheet, sheet.Rect, draw.Src, nil)
		sheet = turned
	}
	if !o.Clean {
		tint(sheet, lot)
	}
	return sheet
}

// tint gives the paper a warm tone that fades by a few steps across the sheet,
// and adds grain.
func tint(m *image.RGBA, lot *rand.Rand) {
	tone := [3]int{249 - lot.IntN(5), 247 - lot.IntN(5), 240 - lot.IntN(7)}
	fade := 6 + lot.IntN(6)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	// Two throws of a die per pixel are cut from one random number.
	for y := range h {
		line := m.Pix[y*m.Stride:][:4*w]
		shade := fade * y / h
		var bits uint64
		for x := range w {
			if x%8 == 0 {
				bits = lot.Uint64()
			}
			grain := int(bits&7) + int(bits>>3&7) - 7
			bits >>= 8
			for i := range 3 {
				p := &line[4*x+i]
				v := int(*p)*(tone[i]-shade)/255 + 8 + grain/2
				*p = uint8(min(max(v, 0), 255))
			}
		}
	}
}
