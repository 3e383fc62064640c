package mrc

import "math"

// cells holds what was measured in small squares of the page, about a third
// of a millimetre wide: strokes are wider, letters larger.
type cells struct {
	size  int // pixels of the page
	w, h  int
	paper int       // the brightness of most of the page
	mean  []float32 // brightness around each
	dev   []float32 // and its standard deviation
	near  []float32 // brightness of each and those that touch it
	// How dark the darkest pixel of each and those that touch it is, of 255, and
	// how bright the brightest one two cells away at most: ink and its paper.
	dark, high []uint8
	// What a page's strongest contrasts and its grain are, as deviations.
	strong, noise float32
}

const (
	cellsPerInch = 75
	reach        = 4 // cells: strokes are told from the paper this far around
	inkReach     = 1 // how far around the darkest pixel is looked for
	paperFrom    = 2 // and the brightest
)

func (p *page) measure() *cells {
	m := p.copyGray
	inner := max((p.dpi/p.factor+cellsPerInch/2)/cellsPerInch, 2) // one pixel has no contrast in it
	c := &cells{size: inner * p.factor, w: (m.w + inner - 1) / inner, h: (m.h + inner - 1) / inner, paper: paperOf(m)}
	n := c.w * c.h
	mean, square := make([]uint32, n), make([]uint32, n)
	c.dark, c.high = make([]uint8, n), make([]uint8, n)
	for y := range m.h {
		row, at := m.row(y), y/inner*c.w
		for x := range c.w {
			var s, q uint32
			dark, high := c.dark[at+x], c.high[at+x]
			// What lies behind a row's end repeats it.
			for _, v := range row[x*inner : x*inner+inner] {
				s += uint32(v)
				q += uint32(v) * uint32(v)
				dark, high = max(dark, ^v), max(high, v)
			}
			c.dark[at+x], c.high[at+x] = dark, high
			mean[at+x] += s
			square[at+x] += q
		}
	}
	if rest := m.h - (c.h-1)*inner; rest < inner {
		for i := n - c.w; i < n; i++ {
			mean[i], square[i] = mean[i]*uint32(inner)/uint32(rest), square[i]*uint32(inner)/uint32(rest)
		}
	}
	c.around(mean, square, 1/float32(inner*inner))
	widest(c.dark, c.w, c.h, inkReach)
	widest(c.high, c.w, c.h, paperFrom)
	c.levels()
	return c
}

// paperOf is the commonest brightness, dark grounds left out.
func paperOf(m *plane) int {
	var count [256]int
	for y := 0; y < m.h; y += 2 {
		for _, v := range m.row(y)[:m.w] {
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

// around makes means and deviations of sums, over the squares of cells at
// most reach away. unit is one by the pixels of a cell.
func (c *cells) around(sum, square []uint32, unit float32) {
	c.mean, c.dev = make([]float32, len(sum)), make([]float32, len(sum))
	a, b := boxSums(sum, c.w, c.h, reach), boxSums(square, c.w, c.h, reach)
	c.near = make([]float32, len(sum))
	for i, v := range boxSums(sum, c.w, c.h, 1) {
		x, y := i%c.w, i/c.w
		c.near[i] = float32(v) * unit / float32((min(x+1, c.w-1)-max(x-1, 0)+1)*(min(y+1, c.h-1)-max(y-1, 0)+1))
	}
	per := make([]float32, c.w) // one by the columns in reach
	for x := range per {
		per[x] = unit / float32(min(x+reach, c.w-1)-max(x-reach, 0)+1)
	}
	for y := range c.h {
		one := 1 / float32(min(y+reach, c.h-1)-max(y-reach, 0)+1)
		for x, i := 0, y*c.w; x < c.w; x, i = x+1, i+1 {
			k := one * per[x]
			m := float32(a[i]) * k
			c.mean[i] = m
			c.dev[i] = float32(math.Sqrt(float64(max(float32(b[i])*k-m*m, 0))))
		}
	}
}

// boxSums gives, for each value of w by h, the sum of those at most r away.
func boxSums(v []uint32, w, h, r int) []uint32 {
	out := make([]uint32, len(v))
	col := make([]uint32, w)
	for y := 0; y < min(r, h); y++ {
		for x, s := range v[y*w:][:w] {
			col[x] += s
		}
	}
	for y := range h {
		if y+r < h {
			for x, s := range v[(y+r)*w:][:w] {
				col[x] += s
			}
		}
		if y-r-1 >= 0 {
			for x, s := range v[(y-r-1)*w:][:w] {
				col[x] -= s
			}
		}
		sum := uint32(0)
		for _, s := range col[:min(r, w)] {
			sum += s
		}
		to := out[y*w:][:w]
		for x := range to {
			if x+r < w {
				sum += col[x+r]
			}
			if x-r-1 >= 0 {
				sum -= col[x-r-1]
			}
			to[x] = sum
		}
	}
	return out
}

func (c *cells) levels() {
	var count [512]int // by quarters
	for _, d := range c.dev {
		count[min(int(d*4), 511)]++
	}
	at := func(share int) float32 {
		n := 0
		for i, k := range count {
			if n += k; n*1000 > share*len(c.dev) {
				return float32(i) / 4
			}
		}
		return 0
	}
	c.strong, c.noise = at(995), at(300)
}

// widest gives each value the largest of those at most r away.
func widest(v []uint8, w, h, r int) {
	row := make([]uint8, w+2*r)
	for y := range h {
		line := v[y*w:][:w]
		copy(row[r:], line)
		for x := range line {
			m := row[x]
			for _, k := range row[x+1 : x+2*r+1] {
				m = max(m, k)
			}
			line[x] = m
		}
	}
	ring := make([][]uint8, 2*r+1) // the rows around, as they were
	for i := range ring {
		ring[i] = make([]uint8, w)
		if i >= r && i-r < h {
			copy(ring[i], v[(i-r)*w:][:w])
		}
	}
	for y := range h {
		to := v[y*w:][:w]
		copy(to, ring[0])
		for _, other := range ring[1:] {
			for x, k := range other {
				to[x] = max(to[x], k)
			}
		}
		next := ring[0]
		copy(ring, ring[1:])
		ring[2*r] = next
		if y+r+1 < h {
			copy(next, v[(y+r+1)*w:][:w])
		} else {
			clear(next)
		}
	}
}
