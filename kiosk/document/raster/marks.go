package raster

import "image"

// mark is a connected patch of ink on a reduced copy of a page.
type mark struct {
	box    image.Rectangle
	pixels int
}

// marks joins the ones of a mask of w pixels a row into patches, diagonals
// included, and leaves the mask cleared.
func marks(mask []uint8, w int) []mark {
	h := len(mask) / w
	var found []mark
	var stack []int
	for start, v := range mask {
		if v == 0 {
			continue
		}
		m := mark{box: image.Rect(start%w, start/w, start%w+1, start/w+1)}
		mask[start] = 0
		stack = append(stack[:0], start)
		for len(stack) > 0 {
			at := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			x, y := at%w, at/w
			m.pixels++
			m.box.Min.X, m.box.Max.X = min(m.box.Min.X, x), max(m.box.Max.X, x+1)
			m.box.Min.Y, m.box.Max.Y = min(m.box.Min.Y, y), max(m.box.Max.Y, y+1)
			for ny := max(y-1, 0); ny <= min(y+1, h-1); ny++ {
				for nx := max(x-1, 0); nx <= min(x+1, w-1); nx++ {
					if i := ny*w + nx; mask[i] != 0 {
						mask[i] = 0
						stack = append(stack, i)
					}
				}
			}
		}
		found = append(found, m)
	}
	return found
}

// letter says whether a patch has the size of a letter or a word, on a copy
// of side pixels on its long side that shows about a sheet; dust is smaller,
// an edge of paper or a frame is larger.
func (m mark) letter(side int) bool {
	w, h := m.box.Dx(), m.box.Dy()
	return m.pixels >= 6 && max(w, h) >= side/250 && h <= side/12 && w <= side/5
}
