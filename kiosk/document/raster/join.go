package raster

import "image"

// Join adds a place to those it does not overlap, as one with those it does.
// It may write to all.
func Join(all []image.Rectangle, r image.Rectangle) []image.Rectangle {
	for i := 0; i < len(all); i++ {
		if all[i].Overlaps(r) {
			r = r.Union(all[i])
			all = append(all[:i], all[i+1:]...)
			i = -1
		}
	}
	return append(all, r)
}
