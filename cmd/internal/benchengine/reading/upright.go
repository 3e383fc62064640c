package reading

import (
	"context"
	"image"

	"pointnum/cmd/internal/benchengine/legible"
)

// Upright reads a page in the given turns (0, 90, 180, 270 degrees clockwise),
// in this order, until it reads well beyond doubt, and gives the best reading
// and its turn. A page that reads no better when turned is not turned.
func (r *Reader) Upright(ctx context.Context, page *image.Gray, lang string, column bool, turns ...int) (*Text, int, error) {
	var best *Text
	turn := 0
	for _, degrees := range turns {
		t, err := r.Read(ctx, legible.Turn(page, degrees), lang, column)
		if err != nil {
			return nil, 0, err
		}
		if best == nil || t.Weight() > 1.2*best.Weight()+20 {
			best, turn = t, degrees
		}
		if best.Well() {
			break
		}
	}
	return best, turn, nil
}

// Well says that a page was read the right way up beyond doubt. Upside down,
// tesseract finds words too, but few of them surely.
func (t *Text) Well() bool {
	n, across, sum := 0, 0, 0.0
	for i := range t.Words {
		if w := &t.Words[i]; len([]rune(w.Text)) >= 3 {
			n++
			sum += w.Conf
			if w.across() {
				across++
			}
		}
	}
	return n >= 15 && 4*across >= 3*n && sum/float64(n) >= 65
}
