package cleanpdf

import (
	"maps"
	"slices"

	"pointnum/kiosk/document/mupdf"
)

// subset gives a font file with only the glyphs that are drawn.
func subset(file *mupdf.File, data []byte, f *fontFile) ([]byte, error) {
	glyphs := slices.Sorted(maps.Keys(f.glyphs))
	glyphs = slices.DeleteFunc(glyphs, func(g int32) bool { return g < 0 || g > 0xffff })
	if len(glyphs) == 0 {
		return nil, errShape
	}
	return file.Subset(data, mupdf.FontFile{CFF: f.cff, Symbolic: f.symbolic, CID: f.cid}, glyphs)
}
