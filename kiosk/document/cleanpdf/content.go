package cleanpdf

import (
	"bytes"
	"errors"
	"math"
	"slices"
)

// A rewriter writes a content stream (ISO 32000-1, 7.8.2) anew: what only
// tags it goes, words that say how tagged text reads stay, numbers are cut to
// what can be seen, and the rest is written as short as it can be.
type rewriter struct {
	properties func(name) dict // a named property list of the resources
	layers     bool            // keep what is drawn only on some layers
	show       func(font name, s text)
	paint      func(xobject name, ctm matrix)

	in           parser
	out          bytes.Buffer
	used         used
	args         []value
	state        graphics
	stack        []graphics
	tags         []bool                      // of marked content: whether its beginning was kept
	owed         float64                     // how far text should have moved back, in thousandths of its size
	painted      bool                        // something is drawn
	operators    int                         // that were read
	inlineColour bool                        // an inline image names its colours, so resources can't be renamed
	rename       func(category, n name) name // of the resources
	most         int                         // bytes that may come out
}

// graphics is what of the graphics state matters here.
type graphics struct {
	font      name
	size      float64 // of the font
	ctm       matrix
	textScale float64 // how much larger text is drawn than it is written
}

// used holds the resources that a stream uses, by category and name.
type used map[name]map[name]bool

func (u used) add(category, n name) {
	if u[category] == nil {
		u[category] = map[name]bool{}
	}
	u[category][n] = true
}

var (
	errContent = errors.New("cleanpdf: content stream")
	errBomb    = errors.New("cleanpdf: unpacks to too much")
)

// mostArguments is far more than any operator takes.
const mostArguments = 4096

func (r *rewriter) run(data []byte) error {
	r.in = parser{b: data}
	r.used = used{}
	if r.state.ctm == (matrix{}) {
		r.state.ctm = identity
	}
	r.state.textScale = 1
	for {
		r.in.skip()
		if r.in.at >= len(data) {
			break
		}
		switch c := r.in.peek(0); {
		case c == '/' || c == '(' || c == '<' || c == '[' || c == '+' || c == '-' || c == '.' || digit(c):
			v, err := r.argument()
			if err != nil || len(r.args) >= mostArguments {
				return errContent
			}
			r.args = append(r.args, v)
			continue
		case delimiter(c):
			return errContent
		}
		if err := r.operator(r.in.word()); err != nil {
			return err
		}
		r.args = r.args[:0]
	}
	if len(r.args) > 0 {
		return errContent
	}
	for ; len(r.tags) > 0; r.tags = r.tags[:len(r.tags)-1] {
		if r.tags[len(r.tags)-1] {
			r.out.WriteString("EMC\n")
		}
	}
	return nil
}

// argument reads an operand. A stream has no references, and some writers'
// numbers are no numbers.
func (r *rewriter) argument() (value, error) {
	if c := r.in.peek(0); c == '/' || c == '(' || c == '<' || c == '[' {
		return r.in.value(0)
	}
	w := r.in.word()
	if !isNumber(w) {
		return nil, errContent
	}
	return number(w), nil
}

func (r *rewriter) operator(op string) error {
	r.operators++
	switch op {
	case "true", "false":
		r.args = append(r.args, op == "true")
		return nil
	case "q":
		if len(r.stack) > 1000 {
			return errContent
		}
		r.stack = append(r.stack, r.state)
	case "Q":
		if len(r.stack) == 0 {
			return nil // nothing to go back to
		}
		r.state = r.stack[len(r.stack)-1]
		r.stack = r.stack[:len(r.stack)-1]
		if b := r.out.Bytes(); bytes.HasSuffix(b, []byte("\nq\n")) || len(b) == 2 && string(b) == "q\n" {
			r.out.Truncate(len(b) - 2)
			return nil
		}
	case "BMC", "BDC":
		return r.begin(op)
	case "EMC":
		if len(r.tags) == 0 {
			return nil
		}
		kept := r.tags[len(r.tags)-1]
		r.tags = r.tags[:len(r.tags)-1]
		if !kept {
			return nil
		}
	case "MP", "DP":
		return nil
	case "BI":
		return r.inline()
	case "Tj", "'", "\"", "TJ":
		op = r.shown(op)
	default:
		if !r.known(op) {
			return nil
		}
	}
	return r.emit(op)
}

func (r *rewriter) emit(op string) error {
	for _, a := range r.args {
		write(&r.out, a)
	}
	writeWord(&r.out, op)
	r.out.WriteByte('\n')
	if r.out.Len() > r.most {
		return errBomb
	}
	return nil
}

// known follows an operator's effect and shortens its operands. It reports
// false for one that does nothing.
func (r *rewriter) known(op string) bool {
	switch op {
	case "cm", "Tm":
		return r.transform(op)
	case "m", "l", "c", "v", "y", "re":
		r.round(r.digits(2, r.state.ctm.scale()))
	case "w", "TL", "Ts":
		r.round(r.digits(3, r.state.ctm.scale()))
	case "Td", "TD":
		r.owed = 0
		r.round(r.digits(3, r.state.ctm.scale()*r.state.textScale))
	case "Tc", "Tw":
		r.round(r.digits(4, r.state.ctm.scale()*r.state.textScale))
	case "g", "G", "rg", "RG", "k", "K", "sc", "SC":
		r.round(3)
	case "scn", "SCN":
		r.round(3)
		r.use("Pattern", -1)
	case "BT":
		r.state.textScale, r.owed = 1, 0
	case "Tf":
		if len(r.args) == 2 {
			r.state.font, _ = r.args[0].(name)
			r.state.size = float(r.args[1])
			r.use("Font", 0)
		}
	case "gs":
		r.use("ExtGState", 0)
	case "Do":
		if len(r.args) != 1 {
			return false
		}
		if n, ok := r.args[0].(name); ok && r.paint != nil {
			r.paint(n, r.state.ctm)
		}
		r.use("XObject", 0)
		r.painted = true
	case "sh":
		r.use("Shading", 0)
		r.painted = true
	case "cs", "CS":
		r.use("ColorSpace", 0)
	case "S", "s", "f", "F", "f*", "B", "B*", "b", "b*":
		r.painted = true
	case "T*":
		r.owed = 0
	case "h", "n", "W", "W*", "ET", "Tz", "Tr", "J", "j", "M", "d", "ri", "d0", "d1":
	default:
		return false // "i", "BX", "EX", and what no reader knows
	}
	return true
}

// use notes the operand at i, counted from the end when below 0, as a name
// from the resources.
func (r *rewriter) use(category name, i int) {
	if i < 0 {
		i += len(r.args)
	}
	if i < 0 || i >= len(r.args) {
		return
	}
	if n, ok := r.args[i].(name); ok {
		r.used.add(category, n)
		if r.rename != nil {
			r.args[i] = r.rename(category, n)
		}
	}
}

// transform follows a change of scale; one that changes nothing is left out.
func (r *rewriter) transform(op string) bool {
	if len(r.args) != 6 {
		return true
	}
	m, outer := toMatrix(r.args), r.state.ctm.scale()
	if op == "cm" && m == identity {
		return false
	}
	if op == "cm" {
		r.state.ctm = m.times(r.state.ctm)
	} else {
		r.state.textScale, r.owed = m.scale(), 0
	}
	for i := range 4 {
		r.args[i] = rounded(r.args[i], 6)
	}
	for i := 4; i < 6; i++ {
		r.args[i] = rounded(r.args[i], r.digits(3, outer))
	}
	return true
}

// digits is how many decimals can be seen when n of them can at scale 1.
func (r *rewriter) digits(n int, scale float64) int {
	if !(scale > 0 && scale < 1e6) {
		return 6
	}
	return min(max(int(math.Ceil(float64(n)-0.3+math.Log10(scale))), 0), 6)
}

func (r *rewriter) round(digits int) {
	for i, v := range r.args {
		r.args[i] = rounded(v, digits)
	}
}

func rounded(v value, digits int) value {
	n, ok := v.(number)
	if !ok {
		return v
	}
	dot := slices.Index([]byte(n), '.')
	if dot < 0 || len(n)-dot-1 <= digits {
		return v
	}
	f := float(n)
	if math.Abs(f) > 1e9 {
		return v
	}
	return decimal(f, digits)
}

// begin reads the beginning of marked content. What only says where it
// belongs in the document goes; the words it stands for stay.
func (r *rewriter) begin(op string) error {
	keep := false
	if op == "BDC" && len(r.args) == 2 {
		tag, _ := r.args[0].(name)
		list, named := r.args[1].(name)
		switch d, _ := r.args[1].(dict); {
		case tag == "OC" && named:
			if keep = r.layers; keep {
				r.used.add("Properties", list)
			}
		default:
			if named {
				d = r.properties(list)
			}
			if t, ok := d["ActualText"].(text); ok {
				keep = true
				r.args = []value{name("Span"), dict{"ActualText": t}}
			}
		}
	}
	if len(r.tags) > 1000 {
		return errContent
	}
	r.tags = append(r.tags, keep)
	if !keep {
		return nil
	}
	return r.emit(op)
}
