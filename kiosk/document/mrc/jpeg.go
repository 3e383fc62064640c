package mrc

import (
	"image"
	"math"
	"slices"

	"pointnum/kiosk/document/raster"
)

// progressive writes a picture as progressive JPEG (ITU-T T.81) with Huffman
// tables made for it: first all means of blocks, then the rest of each
// component. The coarse layers are mostly empty, and there it takes a tenth of
// what image/jpeg does, which spends six bits on each empty block.
func progressive(img image.Image, quality int) []byte {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	planes := split(img)
	parts := len(planes)
	out := []byte{0xFF, 0xD8}
	lum, chroma := quantizers(quality)
	out = segment(out, 0xDB, append([]byte{0}, lum[:]...))
	head := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(parts)}
	all := make([]*blocks, parts)
	for i, p := range planes {
		q, sampling, table := &lum, byte(0x11), byte(0)
		if i > 0 {
			q, table = &chroma, 1
		} else if parts > 1 {
			sampling = 0x22
		}
		head = append(head, byte(i+1), sampling, table)
		all[i] = transform(p, q)
	}
	if parts > 1 {
		out = segment(out, 0xDB, append([]byte{1}, chroma[:]...))
	}
	out = segment(out, 0xC2, head)
	out = means(out, all)
	for i, b := range all {
		out = rest(out, b, i, b.needed(w, h, i == 0))
	}
	return append(out, 0xFF, 0xD9)
}

func segment(out []byte, marker byte, data []byte) []byte {
	n := len(data) + 2
	return append(append(out, 0xFF, marker, byte(n>>8), byte(n)), data...)
}

// plane is one component, its sides multiples of a whole number of blocks.
type plane struct {
	w, h int // blocks
	v    []float32
}

// split gives a grey plane, or one of brightness and two of colour at half
// the resolution, filled to whole groups of blocks with the edge's pixels.
func split(img image.Image) []plane {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if g, ok := img.(*image.Gray); ok {
		p := plane{w: (w + 7) / 8, h: (h + 7) / 8}
		p.v = make([]float32, 64*p.w*p.h)
		for i := range p.v {
			x, y := min(i%(8*p.w), w-1), min(i/(8*p.w), h-1)
			p.v[i] = float32(g.Pix[y*g.Stride+x]) - 128
		}
		return []plane{p}
	}
	m := raster.ToRGBA(img)
	gw, gh := (w+15)/16, (h+15)/16
	all := []plane{{w: 2 * gw, h: 2 * gh}, {w: gw, h: gh}, {w: gw, h: gh}}
	for i := range all {
		all[i].v = make([]float32, 64*all[i].w*all[i].h)
	}
	for y := range 16 * gh {
		for x := range 16 * gw {
			p := m.Pix[min(y, h-1)*m.Stride+4*min(x, w-1):]
			r, g, b := float32(p[0]), float32(p[1]), float32(p[2])
			all[0].v[y*16*gw+x] = 0.299*r + 0.587*g + 0.114*b - 128
			i := y/2*8*gw + x/2
			all[1].v[i] += (-0.168736*r - 0.331264*g + 0.5*b) / 4
			all[2].v[i] += (0.5*r - 0.418688*g - 0.081312*b) / 4
		}
	}
	return all
}

// zigzag is the order in which a block's frequencies are written (T.81,
// figure A.6).
func zigzag() (order [64]int) {
	x, y := 0, 0
	for i := range order {
		order[i] = 8*y + x
		switch {
		case (x+y)%2 == 0 && x == 7, (x+y)%2 == 1 && y < 7 && x == 0:
			y++
		case (x+y)%2 == 0 && y == 0, (x+y)%2 == 1 && y == 7:
			x++
		case (x+y)%2 == 0:
			x, y = x+1, y-1
		default:
			x, y = x-1, y+1
		}
	}
	return order
}

// quantizers are those of T.81, annex K, in zigzag order, scaled as libjpeg
// does for a quality of 1 to 100.
func quantizers(quality int) (lum, chroma [64]byte) {
	scale := 200 - 2*quality
	if quality < 50 {
		scale = 5000 / max(quality, 1)
	}
	for i, at := range zigzag() {
		lum[i] = byte(min(max((int(lumTable[at])*scale+50)/100, 1), 255))
		chroma[i] = byte(min(max((int(chromaTable[at])*scale+50)/100, 1), 255))
	}
	return lum, chroma
}

const (
	lumTable = "\x10\x0b\x0a\x10\x18\x28\x33\x3d\x0c\x0c\x0e\x13\x1a\x3a\x3c\x37\x0e\x0d\x10\x18\x28\x39\x45\x38\x0e\x11\x16\x1d\x33\x57\x50\x3e" +
		"\x12\x16\x25\x38\x44\x6d\x67\x4d\x18\x23\x37\x40\x51\x68\x71\x5c\x31\x40\x4e\x57\x67\x79\x78\x65\x48\x5c\x5f\x62\x70\x64\x67\x63"
	chromaTable = "\x11\x12\x18\x2f\x63\x63\x63\x63\x12\x15\x1a\x42\x63\x63\x63\x63\x18\x1a\x38\x63\x63\x63\x63\x63\x2f\x42\x63\x63\x63\x63\x63\x63" +
		"\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63\x63"
)

// blocks are a component's quantized frequencies, in zigzag order.
type blocks struct {
	w, h int
	v    [][64]int32
}

// needed is how many of the blocks hold pixels: a scan of one component has
// only these (T.81, A.2.3).
func (b *blocks) needed(w, h int, full bool) image.Point {
	if !full {
		w, h = (w+1)/2, (h+1)/2
	}
	return image.Pt(min((w+7)/8, b.w), min((h+7)/8, b.h))
}

// transform makes the cosine transform of T.81, A.3.3.
func transform(p plane, q *[64]byte) *blocks {
	var cosine [8][8]float32
	for u := range 8 {
		for x := range 8 {
			c := 0.5 * math.Cos(float64(2*x+1)*float64(u)*math.Pi/16)
			if u == 0 {
				c /= math.Sqrt2
			}
			cosine[u][x] = float32(c)
		}
	}
	order := zigzag()
	b := &blocks{w: p.w, h: p.h, v: make([][64]int32, p.w*p.h)}
	for i := range b.v {
		var in, half, out [64]float32
		flat := true
		for y := range 8 {
			copy(in[8*y:8*y+8], p.v[(i/p.w*8+y)*8*p.w+i%p.w*8:])
		}
		for _, v := range in {
			flat = flat && v == in[0]
		}
		if flat {
			b.v[i][0] = int32(math.Round(float64(8 * in[0] / float32(q[0]))))
			continue
		}
		for y := range 8 {
			row := in[8*y : 8*y+8]
			for u := range 8 {
				c := &cosine[u]
				half[8*u+y] = row[0]*c[0] + row[1]*c[1] + row[2]*c[2] + row[3]*c[3] + row[4]*c[4] + row[5]*c[5] + row[6]*c[6] + row[7]*c[7]
			}
		}
		for u := range 8 {
			col := half[8*u : 8*u+8]
			for v := range 8 {
				c := &cosine[v]
				out[8*v+u] = col[0]*c[0] + col[1]*c[1] + col[2]*c[2] + col[3]*c[3] + col[4]*c[4] + col[5]*c[5] + col[6]*c[6] + col[7]*c[7]
			}
		}
		for k, at := range order {
			b.v[i][k] = int32(math.Round(float64(out[at] / float32(q[k]))))
		}
	}
	return b
}

// symbol is what is written by a table, and the bits behind it.
type symbol struct {
	table byte
	code  byte
	bits  uint32
	n     int
}

// magnitude gives the number of bits of a value, and them (T.81, F.1.2.1).
func magnitude(v int32) (n int, bits uint32) {
	a := max(v, -v)
	for ; a>>n != 0; n++ {
	}
	if v < 0 {
		v += 1<<n - 1
	}
	return n, uint32(v)
}

// means is the scan of all components' first coefficients.
func means(out []byte, all []*blocks) []byte {
	var s []symbol
	var last [3]int32
	put := func(i, x, y int) {
		v := all[i].v[y*all[i].w+x][0]
		n, bits := magnitude(v - last[i])
		last[i] = v
		s = append(s, symbol{byte(min(i, 1)), byte(n), bits, n})
	}
	if len(all) == 1 {
		for i := range all[0].v {
			put(0, i%all[0].w, i/all[0].w)
		}
		return scan(out, s, 0x00, []byte{1, 1, 0x00, 0, 0, 0})
	}
	for i := range all[1].v {
		x, y := i%all[1].w, i/all[1].w
		for k := range 4 {
			put(0, 2*x+k%2, 2*y+k/2)
		}
		put(1, x, y)
		put(2, x, y)
	}
	return scan(out, s, 0x00, []byte{3, 1, 0x00, 2, 0x10, 3, 0x10, 0, 0, 0})
}

// rest is the scan of one component's other coefficients (T.81, G.1.2.2):
// empty blocks in a row are counted.
func rest(out []byte, b *blocks, component int, needed image.Point) []byte {
	var s []symbol
	empty := 0
	end := func() {
		if empty > 0 {
			n, _ := magnitude(int32(empty))
			s = append(s, symbol{0, byte(n-1) << 4, uint32(empty) & (1<<(n-1) - 1), n - 1})
			empty = 0
		}
	}
	for y := range needed.Y {
		for x := range needed.X {
			v := &b.v[y*b.w+x]
			zeros := 0
			for k := 1; k < 64; k++ {
				if v[k] == 0 {
					zeros++
					continue
				}
				end()
				for ; zeros > 15; zeros -= 16 {
					s = append(s, symbol{code: 0xF0})
				}
				n, bits := magnitude(v[k])
				s = append(s, symbol{0, byte(zeros<<4 | n), bits, n})
				zeros = 0
			}
			if zeros > 0 {
				if empty++; empty == 0x7FFF {
					end()
				}
			}
		}
	}
	end()
	return scan(out, s, 0x10, []byte{1, byte(component + 1), 0x00, 1, 63, 0})
}

// scan writes the tables for symbols, a scan's header and the symbols.
func scan(out []byte, s []symbol, class byte, head []byte) []byte {
	var count [2][257]int
	for _, v := range s {
		count[v.table][v.code]++
	}
	var codes [2][256]uint32
	var sizes [2][256]int
	for t := range count {
		lengths, values := huffman(count[t])
		if len(values) == 0 && t > 0 {
			continue
		}
		if len(values) == 0 {
			lengths[0], values = 1, []byte{0}
		}
		out = segment(out, 0xC4, append(append([]byte{class | byte(t)}, lengths[:]...), values...))
		code, k := uint32(0), 0
		for n, m := range lengths {
			for range m {
				codes[t][values[k]], sizes[t][values[k]] = code, n+1
				code, k = code+1, k+1
			}
			code <<= 1
		}
	}
	out = segment(out, 0xDA, head)
	var held uint64
	bits := 0
	put := func(v uint32, n int) {
		held, bits = held<<n|uint64(v), bits+n
		for ; bits >= 8; bits -= 8 {
			c := byte(held >> (bits - 8))
			if out = append(out, c); c == 0xFF {
				out = append(out, 0)
			}
		}
	}
	for _, v := range s {
		put(codes[v.table][v.code], sizes[v.table][v.code])
		put(v.bits, v.n)
	}
	if bits > 0 {
		put(0x7F, 7)
	}
	return out
}

// huffman makes the code of at most 16 bits for symbols counted so often
// (T.81, annex K.2). count[256] keeps the code of all ones free.
func huffman(count [257]int) (lengths [16]byte, values []byte) {
	count[256] = 1
	var size [257]int
	var other [257]int
	for i := range other {
		other[i] = -1
	}
	for {
		a, b := -1, -1
		for i, n := range count {
			if n == 0 {
				continue
			}
			if a < 0 || n <= count[a] {
				a, b = i, a
			} else if b < 0 || n <= count[b] {
				b = i
			}
		}
		if b < 0 {
			break
		}
		count[a], count[b] = count[a]+count[b], 0
		for ; ; a = other[a] {
			size[a]++
			if other[a] < 0 {
				break
			}
		}
		other[a] = b
		for ; b >= 0; b = other[b] {
			size[b]++
		}
	}
	var n [260]int
	for _, s := range size {
		n[s]++
	}
	shorten(&n)
	for i := range lengths {
		lengths[i] = byte(n[i+1])
	}
	for i := range 256 {
		if size[i] > 0 {
			values = append(values, byte(i))
		}
	}
	slices.SortStableFunc(values, func(a, b byte) int { return size[a] - size[b] })
	return lengths, values
}

// shorten makes codes of at most 16 bits out of longer ones, of which n are
// counted by their length, and takes the code of all ones away (figures K.3
// and K.4).
func shorten(n *[260]int) {
	for i := 259; i > 16; i-- {
		for n[i] > 0 {
			j := i - 2
			for n[j] == 0 {
				j--
			}
			n[i], n[i-1], n[j+1], n[j] = n[i]-2, n[i-1]+1, n[j+1]+2, n[j]-1
		}
	}
	last := 16
	for last > 0 && n[last] == 0 {
		last--
	}
	if last > 0 {
		n[last]--
	}
}
