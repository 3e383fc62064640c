// Package typeset turns text of any direction into lines of dots: it finds the
// direction of each part (Unicode bidi algorithm), joins Arabic letters,
// breaks lines between words and draws the outlines of a font that comes with
// the program.
package typeset

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/go-fonts/dejavu/dejavusans"
	"github.com/go-fonts/dejavu/dejavusansbold"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
)

// Style is how a text looks.
type Style struct {
	Size int // dots to an em
	Bold bool
}

// Typesetter sets text. It may be used from any goroutine; one text is set at
// a time.
type Typesetter struct {
	mu     sync.Mutex
	sans   *font.Face
	bold   *font.Face
	shaper shaping.HarfbuzzShaper
	split  shaping.Segmenter
	wrap   shaping.LineWrapper
}

// New reads the fonts. An error is a fault of the program.
func New() (*Typesetter, error) {
	sans, bold, err := parse(dejavusans.TTF, dejavusansbold.TTF)
	if err != nil {
		return nil, err
	}
	return &Typesetter{sans: sans, bold: bold}, nil
}

// parse reads a font and its bold sister.
func parse(plain, bold []byte) (*font.Face, *font.Face, error) {
	p, err := font.ParseTTF(bytes.NewReader(plain))
	if err != nil {
		return nil, nil, fmt.Errorf("typeset: font: %w", err)
	}
	b, err := font.ParseTTF(bytes.NewReader(bold))
	if err != nil {
		return nil, nil, fmt.Errorf("typeset: bold font: %w", err)
	}
	return p, b, nil
}

// visible drops the characters that would split a paragraph for the bidi
// algorithm; the line breaker does not survive an empty part.
func visible(r rune) rune {
	if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) || r == unicode.ReplacementChar {
		return -1
	}
	return r
}

// faces are the fonts of a style, the first that has a character draws it.
type faces []*font.Face

// ResolveFace implements shaping.Fontmap.
func (f faces) ResolveFace(r rune) *font.Face {
	for _, face := range f {
		if _, ok := face.NominalGlyph(r); ok {
			return face
		}
	}
	return f[0]
}

func (t *Typesetter) faces(bold bool) faces {
	if bold {
		return faces{t.bold, t.sans}
	}
	return faces{t.sans}
}

// Missing counts the characters of text that no font has; they come out as
// empty boxes.
func (t *Typesetter) Missing(text string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, r := range text {
		if _, ok := t.sans.NominalGlyph(r); !ok && r > ' ' && !isFormat(r) {
			n++
		}
	}
	return n
}

// isFormat tells the characters that direct the others and are not seen.
func isFormat(r rune) bool {
	return r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x2069 || r == 0xfeff
}

// latin finds the parts of a text that are written from the left: numbers,
// dates, amounts, addresses. The bidi algorithm alone would print the groups
// of a telephone number or the parts of a date after Arabic letters in the
// opposite order (UAX #9, rules W2 and N1).
var latin = regexp.MustCompile(`\+?[\p{Latin}0-9](?:[\p{Latin}0-9 .,:;/+\-#@&=?_%'’()\x{a0}\x{202f}]*[\p{Latin}0-9])?(?:[ \x{a0}\x{202f}]?[%€])?\)?`)

// groups finds the spaces inside a number, which must not break it.
var groups = regexp.MustCompile(`([0-9]) ([0-9]|€|%)`)

// isolate keeps each Latin part of a right-to-left text as it is written.
func isolate(text string) string {
	const leftToRight, end = "\u2066", "\u2069"
	return latin.ReplaceAllStringFunc(text, func(part string) string {
		rest := ""
		if strings.Count(part, ")") > strings.Count(part, "(") {
			part, rest = strings.TrimSuffix(part, ")"), ")" // of the text around
		}
		for {
			tied := groups.ReplaceAllString(part, "$1\u00a0$2")
			if tied == part {
				return leftToRight + part + end + rest
			}
			part = tied
		}
	})
}

// Lines sets text in lines no wider than width dots, broken between words, or
// inside a word that is wider than a line. rtl is the direction of the text as
// a whole. Every line is as high as the style's font, so that lines can be
// printed one under the other.
func (t *Typesetter) Lines(text string, s Style, rtl bool, width int) []*Bitmap {
	t.mu.Lock()
	defer t.mu.Unlock()
	dir := di.DirectionLTR
	if rtl {
		dir = di.DirectionRTL
		text = isolate(text)
	}
	var lines []*Bitmap
	for paragraph := range strings.SplitSeq(text, "\n") {
		runes := []rune(strings.Map(visible, paragraph))
		if len(runes) == 0 {
			lines = append(lines, NewBitmap(0, lineHeight(s.Size)))
			continue
		}
		in := shaping.Input{
			Text: runes, RunEnd: len(runes), Direction: dir, Size: fixed.I(s.Size),
			Face: t.faces(s.Bold)[0],
		}
		var runs []shaping.Output
		for _, part := range t.split.Split(in, t.faces(s.Bold)) {
			runs = append(runs, t.shaper.Shape(part))
		}
		wrapped, _ := t.wrap.WrapParagraph(shaping.WrapConfig{Direction: dir}, width, runes, shaping.NewSliceIterator(runs))
		for _, line := range wrapped {
			lines = append(lines, draw(line, s))
		}
	}
	return lines
}

// Heights of a line in dots, for DejaVu: ascent 0.928 em, descent 0.236 em.
func lineHeight(size int) int { return (size*1164 + 999) / 1000 }
func baseline(size int) int   { return (size*928 + 999) / 1000 }
