package raster

import "image"

// Mark is a connected patch of ink on the small copy of a page.
type Mark struct {
	Box    image.Rectangle
	Pixels int
}

// Marks joins the ones of a mask of w pixels a row into patches, diagonals
// included, and leaves the mask cleared.
func Marks(mask []uint8, w int) []Mark {
	var found []Mark
	patches(mask, w, func(m Mark, _ []int) { found = append(found, m) })
	return found
}

// patches gives each patch of Marks, and where in the mask its pixels are.
func patches(mask []uint8, w int, found func(Mark, []int)) {
	h := len(mask) / w
	var pixels []int
	for start, v := range mask {
		if v == 0 {
			continue
		}
		m := Mark{Box: image.Rect(start%w, start/w, start%w+1, start/w+1)}
		mask[start] = 0
		pixels = append(pixels[:0], start)
		for next := 0; next < len(pixels); next++ {
			x, y := pixels[next]%w, pixels[next]/w
			m.Box.Min.X, m.Box.Max.X = min(m.Box.Min.X, x), max(m.Box.Max.X, x+1)
			m.Box.Min.Y, m.Box.Max.Y = min(m.Box.Min.Y, y), max(m.Box.Max.Y, y+1)
			for ny := max(y-1, 0); ny <= min(y+1, h-1); ny++ {
				for nx := max(x-1, 0); nx <= min(x+1, w-1); nx++ {
					if i := ny*w + nx; mask[i] != 0 {
						mask[i] = 0
						pixels = append(pixels, i)
					}
				}
			}
		}
		m.Pixels = len(pixels)
		found(m, pixels)
	}
}

// leastMark is how many pixels a letter has at least; dust has fewer.
const leastMark = 6

// nearEdge is how near a side of the picture its edge's shadow may be.
func nearEdge(all image.Rectangle) int { return max(all.Dx(), all.Dy()) / 100 }

// edge says whether a mark is no more than the shadow along a side of the
// picture: thin, and longer than any letter.
func (m Mark) edge(all image.Rectangle) bool {
	deep := nearEdge(all)
	side := m.Box.Max.X <= all.Min.X+deep || m.Box.Min.X >= all.Max.X-deep
	end := m.Box.Max.Y <= all.Min.Y+deep || m.Box.Min.Y >= all.Max.Y-deep
	return side && m.Box.Dy() > 5*m.Box.Dx() || end && m.Box.Dx() > 5*m.Box.Dy()
}

// Letter says whether a patch has the size of a letter or a word, on a copy
// of side pixels on its long side that shows about a sheet; dust is smaller,
// an edge of paper or a frame is larger.
func (m Mark) Letter(side int) bool {
	w, h := m.Box.Dx(), m.Box.Dy()
	return m.Pixels >= leastMark && max(w, h) >= side/250 && h <= side/12 && w <= side/5
}
