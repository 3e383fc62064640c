package mrc

import "pointnum/kiosk/document/jbig2"

// run is a stretch of black pixels in a row.
type run struct {
	x0, x1 int32 // x1 is behind it
	part   int32
}

// part is a connected patch of black pixels, diagonals included.
type part struct {
	area           int
	x0, y0, x1, y1 int
}

// parts joins the black pixels of a picture. Runs of row y are
// runs[start[y]:start[y+1]], and each belongs to the part parts[run.part].
func parts(b *jbig2.Bitmap) (runs []run, start []int, found []part) {
	start = make([]int, b.Height+1)
	var parent []int32
	root := func(i int32) int32 {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	for y := range b.Height {
		start[y] = len(runs)
		runs = rowRuns(runs, b.Row(y), b.Width)
		above := runs[start[max(y-1, 0)]:start[y]]
		for i := start[y]; i < len(runs); i++ {
			r := &runs[i]
			r.part = -1
			for len(above) > 0 && above[0].x1 < r.x0 {
				above = above[1:]
			}
			for k := 0; k < len(above) && above[k].x0 <= r.x1; k++ {
				if p := root(above[k].part); r.part < 0 {
					r.part = p
				} else if q := root(r.part); p != q {
					parent[max(p, q)] = min(p, q)
				}
			}
			if r.part < 0 {
				r.part = int32(len(parent))
				parent = append(parent, r.part)
			}
		}
	}
	start[b.Height] = len(runs)
	found = make([]part, len(parent))
	for y := range b.Height {
		for i := start[y]; i < start[y+1]; i++ {
			r := &runs[i]
			r.part = root(r.part)
			p := &found[r.part]
			if p.area == 0 {
				*p = part{x0: int(r.x0), y0: y}
			}
			p.area += int(r.x1 - r.x0)
			p.x0, p.x1, p.y1 = min(p.x0, int(r.x0)), max(p.x1, int(r.x1)), y+1
		}
	}
	return runs, start, found
}

// rowRuns appends the runs of a row of w pixels.
func rowRuns(runs []run, row []byte, w int) []run {
	from := int32(-1)
	for i, v := range row {
		if v == 0 && from < 0 || v == 0xFF && from >= 0 {
			continue
		}
		if v == 0 {
			runs, from = append(runs, run{x0: from, x1: int32(8 * i)}), -1
			continue
		}
		for k := int32(0); k < 8; k++ {
			if black := v<<k&0x80 != 0; black && from < 0 {
				from = int32(8*i) + k
			} else if !black && from >= 0 {
				runs, from = append(runs, run{x0: from, x1: int32(8*i) + k}), -1
			}
		}
	}
	if from >= 0 {
		runs = append(runs, run{x0: from, x1: int32(w)})
	}
	return runs
}

// speck is the area, in pixels at 300 dpi, below which a patch is grain: a
// full stop has ten times as many.
const speck = 6

// Patches below dot, pixels at 300 dpi too, are grain as well when they are
// darker than what is around them by less than dotDepth of what the larger
// ones are.
const (
	dot      = 24
	dotDepth = 0.5
)

// patches are the connected patches of a mask.
type patches struct {
	runs  []run
	start []int // runs[start[y]:start[y+1]] are in row y
	found []part
}

// clean takes specks out of the mask, and what is as large as the page and
// filled: the shadow of an edge, a dark ground. The background shows them. It
// gives what is left.
func clean(b *jbig2.Bitmap, m *plane, c *cells, dpi int) patches {
	least := max(3, speck*dpi*dpi/(300*300))
	runs, start, found := parts(b)
	most := dot * dpi * dpi / (300 * 300)
	if c.paper >= whitePaper {
		most = 0 // there is no grain any more, and a dot may be a piece of a pale letter
	}
	pale := paleDots(runs, start, found, m, c, most)
	n := 0
	for y := range b.Height {
		from := n
		for _, r := range runs[start[y]:start[y+1]] {
			p := &found[r.part]
			w, h := p.x1-p.x0, p.y1-p.y0
			if p.area < least || pale[r.part] || 2*w > b.Width && 2*h > b.Height && 4*p.area > w*h {
				erase(b.Row(y), int(r.x0), int(r.x1))
				continue
			}
			runs[n] = r
			n++
		}
		start[y] = from
	}
	start[b.Height] = n
	return patches{runs[:n], start, found}
}

// paleDots says which patches of less than most pixels are pale.
func paleDots(runs []run, start []int, found []part, m *plane, c *cells, most int) []bool {
	depth := make([]int32, len(found)) // sums, of the small ones
	sum, n := 0, 0
	for y := range len(start) - 1 {
		row, mean := m.row(y), c.mean[y/c.size*c.w:]
		for _, r := range runs[start[y]:start[y+1]] {
			if found[r.part].area >= most {
				x := int(r.x0+r.x1) / 2
				sum, n = sum+int(mean[x/c.size])-int(row[x]), n+1
				continue
			}
			for x := int(r.x0); x < int(r.x1); x++ {
				depth[r.part] += int32(mean[x/c.size]) - int32(row[x])
			}
		}
	}
	pale := make([]bool, len(found))
	for i, d := range depth {
		pale[i] = found[i].area < most && float64(d)*float64(n) < dotDepth*float64(sum)*float64(found[i].area)
	}
	return pale
}

func erase(row []byte, x0, x1 int) {
	for x := x0; x < x1; x++ {
		row[x>>3] &^= 0x80 >> (x & 7)
	}
}

// widen gives a picture with two pixels more of black on every side.
func widen(b *jbig2.Bitmap) *jbig2.Bitmap {
	wide := jbig2.NewBitmap(b.Width, b.Height)
	for y := range b.Height {
		row, out := b.Row(y), wide.Row(y)
		for i, v := range row {
			m := uint32(v) << 8
			if i > 0 {
				m |= uint32(row[i-1]) << 16
			}
			if i+1 < len(row) {
				m |= uint32(row[i+1])
			}
			if m != 0 {
				out[i] = byte((m | m<<1 | m<<2 | m>>1 | m>>2) >> 8)
			}
		}
		out[len(out)-1] &= 0xFF << (-b.Width & 7) // what is behind the row is white
	}
	out := jbig2.NewBitmap(b.Width, b.Height)
	for y := range b.Height {
		to := out.Row(y)
		for k := max(y-2, 0); k <= min(y+2, b.Height-1); k++ {
			for i, v := range wide.Row(k) {
				to[i] |= v
			}
		}
	}
	return out
}
