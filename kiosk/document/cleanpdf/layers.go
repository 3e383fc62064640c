package cleanpdf

import "strconv"

// layers are a document's layers that can be switched (optional content, ISO
// 32000-1, 8.11). When none is switched off they have no effect and go; else
// those that are drawn on stay as they are switched, without their names.
type layers struct {
	some   bool // some layer is switched off
	hidden map[ref]bool
	base   bool  // hidden, unless listed
	all    array // new numbers
	off    array
}

// layersOf reads how a document's layers are switched.
func (s *source) layersOf() (layers, error) {
	b, err := s.file.Root()
	if err != nil {
		return layers{}, err
	}
	v, err := parse(b)
	if err != nil {
		return layers{}, err
	}
	root, err := s.dict(v)
	if err != nil {
		return layers{}, err
	}
	oc, err := s.dict(root["OCProperties"])
	if err != nil {
		return layers{}, err
	}
	d, err := s.dict(oc["D"])
	if err != nil {
		return layers{}, err
	}
	l := layers{hidden: map[ref]bool{}, base: d["BaseState"] == name("OFF")}
	for _, key := range []name{"ON", "OFF"} {
		list, err := s.resolve(d[key])
		if err != nil {
			return layers{}, err
		}
		a, _ := list.(array)
		for _, v := range a {
			if r, ok := v.(ref); ok {
				l.hidden[r] = key == "OFF"
				l.some = l.some || key == "OFF"
			}
		}
	}
	l.some = l.some || l.base
	return l, nil
}

// hides says whether something on a layer is not seen.
func (l *layers) hides(v value) bool {
	r, ok := v.(ref)
	if !ok || !l.some {
		return false
	}
	off, listed := l.hidden[r]
	return off || !listed && l.base
}

// layer copies a layer, or a set of layers.
func (c *copier) layer(d dict, r ref) (value, error) {
	if d["Type"] != name("OCG") {
		return c.listed(d, layerSet)
	}
	l := &c.layers
	// No two layers are the same, even if they are alike.
	n := c.out.object(c.out.reserve(), dict{"Type": name("OCG"), "Name": text(strconv.Itoa(len(c.out.at)))})
	l.all = append(l.all, n)
	if l.hides(r) {
		l.off = append(l.off, n)
	}
	return n, nil
}
