package cleanpdf

// picture copies an image.
func (c *copier) picture(r ref, d dict) (dict, []byte, error) {
	w, h, err := c.from.pixels(d)
	if err != nil {
		return nil, nil, err
	}
	_, _ = w, h
	out, err := c.listed(d, picture)
	if err != nil {
		return nil, nil, err
	}
	return c.asIs(r, d, out)
}

// mostPixels are as many as a picture may have.
const mostPixels = 120_000_000

// pixels gives an image's size.
func (s *source) pixels(d dict) (w, h int, err error) {
	for key, to := range map[name]*int{"Width": &w, "Height": &h} {
		v, err := s.resolve(d[key])
		if err != nil {
			return 0, 0, err
		}
		*to = integer(v)
	}
	if w <= 0 || h <= 0 {
		return 0, 0, errShape
	}
	if w > mostPixels || h > mostPixels || w*h > mostPixels {
		return 0, 0, errBomb
	}
	return w, h, nil
}

// asIs keeps an image's data packed as it is.
func (c *copier) asIs(r ref, d, out dict) (dict, []byte, error) {
	raw, err := c.from.file.Raw(int(r))
	if err != nil {
		return nil, nil, err
	}
	filters, parms, err := c.from.filters(d)
	if err != nil {
		return nil, nil, err
	}
	fa, pa := array{}, array{}
	some := false
	for i := range filters {
		fa = append(fa, filters[i])
		p := dict{}
		for key, v := range parms[i] {
			if v, err = c.parameter(key, v); err != nil {
				return nil, nil, err
			}
			if v != nil {
				p[key] = v
			}
		}
		some = some || len(p) > 0
		pa = append(pa, p)
	}
	if len(fa) == 1 {
		out["Filter"] = fa[0]
		if some {
			out["DecodeParms"] = pa[0]
		}
	} else if len(fa) > 1 {
		out["Filter"] = fa
		if some {
			out["DecodeParms"] = pa
		}
	}
	return out, raw, nil
}

// parameter copies what a filter is told (ISO 32000-1, 7.4).
func (c *copier) parameter(key name, v value) (value, error) {
	switch key {
	case "Predictor", "Colors", "BitsPerComponent", "Columns", "EarlyChange", "K", "EndOfLine", "EncodedByteAlign", "Rows",
		"EndOfBlock", "BlackIs1", "DamagedRowsBeforeError", "ColorTransform":
		return c.value(v, plain)
	case "JBIG2Globals":
		return c.value(v, table)
	}
	return nil, nil
}

// filters gives the names of a stream's filters and what each is told.
func (s *source) filters(d dict) ([]name, []dict, error) {
	f, err := s.resolve(d["Filter"])
	if err != nil {
		return nil, nil, err
	}
	p, err := s.resolve(d["DecodeParms"])
	if err != nil {
		return nil, nil, err
	}
	fa, ok := f.(array)
	if !ok && f != nil {
		fa = array{f}
	}
	pa, ok := p.(array)
	if !ok {
		pa = array{p}
	}
	var names []name
	var parms []dict
	for i, v := range fa {
		v, err := s.resolve(v)
		n, ok := v.(name)
		if err != nil || !ok {
			return nil, nil, errShape
		}
		var parm dict
		if i < len(pa) {
			if parm, err = s.dict(pa[i]); err != nil {
				return nil, nil, err
			}
		}
		names, parms = append(names, n), append(parms, parm)
	}
	return names, parms, nil
}
