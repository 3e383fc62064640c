package mrc

import (
	"image/color"

	"pointnum/kiosk/document/jbig2"
)

// stroke is a patch of ink, or the part of a large one in one tile, and the
// sums of its pixels.
type stroke struct {
	r, g, b, n uint32
	ink        uint8 // index of the ink it is drawn with
}

// strokes are all strokes of a mask. Those of the patch i start at first[i].
type strokes struct {
	patches
	tile  int // pixels
	first []int32
	all   []stroke
}

const (
	// tileOf an inch, large patches are cut: letters that touch a line, a
	// stamp over print.
	tileOf   = 6
	saturate = 0.15 // the colour of ink is told from grey by so much
	hueReach = 0.40 // from one ink to the next: the sum for red, green, blue
	// The same where paper has a colour of its own: it shines through.
	tintedReach = 1
	// Strokes that are less dark tell nothing of the ink's colour.
	leastDepth = 40
	inksOfPage = 4
	leastHue   = 400  // pixels at 300 dpi of an ink of its own
	blackInk   = 0.35 // darker ink is drawn black
	// Ink that is paler is drawn so dark, of white: it reads better.
	palestInk = 0.45
)

func (p *page) strokes(found patches) *strokes {
	s := &strokes{patches: found, tile: max(p.dpi/tileOf, 8), first: make([]int32, len(found.found))}
	n := int32(0)
	for i := range found.found {
		s.first[i] = n
		nx, ny := s.tiles(&found.found[i])
		n += int32(nx * ny)
	}
	s.all = make([]stroke, n)
	for y := range len(s.start) - 1 {
		for _, r := range s.runs[s.start[y]:s.start[y+1]] {
			p.add(s, y, r)
		}
	}
	return s
}

// tiles says into how many tiles a patch is cut.
func (s *strokes) tiles(p *part) (nx, ny int) {
	w, h := p.x1-p.x0, p.y1-p.y0
	if w <= 2*s.tile && h <= 2*s.tile {
		return 1, 1
	}
	return (w + s.tile - 1) / s.tile, (h + s.tile - 1) / s.tile
}

// at gives the stroke of a patch at a place, and where the next one starts.
func (s *strokes) at(i int32, x, y int) (*stroke, int) {
	p := &s.found[i]
	nx, ny := s.tiles(p)
	if nx*ny == 1 {
		return &s.all[s.first[i]], p.x1
	}
	tx, ty := (x-p.x0)/s.tile, (y-p.y0)/s.tile
	return &s.all[s.first[i]+int32(ty*nx+tx)], min(p.x0+(tx+1)*s.tile, p.x1)
}

// add adds the colours of a run, whose ends are paler than its ink.
func (p *page) add(s *strokes, y int, r run) {
	x, end := int(r.x0), int(r.x1)
	if end-x > 2 {
		x, end = x+1, end-1
	}
	for x < end {
		to, next := s.at(r.part, x, y)
		next = min(next, end)
		to.n += uint32(next - x)
		if p.color == nil {
			for _, v := range p.gray.row(y)[x:next] {
				to.g += uint32(v)
			}
		} else {
			for row := p.colors(x, next, y); len(row) >= 4; row = row[4:] {
				to.r, to.g, to.b = to.r+uint32(row[0]), to.g+uint32(row[1]), to.b+uint32(row[2])
			}
		}
		x = next
	}
}

// hue is how much of red, green and blue an ink takes away; the largest is 1.
type hue [3]float32

func (s *stroke) hue() (h hue, depth float32) {
	n := float32(s.n)
	h = hue{255 - float32(s.r)/n, 255 - float32(s.g)/n, 255 - float32(s.b)/n}
	depth = max(h[0], h[1], h[2], 1)
	return hue{h[0] / depth, h[1] / depth, h[2] / depth}, depth
}

func (a hue) far(b hue) float32 {
	x, y, z := a[0]-b[0], a[1]-b[1], a[2]-b[2]
	return max(x, -x) + max(y, -y) + max(z, -z)
}

// ink is what strokes of about the same colour are drawn with.
type ink struct {
	hue   hue
	n     float32
	sum   hue
	depth [256]uint32 // pixels by how dark their strokes are
}

// inks finds the inks of a page, and which of them each stroke is drawn with.
func (p *page) inks(s *strokes, white bool) []ink {
	all := []ink{{hue: hue{1, 1, 1}}}
	if p.color != nil {
		all = s.hues(p.dpi, white)
	}
	for i := range s.all {
		t := &s.all[i]
		if t.n == 0 {
			continue
		}
		if p.color == nil {
			all[0].depth[255-t.g/t.n] += t.n
			continue
		}
		h, depth := t.hue()
		for k := range all {
			if h.far(all[k].hue) < h.far(all[t.ink].hue) {
				t.ink = uint8(k)
			}
		}
		all[t.ink].depth[int(depth)] += t.n
	}
	return all
}

// hues finds the inks by their colour: first the commonest, then what is far
// from it, and so on.
func (s *strokes) hues(dpi int, white bool) (found []ink) {
	reach := float32(hueReach)
	if !white {
		reach = tintedReach
	}
	const steps = 16
	var count [steps * steps * steps]ink
	for i := range s.all {
		t := &s.all[i]
		if t.n == 0 {
			continue
		}
		h, depth := t.hue()
		if depth < leastDepth {
			continue
		}
		k := &count[int(h[0]*(steps-1)+0.5)*steps*steps+int(h[1]*(steps-1)+0.5)*steps+int(h[2]*(steps-1)+0.5)]
		k.n += float32(t.n)
		for c := range h {
			k.sum[c] += h[c] * float32(t.n)
		}
	}
	least := float32(leastHue*dpi*dpi) / (300 * 300)
	for len(found) < inksOfPage {
		best := -1
		for i := range count {
			if count[i].n > 0 && (best < 0 || count[i].n > count[best].n) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		middle := count[best].mean()
		var k ink
		for i := range count {
			if c := &count[i]; c.n > 0 && c.mean().far(middle) < reach {
				k.n += c.n
				for j := range k.sum {
					k.sum[j] += c.sum[j]
				}
				c.n = 0
			}
		}
		k.hue = k.mean()
		if 1-min(k.hue[0], k.hue[1], k.hue[2]) < saturate {
			k.hue = hue{1, 1, 1}
		}
		if k.n >= least || len(found) == 0 {
			found = append(found, k)
		}
	}
	return found
}

func (k *ink) mean() hue { return hue{k.sum[0] / k.n, k.sum[1] / k.n, k.sum[2] / k.n} }

// color is what the ink is drawn with: as dark as the darker of its strokes,
// and dark enough to be read.
func (k *ink) color() color.RGBA {
	total := uint32(0)
	for _, n := range k.depth {
		total += n
	}
	sum, d := uint32(0), 255
	for ; d > 0; d-- {
		if sum += k.depth[d]; 10*sum >= 3*total {
			break
		}
	}
	depth := float32(d)
	at := func(depth float32) (c [3]float32) {
		for i, v := range k.hue {
			c[i] = max(255-depth*v, 0)
		}
		return c
	}
	c := at(depth)
	for light(c) > palestInk*255 && depth < 255 {
		depth++
		c = at(depth)
	}
	if grey := k.hue == (hue{1, 1, 1}); grey && light(c) < blackInk*255 {
		c = [3]float32{}
	}
	return color.RGBA{uint8(c[0]), uint8(c[1]), uint8(c[2]), 255}
}

func light(c [3]float32) float32 { return 0.3*c[0] + 0.59*c[1] + 0.11*c[2] }

// stencils cuts a mask into those of the inks.
func (s *strokes) stencils(mask *jbig2.Bitmap, inks []ink) []Stencil {
	var out []Stencil
	used := make([]bool, len(inks))
	for i := range s.all {
		used[s.all[i].ink] = used[s.all[i].ink] || s.all[i].n > 0
	}
	index := make([]int, len(inks))
	for i := range inks {
		if index[i] = -1; used[i] {
			index[i] = len(out)
			out = append(out, Stencil{Color: inks[i].color()})
		}
	}
	if len(out) == 1 {
		out[0].Mask = mask
		return out
	}
	for i := range out {
		out[i].Mask = jbig2.NewBitmap(mask.Width, mask.Height)
	}
	for y := range mask.Height {
		for _, r := range s.runs[s.start[y]:s.start[y+1]] {
			for x := int(r.x0); x < int(r.x1); {
				t, next := s.at(r.part, x, y)
				next = min(next, int(r.x1))
				paint(out[max(index[t.ink], 0)].Mask.Row(y), x, next)
				x = next
			}
		}
	}
	return out
}

// paint makes the pixels from x0 to x1 black.
func paint(row []byte, x0, x1 int) {
	a, b := x0>>3, (x1-1)>>3
	first, last := byte(0xFF)>>(x0&7), byte(0xFF)<<(7-(x1-1)&7)
	if a == b {
		row[a] |= first & last
		return
	}
	row[a] |= first
	for i := a + 1; i < b; i++ {
		row[i] = 0xFF
	}
	row[b] |= last
}
