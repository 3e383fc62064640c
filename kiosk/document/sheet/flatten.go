package sheet

import (
	"image"
	"math"

	"pointnum/kiosk/document/raster"
)

// standards are the proportions that sheets and cards have (ISO 216, ISO/IEC
// 7810 ID-1), and how near a measured one must be to be taken for them.
var standards = [...]struct{ ratio, nearly float64 }{
	{math.Sqrt2, 0.035},
	{85.60 / 53.98, 0.02},
}

const (
	// usualLens is a phone's focal length, of the picture's long side.
	usualLens = 0.78

	enoughOf   = 0.8 // of the pixels that were asked for
	mostLarger = 2.0 // times the pixels that are there
	cardReach  = 0.05
)

// cardLike says whether a sheet has the proportions of a card.
func cardLike(ratio float64) bool {
	return math.Abs(max(ratio, 1/ratio)/standards[1].ratio-1) < cardReach
}

// Flatten gives the sheet as a rectangle in its own proportions, its sides
// straight where they are known to bend: as many pixels as the picture has of
// it, but at most most long, and not much fewer than least unless it is a card.
// What is going to be made larger anyway is sharper when that is done here, at
// once. The result is *image.Gray or *image.RGBA as img is.
func Flatten(img image.Image, s Sheet, least, most int) image.Image {
	q := s.Quad
	b := img.Bounds()
	ratio := proportions(q, float64(b.Dx()), float64(b.Dy()))
	w := max(q[0].distance(q[1]), q[3].distance(q[2]))
	h := max(q[1].distance(q[2]), q[0].distance(q[3]))
	w, h = max(w, h*ratio), max(h, w/ratio)
	f := min(1, float64(max(most, 1))/max(w, h))
	if long := max(w, h); long < enoughOf*float64(least) && !cardLike(w/h) {
		f = min(mostLarger, float64(least)/long, float64(max(most, 1))/long)
	}
	dw, dh := max(1, int(math.Round(w*f))), max(1, int(math.Round(h*f)))
	n := max(1, int(1/f))
	if n > 1 {
		img = raster.Scale(img, max(1, b.Dx()/n), max(1, b.Dy()/n))
		fx, fy := float64(img.Bounds().Dx())/float64(b.Dx()), float64(img.Bounds().Dy())/float64(b.Dy())
		for i, p := range q {
			s.Quad[i], s.bends[i] = Point{p.X * fx, p.Y * fy}, s.bends[i].times(fx)
		}
	}
	v := newView(s, float64(dw), float64(dh))
	if g, ok := img.(*image.Gray); ok {
		g = raster.Gray(g)
		dst := image.NewGray(image.Rect(0, 0, dw, dh))
		raster.Rows(dh, func(y0, y1 int) { v.warpGray(dst, g, y0, y1) })
		return dst
	}
	src := raster.ToRGBA(img)
	dst := image.NewRGBA(image.Rect(0, 0, dw, dh))
	raster.Rows(dh, func(y0, y1 int) { v.warpRGBA(dst, src, y0, y1) })
	return dst
}

// proportions is the sheet's width over its height, after Zhang and He,
// "Whiteboard scanning and image enhancement" (2007), section 3.3: the lens
// looks at the picture's middle.
func proportions(q Quad, w, h float64) float64 {
	centred := func(p Point) vector { return vector{p.X - w/2, p.Y - h/2, 1} }
	m1, m2, m3, m4 := centred(q[0]), centred(q[1]), centred(q[3]), centred(q[2])
	k2 := m1.cross(m4).dot(m3) / m2.cross(m4).dot(m3)
	k3 := m1.cross(m4).dot(m2) / m3.cross(m4).dot(m2)
	n2 := vector{k2*m2[0] - m1[0], k2*m2[1] - m1[1], k2 - 1}
	n3 := vector{k3*m3[0] - m1[0], k3*m3[1] - m1[1], k3 - 1}
	long := max(w, h)
	ff := usualLens * usualLens * long * long
	// The lens can be told from the sheet only when both pairs of its sides
	// run together.
	if math.Abs(n2[2]) > 0.04 && math.Abs(n3[2]) > 0.04 {
		if f := -(n2[0]*n3[0] + n2[1]*n3[1]) / (n2[2] * n3[2]); f > 0.36*long*long && f < 4*long*long {
			ff = f
		}
	}
	ratio := math.Sqrt(((n2[0]*n2[0]+n2[1]*n2[1])/ff + n2[2]*n2[2]) / ((n3[0]*n3[0]+n3[1]*n3[1])/ff + n3[2]*n3[2]))
	if math.IsNaN(ratio) || ratio < 0.05 || ratio > 20 {
		return q[0].distance(q[1]) / max(q[0].distance(q[3]), 1)
	}
	for _, s := range standards {
		for _, known := range []float64{s.ratio, 1 / s.ratio} {
			if math.Abs(ratio/known-1) < s.nearly {
				return known
			}
		}
	}
	return ratio
}

type vector [3]float64

func (a vector) dot(b vector) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }
func (a vector) cross(b vector) vector {
	return vector{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// matrix maps the flat sheet's points to the picture's: x and y over the
// third line.
type matrix [9]float64

// homography maps the rectangle of w by h to the quad (Heckbert 1989).
func homography(q Quad, w, h float64) matrix {
	s := Point{q[0].X - q[1].X + q[2].X - q[3].X, q[0].Y - q[1].Y + q[2].Y - q[3].Y}
	d1, d2 := q[1].sub(q[2]), q[3].sub(q[2])
	den := d1.cross(d2)
	var g, k float64
	if den != 0 {
		g, k = s.cross(d2)/den, d1.cross(s)/den
	}
	return matrix{
		(q[1].X - q[0].X + g*q[1].X) / w, (q[3].X - q[0].X + k*q[3].X) / h, q[0].X,
		(q[1].Y - q[0].Y + g*q[1].Y) / w, (q[3].Y - q[0].Y + k*q[3].Y) / h, q[0].Y,
		g / w, k / h, 1,
	}
}

func (m *matrix) at(x, y float64) (float64, float64) {
	d := 1 / (m[6]*x + m[7]*y + m[8])
	return (m[0]*x + m[1]*y + m[2]) * d, (m[3]*x + m[4]*y + m[5]) * d
}

// run is how many pixels of a row are taken to lie evenly in the picture: at
// 40 % of perspective they are off by less than a hundredth of a pixel.
const run = 16

// rowRuns calls f with each run of a row: where its first pixel's middle is in
// the picture, and the way to the next, both in 1/65536 pixel.
func (v *view) rowRuns(w, y int, f func(x, n int, px, py, dx, dy int)) {
	ax, ay := v.at(0.5, float64(y)+0.5)
	for x := 0; x < w; x += run {
		bx, by := v.at(float64(x)+run+0.5, float64(y)+0.5)
		f(x, min(run, w-x), int((ax-0.5)*65536), int((ay-0.5)*65536), int((bx-ax)*65536/run), int((by-ay)*65536/run))
		ax, ay = bx, by
	}
}

func (v *view) warpGray(dst, src *image.Gray, y0, y1 int) {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	for y := y0; y < y1; y++ {
		row := dst.Pix[y*dst.Stride:][:dst.Rect.Dx()]
		v.rowRuns(len(row), y, func(x, n, px, py, dx, dy int) {
			for i := range n {
				ix, iy, fx, fy := px>>16, py>>16, uint32(px>>8&255), uint32(py>>8&255)
				px, py = px+dx, py+dy
				x0, x1 := clamp(ix, w), clamp(ix+1, w)
				a, b := src.Pix[clamp(iy, h)*src.Stride:][:w], src.Pix[clamp(iy+1, h)*src.Stride:][:w]
				top := uint32(a[x0])*(256-fx) + uint32(a[x1])*fx
				bottom := uint32(b[x0])*(256-fx) + uint32(b[x1])*fx
				row[x+i] = uint8((top*(256-fy) + bottom*fy + 1<<15) >> 16)
			}
		})
	}
}

func (v *view) warpRGBA(dst, src *image.RGBA, y0, y1 int) {
	w, h := src.Rect.Dx(), src.Rect.Dy()
	for y := y0; y < y1; y++ {
		row := dst.Pix[y*dst.Stride:][:4*dst.Rect.Dx()]
		v.rowRuns(dst.Rect.Dx(), y, func(x, n, px, py, dx, dy int) {
			for i := range n {
				ix, iy, fx, fy := px>>16, py>>16, uint32(px>>8&255), uint32(py>>8&255)
				px, py = px+dx, py+dy
				x0, x1 := 4*clamp(ix, w), 4*clamp(ix+1, w)
				a, b := src.Pix[clamp(iy, h)*src.Stride:][:4*w], src.Pix[clamp(iy+1, h)*src.Stride:][:4*w]
				p, q := a[x0:x0+4:x0+4], a[x1:x1+4:x1+4]
				r, s := b[x0:x0+4:x0+4], b[x1:x1+4:x1+4]
				to := row[4*(x+i) : 4*(x+i)+4 : 4*(x+i)+4]
				gx, gy := 256-fx, 256-fy
				to[0] = uint8(((uint32(p[0])*gx+uint32(q[0])*fx)*gy + (uint32(r[0])*gx+uint32(s[0])*fx)*fy + 1<<15) >> 16)
				to[1] = uint8(((uint32(p[1])*gx+uint32(q[1])*fx)*gy + (uint32(r[1])*gx+uint32(s[1])*fx)*fy + 1<<15) >> 16)
				to[2] = uint8(((uint32(p[2])*gx+uint32(q[2])*fx)*gy + (uint32(r[2])*gx+uint32(s[2])*fx)*fy + 1<<15) >> 16)
				to[3] = 255
			}
		})
	}
}

func clamp(v, n int) int { return min(max(v, 0), n-1) }
