package upright

import (
	"image"

	"pointnum/kiosk/document/raster"
)

// copySide is the long side of the copy that is looked at: about 150 dpi of
// A4, where the letters of small print are still told apart.
const copySide = 1760

// small averages the page's brightness down by a whole factor.
func small(img image.Image) (pix []uint8, w, h int) {
	b := img.Bounds()
	n := max(1, (max(b.Dx(), b.Dy())+copySide/2)/copySide)
	w, h = b.Dx()/n, b.Dy()/n
	pix = make([]uint8, w*h)
	if w == 0 || h == 0 {
		return nil, 0, 0
	}
	var src []uint8
	stride, step := 0, 1
	switch m := img.(type) {
	case *image.RGBA:
		// Green alone stands for brightness: it is the most of it.
		src, stride, step = m.Pix[m.PixOffset(b.Min.X, b.Min.Y)+1:], m.Stride, 4
	default:
		g := raster.Gray(img)
		src, stride = g.Pix, g.Stride
	}
	sum := make([]uint32, w)
	for y := range h {
		clear(sum)
		for k := range n {
			addRow(sum, src[(y*n+k)*stride:], step, n)
		}
		to := pix[y*w : (y+1)*w]
		for x, s := range sum {
			to[x] = uint8(s / uint32(n*n))
		}
	}
	return pix, w, h
}

// addRow adds each n pixels of a row, step bytes apart, to one sum.
func addRow(sum []uint32, row []uint8, step, n int) {
	if n == 2 && step == 4 {
		row = row[:8*len(sum)-3]
		for x := range sum {
			sum[x] += uint32(row[8*x]) + uint32(row[8*x+4])
		}
		return
	}
	i := 0
	for x := range sum {
		s := uint32(0)
		for range n {
			s += uint32(row[i])
			i += step
		}
		sum[x] += s
	}
}

// What counts as ink: darker by this than the mean of the square around it.
const (
	groundRadius = 16
	inkDepth     = 16
)

// box is a connected piece of ink, its pixels from (x0, y0) to before (x1, y1).
type box struct{ x0, y0, x1, y1, ink int32 }

func (b box) w() int32 { return b.x1 - b.x0 }
func (b box) h() int32 { return b.y1 - b.y0 }

// turned gives the box as it is on the page turned by 90 degrees clockwise; h
// is the page's height before.
func (b box) turned(h int) box {
	return box{int32(h) - b.y1, b.x0, int32(h) - b.y0, b.x1, b.ink}
}

// run is ink in a row, from x0 to before x1, of the piece with that number.
type run struct{ x0, x1, piece int32 }

// pieces finds the connected pieces of ink.
func pieces(pix []uint8, w, h int) []box {
	var p joined
	cols := make([]int32, w)
	top, bottom := 0, 0
	var last, now []run
	for y := range h {
		for ; bottom <= min(y+groundRadius, h-1); bottom++ {
			for x, v := range pix[bottom*w : (bottom+1)*w] {
				cols[x] += int32(v)
			}
		}
		for ; top < y-groundRadius; top++ {
			for x, v := range pix[top*w : (top+1)*w] {
				cols[x] -= int32(v)
			}
		}
		now = inkRuns(now[:0], pix[y*w:(y+1)*w], cols, int32(bottom-top))
		p.join(last, now, int32(y))
		last, now = now, last
	}
	return p.boxes()
}

// inkRuns finds the ink of a row; cols holds the sums of n rows around it.
func inkRuns(runs []run, row []uint8, cols []int32, n int32) []run {
	w := len(row)
	sum := int32(0)
	for x := range min(groundRadius, w) {
		sum += cols[x]
	}
	inside := false
	for x, v := range row {
		left, right := x-groundRadius-1, x+groundRadius
		if right < w {
			sum += cols[right]
		}
		if left >= 0 {
			sum -= cols[left]
		}
		area := int32(min(right, w-1)-max(left, -1)) * n
		ink := (int32(v)+inkDepth)*area < sum
		if ink != inside {
			if ink {
				runs = append(runs, run{x0: int32(x)})
			} else {
				runs[len(runs)-1].x1 = int32(x)
			}
			inside = ink
		}
	}
	if inside {
		runs[len(runs)-1].x1 = int32(w)
	}
	return runs
}

// joined keeps which pieces turned out to be one.
type joined struct {
	parent []int32
	box    []box
}

func (j *joined) root(i int32) int32 {
	for j.parent[i] != i {
		j.parent[i] = j.parent[j.parent[i]]
		i = j.parent[i]
	}
	return i
}

// join gives the runs of a row the pieces of those they touch in the row
// above, corners included.
func (j *joined) join(above, runs []run, y int32) {
	k := 0
	for i := range runs {
		r := &runs[i]
		r.piece = -1
		for k < len(above) && above[k].x1 < r.x0 {
			k++
		}
		for m := k; m < len(above) && above[m].x0 <= r.x1; m++ {
			a := j.root(above[m].piece)
			switch {
			case r.piece < 0:
				r.piece = a
			case r.piece != a:
				j.merge(r.piece, a)
				r.piece = j.root(a)
			}
		}
		if r.piece < 0 {
			r.piece = int32(len(j.parent))
			j.parent = append(j.parent, r.piece)
			j.box = append(j.box, box{r.x0, y, r.x1, y + 1, 0})
		}
		b := &j.box[r.piece]
		b.x0, b.x1, b.y1 = min(b.x0, r.x0), max(b.x1, r.x1), y+1
		b.ink += r.x1 - r.x0
	}
}

func (j *joined) merge(a, b int32) {
	a, b = min(a, b), max(a, b)
	j.parent[b] = a
	p, q := &j.box[a], j.box[b]
	*p = box{min(p.x0, q.x0), min(p.y0, q.y0), max(p.x1, q.x1), max(p.y1, q.y1), p.ink + q.ink}
}

// boxes gives the pieces that are large enough to be a dot.
func (j *joined) boxes() []box {
	var all []box
	for i, p := range j.parent {
		if b := j.box[i]; p == int32(i) && b.ink >= 3 {
			all = append(all, b)
		}
	}
	return all
}
