package reading

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"os/exec"
	"strconv"
)

// Colour draws one page (from 1) in colour, turned clockwise by 0, 90, 180 or
// 270 degrees. nil without an error is a page that is not there.
func (r *Reader) Colour(ctx context.Context, pdf string, page, turn int) (*image.RGBA, error) {
	n := strconv.Itoa(page)
	out, err := exec.CommandContext(ctx, "pdftoppm", "-scale-to", strconv.Itoa(LongSide), "-f", n, "-l", n, pdf).Output()
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("draw %s: %w", pdf, err)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return parsePPM(out, turn)
}

// parsePPM reads a binary colour picture as pdftoppm writes it, and turns it.
func parsePPM(data []byte, turn int) (*image.RGBA, error) {
	var w, h, top int
	if _, err := fmt.Fscanf(bytes.NewReader(data), "P6\n%d %d\n%d\n", &w, &h, &top); err != nil {
		return nil, fmt.Errorf("ppm: %w", err)
	}
	if w <= 0 || h <= 0 || top != 255 || len(data) < 3*w*h {
		return nil, errors.New("ppm: not 8 bits or cut")
	}
	pix := data[len(data)-3*w*h:]
	size := image.Rect(0, 0, w, h)
	if turn == 90 || turn == 270 {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			to := image.Pt(x, y)
			switch turn {
			case 90:
				to = image.Pt(h-1-y, x)
			case 180:
				to = image.Pt(w-1-x, h-1-y)
			case 270:
				to = image.Pt(y, w-1-x)
			}
			s, d := pix[3*(y*w+x):], dst.Pix[dst.PixOffset(to.X, to.Y):]
			d[0], d[1], d[2], d[3] = s[0], s[1], s[2], 255
		}
	}
	return dst, nil
}
