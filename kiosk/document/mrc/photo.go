package mrc

import "image"

const (
	pictureReach = 6    // cells: as far as a picture is looked for
	pictureMid   = 0.55 // of it is neither ink nor paper
	pictureBusy  = 0.25 // and of its cells are no plain ground
	pictureTones = 22   // the deviation of its tones; a field has one
	mostPicture  = 0.40 // of a page of writing is pictures
	leastPaper   = 0.30 // of it is paper
	leastPlain   = 0.60 // the same, when raster.Whiten took it for no sheet of paper
	sheetWhite   = 235
	cardShape    = 1.586 // identity cards (ISO/IEC 7810, ID-1)
	cardPaper    = 0.80  // of a sheet in the shape of a card is paper
	paperReach   = 22    // how far a cell of paper is from the paper's brightness
)

// pictures marks the cells in which mid tones rule and change: a photograph,
// a face. A plain field of colour is none, writing on it is ink.
func (g *cells) pictures() []bool {
	n := len(g.mid)
	tone, toneMean, toneSquare := make([]float32, n), make([]float32, n), make([]float32, n)
	for i, m := range g.mid {
		if m > 0.99 {
			tone[i], toneMean[i], toneSquare[i] = 1, g.mean[i], g.mean[i]*g.mean[i]
		}
	}
	mid, busy := g.around(g.mid, pictureReach), g.around(g.busy, pictureReach)
	tone, toneMean, toneSquare = g.around(tone, pictureReach), g.around(toneMean, pictureReach), g.around(toneSquare, pictureReach)
	in := make([]float32, n)
	for i := range in {
		if mid[i] <= pictureMid || busy[i] <= pictureBusy {
			continue
		}
		if m := toneMean[i] / tone[i]; toneSquare[i]/tone[i]-m*m > pictureTones*pictureTones {
			in[i] = 1
		}
	}
	// Opened, so that a thick line is no picture, then widened.
	const r = pictureReach / 2
	core := g.around(in, r)
	for i, v := range core {
		core[i] = 0
		if v > 0.999 {
			core[i] = 1
		}
	}
	wide := g.around(core, 2*r)
	out := make([]bool, len(wide))
	for i, v := range wide {
		out[i] = v > 0.0001
	}
	return out
}

// photo says whether the page must stay one picture.
func (g *cells) photo(flat image.Image, pictures []bool) bool {
	picture, paper := 0, 0
	for i, p := range pictures {
		if p {
			picture++
		} else if d := int(g.mean[i]) - g.paper; d < paperReach && d > -paperReach {
			paper++
		}
	}
	n := float64(len(pictures))
	s := float64(max(g.w, g.h)) / float64(min(g.w, g.h))
	if s > cardShape*0.9 && s < cardShape*1.12 && float64(paper) < cardPaper*n {
		return true
	}
	least := leastPaper
	if g.paper < sheetWhite {
		least = leastPlain
	}
	return float64(picture) > mostPicture*n || float64(paper) < least*n
}
