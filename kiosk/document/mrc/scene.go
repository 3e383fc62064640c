package mrc

import (
	"encoding/binary"
	"image"
)

// scene is a picture of which the paper is known.
type scene struct {
	w, h, n int // n samples a pixel, of which at most three are colours
	stride  int
	pix     []uint8
	bw      int
	common  [3]uint8   // the colour of most of it
	paper   [][3]uint8 // of squares
	limit   [][3]uint8 // what is not below it is paper
}

func newScene(img image.Image) *scene {
	var s *scene
	switch m := img.(type) {
	case *image.Gray:
		s = &scene{w: m.Rect.Dx(), h: m.Rect.Dy(), n: 1, stride: m.Stride, pix: m.Pix}
	case *image.RGBA:
		s = &scene{w: m.Rect.Dx(), h: m.Rect.Dy(), n: 4, stride: m.Stride, pix: m.Pix}
	}
	s.bw = (s.w + guardBlock - 1) / guardBlock
	bh := (s.h + guardBlock - 1) / guardBlock
	bright := make([][4]uint8, s.bw*bh)
	var all tones
	for i := range bright {
		bright[i] = s.brightest(i%s.bw*guardBlock, i/s.bw*guardBlock, &all)
	}
	s.common = all.commonest()
	// The brightest of the squares around: a stroke may fill one.
	s.paper, s.limit = make([][3]uint8, len(bright)), make([][3]uint8, len(bright))
	for i, v := range bright {
		x, y := i%s.bw, i/s.bw
		for _, k := range [4]int{y*s.bw + max(x-1, 0), y*s.bw + min(x+1, s.bw-1), max(y-1, 0)*s.bw + x, min(y+1, bh-1)*s.bw + x} {
			if bright[k][3] > v[3] {
				v = bright[k]
			}
		}
		for c := range 3 {
			s.paper[i][c] = v[c]
			s.limit[i][c] = uint8(max(int(v[c])-guardDepth*max(int(v[c]), guardLight)/255, 0))
		}
	}
	return s
}

// tones are pixels by their brightness: the sums of their colours, and how
// many they are.
type tones [32][4]int

func (t *tones) color(i int) [3]uint8 {
	n := max(t[i][3], 1)
	return [3]uint8{uint8(t[i][0] / n), uint8(t[i][1] / n), uint8(t[i][2] / n)}
}

func (t *tones) commonest() [3]uint8 {
	at := 31
	for i := range t {
		if t[i][3] > t[at][3] {
			at = i
		}
	}
	return t.color(at)
}

// brightest gives the colour of those pixels of a square which nine tenths of
// them are darker than, and how bright these are. It is the colour of one
// ground: the most of each channel would be one that is nowhere on the page.
// It adds the square to all.
func (s *scene) brightest(x0, y0 int, all *tones) [4]uint8 {
	var sum tones
	n := 0
	for y := y0; y < min(y0+guardBlock, s.h); y += 2 {
		row := s.pix[y*s.stride:]
		for x := x0; x < min(x0+guardBlock, s.w); x += 2 {
			p := row[x*s.n:]
			n++
			r, g, b := p[0], p[0], p[0]
			if s.n > 1 {
				g, b = p[1], p[2]
			}
			t := &sum[luma(uint32(r), uint32(g), uint32(b))>>3&31]
			t[0], t[1], t[2], t[3] = t[0]+int(r), t[1]+int(g), t[2]+int(b), t[3]+1
		}
	}
	for i := range sum {
		for c, v := range sum[i] {
			all[i][c] += v
		}
	}
	at := 31
	for seen := sum[31][3]; at > 0 && (10*seen < n || sum[at][3] == 0); seen += sum[at][3] {
		at--
	}
	v := sum.color(at)
	return [4]uint8{v[0], v[1], v[2], uint8(8*at + 4)}
}

// darkness is what is dark of a picture, row by row.
type darkness struct {
	w, h  int
	start []int32 // row y is all[start[y]:start[y+1]]
	all   []darkPixel
}

// darkPixel is where in its row a pixel is, times 256, and how deep.
type darkPixel uint32

func (d darkPixel) x() int     { return int(d >> 8) }
func (d darkPixel) depth() int { return int(d & 255) }

func (d *darkness) row(y int) []darkPixel { return d.all[d.start[y]:d.start[y+1]] }

// darkness looks for what is dark in eight bytes at once: most of a page is
// paper.
func (s *scene) darkness() darkness {
	d := darkness{w: s.w, h: s.h, start: make([]int32, s.h+1)}
	each := 8 / s.n // pixels
	for y := range s.h {
		row := s.pix[y*s.stride:][:s.w*s.n]
		limits := s.limit[y/guardBlock*s.bw:][:s.bw]
		for x := 0; x < s.w; x += each {
			if x+each <= s.w && !anyBelow(binary.LittleEndian.Uint64(row[x*s.n:]), s.word(limits[x/guardBlock])) {
				continue
			}
			for k := x; k < min(x+each, s.w); k++ {
				if s.dark(k, y) {
					d.all = append(d.all, darkPixel(k<<8|s.depth(k, y)))
				}
			}
		}
		d.start[y+1] = int32(len(d.all))
	}
	return d
}

// word gives a limit as often as pixels are in a word; nothing is below that
// of alpha.
func (s *scene) word(l [3]uint8) uint64 {
	if s.n == 1 {
		return uint64(l[0]) * 0x0101010101010101
	}
	return (uint64(l[0]) | uint64(l[1])<<8 | uint64(l[2])<<16) * 0x0000000100000001
}

// anyBelow says whether any byte is below that of the limit.
func anyBelow(v, limit uint64) bool {
	const high = 0x8080808080808080
	d := (v | high) - limit&^high
	return (^v&limit|^(v^limit)&^d)&high != 0
}

// dark says whether a pixel is no paper. What has the colour of most of the
// page is paper too, though it be darker than that which shows through a hole.
func (s *scene) dark(x, y int) bool {
	l := &s.limit[y/guardBlock*s.bw+x/guardBlock]
	p := s.pix[y*s.stride+x*s.n:]
	if s.n == 1 {
		return p[0] < l[0] && !near(p[0], s.common[0])
	}
	return (p[0] < l[0] || p[1] < l[1] || p[2] < l[2]) &&
		!(near(p[0], s.common[0]) && near(p[1], s.common[1]) && near(p[2], s.common[2]))
}

func near(a, b uint8) bool { return max(a, b)-min(a, b) < guardDepth/2 }

// depth says how much darker than the paper around it is the darkest of a
// pixel's channels, of 255.
func (s *scene) depth(x, y int) (d int) {
	paper := &s.paper[y/guardBlock*s.bw+x/guardBlock]
	p := s.pix[y*s.stride+x*s.n:]
	for c := range min(s.n, 3) {
		g := int(paper[c])
		d = max(d, (g-int(p[c]))*255/max(g, guardLight))
	}
	return min(d, 255)
}

// deepest says whether a pixel or one beside it is as deep as wanted.
func (s *scene) deepest(x, y, want int) bool {
	for ny := max(y-1, 0); ny <= min(y+1, s.h-1); ny++ {
		for nx := max(x-1, 0); nx <= min(x+1, s.w-1); nx++ {
			if s.depth(nx, ny) >= want {
				return true
			}
		}
	}
	return false
}
