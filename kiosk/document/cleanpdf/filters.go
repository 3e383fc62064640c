package cleanpdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"maps"
)

// asIs keeps an image's data packed as it is, without the wrappings around a
// picture's own.
func (c *copier) asIs(r ref, d, out dict) (packing, error) {
	raw, err := c.from.file.Raw(int(r))
	if err != nil {
		return packing{}, err
	}
	filters, parms, err := c.from.filters(d)
	if err != nil {
		return packing{}, err
	}
	for len(filters) > 1 && filters[0] == "FlateDecode" && len(parms[0]) == 0 {
		inner, err := inflate(raw, mostDecoded)
		if err != nil {
			break
		}
		raw, filters, parms = inner, filters[1:], parms[1:]
	}
	if len(filters) == 1 && filters[0] == "DCTDecode" {
		raw = plainJPEG(raw)
	}
	if wrapped := c.out.deflate(raw); len(filters) > 0 && len(wrapped)+len("/FlateDecode[]") < len(raw)*98/100 {
		raw, filters, parms = wrapped, append([]name{"FlateDecode"}, filters...), append([]dict{nil}, parms...)
	}
	out = maps.Clone(out)
	names, told, some := array{}, array{}, false
	for i, f := range filters {
		p := dict{}
		for key, v := range sorted(parms[i]) {
			if v, err = c.parameter(key, v); err != nil {
				return packing{}, err
			}
			if v != nil {
				p[key] = v
			}
		}
		names, told, some = append(names, f), append(told, p), some || len(p) > 0
	}
	switch {
	case len(names) == 1:
		out["Filter"] = names[0]
		if some {
			out["DecodeParms"] = told[0]
		}
	case len(names) > 1:
		out["Filter"] = names
		if some {
			out["DecodeParms"] = told
		}
	}
	return packing{out, raw}, nil
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

func inflate(b []byte, most int) ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	out, err := io.ReadAll(io.LimitReader(z, int64(most)+1))
	if len(out) > most {
		return nil, errBomb
	}
	return out, err
}

// predicted packs rows of pixels (ISO 32000-1, 7.4.4.4): plainly, or with
// what PNG's filters leave of them, whichever is smaller for a sample of them.
func (p *packer) predicted(data []byte, row, step, components, bits, columns int) (dict, []byte) {
	how := dict{"Filter": name("FlateDecode")}
	if bits < 8 || row == 0 {
		return how, p.deflate(data)
	}
	from := len(data) / row / 3 * row
	sample := data[from:min(from+max(sampled/row, 8)*row, len(data))]
	if len(p.deflate(filtered(sample, row, step)))+50 >= len(p.deflate(sample)) {
		return how, p.deflate(data)
	}
	parms := dict{"Predictor": number("15"), "Columns": number(fmt.Sprint(columns))}
	if components != 1 {
		parms["Colors"] = number(fmt.Sprint(components))
	}
	if bits != 8 {
		parms["BitsPerComponent"] = number(fmt.Sprint(bits))
	}
	how["DecodeParms"] = parms
	return how, p.deflate(filtered(data, row, step))
}

// sampled is how much of an image is packed to see what packs it best.
const sampled = 200_000

// filtered puts before each row the number of the PNG filter that leaves the
// smallest values of it.
func filtered(data []byte, row, step int) []byte {
	out := make([]byte, 0, len(data)+len(data)/row+1)
	above := make([]byte, row)
	var try [5][]byte
	for i := range try {
		try[i] = make([]byte, row)
	}
	for ; len(data) >= row; data = data[row:] {
		line := data[:row]
		filter(try, line, above, step)
		best, least := 0, -1
		for f := range try {
			sum := 0
			for _, d := range try[f] {
				sum += min(int(d), 256-int(d))
			}
			if least < 0 || sum < least {
				best, least = f, sum
			}
		}
		out = append(append(out, byte(best)), try[best]...)
		above = line
	}
	return out
}

// filter gives what PNG's filters leave of a row: nothing taken off, the
// pixel before, the one above, the mean of both, and Paeth's guess.
func filter(try [5][]byte, line, above []byte, step int) {
	copy(try[0], line)
	for i, v := range line {
		var a, c byte
		b := above[i]
		if i >= step {
			a, c = line[i-step], above[i-step]
		}
		try[1][i] = v - a
		try[2][i] = v - b
		try[3][i] = v - byte((int(a)+int(b))/2)
		pa, pb, pc := int(b)-int(c), int(a)-int(c), int(a)+int(b)-2*int(c)
		pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
		switch {
		case pa <= pb && pa <= pc:
			try[4][i] = v - a
		case pb <= pc:
			try[4][i] = v - b
		default:
			try[4][i] = v - c
		}
	}
}
