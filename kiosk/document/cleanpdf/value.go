package cleanpdf

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A value is what PDF objects are made of (ISO 32000-1, 7.3): nil, bool,
// number, name, text, ref, array or dict.
type value any

type (
	// number is kept as it is written, so that nothing of it gets lost.
	number string
	name   string
	text   string // a string's bytes
	ref    int    // the number of another object
	array  []value
	dict   map[name]value
)

var errSyntax = errors.New("cleanpdf: not an object")

// deepest is how far direct objects may be nested.
const deepest = 100

// parse reads one object.
func parse(b []byte) (value, error) {
	p := parser{b: b}
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	return v, nil
}

type parser struct {
	b  []byte
	at int
}

func blank(c byte) bool {
	return c == 0 || c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' '
}

func delimiter(c byte) bool { return strings.IndexByte("()<>[]{}/%", c) >= 0 }

func digit(c byte) bool { return c >= '0' && c <= '9' }

func (p *parser) skip() {
	for p.at < len(p.b) {
		switch c := p.b[p.at]; {
		case blank(c):
			p.at++
		case c == '%':
			for p.at < len(p.b) && p.b[p.at] != '\n' && p.b[p.at] != '\r' {
				p.at++
			}
		default:
			return
		}
	}
}

// peek gives the byte that is n ahead, 0 behind the end.
func (p *parser) peek(n int) byte {
	if p.at+n < len(p.b) {
		return p.b[p.at+n]
	}
	return 0
}

// word reads up to the next blank or delimiter.
func (p *parser) word() string {
	start := p.at
	for p.at < len(p.b) && !blank(p.b[p.at]) && !delimiter(p.b[p.at]) {
		p.at++
	}
	return string(p.b[start:p.at])
}

func (p *parser) value(depth int) (value, error) {
	p.skip()
	if depth > deepest {
		return nil, errSyntax
	}
	switch c := p.peek(0); {
	case c == '/':
		p.at++
		return p.name(), nil
	case c == '(':
		return p.literal()
	case c == '<' && p.peek(1) == '<':
		p.at += 2
		return p.dict(depth)
	case c == '<':
		return p.hex()
	case c == '[':
		p.at++
		return p.array(depth)
	}
	start := p.at
	switch w := p.word(); {
	case w == "null":
		return nil, nil
	case w == "true", w == "false":
		return w == "true", nil
	case isNumber(w):
		return p.reference(number(w)), nil
	}
	p.at = start
	return nil, errSyntax
}

func isNumber(w string) bool {
	digits, dots := 0, 0
	for i := range len(w) {
		switch c := w[i]; {
		case digit(c):
			digits++
		case c == '.':
			dots++
		case (c == '-' || c == '+') && i == 0:
		default:
			return false
		}
	}
	return digits > 0 && dots <= 1
}

// reference turns a number into a reference when "0 R" follows.
func (p *parser) reference(n number) value {
	start := p.at
	i, err := strconv.Atoi(string(n))
	if err != nil || i <= 0 || !digit(n[0]) {
		return n
	}
	p.skip()
	if g := p.word(); g != "" && digit(g[0]) && isNumber(g) {
		p.skip()
		if p.peek(0) == 'R' && (p.at+1 >= len(p.b) || blank(p.peek(1)) || delimiter(p.peek(1))) {
			p.at++
			return ref(i)
		}
	}
	p.at = start
	return n
}

func unhex(c byte) int {
	switch {
	case digit(c):
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func (p *parser) name() name {
	w := p.word()
	if strings.IndexByte(w, '#') < 0 {
		return name(w)
	}
	var b strings.Builder
	for i := 0; i < len(w); i++ {
		if w[i] == '#' && i+2 < len(w) && unhex(w[i+1]) >= 0 && unhex(w[i+2]) >= 0 {
			b.WriteByte(byte(unhex(w[i+1])<<4 | unhex(w[i+2])))
			i += 2
			continue
		}
		b.WriteByte(w[i])
	}
	return name(b.String())
}

func (p *parser) hex() (value, error) {
	p.at++
	var b []byte
	high := -1
	for ; p.at < len(p.b); p.at++ {
		c := p.b[p.at]
		if c == '>' {
			p.at++
			if high >= 0 {
				b = append(b, byte(high<<4))
			}
			return text(b), nil
		}
		switch n := unhex(c); {
		case n < 0:
		case high < 0:
			high = n
		default:
			b = append(b, byte(high<<4|n))
			high = -1
		}
	}
	return nil, errSyntax
}

func (p *parser) literal() (value, error) {
	p.at++
	var b []byte
	for depth := 1; p.at < len(p.b); p.at++ {
		switch c := p.b[p.at]; c {
		case '(':
			depth++
			b = append(b, c)
		case ')':
			if depth--; depth == 0 {
				p.at++
				return text(b), nil
			}
			b = append(b, c)
		case '\r': // any end of line counts as a line feed
			b = append(b, '\n')
			if p.peek(1) == '\n' {
				p.at++
			}
		case '\\':
			p.at++
			b = p.escaped(b)
		default:
			b = append(b, c)
		}
	}
	return nil, errSyntax
}

// escaped reads what follows a backslash and stops at its last byte.
func (p *parser) escaped(b []byte) []byte {
	c := p.peek(0)
	if i := strings.IndexByte("nrtbf", c); i >= 0 && c != 0 {
		return append(b, "\n\r\t\b\f"[i])
	}
	switch {
	case c == '\r' && p.peek(1) == '\n':
		p.at++
		return b
	case c == '\r' || c == '\n':
		return b
	case c >= '0' && c <= '7':
		n := int(c - '0')
		for range 2 {
			if d := p.peek(1); d < '0' || d > '7' {
				break
			}
			p.at++
			n = n<<3 | int(p.b[p.at]-'0')
		}
		return append(b, byte(n))
	}
	return append(b, c)
}

func (p *parser) array(depth int) (value, error) {
	a := array{}
	for {
		p.skip()
		if p.peek(0) == ']' {
			p.at++
			return a, nil
		}
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
}

func (p *parser) dict(depth int) (value, error) {
	d := dict{}
	for {
		p.skip()
		switch p.peek(0) {
		case '>':
			if p.peek(1) != '>' {
				return nil, errSyntax
			}
			p.at += 2
			return d, nil
		case '/':
			p.at++
		default:
			return nil, errSyntax
		}
		key := p.name()
		v, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		if v != nil {
			d[key] = v
		}
	}
}

// write appends a value as short as it can be written. A blank goes before it
// where the one before would run into it.
func write(b *bytes.Buffer, v value) {
	switch v := v.(type) {
	case nil:
		writeWord(b, "null")
	case bool:
		writeWord(b, strconv.FormatBool(v))
	case number:
		writeWord(b, short(v))
	case ref:
		writeWord(b, strconv.Itoa(int(v))+" 0 R")
	case name:
		writeName(b, v)
	case text:
		writeText(b, v)
	case array:
		b.WriteByte('[')
		for _, e := range v {
			write(b, e)
		}
		b.WriteByte(']')
	case dict:
		b.WriteString("<<")
		for _, key := range slices.Sorted(maps.Keys(v)) {
			writeName(b, key)
			write(b, v[key])
		}
		b.WriteString(">>")
	}
}

func writeWord(b *bytes.Buffer, w string) {
	if all := b.Bytes(); len(all) > 0 && !blank(all[len(all)-1]) && !delimiter(all[len(all)-1]) {
		b.WriteByte(' ')
	}
	b.WriteString(w)
}

func writeName(b *bytes.Buffer, n name) {
	const hex = "0123456789ABCDEF"
	b.WriteByte('/')
	for i := range len(n) {
		if c := n[i]; c <= ' ' || c >= 127 || delimiter(c) || c == '#' {
			b.WriteByte('#')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
			continue
		}
		b.WriteByte(n[i])
	}
	if n == "" {
		b.WriteByte(' ') // what follows would become the name
	}
}

func writeText(b *bytes.Buffer, t text) {
	b.WriteByte('(')
	for i := range len(t) {
		switch c := t[i]; c {
		case '(', ')', '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case '\r':
			b.WriteString(`\r`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte(')')
}

// short drops what a number can do without: "+0.500" is ".5".
func short(n number) string {
	s := string(n)
	minus := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	if strings.IndexByte(s, '.') >= 0 {
		s = strings.TrimRight(s, "0")
		s = strings.TrimSuffix(s, ".")
	}
	s = strings.TrimLeft(s, "0")
	if s == "" {
		return "0"
	}
	if minus {
		return "-" + s
	}
	return s
}

// float gives a number's value, 0 for anything else.
func float(v value) float64 {
	n, _ := v.(number)
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

// integer gives a number's value when it is whole and reasonable, else -1.
func integer(v value) int {
	n, _ := v.(number)
	i, err := strconv.Atoi(string(n))
	if err != nil || i < 0 {
		return -1
	}
	return i
}

func decimal(f float64, digits int) number {
	return number(strconv.FormatFloat(f, 'f', digits, 64))
}
