package jbig2

// state is a row of the table of probabilities (T.88, table E.1): the
// probability of the less likely bit, the states after a more and after a
// less likely one, and whether the two change places then.
type state struct {
	q          uint32
	more, less uint8
	swap       uint8
}

var states = [47]state{
	{0x5601, 1, 1, 1}, {0x3401, 2, 6, 0}, {0x1801, 3, 9, 0}, {0x0AC1, 4, 12, 0}, {0x0521, 5, 29, 0}, {0x0221, 38, 33, 0},
	{0x5601, 7, 6, 1}, {0x5401, 8, 14, 0}, {0x4801, 9, 14, 0}, {0x3801, 10, 14, 0}, {0x3001, 11, 17, 0}, {0x2401, 12, 18, 0},
	{0x1C01, 13, 20, 0}, {0x1601, 29, 21, 0}, {0x5601, 15, 14, 1}, {0x5401, 16, 14, 0}, {0x5101, 17, 15, 0}, {0x4801, 18, 16, 0},
	{0x3801, 19, 17, 0}, {0x3401, 20, 18, 0}, {0x3001, 21, 19, 0}, {0x2801, 22, 19, 0}, {0x2401, 23, 20, 0}, {0x2201, 24, 21, 0},
	{0x1C01, 25, 22, 0}, {0x1801, 26, 23, 0}, {0x1601, 27, 24, 0}, {0x1401, 28, 25, 0}, {0x1201, 29, 26, 0}, {0x1101, 30, 27, 0},
	{0x0AC1, 31, 28, 0}, {0x09C1, 32, 29, 0}, {0x08A1, 33, 30, 0}, {0x0521, 34, 31, 0}, {0x0441, 35, 32, 0}, {0x02A1, 36, 33, 0},
	{0x0221, 37, 34, 0}, {0x0141, 38, 35, 0}, {0x0111, 39, 36, 0}, {0x0085, 40, 37, 0}, {0x0049, 41, 38, 0}, {0x0025, 42, 39, 0},
	{0x0015, 43, 40, 0}, {0x0009, 44, 41, 0}, {0x0005, 45, 42, 0}, {0x0001, 45, 43, 0}, {0x5601, 46, 46, 0},
}

// coder is the arithmetic encoder of T.88, annex E.2. Its names are those of
// the flow charts there.
type coder struct {
	a, c uint32
	ct   int
	out  []byte  // out[0] stands for the byte before the first
	cx   []uint8 // of each context: state<<1 | more likely bit
}

func newCoder() *coder {
	return &coder{a: 0x8000, ct: 12, out: make([]byte, 1, 1<<16), cx: make([]uint8, 1<<16)}
}

// encode writes a bit that was met in a context.
func (m *coder) encode(context uint32, bit uint8) {
	at := &m.cx[context&0xFFFF]
	likely := *at & 1
	s := states[*at>>1]
	m.a -= s.q
	if bit == likely {
		if m.a&0x8000 != 0 {
			m.c += s.q
			return
		}
		if m.a < s.q {
			m.a = s.q
		} else {
			m.c += s.q
		}
		*at = s.more<<1 | likely
	} else {
		if m.a < s.q {
			m.c += s.q
		} else {
			m.a = s.q
		}
		*at = s.less<<1 | likely ^ s.swap
	}
	m.renormalise()
}

// zeros writes n zeros that were met in context 0. On a page these are most
// of all pixels, and between two renormalisations they are one step.
func (m *coder) zeros(n int) {
	for n > 0 {
		at := m.cx[0]
		q := states[at>>1].q
		if at&1 == 0 && m.a > 0x8000+q {
			k := min(uint32(n), (m.a-0x8000)/q)
			m.a -= k * q
			m.c += k * q
			if n -= int(k); n == 0 {
				return
			}
		}
		m.encode(0, 0)
		n--
	}
}

func (m *coder) renormalise() {
	for {
		m.a <<= 1
		m.c <<= 1
		m.ct--
		if m.ct == 0 {
			m.byteOut()
		}
		if m.a&0x8000 != 0 {
			return
		}
	}
}

func (m *coder) byteOut() {
	last := &m.out[len(m.out)-1]
	if *last != 0xFF && m.c >= 0x8000000 {
		*last++
		m.c &= 0x7FFFFFF
	}
	if *last == 0xFF {
		m.out = append(m.out, byte(m.c>>20))
		m.c &= 0xFFFFF
		m.ct = 7
		return
	}
	m.out = append(m.out, byte(m.c>>19))
	m.c &= 0x7FFFF
	m.ct = 8
}

// flush ends the data with its marker and returns it.
func (m *coder) flush() []byte {
	top := m.c + m.a
	m.c |= 0xFFFF
	if m.c >= top {
		m.c -= 0x8000
	}
	m.c <<= m.ct
	m.byteOut()
	m.c <<= m.ct
	m.byteOut()
	if m.out[len(m.out)-1] != 0xFF {
		m.out = append(m.out, 0xFF)
	}
	return append(m.out, 0xAC)[1:]
}
