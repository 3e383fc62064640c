package mrc

import (
	"image"
	"math"
	"slices"

	"pointnum/kiosk/document/jbig2"
)

// cells holds what was measured in small squares of the page, about a third
// of a millimetre wide: strokes are wider, letters larger.
type cells struct {
	size   int // pixels
	w, h   int
	paper  int       // the brightness of most of the page
	mean   []float32 // brightness
	square []float32 // mean of its square
	mid    []float32 // share of pixels between ink and paper
	busy   []float32 // 1 when there is a step in it, else 0
}

// cellsPerInch makes cells of 4 pixels at 300 dpi.
const cellsPerInch = 75

func measure(m *image.Gray, dpi int) *cells {
	size := max((dpi+cellsPerInch/2)/cellsPerInch, 2) // one pixel has no step in it
	g := &cells{size: size, w: (m.Rect.Dx() + size - 1) / size, h: (m.Rect.Dy() + size - 1) / size}
	n := g.w * g.h
	g.paper = paperOf(m)
	g.mean, g.square, g.mid, g.busy = make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for y := range g.h {
		for x := range g.w {
			g.cell(m, x, y)
		}
	}
	return g
}

// paperOf is the commonest brightness, dark grounds left out.
func paperOf(m *image.Gray) int {
	var count [256]int
	for y := 0; y < m.Rect.Dy(); y += 3 {
		for _, v := range m.Pix[y*m.Stride:][:m.Rect.Dx()] {
			count[v]++
		}
	}
	best, at := 0, 255
	for v := 64; v < 256; v++ {
		n := 0
		for _, c := range count[v-3 : min(v+4, 256)] {
			n += c
		}
		if n >= best {
			best, at = n, v
		}
	}
	return at
}

// step is how far apart the brightest and the darkest pixel of a busy cell
// are, at least.
const step = 24

func (g *cells) cell(m *image.Gray, cx, cy int) {
	x0, y0 := cx*g.size, cy*g.size
	x1, y1 := min(x0+g.size, m.Rect.Dx()), min(y0+g.size, m.Rect.Dy())
	var sum, square, mid uint32
	low, high := uint8(g.paper/5), uint8(g.paper*4/5)
	least, most := uint8(255), uint8(0)
	for y := y0; y < y1; y++ {
		for _, v := range m.Pix[y*m.Stride+x0:][:x1-x0] {
			sum += uint32(v)
			square += uint32(v) * uint32(v)
			if v > low && v < high {
				mid++
			}
			least, most = min(least, v), max(most, v)
		}
	}
	i, n := cy*g.w+cx, float32((x1-x0)*(y1-y0))
	g.mean[i], g.square[i], g.mid[i] = float32(sum)/n, float32(square)/n, float32(mid)/n
	if most-least >= step {
		g.busy[i] = 1
	}
}

// around gives the mean of a value over the square of cells at most r away.
func (g *cells) around(v []float32, r int) []float32 {
	return boxMean(boxMean(v, g.w, g.h, r, 1, g.w), g.h, g.w, r, g.w, 1)
}

// boxMean averages along lines: there are lines of n values, step apart, and
// each line starts next after the one before.
func boxMean(v []float32, n, lines, r, step, next int) []float32 {
	out := make([]float32, len(v))
	for l := range lines {
		at := l * next
		sum := float64(0)
		for i := range min(r, n) {
			sum += float64(v[at+i*step])
		}
		for i := range n {
			if i+r < n {
				sum += float64(v[at+(i+r)*step])
			}
			if i-r-1 >= 0 {
				sum -= float64(v[at+(i-r-1)*step])
			}
			out[at+i*step] = float32(sum / float64(min(i+r, n-1)-max(i-r, 0)+1))
		}
	}
	return out
}

const (
	reach   = 4    // cells: strokes are told from the paper this far around
	slack   = 0.22 // Sauvola's k, at a contrast of 100
	leastR  = 18
	mostR   = 110
	leastGo = 5 // ink is so much darker than what is around it
	// Where ink is dense, as in a bar code, the mean is as dark as its palest
	// strokes: there all that is darker than so much of the paper is ink.
	strongDev = 45
	inkShade  = 0.6
)

// ink marks what is darker than the paper around it, after Sauvola and
// Pietikäinen (2000). Their R is the deviation that the page's strongest
// contrasts reach, not 128, so that pale type counts as type; and a pixel
// must stand clear of the grain.
func (g *cells) ink(m *image.Gray, pictures []bool) *jbig2.Bitmap {
	mean, square := g.around(g.mean, reach), g.around(g.square, reach)
	dev := make([]float32, len(mean))
	for i := range dev {
		dev[i] = float32(math.Sqrt(float64(max(square[i]-mean[i]*mean[i], 0))))
	}
	sorted := slices.Clone(dev)
	slices.Sort(sorted)
	r := min(max(sorted[len(sorted)*995/1000], leastR), mostR)
	noise := sorted[len(sorted)*30/100]
	clear := max(3*noise, r/10, leastGo)
	limit := make([]uint8, len(mean))
	for i := range limit {
		if pictures[i] {
			continue
		}
		t := min(mean[i]*(1-slack/100*(r-dev[i])), mean[i]-clear)
		if dev[i] > strongDev {
			t = max(t, inkShade*float32(g.paper))
		}
		limit[i] = uint8(min(max(math.Ceil(float64(t)), 0), 255))
	}
	mask := jbig2.NewBitmap(m.Rect.Dx(), m.Rect.Dy())
	line := make([]uint8, g.w*g.size)
	for y := range mask.Height {
		if y%g.size == 0 {
			for x, t := range limit[y/g.size*g.w:][:g.w] {
				for k := range g.size {
					line[x*g.size+k] = t
				}
			}
		}
		below(mask.Row(y), m.Pix[y*m.Stride:][:mask.Width], line)
	}
	return mask
}

// below sets the bits of the values under their limits.
func below(to []byte, v, limit []uint8) {
	for i := range to {
		n := min(8, len(v))
		var bits byte
		for k := range n {
			if v[k] < limit[k] {
				bits |= 0x80 >> k
			}
		}
		to[i] = bits
		v, limit = v[n:], limit[n:]
	}
}
