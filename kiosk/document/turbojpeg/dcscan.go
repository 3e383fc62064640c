package turbojpeg

// scanned is a component in a scan of several, while that is taken apart.
type scanned struct {
	c     *component
	table uint8 // of DC coefficients
	// What the scan says of each block: its DC coefficient, or a bit of it.
	values []int16
}

// apart decodes a scan of DC coefficients of several components, whose blocks
// lie mixed, and writes one for each (ITU-T T.81, A.2.3 and G.1.2.1).
func (s *splitter) apart(in []scanned, coded, band []byte) bool {
	first := band[2]>>4 == 0
	for i := range in {
		cols, rows := in[i].c.blocks()
		in[i].values = make([]int16, cols*rows)
		if first && (in[i].table > 3 || s.tables[in[i].table] == nil) {
			return false
		}
	}
	if !s.read(in, &bitReader{data: coded}, first) {
		return false
	}
	for i := range in {
		if !in[i].write(first, band) {
			return false
		}
	}
	return true
}

// read decodes the values of a scan, MCU by MCU.
func (s *splitter) read(in []scanned, r *bitReader, first bool) bool {
	most := s.components[0].across
	across := (s.width + 8*most - 1) / (8 * most)
	var last [3]int
	for mcu := range across * ((s.height + 7) / 8) {
		for i := range in {
			c := in[i].c
			cols, _ := c.blocks()
			for k := range c.across {
				v := 0
				if first {
					last[i] += s.tables[in[i].table].difference(r)
					v = last[i]
				} else {
					v = r.bits(1)
				}
				if x := mcu%across*c.across + k; x < cols { // others fill the MCU
					in[i].values[mcu/across*cols+x] = int16(v)
				}
			}
		}
		if r.failed {
			return false
		}
	}
	return true
}

// lengths says how many codes of each length the table has that DC
// coefficients are written with; its symbols are 0 to 11 (ITU-T T.81, K.3.1).
var lengths = [16]uint8{0, 1, 5, 1, 1, 1, 1, 1, 1}

// write makes a scan of the component alone.
func (n *scanned) write(first bool, band []byte) bool {
	c := n.c
	if first {
		c.file = append(append(c.file, 0xff, dht, 0, 2+17+12, n.table), lengths[:]...)
		c.file = append(c.file, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	}
	c.file = append(c.file, 0xff, sos, 0, 8, 1, c.id, n.table<<4, band[0], band[1], band[2])
	w := bitWriter{out: c.file}
	last := 0
	for _, v := range n.values {
		if !first {
			w.bits(uint32(v), 1)
			continue
		}
		if !w.difference(int(v) - last) {
			return false
		}
		last = int(v)
	}
	c.file = w.end()
	return true
}

// huffman is a table of codes (ITU-T T.81, F.2.2.3).
type huffman struct {
	symbols []uint8
	// The first code of each length, the one behind the last, and the place of
	// the first one's symbol.
	first, end, at [17]int
}

// huffman takes the tables of a segment.
func (s *splitter) huffman(b []byte) bool {
	for len(b) > 0 {
		if len(b) < 17 {
			return false
		}
		h, code, n := &huffman{}, 0, 0
		for l := 1; l <= 16; l++ {
			h.first[l], h.at[l] = code, n
			code, n = code+int(b[l]), n+int(b[l])
			h.end[l] = code
			code *= 2
		}
		if len(b) < 17+n || n > 256 {
			return false
		}
		h.symbols = b[17 : 17+n]
		if b[0] < 4 {
			s.tables[b[0]] = h
		}
		b = b[17+n:]
	}
	return true
}

// difference decodes one of DC coefficients (ITU-T T.81, F.2.2.1).
func (h *huffman) difference(r *bitReader) int {
	code := 0
	for l := 1; l <= 16; l++ {
		code = code<<1 | r.bits(1)
		if code < h.end[l] && code >= h.first[l] {
			n := int(h.symbols[h.at[l]+code-h.first[l]])
			if n > 11 {
				break
			}
			v := r.bits(n)
			if n > 0 && v < 1<<(n-1) {
				v -= 1<<n - 1
			}
			return v
		}
	}
	r.failed = true
	return 0
}

// bitReader reads entropy coded data; past its end it fails.
type bitReader struct {
	data   []byte
	at     int
	acc, n uint
	failed bool
}

func (r *bitReader) bits(n int) int {
	for r.n < uint(n) {
		if r.at >= len(r.data) || r.data[r.at] == 0xff && (r.at+1 >= len(r.data) || r.data[r.at+1] != 0) {
			r.failed = true
			return 0
		}
		b := r.data[r.at]
		r.at++
		if b == 0xff {
			r.at++ // a zero was put behind it
		}
		r.acc, r.n = r.acc<<8|uint(b), r.n+8
	}
	r.n -= uint(n)
	return int(r.acc >> r.n & (1<<n - 1))
}

// bitWriter writes entropy coded data.
type bitWriter struct {
	out    []byte
	acc, n uint32
}

func (w *bitWriter) bits(v, n uint32) {
	w.acc, w.n = w.acc<<n|v&(1<<n-1), w.n+n
	for w.n >= 8 {
		w.n -= 8
		b := byte(w.acc >> w.n)
		if w.out = append(w.out, b); b == 0xff {
			w.out = append(w.out, 0)
		}
	}
}

// difference writes one of DC coefficients; false is one that is too large.
func (w *bitWriter) difference(d int) bool {
	n, v := uint32(0), max(d, -d)
	for v>>n > 0 {
		n++
	}
	if n > 11 {
		return false
	}
	switch { // the code of n
	case n == 0:
		w.bits(0, 2)
	case n <= 5:
		w.bits(n+1, 3)
	default:
		w.bits(1<<(n-2)-2, n-2)
	}
	if d < 0 {
		d += 1<<n - 1
	}
	w.bits(uint32(d), n)
	return true
}

// end fills the last byte and gives all.
func (w *bitWriter) end() []byte {
	if w.n > 0 {
		w.bits(1<<(8-w.n)-1, 8-w.n)
	}
	return w.out
}
