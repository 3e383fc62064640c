package cleanpdf

import "slices"

// inline copies an inline image (ISO 32000-1, 8.9.7) as it is.
func (r *rewriter) inline() error {
	start := r.in.at
	d := dict{}
	for {
		r.in.skip()
		if r.in.peek(0) != '/' {
			break
		}
		r.in.at++
		key := r.in.name()
		v, err := r.in.value(0)
		if err != nil {
			return errContent
		}
		d[key] = v
	}
	if r.in.word() != "ID" {
		return errContent
	}
	r.in.at++ // one blank
	if r.in.at >= len(r.in.b) {
		return errContent
	}
	n := inlineEnd(r.in.b[r.in.at:], rawLength(d))
	if n < 0 {
		return errContent
	}
	for _, key := range []name{"CS", "ColorSpace"} {
		if n, ok := d[key].(name); ok {
			r.used.add("ColorSpace", n)
			r.inlineColour = true
		}
	}
	r.in.at += n
	r.painted = true
	r.out.WriteString("BI")
	r.out.Write(r.in.b[start:r.in.at])
	r.out.WriteString("\nEI\n")
	r.in.skip()
	r.in.word() // EI
	return nil
}

// rawLength is how long an image's samples are when nothing packs them, else
// -1.
func rawLength(d dict) int {
	first := func(a, b name) value {
		if v, ok := d[a]; ok {
			return v
		}
		return d[b]
	}
	if first("F", "Filter") != nil {
		return -1
	}
	w, h, bits := integer(first("W", "Width")), integer(first("H", "Height")), integer(first("BPC", "BitsPerComponent"))
	if m, _ := first("IM", "ImageMask").(bool); m {
		bits = 1
	}
	n := 1
	if c, ok := first("CS", "ColorSpace").(name); ok {
		switch c {
		case "RGB", "DeviceRGB":
			n = 3
		case "CMYK", "DeviceCMYK":
			n = 4
		case "G", "DeviceGray":
		default:
			return -1
		}
	}
	if w <= 0 || h <= 0 || bits <= 0 || w > 1<<16 || h > 1<<16 || bits > 16 {
		return -1
	}
	return (w*n*bits + 7) / 8 * h
}

// inlineEnd finds the end of an inline image's data: where EI stands alone
// and what follows could be a content stream.
func inlineEnd(b []byte, raw int) int {
	from := 0
	if raw >= 0 && raw < len(b) {
		from = raw
	}
	for i := from; i+1 < len(b); i++ {
		if b[i] != 'E' || b[i+1] != 'I' || i > from && !blank(b[i-1]) || i+2 < len(b) && !blank(b[i+2]) {
			continue
		}
		after := b[min(i+2, len(b)):min(i+18, len(b))]
		if slices.ContainsFunc(after, func(c byte) bool { return c >= 127 || c < ' ' && !blank(c) || c == 0 }) {
			continue
		}
		end := i
		if end > 0 && end > raw && blank(b[end-1]) {
			end--
		}
		return end
	}
	return -1
}
