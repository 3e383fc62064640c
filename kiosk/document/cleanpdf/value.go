package cleanpdf

import (
	"errors"
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
