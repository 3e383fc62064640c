package cleanpdf

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
)

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
