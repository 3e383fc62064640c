package cleanpdf

import (
	"errors"
	"maps"
	"slices"
)

// uses is what the pages that are taken from an original do with its fonts
// and pictures. It is found by reading every content stream they lead to.
type uses struct {
	from     *source
	fonts    map[ref]map[string]bool // the strings that are drawn with a font
	whole    map[ref]bool            // fonts whose use can't be told
	unknown  bool                    // some text's font can't be told
	places   map[ref]*place2D        // of pictures and forms
	walks    map[ref]int             // how often a form was read
	work     map[ref]int             // operators that drawing a form takes, with all it draws
	programs map[ref]*fontFile
	depth    int
}

// place2D is how large something is drawn at most, in points.
type place2D struct{ width, height float64 }

// mostWalks is how often a form is read that is drawn larger each time.
const mostWalks = 6

func newUses(from *source) *uses {
	return &uses{from: from, fonts: map[ref]map[string]bool{}, whole: map[ref]bool{}, places: map[ref]*place2D{}, walks: map[ref]int{}, work: map[ref]int{}}
}

// scale is how much larger a form's contents are drawn than its place says.
func (u *uses) scale(r ref) float64 {
	if p := u.places[r]; p != nil {
		return max(p.width, p.height)
	}
	return 1
}

// enlarge notes that something is drawn, and says whether larger than before.
func (u *uses) enlarge(r ref, m matrix) bool {
	p := u.places[r]
	if p == nil {
		p = &place2D{}
		u.places[r] = p
	}
	more := m.width() > p.width*1.01 || m.height() > p.height*1.01
	p.width, p.height = max(p.width, m.width()), max(p.height, m.height())
	return more
}

// page reads a page.
func (u *uses) page(d dict) error {
	data, err := u.from.streams(d["Contents"])
	if err != nil {
		return err
	}
	res, err := u.from.dict(d["Resources"])
	if err != nil {
		return err
	}
	unit := 1.0
	if v, err := u.from.resolve(d["UserUnit"]); err == nil && float(v) > 0 {
		unit = float(v)
	}
	scale := matrix{unit, 0, 0, unit, 0, 0}
	n, err := u.content(data, res, scale)
	if err != nil {
		return err
	}
	list, _ := d["Annots"].(array)
	for _, v := range list {
		a, _ := v.(dict)
		m, ok, err := u.from.placed(d, a)
		if err != nil {
			return err
		}
		if r, is := a["N"].(ref); ok && is {
			if err := u.form(r, res, m.times(scale)); err != nil {
				return err
			}
			n += u.work[r]
		}
	}
	if n > mostWork {
		return errBomb
	}
	return nil
}

// mostWork is how many operators a page may take: maps have some hundred
// thousand, and forms that draw forms that draw forms any number.
const mostWork = 10_000_000

// content reads a content stream and all that it draws with, and gives the
// operators that takes.
func (u *uses) content(data []byte, res dict, ctm matrix) (int, error) {
	if u.depth++; u.depth > mostNested {
		return 0, errShape
	}
	defer func() { u.depth-- }()
	fonts, err := u.from.dict(res["Font"])
	if err != nil {
		return 0, err
	}
	objects, err := u.from.dict(res["XObject"])
	if err != nil {
		return 0, err
	}
	work := 0
	kinds := map[name]*stringSet{}
	var failed error
	r := &rewriter{
		layers: true, most: 2 * mostDecoded, state: graphics{ctm: ctm},
		properties: func(name) dict { return nil },
		show: func(font name, s text) {
			if kinds[font] == nil {
				kinds[font] = u.set(fonts[font])
			}
			kinds[font].add(s)
		},
		paint: func(n name, m matrix) {
			if failed == nil {
				failed = u.painted(objects[n], res, m)
			}
			if r, ok := objects[n].(ref); ok {
				work = min(work+u.work[r], mostWork+1)
			}
		},
	}
	if err := r.run(data); errors.Is(err, errBomb) {
		return 0, err
	} else if err != nil {
		u.unknown = true
	}
	if failed != nil {
		return 0, failed
	}
	return work + r.operators, u.others(res, fonts, r.used, r.state.ctm)
}

// others reads what draws without being called by Do: patterns, masks, the
// glyphs of Type 3 fonts.
func (u *uses) others(res, fonts dict, used used, ctm matrix) error {
	patterns, err := u.from.dict(res["Pattern"])
	if err != nil {
		return err
	}
	states, err := u.from.dict(res["ExtGState"])
	if err != nil {
		return err
	}
	for _, n := range slices.Sorted(maps.Keys(used["Pattern"])) {
		if r, ok := patterns[n].(ref); ok {
			if err := u.form(r, res, identity); err != nil {
				return err
			}
		}
	}
	for _, n := range slices.Sorted(maps.Keys(used["ExtGState"])) {
		if err := u.gstate(states[n], res, ctm); err != nil {
			return err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(used["Font"])) {
		if err := u.glyphs(fonts[n], res); err != nil {
			return err
		}
	}
	return nil
}

func (u *uses) gstate(v value, res dict, ctm matrix) error {
	d, err := u.from.dict(v)
	if err != nil {
		return err
	}
	if d["Font"] != nil {
		u.unknown = true
	}
	mask, err := u.from.dict(d["SMask"])
	if err != nil {
		return err
	}
	if g, ok := mask["G"].(ref); ok {
		return u.form(g, res, ctm)
	}
	return nil
}

// glyphs reads the drawings of a Type 3 font.
func (u *uses) glyphs(v value, res dict) error {
	d, err := u.from.dict(v)
	if err != nil || d["Subtype"] != name("Type3") {
		return err
	}
	procs, err := u.from.dict(d["CharProcs"])
	if err != nil {
		return err
	}
	own, err := u.from.dict(d["Resources"])
	if err != nil {
		return err
	}
	if own == nil {
		own = res
	}
	for _, v := range sorted(procs) {
		r, ok := v.(ref)
		if !ok || u.walks[r] > 0 {
			continue
		}
		u.walks[r]++
		data, err := u.from.unpacked(r)
		if err != nil {
			return err
		}
		if _, err := u.content(data, own, identity); err != nil {
			return err
		}
	}
	return nil
}

func (u *uses) painted(v value, res dict, m matrix) error {
	r, ok := v.(ref)
	if !ok {
		return nil
	}
	d, err := u.from.dict(v)
	if err != nil {
		return err
	}
	if d["Subtype"] == name("Form") {
		return u.form(r, res, m)
	}
	u.enlarge(r, m)
	for _, key := range []name{"SMask", "Mask"} {
		if mask, ok := d[key].(ref); ok {
			u.enlarge(mask, m)
		}
	}
	return nil
}

// form reads a form or a pattern that is drawn with a matrix.
func (u *uses) form(r ref, res dict, m matrix) error {
	larger := u.enlarge(r, m)
	if u.walks[r] > 0 && (!larger || u.walks[r] >= mostWalks) {
		return nil
	}
	u.walks[r]++
	v, stream, err := u.from.object(r)
	if err != nil || !stream {
		return err
	}
	d, _ := v.(dict)
	own, err := u.from.dict(d["Resources"])
	if err != nil {
		return err
	}
	if own == nil {
		own = res
	}
	inner, err := u.from.numbers(d["Matrix"])
	if err != nil {
		return err
	}
	data, err := u.from.unpacked(r)
	if err != nil {
		return err
	}
	n, err := u.content(data, own, toMatrix(inner).times(m))
	u.work[r] = max(u.work[r], n)
	return err
}
