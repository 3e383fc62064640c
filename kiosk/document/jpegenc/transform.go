package jpegenc

import (
	"math"
	"math/bits"
)

// blocks are a component's quantized frequencies, in zigzag order.
type blocks struct {
	w, h int
	v    [][64]int16
	set  []uint64 // bit k says that v[k] is not 0
}

// reciprocal gives what to multiply a block's frequencies by, as the transform
// leaves them, to have them in steps of the quantizer. The transform leaves
// out factors that are the same for all blocks.
func reciprocal(q *[64]byte) (r [64]float32) {
	var f [8]float64
	for i := range f {
		f[i] = 1
		if i > 0 {
			f[i] = math.Sqrt2 * math.Cos(float64(i)*math.Pi/16)
		}
	}
	for k, at := range zigzag() {
		r[k] = float32(1 / (8 * f[at/8] * f[at%8] * float64(q[k])))
	}
	return r
}

// transform cuts a plane into blocks, makes their cosine transform and
// quantizes it.
func transform(p plane, q *[64]byte) *blocks {
	b := &blocks{w: p.w, h: p.h, v: make([][64]int16, p.w*p.h), set: make([]uint64, p.w*p.h)}
	r := reciprocal(q)
	order := zigzag()
	var in [64]float32
	for by := range p.h {
		for bx := range p.w {
			i := by*p.w + bx
			if c, flat := p.load(&in, bx, by); flat {
				b.v[i][0] = round(float32(c) * 64 * r[0])
				continue
			}
			cosine(&in)
			b.set[i] = quantize(&b.v[i], &in, &r, &order)
		}
	}
	return b
}

// load gives a block's pixels less 128; when all are the same, only that one.
func (p *plane) load(in *[64]float32, bx, by int) (c int, flat bool) {
	stride := 8 * p.w
	at := p.v[by*8*stride+8*bx:]
	first := at[0]
	var differ uint8
	for y := range 8 {
		row := at[y*stride:][:8:8]
		differ |= (row[0] ^ first) | (row[1] ^ first) | (row[2] ^ first) | (row[3] ^ first) |
			(row[4] ^ first) | (row[5] ^ first) | (row[6] ^ first) | (row[7] ^ first)
	}
	if differ == 0 {
		return int(first) - 128, true
	}
	for y := range 8 {
		row := at[y*stride:][:8:8]
		to := in[8*y:][:8:8]
		for x := range 8 {
			to[x] = float32(int32(row[x]) - 128)
		}
	}
	return 0, false
}

// cosine is the transform of Arai, Agui and Nakajima (1988).
func cosine(v *[64]float32) {
	for i := 0; i < 64; i += 8 {
		r := v[i : i+8 : i+8]
		r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7] = line(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7])
	}
	for i := range 8 {
		v[i], v[i+8], v[i+16], v[i+24], v[i+32], v[i+40], v[i+48], v[i+56] =
			line(v[i], v[i+8], v[i+16], v[i+24], v[i+32], v[i+40], v[i+48], v[i+56])
	}
}

func line(v0, v1, v2, v3, v4, v5, v6, v7 float32) (float32, float32, float32, float32, float32, float32, float32, float32) {
	a0, a7, a1, a6 := v0+v7, v0-v7, v1+v6, v1-v6
	a2, a5, a3, a4 := v2+v5, v2-v5, v3+v4, v3-v4
	b0, b3, b1, b2 := a0+a3, a0-a3, a1+a2, a1-a2
	c := (b2 + b3) * 0.707106781
	d0, d1, d2 := a4+a5, a5+a6, a6+a7
	z5 := (d0 - d2) * 0.382683433
	z2, z4, z3 := 0.541196100*d0+z5, 1.306562965*d2+z5, d1*0.707106781
	e, f := a7+z3, a7-z3
	return b0 + b1, e + z4, b3 + c, f - z2, b0 - b1, f + z2, b3 - c, e - z4
}

func round(v float32) int16 {
	if v < 0 {
		return -int16(0.5 - v)
	}
	return int16(v + 0.5)
}

// worth is the error, in squared steps of the quantizer, that a bit must save.
const worth = 0.10

// quantize rounds a block's frequencies. One that would become 1 is left out
// when its bits, the more the longer the run of zeros before it, are worth
// more than the error; the same for one that would just reach more bits.
func quantize(to *[64]int16, in, r *[64]float32, order *[64]int) (set uint64) {
	to[0] = round(in[0] * r[0])
	last := 0
	for k := 1; k < 64; k++ {
		f := in[order[k]] * r[k]
		if f < 0.5 && f > -0.5 {
			continue
		}
		a := f
		if a < 0 {
			a = -a
		}
		n := int16(a + 0.5)
		switch n {
		case 1:
			run := k - last - 1
			if 2*a-1 < worth*(3.5+0.5*float32(min(run, 12))) {
				continue
			}
		case 2, 4, 8:
			if 2*a-float32(2*n-1) < worth*2 {
				n--
			}
		}
		if f < 0 {
			n = -n
		}
		to[k] = n
		set |= 1 << k
		last = k
	}
	return set
}

// magnitude gives the number of bits of a value, and them (T.81, F.1.2.1).
func magnitude(v int32) (n int, value uint32) {
	if v < 0 {
		n = bits.Len32(uint32(-v))
		return n, uint32(v + 1<<n - 1)
	}
	return bits.Len32(uint32(v)), uint32(v)
}
