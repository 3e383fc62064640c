package cleanpdf

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// annotations adds to a page's contents what its annotations and form fields
// show (ISO 32000-1, 12.5.5).
func (c *copier) annotations(data []byte, res, page dict) ([]byte, error) {
	list, _ := page["Annots"].(array)
	var add bytes.Buffer
	for _, v := range list {
		a, _ := v.(dict)
		m, ok, err := c.from.placed(page, a)
		if err != nil {
			return nil, err
		}
		r, isRef := a["N"].(ref)
		if !ok || !isRef || c.layers.hides(a["OC"]) {
			continue
		}
		if err := c.annotation(&add, r, m, res); err != nil {
			return nil, err
		}
	}
	if add.Len() == 0 {
		return data, nil
	}
	if c.steps.contents && len(data) > 0 {
		data = slices.Concat([]byte("q\n"), data, []byte("Q\n"))
	}
	return append(data, add.Bytes()...), nil
}

// mostInline is how long an appearance may be that is written into the page;
// as an object of its own it takes about 150 bytes more.
const mostInline = 2000

// annotation adds an appearance: nothing when it draws nothing, its contents
// when they are short.
func (c *copier) annotation(add *bytes.Buffer, r ref, m matrix, res dict) error {
	d, err := c.from.dict(r)
	if err != nil {
		return err
	}
	own, err := c.from.dict(d["Resources"])
	if err != nil {
		return err
	}
	data, err := c.from.unpacked(r)
	if err != nil {
		return err
	}
	inner, err := c.from.numbers(d["Matrix"])
	if err != nil {
		return err
	}
	first := c.rewriter(own, toMatrix(inner).times(m))
	broken := first.run(data) != nil
	if !broken && !first.painted {
		return nil
	}
	lent, err := c.lent(own, first.used)
	if err != nil {
		return err
	}
	if broken || lent || own == nil || !c.steps.contents || d["Group"] != nil || first.inlineColour || first.out.Len() > mostInline {
		v, err := c.value(r, form)
		if err != nil || v == nil {
			return err
		}
		begin(add, m)
		writeName(add, borrow(res, "XObject", "N0", v))
		add.WriteString(" Do\nQ\n")
		return nil
	}
	kept, err := c.pruned(own, first.used)
	if err != nil {
		return err
	}
	second := c.rewriter(own, toMatrix(inner).times(m))
	second.rename = func(category, n name) name {
		all, _ := kept[category].(dict)
		if v := all[n]; v != nil {
			return borrow(res, category, n, v)
		}
		return n
	}
	if err := second.run(data); err != nil {
		return err
	}
	corners, err := c.from.numbers(d["BBox"])
	if err != nil {
		return err
	}
	box, _ := toRectangle(array(corners))
	begin(add, toMatrix(inner).times(m))
	for _, f := range []float64{box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0} {
		write(add, decimal(f, 3))
	}
	add.WriteString(" re\nW\nn\n")
	add.Write(second.out.Bytes())
	add.Write(bytes.Repeat([]byte("Q\n"), len(second.stack)+1))
	return nil
}

func begin(b *bytes.Buffer, m matrix) {
	b.WriteString("q\n")
	if m == identity {
		return
	}
	for _, f := range m {
		write(b, decimal(f, 5))
	}
	writeWord(b, "cm")
	b.WriteByte('\n')
}

// borrow gives the name that a page's resources have for a value, and adds it
// when they have none.
func borrow(res dict, category, wanted name, v value) name {
	all, _ := res[category].(dict)
	if all == nil {
		all = dict{}
	} else {
		all = maps.Clone(all)
	}
	for n, have := range sorted(all) {
		if same(have, v) {
			return n
		}
	}
	n := wanted
	for i := 1; all[n] != nil; i++ {
		n = name(fmt.Sprintf("%s.%d", wanted, i))
	}
	all[n] = v
	res[category] = all
	return n
}

// same says whether two copied values are written alike.
func same(a, b value) bool {
	var wa, wb bytes.Buffer
	write(&wa, a)
	write(&wb, b)
	return bytes.Equal(wa.Bytes(), wb.Bytes())
}
