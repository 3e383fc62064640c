package fit

import (
	"cmp"
	"errors"
	"slices"

	"pointnum/kiosk"
	"pointnum/kiosk/document/cleanpdf"
	"pointnum/kiosk/document/pdf"
)

// needy orders pages by how much they need what is left: pictures first, then
// those that take most.
func needy(pages []Page, pieces []piece) []int {
	var order []int
	for i := range pages {
		if !pieces[i].original && pages[i].Kind != kiosk.PageBilevel {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if pa, pb := pages[a].Kind == kiosk.PagePicture, pages[b].Kind == kiosk.PagePicture; pa != pb {
			if pa {
				return -1
			}
			return 1
		}
		return cmp.Compare(pieces[b].size, pieces[a].size)
	})
	return order
}

// split finds the best level at which the pages, in order, fit in parts.
func (f *pdfFitter) split(maxFiles int, limit int64) (Result, error) {
	most := limit * int64(maxFiles)
	for k := comfort; k < len(f.levels); k++ {
		e, err := f.at(k, most)
		if err != nil {
			return Result{}, err
		}
		if !e.full {
			continue
		}
		if err := f.sizeOriginals(e.pieces, k); err != nil {
			return Result{}, err
		}
		parts := partition(e.pieces, maxFiles, limit)
		if parts == nil {
			continue
		}
		r, err := f.write(parts, k, limit)
		if !errors.Is(err, errTooBig) {
			return r, err
		}
	}
	return Result{}, cannotFit("fit: pdf in parts")
}

// sizeOriginals measures what each page of live text takes for itself.
func (f *pdfFitter) sizeOriginals(pieces []piece, k int) error {
	for i := range pieces {
		if !f.pages[i].live() {
			continue
		}
		data, err := cleanpdf.Assemble([]cleanpdf.Part{f.pages[i].part()}, f.levels[k].digital, f.o.MaxMemory)
		if err != nil {
			return err
		}
		pieces[i].size = int64(len(data))
	}
	return nil
}

// partition fills parts one after the other; nil when there are too many.
func partition(pieces []piece, maxFiles int, limit int64) [][]piece {
	var parts [][]piece
	size := limit + 1
	for _, p := range pieces {
		if size+p.size > limit {
			if len(parts) == maxFiles || p.size+pdf.FileOverhead > limit {
				return nil
			}
			parts, size = append(parts, nil), pdf.FileOverhead
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], p)
		size += p.size
	}
	return parts
}
