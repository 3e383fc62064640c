package cleanpdf

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	"pointnum/kiosk/document/mupdf"
)

// stringSet collects what is drawn with a font: bytes, pairs of bytes, or
// whole strings, by how the font reads them.
type stringSet struct {
	all  map[string]bool
	step int // bytes of a letter; 0 when that differs
}

func (s *stringSet) add(t text) {
	if s.all == nil {
		return
	}
	if s.step == 0 {
		s.all[string(t)] = true
		return
	}
	for i := 0; i < len(t); i += s.step {
		s.all[string(t[i:min(i+s.step, len(t))])] = true
	}
}

// set gives the set for a font of the resources. A font that is no object of
// its own can't be told from others, so its file stays whole.
func (u *uses) set(v value) *stringSet {
	r, ok := v.(ref)
	d, err := u.from.dict(v)
	if err != nil || d == nil {
		u.unknown = u.unknown || err != nil || v == nil
		return &stringSet{}
	}
	if !ok {
		u.keep(d)
		return &stringSet{}
	}
	if u.fonts[r] == nil {
		u.fonts[r] = map[string]bool{}
	}
	step := 1
	if d["Subtype"] == name("Type0") {
		step = 0
		if e := d["Encoding"]; e == name("Identity-H") || e == name("Identity-V") {
			step = 2
		}
	}
	return &stringSet{u.fonts[r], step}
}

// keep notes that a font's file stays whole.
func (u *uses) keep(d dict) {
	if _, r, _, err := u.from.fontFile(d); err == nil {
		u.whole[r] = true
	}
}

// A fontFile is a font's file with what is drawn of it.
type fontFile struct {
	glyphs   map[int32]bool
	cff, cid bool
	symbolic bool
	mixed    bool // fonts of different sorts share the file
}

// fontFile gives a font's descriptor, the number of its file and the key that
// leads to it.
func (s *source) fontFile(d dict) (descriptor dict, file ref, key name, err error) {
	if d["Subtype"] == name("Type0") {
		list, err := s.numbers(d["DescendantFonts"])
		if err != nil || len(list) == 0 {
			return nil, 0, "", err
		}
		d, _ = list[0].(dict)
	}
	desc, err := s.dict(d["FontDescriptor"])
	if err != nil {
		return nil, 0, "", err
	}
	for _, key := range []name{"FontFile2", "FontFile3", "FontFile"} {
		if r, ok := desc[key].(ref); ok {
			return desc, r, key, nil
		}
	}
	return desc, 0, "", nil
}

// find says for each font file which glyphs of it are drawn.
func (u *uses) find() error {
	u.programs = map[ref]*fontFile{}
	if u.unknown {
		return nil
	}
	for _, r := range slices.Sorted(maps.Keys(u.fonts)) {
		d, err := u.from.dict(r)
		if err != nil {
			return err
		}
		desc, file, key, err := u.from.fontFile(d)
		if err != nil || file == 0 {
			continue
		}
		f, ok := u.kindOf(d, desc, key, file)
		if !ok {
			u.whole[file] = true
			continue
		}
		if before := u.programs[file]; before != nil {
			before.mixed = before.mixed || before.cff != f.cff || before.cid != f.cid || before.symbolic != f.symbolic
			f = before
		}
		u.programs[file] = f
		for _, s := range slices.Sorted(maps.Keys(u.fonts[r])) {
			glyphs, err := u.from.file.Glyphs(int(r), []byte(s))
			if err != nil {
				f.mixed = true
				break
			}
			for _, g := range glyphs {
				f.glyphs[g] = true
			}
		}
	}
	return nil
}

// kindOf says what a font's file is, and whether parts of it can be left out.
func (u *uses) kindOf(d, desc dict, key name, file ref) (*fontFile, bool) {
	f := &fontFile{glyphs: map[int32]bool{}, cid: d["Subtype"] == name("Type0")}
	flags := integer(desc["Flags"])
	f.symbolic = flags&4 != 0 || flags&32 == 0
	switch key {
	case "FontFile2":
		return f, d["Subtype"] != name("Type1")
	case "FontFile3":
		stream, err := u.from.dict(file)
		if err != nil {
			return nil, false
		}
		f.cff = true
		switch stream["Subtype"] {
		case name("Type1C"):
			f.cid = false
			return f, true
		case name("CIDFontType0C"):
			return f, f.cid
		}
	}
	return nil, false
}

// part gives what of a font's file is kept; nil when that is all.
func (c *copier) part(r ref) *fontFile {
	f := c.uses.programs[r]
	if !c.steps.fonts || f == nil || f.mixed || c.uses.whole[r] || len(f.glyphs) == 0 {
		return nil
	}
	return f
}

// tag gives a font's name, or that in its descriptor, the mark of a part of a
// font: six letters, others for another part (ISO 32000-1, 9.6.4).
func (c *copier) tag(out dict, key name, file ref) {
	n, ok := out[key].(name)
	f := c.part(file)
	if !ok || f == nil {
		return
	}
	h := sha256.New()
	for _, g := range slices.Sorted(maps.Keys(f.glyphs)) {
		fmt.Fprintln(h, g)
	}
	var letters []byte
	for _, b := range h.Sum([]byte{})[:6] {
		letters = append(letters, 'A'+b%26)
	}
	if len(n) > 7 && n[6] == '+' {
		n = n[7:]
	}
	out[key] = name(letters) + "+" + n
}

// ofFont copies a font or its descriptor, whose names tell of its file.
func (c *copier) ofFont(d dict, as kind) (value, error) {
	out, err := c.listed(d, as)
	if err != nil {
		return nil, err
	}
	if as == descriptor {
		d = dict{"FontDescriptor": d}
	}
	_, file, _, err := c.from.fontFile(d)
	if err != nil {
		return nil, err
	}
	c.tag(out, "BaseFont", file)
	c.tag(out, "FontName", file)
	return out, nil
}

// program copies a font's file, without the glyphs that are not drawn.
func (c *copier) program(r ref, d dict) (dict, []byte, error) {
	for key := range kinds[program] {
		v, err := c.from.resolve(d[key])
		if err != nil {
			return nil, nil, err
		}
		d[key] = v
	}
	out, err := c.listed(d, program)
	if err != nil {
		return nil, nil, err
	}
	whole, packed, err := c.packed(r, d, out)
	f := c.part(r)
	if err != nil || f == nil {
		return whole, packed, err
	}
	data, err := c.from.unpacked(r)
	if err != nil {
		return nil, nil, err
	}
	part, err := subset(c.from.file, data, f)
	if err != nil {
		return whole, packed, nil // of a form that can't be cut down
	}
	body, small := c.out.flate(part)
	if len(small) >= len(packed) {
		return whole, packed, nil
	}
	if out["Length1"] != nil {
		body["Length1"] = number(fmt.Sprint(len(part)))
	}
	if out["Subtype"] != nil {
		body["Subtype"] = out["Subtype"]
	}
	return body, small, nil
}

// subset gives a font file with only the glyphs that are drawn.
func subset(file *mupdf.File, data []byte, f *fontFile) ([]byte, error) {
	glyphs := slices.Sorted(maps.Keys(f.glyphs))
	glyphs = slices.DeleteFunc(glyphs, func(g int32) bool { return g < 0 || g > 0xffff })
	if len(glyphs) == 0 {
		return nil, errShape
	}
	return file.Subset(data, mupdf.FontFile{CFF: f.cff, Symbolic: f.symbolic, CID: f.cid}, glyphs)
}
