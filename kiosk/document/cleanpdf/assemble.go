// Package cleanpdf writes PDF files anew: pages of one or several, with what
// shows on them and nothing else, and small.
//
// The files are read with the MuPDF library, what their pages reach is copied
// by lists of what may stay, and every page is drawn beside the original
// before anybody gets it. It reads hostile bytes: use it only in the sandboxed
// child.
package cleanpdf

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"pointnum/kiosk"
	"pointnum/kiosk/document/mupdf"
)

// Part is what comes next in a file that is put together: a page of an
// original, or the pages of a PDF that package pdf made.
type Part struct {
	Original *Original
	Page     int // of the original, counted from 0
	Turn     int // clockwise, added to what the page has: 0, 90, 180 or 270
	// Raster is a whole PDF of our own, when Original is nil. All its pages
	// are taken, in order, as they are; Turn turns each.
	Raster []byte
}

// Quality says what may be done to the pictures of originals. The zero value
// keeps their pixels and only packs them better.
type Quality struct {
	// ImageDPI is how fine pictures need to be on paper; those of more than
	// 1.3 times that are brought down to it. 0 leaves them as fine as they are.
	ImageDPI int
	// JPEG is the quality (1 to 100) photographs are packed with again when
	// that makes them smaller; 0 packs without loss. Drawings of few colours
	// and masks are always packed without loss.
	JPEG int
	// Gray takes the colours out of pictures. Text and lines keep theirs.
	Gray bool
}

// Assemble puts pages of several files into one PDF, in order. Text stays
// text, lines stay lines and fonts keep the glyphs that are used; form fields
// and comments become part of the page as they show. Nothing else of the
// originals is in the result: what may stay is listed, key by key. The same
// parts always give the same bytes.
//
// Every page is drawn and read again and held against its original: a step
// that changed a page is left out. It fails with a CodeFile… code when a page
// can't be taken over faithfully: it is damaged, or unpacks to too much.
// maxMemory bounds what the library uses to check the result, in bytes.
func Assemble(parts []Part, q Quality, maxMemory int) ([]byte, error) {
	return assemble(parts, q, maxMemory, comparedSide)
}

func assemble(parts []Part, q Quality, maxMemory, side int) ([]byte, error) {
	a := &assembly{parts: parts, quality: q, memory: maxMemory, side: side, tried: map[*Original]int{}}
	defer a.close()
	data, err := a.run()
	if err != nil {
		return nil, fault("cleanpdf: assemble", err)
	}
	return data, nil
}

// An assembly is a file that is being put together.
type assembly struct {
	parts   []Part
	quality Quality
	memory  int
	side    int         // of the drawings that are compared, in pixels
	opened  []*Original // of rasters
	tried   map[*Original]int
	uses    map[*Original]*uses
}

func (a *assembly) close() {
	for _, o := range a.opened {
		o.Close()
	}
}

// attempts are what is done to an original, from the most to the least: when
// a page comes out different, the next one is tried.
func (a *assembly) attempt(o *Original) (steps, bool) {
	all := []steps{
		{contents: true, fonts: true, pictures: true},
		{contents: true, pictures: true},
		{fonts: true, pictures: true},
		{contents: true},
		{},
	}
	if o.file.own {
		all = all[len(all)-1:]
	}
	i := a.tried[o]
	if i >= len(all) {
		return steps{}, false
	}
	s := all[i]
	s.quality = a.quality
	return s, true
}

func (a *assembly) run() ([]byte, error) {
	pages, err := a.pages()
	if err != nil {
		return nil, err
	}
	a.uses = map[*Original]*uses{}
	seen := map[appearance]bool{}
	for _, p := range pages {
		u := a.uses[p.Original]
		if u == nil {
			u = newUses(p.Original.file)
			a.uses[p.Original] = u
		}
		if p.Original.file.own {
			continue
		}
		d, err := p.Original.file.page(p.Page)
		if err != nil {
			return nil, err
		}
		if k := p.appearance(); !seen[k] {
			seen[k] = true
			if err := u.page(d); err != nil {
				return nil, err
			}
		}
	}
	for _, u := range a.uses {
		if err := u.find(); err != nil {
			return nil, err
		}
	}
	for {
		data, err := a.build(pages)
		if err != nil {
			return nil, err
		}
		changed, err := a.check(data, pages)
		if err != nil {
			return nil, err
		}
		if len(changed) == 0 {
			return data, nil
		}
		for o := range changed {
			a.tried[o]++
			if _, ok := a.attempt(o); !ok {
				return nil, errLooks
			}
		}
	}
}

// pages opens the rasters and lists every page.
func (a *assembly) pages() ([]Part, error) {
	var pages []Part
	for _, p := range a.parts {
		if p.Original != nil {
			if p.Page < 0 || p.Page >= p.Original.pages {
				return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "cleanpdf: no such page"}
			}
			pages = append(pages, p)
			continue
		}
		o, err := Open(p.Raster, a.memory)
		if err != nil {
			return nil, fmt.Errorf("raster: %w", err)
		}
		o.file.own = true
		a.opened = append(a.opened, o)
		for i := range o.pages {
			pages = append(pages, Part{Original: o, Page: i, Turn: p.Turn})
		}
	}
	if len(pages) == 0 {
		return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: "cleanpdf: no pages"}
	}
	return pages, nil
}

// appearance is what pages have in common that look the same.
type appearance struct {
	of    *Original
	alike [sha256.Size]byte
	turn  int
}

// appearance gives what a page that was read looks like.
func (p Part) appearance() appearance {
	return appearance{p.Original, p.Original.file.alike[p.Page], p.Turn}
}

func (a *assembly) build(pages []Part) ([]byte, error) {
	about := 4096
	for _, p := range pages {
		about += p.Original.size / p.Original.pages
	}
	out := newOutput(about)
	tree := out.reserve()
	copiers := map[*Original]*copier{}
	var order []*copier
	var kids array
	for _, p := range pages {
		c := copiers[p.Original]
		if c == nil {
			s, _ := a.attempt(p.Original)
			c = newCopier(p.Original.file, out, s, a.uses[p.Original])
			l, err := p.Original.file.layersOf()
			if err != nil {
				return nil, err
			}
			c.layers = l
			copiers[p.Original] = c
			order = append(order, c)
		}
		n, err := c.page(p.Page, p.Turn, tree)
		if err != nil {
			return nil, err
		}
		kids = append(kids, n)
	}
	out.object(tree, dict{"Type": name("Pages"), "Kids": kids, "Count": number(fmt.Sprint(len(kids)))})
	root := dict{"Type": name("Catalog"), "Pages": tree}
	var all, off array
	for _, c := range order {
		all, off = append(all, c.layers.all...), append(off, c.layers.off...)
	}
	if len(all) > 0 {
		root["OCProperties"] = dict{"OCGs": all, "D": dict{"OFF": off}}
	}
	return out.finish(out.object(0, root)), nil
}

var (
	errLooks = errors.New("cleanpdf: looks different")
	errPages = errors.New("cleanpdf: another number of pages")
)

// check says of which originals a page does not look or read as it did.
func (a *assembly) check(data []byte, pages []Part) (map[*Original]bool, error) {
	after, err := mupdf.OpenFile(data, a.memory)
	if err != nil {
		return nil, err
	}
	defer after.Close()
	if n, err := after.Pages(); err != nil || n != len(pages) {
		return nil, errPages
	}
	changed := map[*Original]bool{}
	seen := map[appearance]bool{}
	for i, p := range pages {
		k := p.appearance()
		if p.Original.file.own || changed[p.Original] || seen[k] {
			continue
		}
		seen[k] = true
		s, _ := a.attempt(p.Original)
		same, err := alike(p, after, i, a.side, s.tolerance())
		if err != nil {
			return nil, err
		}
		if !same {
			changed[p.Original] = true
		}
	}
	if after.Repaired() {
		return nil, errLooks
	}
	return changed, nil
}
