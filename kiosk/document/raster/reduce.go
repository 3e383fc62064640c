package raster

import "image"

// Reducer is Scale to a smaller page, or none, for opaque colour pages whose
// rows come one after the other: the whole of it is never in memory.
type Reducer struct {
	dst    *image.RGBA
	xs, ys parts
	four   []uint16
	size   image.Point
	done   int     // rows of the result
	first  int     // row of the page that the band begins with
	filled int     // rows in the band
	band   []uint8 // rows of the page
	row    []uint8 // one that is mixed of several
}

// reducerBand is how many rows of a page wait to be scaled together.
const reducerBand = 32

// NewReducer scales a page of one size to another that is larger in no
// direction; all sides are at least 1.
func NewReducer(from, to image.Point) *Reducer {
	if from == to {
		return &Reducer{dst: image.NewRGBA(image.Rectangle{Max: to}), size: from}
	}
	r := &Reducer{dst: image.NewRGBA(image.Rectangle{Max: to}), xs: cover(from.X, to.X), ys: cover(from.Y, to.Y), size: from}
	r.band = make([]uint8, (r.ys.each+reducerBand)*4*from.X)
	r.row = make([]uint8, 4*(from.X+r.xs.each))
	if r.xs.each == 4 {
		r.four = repeated(r.xs.share)
	}
	return r
}

// Next gives the place for the next row's pixels, four bytes each, whose last
// is to be 255. There are as many as the page has rows. What was written to
// the one before is taken, and it may not be used any more.
func (r *Reducer) Next() []uint8 {
	n := 4 * r.size.X
	if r.band == nil {
		r.done++
		return r.dst.Pix[(r.done-1)*n:][:n:n]
	}
	if (r.filled+1)*n > len(r.band) {
		r.take()
	}
	r.filled++
	return r.band[(r.filled-1)*n:][:n:n]
}

// Image takes the last row and gives the result. Rows that never came are
// transparent.
func (r *Reducer) Image() *image.RGBA {
	if r.band != nil {
		r.take()
	}
	return r.dst
}

// take makes the rows of the result that the band has all rows for, and
// forgets those that no other needs.
func (r *Reducer) take() {
	n := 4 * r.size.X
	for ; r.done < len(r.ys.from); r.done++ {
		at, share := int(r.ys.from[r.done])-r.first, r.ys.rowsOf(r.done)
		if at+len(share) > r.filled {
			break
		}
		mixRows(r.row, r.band[at*n:], n, n, share)
		to := r.dst.Pix[r.done*r.dst.Stride:][:r.dst.Stride]
		if r.four != nil {
			shrinkRow4(to, r.row, r.xs.from, r.four)
		} else {
			shrinkRow(to, r.row, r.xs)
		}
	}
	past := r.filled
	if r.done < len(r.ys.from) {
		past = min(past, int(r.ys.from[r.done])-r.first)
	}
	copy(r.band, r.band[past*n:r.filled*n])
	r.first, r.filled = r.first+past, r.filled-past
}
