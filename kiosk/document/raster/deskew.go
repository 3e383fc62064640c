package raster

import (
	"encoding/binary"
	"image"
	"image/color"
	"math"
)

// Deskew straightens a page and says by how many degrees it was turned
// clockwise; 0 means that img is returned as it is. Corners that open are
// filled with the colour of the page's edges:
// paper, or the bed round it, for CropBed to find. The page keeps its size unless writing
// would fall off its edges: then it grows.
func Deskew(img image.Image) (image.Image, float64) {
	g := Gray(img)
	a := Skew(g)
	if math.Abs(a) < minSkew {
		return img, 0
	}
	w, h := g.Rect.Dx(), g.Rect.Dy()
	if losesInk(g, a) {
		sin, cos := math.Sincos(math.Abs(a) * math.Pi / 180)
		w, h = int(float64(w)*cos+float64(h)*sin+0.5), int(float64(h)*cos+float64(w)*sin+0.5)
	}
	return rotate(img, a, w, h), a
}

// losesInk says whether straightening by a degrees without growing would push
// ink off the page.
func losesInk(g *image.Gray, a float64) bool {
	pts, w, h := inkPoints(reduce(g, skewSide))
	sin, cos := math.Sincos(a * math.Pi / 180)
	lost := 0
	for _, p := range pts {
		x := float64(p.x)*cos + float64(p.y)*sin
		y := float64(p.y)*cos - float64(p.x)*sin
		if math.Abs(x) > float64(w)/2 || math.Abs(y) > float64(h)/2 {
			lost++
		}
	}
	return lost > 8
}

// walk is the straight line through the source that one row of the result is
// read along, in 1/65536 pixel.
type walk struct {
	x, y, dx, dy int
	from, to     int // the pixels of the row that lie inside the source
}

// walkRow finds the walk of row y of a result of w by h pixels, for a source
// of sw by sh pixels turned clockwise by the angle whose sine and cosine are
// given.
func walkRow(y, w, h, sw, sh int, sin, cos float64) walk {
	const one = 1 << 16
	cx, cy := float64(w-1)/2, float64(h-1)/2
	px, py := -cx, float64(y)-cy
	k := walk{
		x:  int((px*cos - py*sin + float64(sw-1)/2) * one),
		y:  int((px*sin + py*cos + float64(sh-1)/2) * one),
		dx: int(math.Round(cos * one)),
		dy: int(math.Round(sin * one)),
		to: w,
	}
	k.clip(k.x, k.dx, (sw-1)*one)
	k.clip(k.y, k.dy, (sh-1)*one)
	return k
}

// clip keeps the steps i for which 0 <= at+i*d < limit.
func (k *walk) clip(at, d, limit int) {
	inside := func(i int) bool { v := at + i*d; return v >= 0 && v < limit }
	if d != 0 {
		a, b := -at/d, (limit-at)/d
		k.from, k.to = max(k.from, min(a, b)-1), min(k.to, max(a, b)+2)
	}
	for k.from < k.to && !inside(k.from) {
		k.from++
	}
	for k.to > k.from && !inside(k.to-1) {
		k.to--
	}
	if k.from >= k.to {
		k.from, k.to = 0, 0
	}
}

// rotate turns a page back by a degrees, into w by h pixels around its middle.
func rotate(img image.Image, a float64, w, h int) image.Image {
	sin, cos := math.Sincos(a * math.Pi / 180)
	if g, ok := img.(*image.Gray); ok {
		g = Gray(g)
		dst := image.NewGray(image.Rect(0, 0, w, h))
		paper := borderGray(g)
		rows(h, func(y0, y1 int) {
			for y := y0; y < y1; y++ {
				k := walkRow(y, w, h, g.Rect.Dx(), g.Rect.Dy(), sin, cos)
				rotateGrayRow(dst.Pix[y*dst.Stride:][:w], g, k, paper)
			}
		})
		return dst
	}
	src := ToRGBA(img)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	paper := borderColor(src)
	rows(h, func(y0, y1 int) {
		for y := y0; y < y1; y++ {
			k := walkRow(y, w, h, src.Rect.Dx(), src.Rect.Dy(), sin, cos)
			rotateRow(dst.Pix[y*dst.Stride:][:4*w], src, k, paper)
		}
	})
	return dst
}

func rotateGrayRow(to []uint8, src *image.Gray, k walk, paper uint8) {
	for i := range k.from {
		to[i] = paper
	}
	for i := k.to; i < len(to); i++ {
		to[i] = paper
	}
	x, y := k.x+k.from*k.dx, k.y+k.from*k.dy
	for i := k.from; i < k.to; i++ {
		p := src.Pix[(y>>16)*src.Stride+x>>16:]
		q := p[src.Stride:]
		fx, fy := uint32(x>>8&255), uint32(y>>8&255)
		top := uint32(p[0])*(256-fx) + uint32(p[1])*fx
		bottom := uint32(q[0])*(256-fx) + uint32(q[1])*fx
		to[i] = uint8((top*(256-fy) + bottom*fy + 1<<15) >> 16)
		x += k.dx
		y += k.dy
	}
}

// rotateRow mixes two channels of a pixel at once: red and blue, green and
// alpha, each in half of a 32 bit word.
func rotateRow(to []uint8, src *image.RGBA, k walk, paper color.RGBA) {
	const mask, half = 0x00ff00ff, 0x00800080
	fill := uint32(paper.R) | uint32(paper.G)<<8 | uint32(paper.B)<<16 | 255<<24
	for i := range k.from {
		binary.LittleEndian.PutUint32(to[4*i:], fill)
	}
	for i := k.to; i < len(to)/4; i++ {
		binary.LittleEndian.PutUint32(to[4*i:], fill)
	}
	x, y := k.x+k.from*k.dx, k.y+k.from*k.dy
	for i := k.from; i < k.to; i++ {
		p := src.Pix[(y>>16)*src.Stride+x>>16*4:]
		top, bottom := binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[src.Stride:])
		fx, fy := uint32(x>>8&255), uint32(y>>8&255)
		a, b := uint32(top), uint32(top>>32)
		c, d := uint32(bottom), uint32(bottom>>32)
		rbTop := (((a&mask)*(256-fx) + (b&mask)*fx + half) >> 8) & mask
		gaTop := (((a>>8&mask)*(256-fx) + (b>>8&mask)*fx + half) >> 8) & mask
		rbLow := (((c&mask)*(256-fx) + (d&mask)*fx + half) >> 8) & mask
		gaLow := (((c>>8&mask)*(256-fx) + (d>>8&mask)*fx + half) >> 8) & mask
		rb := ((rbTop*(256-fy) + rbLow*fy + half) >> 8) & mask
		ga := (rbMix(gaTop, gaLow, fy) >> 8) & mask
		binary.LittleEndian.PutUint32(to[4*i:], rb|ga<<8)
		x += k.dx
		y += k.dy
	}
}

func rbMix(a, b, f uint32) uint32 { return a*(256-f) + b*f + 0x00800080 }
