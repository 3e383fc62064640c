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
		t := min(m*(1-slack/100*(r-dev)), m-clear)
		if dev > strongDev {
			t = max(t, shade)
		}
		out[i] = uint8(min(max(math.Ceil(float64(t)), 0), 255))
	}
	return out
}

// threshold marks the pixels below the limits of their cells.
func threshold(m *plane, limit []uint8, c *cells) *jbig2.Bitmap {
	mask := jbig2.NewBitmap(m.w, m.h)
	line := make([]uint8, c.w*c.size+8)
	for y := range m.h {
		if y%c.size == 0 {
			for x, t := range limit[y/c.size*c.w:][:c.w] {
				for k := range c.size {
					line[x*c.size+k] = t
				}
			}
		}
		row := mask.Row(y)
		below(row, m.wide(max(y-1, 0)), m.wide(y), m.wide(min(y+1, m.h-1)), line)
		row[len(row)-1] &= 0xFF << ((8 - m.w&7) & 7)
	}
	return mask
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
