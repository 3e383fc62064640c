package mrc

const (
	pictureCell  = 2    // cells a side: pictures are looked for in coarser squares
	pictureReach = 3    // of these: as far as a picture is looked for
	pictureMid   = 0.55 // of it is neither ink nor paper
	pictureBusy  = 0.25 // and of its squares are no plain ground
	pictureTones = 22   // the deviation of its tones; a field has one
	pictureStep  = 24   // between the brightest and the darkest pixel of a busy square
	mostPicture  = 0.40 // of a page of writing is pictures
	leastPaper   = 0.30 // of it is paper
	leastPlain   = 0.60 // the same, when raster.Whiten took it for no sheet of paper
	sheetWhite   = 235
	cardShape    = 1.586 // identity cards (ISO/IEC 7810, ID-1)
	cardPaper    = 0.80  // of a sheet in the shape of a card is paper
	paperReach   = 22    // how far a square of paper is from the paper's brightness
)

// pictures is what was found of photographs and faces on a page.
type pictures struct {
	in    []bool // of the cells; nil when there are none
	share float64
	paper float64 // the share of the rest that is paper
}

// pictures looks for squares in which mid tones rule and change: a
// photograph, a face. A plain field of colour is none, writing on it is ink.
func (p *page) pictures(c *cells) pictures {
	side := c.size / p.factor * pictureCell
	w, h := (p.copyGray.w+side-1)/side, (p.copyGray.h+side-1)/side
	s := squares{w: w, h: h}
	s.measure(p.copyGray, side, c.paper)
	in := make([]uint32, w*h)
	mid, busy := boxSums(s.mid, w, h, pictureReach), boxSums(s.busy, w, h, pictureReach)
	tone, sum, square := boxSums(s.tone, w, h, pictureReach), boxSums(s.sum, w, h, pictureReach), boxSums(s.square, w, h, pictureReach)
	per := float32(side * side)
	for i := range in {
		n := float32(min(i%w+pictureReach, w-1)-max(i%w-pictureReach, 0)+1) * float32(min(i/w+pictureReach, h-1)-max(i/w-pictureReach, 0)+1)
		if float32(mid[i]) <= pictureMid*n*per || float32(busy[i]) <= pictureBusy*n || tone[i] == 0 {
			continue
		}
		m := float32(sum[i]) / float32(tone[i])
		if float32(square[i])/float32(tone[i])-m*m > pictureTones*pictureTones {
			in[i] = 1
		}
	}
	wide := opened(in, w, h)
	return s.found(wide, c)
}

// opened takes thin lines away, then widens what is left.
func opened(in []uint32, w, h int) []uint32 {
	const r = (pictureReach + 1) / 2
	core := boxSums(in, w, h, r)
	for i, v := range core {
		nx, ny := min(i%w+r, w-1)-max(i%w-r, 0)+1, min(i/w+r, h-1)-max(i/w-r, 0)+1
		core[i] = 0
		if int(v) == nx*ny {
			core[i] = 1
		}
	}
	return boxSums(core, w, h, 2*r)
}

// squares holds sums over squares of pictureCell by pictureCell cells.
type squares struct {
	w, h              int
	mid               []uint32 // pixels between ink and paper
	busy              []uint32 // 1 when there is a step
	tone, sum, square []uint32 // 1 where nothing but mid tones is, and their brightness and its square
	most              []uint8  // the brightest pixel
}

func (s *squares) measure(m *plane, side, paper int) {
	n := s.w * s.h
	s.mid, s.busy, s.tone, s.sum, s.square, s.most = make([]uint32, n), make([]uint32, n), make([]uint32, n), make([]uint32, n), make([]uint32, n), make([]uint8, n)
	low, high := uint8(paper/5), uint8(paper*4/5)
	for i := range n {
		x0, y0 := i%s.w*side, i/s.w*side
		y1 := min(y0+side, m.h)
		x1 := min(x0+side, m.w)
		var sum, mid uint32
		least, most := uint8(255), uint8(0)
		for y := y0; y < y1; y++ {
			for _, v := range m.row(y)[x0:x1] {
				sum += uint32(v)
				least, most = min(least, v), max(most, v)
				if v > low && v < high {
					mid++
				}
			}
		}
		count := uint32((x1 - x0) * (y1 - y0))
		mean := sum / count
		s.most[i] = most
		s.mid[i] = mid * uint32(side*side) / count
		if most-least >= pictureStep {
			s.busy[i] = 1
		}
		if mid == count {
			s.tone[i], s.sum[i], s.square[i] = 1, mean, mean*mean
		}
	}
}

func (s *squares) found(wide []uint32, c *cells) (f pictures) {
	picture, paper := 0, 0
	for i, v := range wide {
		if v > 0 {
			picture++
		} else if d := int(s.most[i]) - c.paper; d < paperReach && d > -paperReach {
			paper++
		}
	}
	n := float64(len(wide))
	f.share, f.paper = float64(picture)/n, float64(paper)/n
	if picture > 0 {
		f.in = make([]bool, c.w*c.h)
		for i := range f.in {
			f.in[i] = wide[min(i/c.w/pictureCell, s.h-1)*s.w+min(i%c.w/pictureCell, s.w-1)] > 0
		}
	}
	return f
}

// isPhoto says whether the page must stay one picture.
func (f *pictures) isPhoto(c *cells) bool {
	s := float64(max(c.w, c.h)) / float64(min(c.w, c.h))
	if s > cardShape*0.9 && s < cardShape*1.15 && f.paper < cardPaper {
		return true
	}
	least := leastPaper
	if c.paper < sheetWhite {
		least = leastPlain
	}
	return f.share > mostPicture || f.paper < least
}
