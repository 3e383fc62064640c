package mrc

import (
	"encoding/binary"
	"math"

	"pointnum/kiosk/document/jbig2"
)

const (
	slack   = 0.22 // Sauvola's k, at a contrast of 100
	leastR  = 18
	mostR   = 110
	leastGo = 5 // ink is so much darker than what is around it
	// Where ink is dense, as in a bar code, the mean is as dark as its palest
	// strokes: there all that is darker than so much of the paper is ink.
	strongDev = 45
	inkShade  = 0.6
	// What is brighter than that around it by so many times its distance is no
	// ink where it would be: an eye of a letter in which ink ran. What is
	// darker is, though it is pale: a stroke that was hardly printed.
	sharpen = 0.7
	plain   = 1.3 // times the page's grain is what has no writing in it
	// So many deviations below the mean, ink begins: at the mean itself its
	// edges are, and what ran into the eyes of letters.
	inside = 0.25
	// The edge of a stroke is where it is half as dark as in its middle, so
	// that strokes keep their width and leaders stay dots. Pale ink is not
	// printed evenly: its edge is nearer the paper. The depths are those of the
	// darkest pixel around.
	plainEdge, plainDepth = 0.4, 160
	paleEdge, paleDepth   = 0.3, 100
	// A ground as dark as that, of the paper, is ink all over.
	solid = 0.3
)

// limits gives for each cell the brightness below which a pixel is ink, after
// Sauvola and Pietikäinen (2000). Their R is the deviation that the page's
// strongest contrasts reach, not 128, so that pale type counts as type; and a
// pixel must stand clear of the grain.
func (c *cells) limits(pictures []bool) []uint8 {
	r := min(max(c.strong, leastR), mostR)
	clear := max(3*c.noise, r/10, leastGo)
	shade := inkShade * float32(c.paper)
	out := make([]uint8, len(c.mean))
	for i, m := range c.mean {
		if pictures != nil && pictures[i] {
			continue
		}
		dev := c.dev[i]
		t := min(m*(1-slack/100*(r-dev))-inside*dev, m-clear)
		if dev > plain*c.noise {
			t = min((t+sharpen*c.near[i])/(1+sharpen), m-clear)
		}
		if dev > strongDev {
			t = max(t, shade)
		}
		t = min(t, c.edge(i))
		if c.near[i] < solid*float32(c.paper) {
			t = shade
		}
		out[i] = uint8(min(max(math.Ceil(float64(t)), 0), 255))
	}
	return out
}

// edge is the brightness of the edges of the strokes in a cell.
func (c *cells) edge(i int) float32 {
	depth := float32(c.high[i]) + float32(c.dark[i]) - 255
	plain := min(max((depth-paleDepth)/(plainDepth-paleDepth), 0), 1)
	return float32(c.high[i]) - (paleEdge+plain*(plainEdge-paleEdge))*depth
}

// threshold marks the pixels below the limits of their cells.
func threshold(m *plane, limit []uint8, c *cells) *jbig2.Bitmap {
	mask := jbig2.NewBitmap(m.w, m.h)
	lines := newLines(limit, c)
	for y := range m.h {
		row := mask.Row(y)
		below(row, m.wide(max(y-1, 0)), m.wide(y), m.wide(min(y+1, m.h-1)), lines.at(y))
		row[len(row)-1] &= 0xFF << ((8 - m.w&7) & 7)
	}
	return mask
}

// lines gives the limits of the pixels of a row: between the middles of cells
// they change evenly, or edges would be ragged.
type lines struct {
	limit      []uint8
	w, h, size int
	row        int        // of cells
	three      [3][]uint8 // the limits of the pixels of the one above it, of it and of the one below
	out        []uint8
}

func newLines(limit []uint8, c *cells) *lines {
	l := &lines{limit: limit, w: c.w, h: c.h, size: c.size, row: -1}
	n := (c.w*c.size + 15) &^ 7
	for i := range l.three {
		l.three[i] = make([]uint8, n)
	}
	l.out = make([]uint8, n)
	return l
}

func (l *lines) at(y int) []uint8 {
	if row := y / l.size; row != l.row {
		if l.row = row; row == 0 {
			l.fill(l.three[1], 0)
			copy(l.three[0], l.three[1])
		} else {
			l.three[0], l.three[1], l.three[2] = l.three[1], l.three[2], l.three[0]
		}
		l.fill(l.three[2], min(row+1, l.h-1))
	}
	own := l.three[1]
	in := 2*(y%l.size) + 1 - l.size // from the middle, in half pixels
	if 4*max(in, -in) < l.size {
		return own
	}
	beside := l.three[0]
	if in > 0 {
		beside = l.three[2]
	}
	for i := 0; i+8 <= len(own); i += 8 {
		a, b := binary.LittleEndian.Uint64(own[i:]), binary.LittleEndian.Uint64(beside[i:])
		v := mean(mean(a, b), a)
		if a == 0 || holdsZero(a) || holdsZero(b) {
			v = a
		}
		binary.LittleEndian.PutUint64(l.out[i:], v)
	}
	return l.out
}

// holdsZero says whether one of eight bytes is zero: a picture begins.
func holdsZero(v uint64) bool {
	return (v-0x0101010101010101)&^v&0x8080808080808080 != 0
}

// fill gives the limits of pixels in the middle of a row of cells.
func (l *lines) fill(to []uint8, row int) {
	all := l.limit[row*l.w:][:l.w]
	for x, t := range all {
		before, after := all[max(x-1, 0)], all[min(x+1, l.w-1)]
		if before == 0 {
			before = t
		}
		if after == 0 {
			after = t
		}
		for k := range l.size {
			v := t
			if in := 2*k + 1 - l.size; t == 0 {
			} else if in < 0 {
				v = uint8((int(t)*(2*l.size+in) - int(before)*in) / (2 * l.size))
			} else {
				v = uint8((int(t)*(2*l.size-in) + int(after)*in) / (2 * l.size))
			}
			to[x*l.size+k] = v
		}
	}
}

// below sets the bits of the pixels under their limits, eight at a time. They
// are smoothed for it by those around, as the grain would make edges ragged.
func below(to []byte, above, row, under, limit []uint8) {
	for i := range to {
		l := binary.LittleEndian.Uint64(limit[8*i:])
		if l == 0 {
			continue
		}
		v := mean(mean(smooth(above[8*i:]), smooth(under[8*i:])), smooth(row[8*i:]))
		const high = 0x8080808080808080
		d := (v | high) - l&^high
		less := (^v&l | ^(v^l)&^d) & high
		to[i] = byte(less >> 7 * 0x8040201008040201 >> 56)
	}
}

// smooth weighs the eight pixels from margin on with their neighbours.
func smooth(row []uint8) uint64 {
	a, b, c := binary.LittleEndian.Uint64(row[margin-1:]), binary.LittleEndian.Uint64(row[margin:]), binary.LittleEndian.Uint64(row[margin+1:])
	return mean(mean(a, c), b)
}

// mean is that of eight pairs of bytes.
func mean(a, b uint64) uint64 { return a&b + (a^b)>>1&0x7F7F7F7F7F7F7F7F }
