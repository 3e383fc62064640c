package cleanpdf

import "math"

// shown reads an operator that shows text.
func (r *rewriter) shown(op string) string {
	if len(r.args) == 0 {
		return op
	}
	last := len(r.args) - 1
	if a, ok := r.args[last].(array); ok {
		a = r.kerned(a)
		r.args[last] = a
		if len(a) == 1 && op == "TJ" {
			if s, ok := a[0].(text); ok {
				op, r.args[last] = "Tj", s
			}
		}
		for _, v := range a {
			r.tell(v)
		}
	} else {
		r.tell(r.args[last])
	}
	return op
}

func (r *rewriter) tell(v value) {
	s, ok := v.(text)
	if !ok || len(s) == 0 {
		return
	}
	r.painted = true
	if r.show != nil {
		r.show(r.state.font, s)
	}
}

// unseen is how far letters may be moved, in points. Nobody would see four
// times as much, but programs that look for columns of text begin to find
// others.
const unseen = 0.01

// kerned leaves out moves between letters that can't be seen. What they come
// to together is made up for as soon as it could be.
func (r *rewriter) kerned(a array) array {
	unit := math.Abs(r.state.size) * r.state.ctm.scale() * r.state.textScale / 1000
	if !(unit > 0) {
		return a
	}
	digits := 0
	if unit > unseen/2 {
		digits = 1
	}
	out := make(array, 0, len(a))
	for _, v := range a {
		switch v := v.(type) {
		case number:
			r.owed += float(v)
		case text:
			if len(v) == 0 {
				continue
			}
			if math.Abs(r.owed)*unit > unseen {
				n := decimal(r.owed, digits)
				out = append(out, n)
				r.owed -= float(n)
			} else if n := len(out); n > 0 {
				if before, ok := out[n-1].(text); ok {
					out[n-1] = before + v
					continue
				}
			}
			out = append(out, v)
		}
	}
	if math.Abs(r.owed)*unit > unseen {
		n := decimal(r.owed, digits)
		out = append(out, n)
		r.owed -= float(n)
	}
	return out
}
