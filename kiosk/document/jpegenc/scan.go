package jpegenc

import "math/bits"

// frame is a picture ready to be written.
type frame struct {
	w, h int
	half bool // colours have half the resolution
	all  []*blocks
}

// scans writes the means of all blocks, then the rest of each component, the
// low frequencies apart from the high ones, for which other codes are short.
func (f *frame) scans(out []byte) []byte {
	head := []byte{byte(len(f.all))}
	for i := range f.all {
		head = append(head, byte(i+1), byte(min(i, 1))<<4)
	}
	out = scan(out, append(head, 0, 0, 0), 0x00, f.means)
	for i := range f.all {
		for _, band := range [][2]int{{1, 5}, {6, 63}} {
			out = scan(out, []byte{1, byte(i + 1), 0, byte(band[0]), byte(band[1]), 0}, 0x10, func(c *coder) { f.rest(c, i, band[0], band[1]) })
		}
	}
	return out
}

// scan makes a scan twice: to count what its codes are, and to write them.
func scan(out []byte, head []byte, class byte, each func(c *coder)) []byte {
	count := &coder{}
	each(count)
	write := &coder{writing: true}
	for t := range count.count {
		lengths, values := huffman(count.count[t])
		if len(values) == 0 {
			if t > 0 {
				continue
			}
			lengths[0], values = 1, []byte{0}
		}
		out = segment(out, 0xC4, append(append([]byte{class | byte(t)}, lengths[:]...), values...))
		write.table(t, lengths, values)
	}
	write.out = segment(out, 0xDA, head)
	each(write)
	return write.end()
}

// coder counts symbols, or writes them with the bits behind them.
type coder struct {
	writing bool
	count   [2][257]int
	code    [2][256]uint32
	size    [2][256]uint8
	out     []byte
	held    uint64
	n       int
}

func (c *coder) table(t int, lengths [16]byte, values []byte) {
	code, k := uint32(0), 0
	for n, m := range lengths {
		for range m {
			c.code[t][values[k]], c.size[t][values[k]] = code, uint8(n+1)
			code, k = code+1, k+1
		}
		code <<= 1
	}
}

func (c *coder) put(t int, symbol byte, value uint32, n int) {
	if !c.writing {
		c.count[t][symbol]++
		return
	}
	size := int(c.size[t][symbol])
	c.held, c.n = c.held<<(size+n)|uint64(c.code[t][symbol])<<n|uint64(value), c.n+size+n
	for ; c.n >= 8; c.n -= 8 {
		b := byte(c.held >> (c.n - 8))
		if c.out = append(c.out, b); b == 0xFF {
			c.out = append(c.out, 0)
		}
	}
}

// end fills the last byte with ones.
func (c *coder) end() []byte {
	if c.n > 0 {
		c.out = append(c.out, byte(c.held<<(8-c.n))|byte(0xFF)>>c.n)
		if c.out[len(c.out)-1] == 0xFF {
			c.out = append(c.out, 0)
		}
	}
	return c.out
}

func (f *frame) means(c *coder) {
	var last [3]int32
	put := func(i, at int) {
		v := int32(f.all[i].v[at][0])
		n, value := magnitude(v - last[i])
		last[i] = v
		c.put(min(i, 1), byte(n), value, n)
	}
	if len(f.all) == 1 || !f.half {
		for at := range f.all[0].v {
			for i := range f.all {
				put(i, at)
			}
		}
		return
	}
	w := f.all[1].w
	for at := range f.all[1].v {
		x, y := at%w, at/w
		for k := range 4 {
			put(0, (2*y+k/2)*2*w+2*x+k%2)
		}
		put(1, at)
		put(2, at)
	}
}

// rest writes the frequencies from to to of a component (T.81, G.1.2.2):
// blocks in a row without any more are counted.
func (f *frame) rest(c *coder, component, from, to int) {
	b := f.all[component]
	// A scan of one component has only the blocks that hold pixels (A.2.3).
	w, h := f.w, f.h
	if f.half && component > 0 {
		w, h = (w+1)/2, (h+1)/2
	}
	nw, nh := min((w+7)/8, b.w), min((h+7)/8, b.h)
	band := uint64(1)<<to<<1 - uint64(1)<<from
	done := 0 // blocks ended and not yet written
	end := func() {
		if done > 0 {
			n := bits.Len(uint(done)) - 1
			c.put(0, byte(n)<<4, uint32(done)&(1<<n-1), n)
			done = 0
		}
	}
	for y := range nh {
		for x := range nw {
			at := y*b.w + x
			last := from - 1
			for set := b.set[at] & band; set != 0; set &= set - 1 {
				if done > 0 {
					end()
				}
				k := bits.TrailingZeros64(set)
				zeros := k - last - 1
				last = k
				for ; zeros > 15; zeros -= 16 {
					c.put(0, 0xF0, 0, 0)
				}
				n, value := magnitude(int32(b.v[at][k]))
				c.put(0, byte(zeros<<4|n), value, n)
			}
			if last < to {
				if done++; done == 0x7FFF {
					end()
				}
			}
		}
	}
	end()
}
