// Package codes finds where on a page there are codes made for machines: QR
// codes, DataMatrix, bar codes. It reads none of them. Whoever makes a page
// smaller keeps these places fine, for a code of which one module in twenty
// flips is lost, where writing would stay legible.
package codes

import (
	"image"
	"slices"

	"pointnum/kiosk/document/raster"
)

const (
	copyDPI = 75 // the page is looked at in squares of a pixel of it
	reach   = 6  // squares: as far as shares are looked for, 4 mm in all
	// Of the squares around a place in a code so many percent are dark: of
	// type, with white between its lines and letters, far fewer.
	leastDark = 34
	// A code amid dense type is told from it by its being darker, and what a
	// code has of sparse places belongs to it.
	leastDense, leastSparse = 40, 30
	mostDark                = 68
	steps                   = 14 // and so many percent of them are unlike their neighbour
	darkShade               = 58 // percent of the paper's brightness
	filled                  = 50 // percent of a place's frame is so
	// A place has so many squares a side, four millimetres less than its code.
	leastSide, leastLong = 18, 28
)

// Find gives the places of codes on a page of a resolution, with two
// millimetres around each. It may find what is no code
// (a halftone picture, writing that is not upright), and finds none that is
// smaller than eight millimetres.
func Find(m *image.Gray, dpi int) []image.Rectangle {
	f := &finder{m: m, dpi: dpi, size: max((dpi+copyDPI/2)/copyDPI, 1)}
	f.w, f.h = m.Rect.Dx()/f.size, m.Rect.Dy()/f.size
	if f.w <= 2*reach || f.h <= 2*reach {
		return nil
	}
	f.measure()
	dark, step := sums(f.dark, f.w, f.h), sums(f.step, f.w, f.h)
	var found []image.Rectangle
	for _, least := range [...]int{leastDense, leastDark, leastSparse} {
		f.spread(dark, step, least)
		for _, r := range f.codes() {
			if least > leastSparse || slices.ContainsFunc(found, r.Overlaps) {
				found = raster.Join(found, r) // some are sparse in their middle
			}
		}
	}
	return slices.DeleteFunc(found, func(r image.Rectangle) bool { return f.isType(r.Inset(dpi * 2 / 25)) })
}

// codes gives the places that are marked and no type.
func (f *finder) codes() (found []image.Rectangle) {
	m, around := f.m, f.dpi*2/25
	for _, r := range f.places() {
		if min(r.Dx(), r.Dy()) < leastSide || max(r.Dx(), r.Dy()) < leastLong {
			continue
		}
		// The squares within reach of a code's edge were not found.
		r = r.Inset(-reach / 2)
		page := image.Rect(r.Min.X*f.size, r.Min.Y*f.size, r.Max.X*f.size, r.Max.Y*f.size).Add(m.Rect.Min).Intersect(m.Rect)
		if !f.isType(page) {
			found = append(found, page.Inset(-around).Intersect(m.Rect))
		}
	}
	return found
}

// finder looks at squares of the page.
type finder struct {
	m          *image.Gray
	dpi        int
	size, w, h int
	limit      uint8   // what is darker is no paper
	dark, step []uint8 // of each square: 1 when it is dark; how many of two neighbours are not as it
	in         []bool  // as in a code
}

// measure samples the middle of each square.
func (f *finder) measure() {
	f.dark, f.step = make([]uint8, f.w*f.h), make([]uint8, f.w*f.h)
	var count [256]int
	for y := range f.h {
		row := f.m.Pix[(y*f.size+f.size/2)*f.m.Stride:]
		for x := range f.w {
			v := row[x*f.size+f.size/2]
			f.dark[y*f.w+x] = v
			count[v>>3]++
		}
	}
	paper := 31
	for v := range count[:32] {
		if v >= 12 && count[v] > count[paper] {
			paper = v
		}
	}
	f.limit = uint8((paper*8 + 4) * darkShade / 100)
	for i, v := range f.dark {
		f.dark[i] = 0
		if v < f.limit {
			f.dark[i] = 1
		}
	}
	for i := f.w + 1; i < len(f.dark); i++ {
		f.step[i] = f.dark[i] ^ f.dark[i-1] + f.dark[i] ^ f.dark[i-f.w]
	}
}

// spread marks the squares around which there is about as much dark as light,
// in small pieces.
func (f *finder) spread(dark, step []uint16, least int) {
	f.in = make([]bool, f.w*f.h)
	const all = (2*reach + 1) * (2*reach + 1)
	for i, n := range dark {
		f.in[i] = 100*int(n) >= least*all && 100*int(n) <= mostDark*all && 100*int(step[i]) >= steps*all
	}
}

// sums gives for each of w by h values the sum of those within reach.
func sums(v []uint8, w, h int) []uint16 {
	out, col := make([]uint16, len(v)), make([]uint16, w)
	for y := -reach; y < h; y++ {
		if y+reach < h {
			for x, n := range v[(y+reach)*w:][:w] {
				col[x] += uint16(n)
			}
		}
		if y > reach {
			for x, n := range v[(y-reach-1)*w:][:w] {
				col[x] -= uint16(n)
			}
		}
		if y < 0 {
			continue
		}
		sum := uint16(0)
		for _, n := range col[:reach] {
			sum += n
		}
		to := out[y*w:][:w]
		for x := range to {
			if x+reach < w {
				sum += col[x+reach]
			}
			if x > reach {
				sum -= col[x-reach-1]
			}
			to[x] = sum
		}
	}
	return out
}

// places joins squares that are as in a code.
func (f *finder) places() []image.Rectangle {
	var found []image.Rectangle
	var stack []int
	for start, is := range f.in {
		if !is {
			continue
		}
		f.in[start] = false
		stack = append(stack[:0], start)
		box := image.Rectangle{}
		n := 0
		for len(stack) > 0 {
			i := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := i%f.w, i/f.w
			box = box.Union(image.Rect(x, y, x+1, y+1))
			n++
			for _, p := range [4]image.Point{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
				if k := p.Y*f.w + p.X; p.X >= 0 && p.X < f.w && p.Y >= 0 && p.Y < f.h && f.in[k] {
					f.in[k] = false
					stack = append(stack, k)
				}
			}
		}
		if 100*n >= filled*box.Dx()*box.Dy() {
			found = append(found, box)
		}
	}
	return found
}
