package pdf

// FileOverhead is the most that a file takes besides its pages, and
// TextOverhead the most that it takes once, on top of that, when there are
// words on any page.
const (
	FileOverhead = 1500
	TextOverhead = 1500
)

// FileSize is the least limit under which a file of the pages is sure to
// stay; at most some 40 bytes a page above what Write writes.
func FileSize(pages []Page) int64 {
	size, words := int64(FileOverhead), false
	for i := range pages {
		size += pages[i].Size()
		words = words || len(pages[i].Words) > 0
	}
	if words {
		size += TextOverhead
	}
	return size
}

// Size is what the page adds to a file: never less, and a few bytes more at
// most. A page that Write would refuse has no meaningful size.
func (p *Page) Size() int64 {
	size := int64(600)
	for _, m := range p.images() {
		size += int64(len(m.Data)) + 400
		if m.Mask != nil {
			size += int64(len(m.Mask.Data)) + 400
		}
	}
	for _, w := range p.Words {
		size += int64(len(w.Text))*4 + 60
	}
	return size
}
