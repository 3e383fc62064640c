package cleanpdf

import "math"

// matrix is a transformation as PDF writes it (ISO 32000-1, 8.3.3).
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0} // never changed

func toMatrix(v []value) matrix {
	if len(v) != 6 {
		return identity
	}
	var m matrix
	for i := range m {
		m[i] = float(v[i])
	}
	return m
}

// times gives the matrix that applies m first and n then.
func (m matrix) times(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

// scale is how much larger the longer side of a square becomes.
func (m matrix) scale() float64 { return max(m.width(), m.height()) }

func (m matrix) width() float64  { return math.Hypot(m[0], m[1]) }
func (m matrix) height() float64 { return math.Hypot(m[2], m[3]) }

// rectangle is a PDF rectangle with its corners in order.
type rectangle struct{ x0, y0, x1, y1 float64 }

func toRectangle(v value) (rectangle, bool) {
	a, _ := v.(array)
	if len(a) != 4 {
		return rectangle{}, false
	}
	x0, y0, x1, y1 := float(a[0]), float(a[1]), float(a[2]), float(a[3])
	return rectangle{min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)}, true
}

// around gives the rectangle around a transformed one.
func (r rectangle) around(m matrix) rectangle {
	out := rectangle{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, p := range [][2]float64{{r.x0, r.y0}, {r.x1, r.y0}, {r.x0, r.y1}, {r.x1, r.y1}} {
		x, y := p[0]*m[0]+p[1]*m[2]+m[4], p[0]*m[1]+p[1]*m[3]+m[5]
		out.x0, out.y0, out.x1, out.y1 = min(out.x0, x), min(out.y0, y), max(out.x1, x), max(out.y1, y)
	}
	return out
}
