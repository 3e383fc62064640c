package pdf

import (
	"bytes"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/unicode/bidi"
)

// span is a word in the frame of a page that was turned so that the word is
// upright: u runs along the line, v up.
type span struct {
	codes          []uint16
	turn           int
	u0, u1, v0, v1 int
}

// fontName is what pages call the font of their words.
const fontName = "F"

// text gives the operators that write words invisibly (text rendering mode 3)
// on a page of the given height, in its pixels with y up.
func text(words []Word, height int) []byte {
	var b bytes.Buffer
	b.WriteString("BT 3 Tr\n")
	pen := pen{turn: -1}
	spans := make([]span, 0, len(words))
	for _, w := range words {
		if s, ok := w.span(height); ok {
			spans = append(spans, s)
		}
	}
	for len(spans) > 0 {
		n := line(spans)
		// A line that is read from the right is written from the left too, as
		// programs that set type do: readers of PDF turn it round.
		slices.SortStableFunc(spans[:n], func(a, b span) int { return a.u0 - b.u0 })
		pen.line(&b, spans[:n])
		spans = spans[n:]
	}
	b.WriteString("ET\n")
	return b.Bytes()
}

// span gives the word's place, and whether there is something to write.
func (w Word) span(height int) (span, bool) {
	s := span{codes: units(w.Text), turn: w.Turn}
	x0, x1, y0, y1 := w.X0, w.X1, height-w.Y1, height-w.Y0
	switch w.Turn {
	case 0:
		s.u0, s.u1, s.v0, s.v1 = x0, x1, y0, y1
	case 90: // runs up the page
		s.u0, s.u1, s.v0, s.v1 = y0, y1, -x1, -x0
	case 180:
		s.u0, s.u1, s.v0, s.v1 = -x1, -x0, -y1, -y0
	case 270:
		s.u0, s.u1, s.v0, s.v1 = -y1, -y0, x0, x1
	}
	return s, len(s.codes) > 0
}

// line gives how many of the spans belong to the first one's line.
func line(spans []span) int {
	u0, u1 := spans[0].u0, spans[0].u1
	for i := 1; i < len(spans); i++ {
		s, t := spans[i-1], spans[i]
		near := 2 * max(s.v1-s.v0, t.v1-t.v0)
		beside := t.u0 >= s.u1-near/4 && t.u0 < u1+near || t.u1 <= s.u0+near/4 && t.u1 > u0-near
		overlap := min(s.v1, t.v1) - max(s.v0, t.v0)
		if s.turn != t.turn || !beside || 2*overlap < min(s.v1-s.v0, t.v1-t.v0) {
			return i
		}
		u0, u1 = min(u0, t.u0), max(u1, t.u1)
	}
	return len(spans)
}

// pen is where the text position is, so that only changes are written.
type pen struct {
	turn, u, v, size int
	stretch          string
}

// line writes the words of a line, in one size and on one base line, however
// tall each is, so that what reads the file sees them as one.
func (p *pen) line(b *bytes.Buffer, line []span) {
	v0, v1 := line[0].v0, line[0].v1
	for _, s := range line[1:] {
		v0, v1 = min(v0, s.v0), max(v1, s.v1)
	}
	if line[0].turn != p.turn {
		c, s := [4]int{1, 0, -1, 0}[line[0].turn/90], [4]int{0, 1, 0, -1}[line[0].turn/90]
		fmt.Fprintf(b, "%d %d %d %d 0 0 Tm\n", c, s, -s, c)
		p.turn, p.u, p.v = line[0].turn, 0, 0
	}
	if size := v1 - v0; size != p.size {
		fmt.Fprintf(b, "/%s %d Tf\n", fontName, size)
		p.size = size
	}
	base := v0 + (v1-v0)*glyphDescent/1000
	for i, s := range line {
		codes, end := s.codes, s.u1
		if i+1 < len(line) && line[i+1].u0 > s.u0 {
			// The blank takes its share of the way to the next word.
			codes, end = append(codes, ' '), line[i+1].u0
		}
		width := float64(len(codes)*p.size*glyphWidth) / 1000
		if z := num2(100 * float64(end-s.u0) / width); z != p.stretch {
			fmt.Fprintf(b, "%s Tz ", z)
			p.stretch = z
		}
		fmt.Fprintf(b, "%d %d Td<", s.u0-p.u, base-p.v)
		for _, c := range codes {
			fmt.Fprintf(b, "%04X", c)
		}
		b.WriteString(">Tj\n")
		p.u, p.v = s.u0, base
	}
}

// units gives a word in UTF-16, from left to right. What has no place in a
// text, and characters beyond the basic plane, which no program reads off
// paper, become U+FFFD.
func units(s string) []uint16 {
	var out []uint16
	leftward := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			r = ' '
		case unicode.IsControl(r), r > 0xFFFD, utf16.IsSurrogate(r), unicode.Is(unicode.Co, r), r == 0xFEFF:
			r = unicode.ReplacementChar
		}
		c := class(uint16(r))
		leftward = leftward || c == bidi.R || c == bidi.AL
		out = append(out, uint16(r))
	}
	if leftward {
		slices.Reverse(out)
		keepNumbers(out)
	}
	return out
}

// keepNumbers turns the numbers and the foreign letters of a reversed word
// round again, with the commas and the like between them.
func keepNumbers(codes []uint16) {
	for i := 0; i < len(codes); i++ {
		last := i - 1
	run:
		for j := i; j < len(codes); j++ {
			switch class(codes[j]) {
			case bidi.EN, bidi.AN, bidi.L:
				last = j
			case bidi.ES, bidi.CS:
				if last < i {
					break run
				}
			default:
				break run
			}
		}
		if last > i {
			slices.Reverse(codes[i : last+1])
			i = last
		}
	}
}

func class(c uint16) bidi.Class {
	p, _ := bidi.LookupRune(rune(c))
	return p.Class()
}
