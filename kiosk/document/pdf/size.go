package pdf

import "io"

// FileOverhead is the most that a file takes besides its pages, and
// TextOverhead the most that it takes once, on top of that, when there are
// words on any page.
const (
	FileOverhead = 1360
	TextOverhead = 1320
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

// Size is what the page adds to a file: never less, and some 40 bytes more at
// most. A page that Write would refuse has no meaningful size.
func (p *Page) Size() int64 {
	// The numbers of its objects are not known yet: the longest are taken.
	f := Writer{w: io.Discard, base: maxObjects / 2, fonts: maxObjects}
	f.page(p)
	const kid = int64(len("99999 0 R "))
	return f.written + int64(len(f.offsets))*entry + kid
}
