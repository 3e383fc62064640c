package cleanpdf

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"iter"
	"maps"
	"slices"
	"strconv"
)

// sorted walks a dictionary in the order of its keys, so that the same file
// always gives the same result.
func sorted(d dict) iter.Seq2[name, value] {
	return func(yield func(name, value) bool) {
		for _, key := range slices.Sorted(maps.Keys(d)) {
			if !yield(key, d[key]) {
				return
			}
		}
	}
}

// page gives a page's dictionary with what it inherits.
func (s *source) page(i int) (dict, error) {
	b, err := s.file.Page(i)
	if err != nil {
		return nil, err
	}
	if s.alike == nil {
		s.alike = map[int][sha256.Size]byte{}
	}
	s.alike[i] = sha256.Sum256(b)
	v, err := parse(b)
	d, ok := v.(dict)
	if err != nil || !ok {
		return nil, errShape
	}
	return d, nil
}

// streams gives the content streams of a page joined.
func (s *source) streams(contents value) ([]byte, error) {
	list := array{contents}
	v, err := s.resolve(contents)
	if err != nil {
		return nil, err
	}
	if a, ok := v.(array); ok {
		list = a
	}
	var all bytes.Buffer
	for _, v := range list {
		r, ok := v.(ref)
		if !ok {
			continue
		}
		_, stream, err := s.object(r)
		if err != nil {
			return nil, err
		}
		if !stream {
			continue
		}
		b, err := s.unpacked(r)
		if err != nil {
			return nil, err
		}
		if all.Len()+len(b) > mostDecoded {
			return nil, errBomb
		}
		all.Write(b)
		all.WriteByte('\n')
	}
	return all.Bytes(), nil
}

// page copies a page; turn is clockwise. parent is the page tree.
func (c *copier) page(i, turn int, parent ref) (ref, error) {
	d, err := c.from.page(i)
	if err != nil {
		return 0, err
	}
	data, err := c.from.streams(d["Contents"])
	if err != nil {
		return 0, err
	}
	res, err := c.from.dict(d["Resources"])
	if err != nil {
		return 0, err
	}
	data, kept, err := c.rewritten(data, res, identity, true)
	if err != nil {
		return 0, err
	}
	data, err = c.annotations(data, kept, d)
	if err != nil {
		return 0, err
	}
	out := dict{"Type": name("Page"), "Parent": parent, "Resources": kept}
	for _, key := range []name{"MediaBox", "CropBox", "UserUnit"} {
		if out[key], err = c.value(d[key], plain); err != nil {
			return 0, err
		}
	}
	g, err := c.from.dict(d["Group"])
	if err != nil {
		return 0, err
	}
	if g != nil {
		if out["Group"], err = c.value(g, group); err != nil {
			return 0, err
		}
	}
	own, err := c.from.resolve(d["Rotate"])
	if err != nil {
		return 0, err
	}
	if t := ((int(float(own))+turn)%360 + 360) % 360; t != 0 {
		out["Rotate"] = number(strconv.Itoa(t))
	}
	maps.DeleteFunc(out, func(_ name, v value) bool { return v == nil })
	if len(bytes.TrimSpace(data)) > 0 {
		body, packed := c.out.flate(data)
		out["Contents"] = c.out.stream(0, body, packed)
	}
	return c.out.object(c.out.reserve(), out), nil // no page is there twice
}

// contents copies a stream of drawing operators and its dictionary.
func (c *copier) contents(r ref, d dict, as kind) (dict, []byte, error) {
	data, err := c.from.unpacked(r)
	if err != nil {
		return nil, nil, err
	}
	own, err := c.from.dict(d["Resources"])
	if err != nil {
		return nil, nil, err
	}
	m, err := c.from.numbers(d["Matrix"])
	if err != nil {
		return nil, nil, err
	}
	rest := maps.Clone(d)
	delete(rest, "Resources")
	out, err := c.listed(rest, as)
	if err != nil {
		return nil, nil, err
	}
	// How large it is drawn shows in the place it is used from.
	scale := matrix{c.uses.scale(r), 0, 0, c.uses.scale(r), 0, 0}
	data, kept, err := c.rewritten(data, own, toMatrix(m).times(scale), false)
	if err != nil {
		return nil, nil, err
	}
	if own != nil {
		out["Resources"] = kept
	}
	body, packed := c.out.flate(data)
	maps.Copy(out, body)
	return out, packed, nil
}

// numbers gives an array's elements, resolved.
func (s *source) numbers(v value) ([]value, error) {
	v, err := s.resolve(v)
	a, _ := v.(array)
	for i := range a {
		if err == nil {
			a[i], err = s.resolve(a[i])
		}
	}
	return a, err
}

// rewritten writes a content stream anew, when that is wanted and possible,
// and copies the resources that it uses.
func (c *copier) rewritten(data []byte, res dict, ctm matrix, page bool) ([]byte, dict, error) {
	r := c.rewriter(res, ctm)
	err := r.run(data)
	if errors.Is(err, errBomb) {
		return nil, nil, err
	}
	if err != nil {
		// Other readers make something of it, so they get all of it.
		kept, err := c.listed(res, resources)
		if page && err == nil {
			data = slices.Concat([]byte("q\n"), data, []byte("\nQ\n"))
		}
		return data, kept, err
	}
	if c.steps.contents {
		data = r.out.Bytes()
	}
	if n := len(r.stack); n > 0 && page {
		data = slices.Concat(data, bytes.Repeat([]byte("Q\n"), n))
	}
	if page && !c.steps.contents {
		data = slices.Concat([]byte("q\n"), data, []byte("\nQ\n"))
	}
	whole, err := c.lent(res, r.used)
	if err != nil {
		return nil, nil, err
	}
	if whole {
		kept, err := c.listed(res, resources)
		return data, kept, err
	}
	kept, err := c.pruned(res, r.used)
	return data, kept, err
}

func (c *copier) rewriter(res dict, ctm matrix) *rewriter {
	return &rewriter{
		layers: c.layers.some,
		most:   mostDecoded,
		state:  graphics{ctm: ctm},
		properties: func(n name) dict {
			lists, _ := c.from.dict(res["Properties"])
			d, _ := c.from.dict(lists[n])
			return d
		},
	}
}

// lent says whether a stream draws a form without resources of its own, which
// uses those of the stream.
func (c *copier) lent(res dict, u used) (bool, error) {
	all, err := c.from.dict(res["XObject"])
	if err != nil {
		return false, err
	}
	for n := range u["XObject"] {
		d, err := c.from.dict(all[n])
		if err != nil {
			return false, err
		}
		if d["Subtype"] == name("Form") && d["Resources"] == nil {
			return true, nil
		}
	}
	fonts, err := c.from.dict(res["Font"])
	if err != nil {
		return false, err
	}
	for n := range u["Font"] {
		d, err := c.from.dict(fonts[n])
		if err != nil {
			return false, err
		}
		if d["Subtype"] == name("Type3") && d["Resources"] == nil {
			return true, nil
		}
	}
	return false, nil
}

// pruned copies the resources that are used.
func (c *copier) pruned(res dict, u used) (dict, error) {
	out := dict{}
	for category := range kinds[resources] {
		from, err := c.from.dict(res[category])
		if err != nil {
			return nil, err
		}
		some := dict{}
		for n, v := range from {
			// Defaults are used without being called.
			if u[category][n] || category == "ColorSpace" && (n == "DefaultGray" || n == "DefaultRGB" || n == "DefaultCMYK") {
				some[n] = v
			}
		}
		if len(some) > 0 {
			out[category] = some
		}
	}
	return c.listed(out, resources)
}

// noRotate is the flag of annotations that stay upright on a turned page.
const noRotate = 16

// placed gives the matrix that puts an annotation's appearance in its place on
// a page.
func (s *source) placed(page, a dict) (matrix, bool, error) {
	d, err := s.dict(a["N"])
	if err != nil {
		return identity, false, err
	}
	corners, err := s.numbers(d["BBox"])
	if err != nil {
		return identity, false, err
	}
	box, ok1 := toRectangle(array(corners))
	if corners, err = s.numbers(a["Rect"]); err != nil {
		return identity, false, err
	}
	rect, ok2 := toRectangle(array(corners))
	m, err := s.numbers(d["Matrix"])
	if err != nil || !ok1 || !ok2 {
		return identity, false, err
	}
	box = box.around(toMatrix(m))
	w, h := box.x1-box.x0, box.y1-box.y0
	if !(w > 0 && h > 0) {
		return identity, false, nil
	}
	sx, sy := (rect.x1-rect.x0)/w, (rect.y1-rect.y0)/h
	put := matrix{sx, 0, 0, sy, rect.x0 - box.x0*sx, rect.y0 - box.y0*sy}
	turn, err := s.resolve(page["Rotate"])
	if err != nil || integer(a["F"])&noRotate == 0 {
		return put, err == nil, err
	}
	// It turns about the corner that is the upper left one before (12.5.3).
	x, y := rect.x0, rect.y1
	switch (integer(turn)%360 + 360) % 360 {
	case 90:
		put = put.times(matrix{0, 1, -1, 0, x + y, y - x})
	case 180:
		put = put.times(matrix{-1, 0, 0, -1, 2 * x, 2 * y})
	case 270:
		put = put.times(matrix{0, -1, 1, 0, x - y, y + x})
	}
	return put, true, nil
}
