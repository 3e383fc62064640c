package verdict

import "image"

// blob is a connected patch of the small copy with its pixels.
type blob struct {
	box    image.Rectangle
	pixels []int // y*w+x of each
}

// blobs joins the ones of a mask of w pixels a row into patches of at least
// least and at most most pixels, and leaves the mask cleared. It also says how
// many pixels there are in all patches.
func blobs(mask []uint8, w, least, most int) (found []blob, all int) {
	h := len(mask) / w
	for start, v := range mask {
		if v == 0 {
			continue
		}
		b := blob{pixels: []int{start}}
		mask[start] = 0
		for i := 0; i < len(b.pixels); i++ {
			x, y := b.pixels[i]%w, b.pixels[i]/w
			b.box = b.box.Union(image.Rect(x, y, x+1, y+1))
			for _, n := range [4]image.Point{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
				if n.X >= 0 && n.Y >= 0 && n.X < w && n.Y < h && mask[n.Y*w+n.X] != 0 {
					mask[n.Y*w+n.X] = 0
					b.pixels = append(b.pixels, n.Y*w+n.X)
				}
			}
		}
		all += len(b.pixels)
		if len(b.pixels) >= least && len(b.pixels) <= most {
			found = append(found, b)
		}
	}
	return found, all
}

// around gives the pixels that are 1, 2 … far steps away from a blob.
func (b blob) around(w, h, far int) [][]int {
	seen := make([]bool, w*h)
	for _, i := range b.pixels {
		seen[i] = true
	}
	rings := make([][]int, far)
	last := b.pixels
	for d := range rings {
		for _, i := range last {
			x, y := i%w, i/w
			for _, n := range [4]image.Point{{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}} {
				if n.X >= 0 && n.Y >= 0 && n.X < w && n.Y < h && !seen[n.Y*w+n.X] {
					seen[n.Y*w+n.X] = true
					rings[d] = append(rings[d], n.Y*w+n.X)
				}
			}
		}
		last = rings[d]
	}
	return rings
}
