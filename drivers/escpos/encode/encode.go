// Package encode turns a receipt into the commands of an ESC/POS printer:
// characters where the printer has them, pictures where it has not.
//
// Names of commands are those of Epson's "ESC/POS Command Reference".
package encode

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"pointnum/drivers/escpos/typeset"
	"pointnum/kiosk"
)

// Page is a page of characters a printer has.
type Page struct {
	Number  byte // what ESC t takes
	Charmap *charmap.Charmap
}

// Cut says how a receipt ends.
type Cut string

// The ways to cut.
const (
	CutPartial Cut = "partial" // hangs on by a point
	CutFull    Cut = "full"
	CutNone    Cut = "none" // fed far enough to be torn off
)

// Paper is what the encoder has to know of the printer.
type Paper struct {
	Columns int // characters of the printer's font to a line
	Dots    int // printable width
	DPI     int
	Pages   []Page // the best first; without any, all text is sent as pictures
	Cut     Cut
	QR      bool // GS ( k draws QR codes
	ASB     bool // the printer answers: let it report by itself while it prints
}

// ParsePage reads a page's name and number: "cp858:19". The number may be left
// out where it is Epson's.
func ParsePage(s string) (Page, error) {
	name, number, numbered := strings.Cut(s, ":")
	var p Page
	switch strings.ToLower(name) {
	case "cp437":
		p = Page{0, charmap.CodePage437}
	case "cp850":
		p = Page{2, charmap.CodePage850}
	case "cp858":
		p = Page{19, charmap.CodePage858}
	case "cp1252":
		p = Page{16, charmap.Windows1252}
	default:
		return Page{}, fmt.Errorf("encode: unknown code page %q", name)
	}
	if numbered {
		if _, err := fmt.Sscanf(number, "%d", &p.Number); err != nil {
			return Page{}, fmt.Errorf("encode: code page number: %w", err)
		}
	}
	return p, nil
}

// Sizes of text sent as a picture, in dots to an em at 203 dpi: a little
// larger than the printer's own letters, which Arabic needs.
const (
	textSize  = 28
	largeSize = 52
)

// Receipt returns the commands that print r, in pieces. Between two pieces a
// status may be asked for; inside one it would end up in a picture on printers
// that don't treat the request at once. The last piece cuts.
func Receipt(r kiosk.Receipt, p Paper, t *typeset.Typesetter) ([][]byte, error) {
	e := &encoder{paper: p, text: t, rtl: r.RTL, page: -1}
	e.begin()
	for i, item := range r.Items {
		if err := e.item(item); err != nil {
			return nil, fmt.Errorf("encode: item %d: %w", i, err)
		}
	}
	e.end()
	return e.pieces, nil
}

// Forget returns the command that drops what the printer took in and did not
// print: DLE DC4 function 8. Printers without it ignore its control codes.
func Forget() []byte { return []byte{0x10, 0x14, 8, 1, 3, 20, 1, 6, 2, 8} }

// Separate returns the commands that cut off what a receipt that failed left on
// the paper, so that it does not head the next one. owed is how many bytes the
// printer may still wait for: one in the middle of a picture takes commands
// for dots. NUL is white in a picture and nothing outside.
func Separate(p Paper, owed int) []byte {
	e := &encoder{paper: p, pieces: [][]byte{Forget(), make([]byte, owed), {0x1b, '@'}}}
	e.paper.ASB = false
	e.end()
	return slices.Concat(e.pieces...)
}

type encoder struct {
	paper  Paper
	text   *typeset.Typesetter
	rtl    bool
	pieces [][]byte
	page   int // the page selected, -1 before the first
}

func (e *encoder) add(b ...byte) { e.pieces = append(e.pieces, b) }

// begin brings the printer to a known state, whatever was sent before.
func (e *encoder) begin() {
	var report byte // ASB off: GS a 0
	if e.paper.ASB {
		report = 0x0e // on-line, error and paper changes
	}
	e.add(
		0x1b, '@', // initialise
		0x1d, 'a', report,
		0x1c, '.', // Kanji off: printers made for China take two bytes for an accent
		0x1b, 'R', 0, // international characters as in ASCII
		0x1b, '2', // default line spacing
	)
}

// end feeds the last line past the cutter and cuts (GS V 65/66), or past the
// edge to tear it off.
func (e *encoder) end() {
	const feed = 3 // lines past the head, on top of what GS V feeds by itself
	switch e.paper.Cut {
	case CutFull:
		e.add(0x1d, 'V', 65, feed)
	case CutNone:
		e.add(0x1b, 'd', 6)
	default:
		e.add(0x1d, 'V', 66, feed)
	}
	if e.paper.ASB {
		e.add(0x1d, 'a', 0)
	}
}

func (e *encoder) item(item kiosk.ReceiptItem) error {
	switch {
	case item.QR != "":
		return e.qr(item)
	case item.Rule:
		e.rule()
	case item.Pair != [2]string{}:
		e.pair(item)
	case item.Text != "":
		e.paragraph(item)
	default:
		e.add('\n')
	}
	return nil
}

// paragraph prints a wrapped text.
func (e *encoder) paragraph(item kiosk.ReceiptItem) {
	text := clean(item.Text)
	page, ok := e.pageFor(text)
	if !ok {
		for _, line := range e.text.Lines(text, e.style(item), e.rtl, e.paper.Dots) {
			e.picture(line, item.Align)
		}
		return
	}
	for _, line := range wrap(text, e.columns(item)) {
		e.line(page, line, item, e.justify(item.Align))
	}
}

// pair prints label and value on one line if they fit, else the label and,
// under it, the value at the other edge.
func (e *encoder) pair(item kiosk.ReceiptItem) {
	label, value := clean(item.Pair[0]), clean(item.Pair[1])
	page, ok := e.pageFor(label + value)
	if !ok {
		e.picturePair(label, value, item)
		return
	}
	columns := e.columns(item)
	labels, values := wrap(label, columns), wrap(value, columns)
	start, end := byte(justifyLeft), byte(justifyRight)
	if e.rtl {
		start, end = end, start
	}
	if gap := columns - length(label) - length(value); len(labels) == 1 && len(values) == 1 && gap > 0 {
		first, last := label, value
		if e.rtl {
			first, last = value, label
		}
		e.line(page, first+strings.Repeat(" ", gap)+last, item, justifyLeft)
		return
	}
	for _, l := range labels {
		e.line(page, l, item, start)
	}
	for _, v := range values {
		e.line(page, v, item, end)
	}
}

func (e *encoder) picturePair(label, value string, item kiosk.ReceiptItem) {
	style := e.style(item)
	labels := e.text.Lines(label, style, e.rtl, e.paper.Dots)
	values := e.text.Lines(value, style, e.rtl, e.paper.Dots)
	place := func(line, src *typeset.Bitmap, atStart bool) {
		x := 0
		if atStart == e.rtl {
			x = e.paper.Dots - src.Width
		}
		line.Draw(src, x, 0)
	}
	if len(labels) == 1 && len(values) == 1 && labels[0].Width+values[0].Width+style.Size <= e.paper.Dots {
		line := typeset.NewBitmap(e.paper.Dots, labels[0].Height)
		place(line, labels[0], true)
		place(line, values[0], false)
		e.raster(line, justifyLeft)
		return
	}
	for i, src := range append(labels, values...) {
		line := typeset.NewBitmap(e.paper.Dots, src.Height)
		place(line, src, i < len(labels))
		e.raster(line, justifyLeft)
	}
}

func (e *encoder) style(item kiosk.ReceiptItem) typeset.Style {
	size := textSize
	if item.Large {
		size = largeSize
	}
	return typeset.Style{Size: size * e.paper.DPI / 203, Bold: item.Bold}
}

func (e *encoder) columns(item kiosk.ReceiptItem) int {
	if item.Large {
		return e.paper.Columns / 2
	}
	return e.paper.Columns
}

// What ESC a takes.
const (
	justifyLeft   = 0
	justifyCenter = 1
	justifyRight  = 2
)

func (e *encoder) justify(a kiosk.Align) byte {
	switch {
	case a == kiosk.AlignCenter:
		return justifyCenter
	case e.rtl:
		return justifyRight
	}
	return justifyLeft
}

// pageFor returns the first page that has every character of text. Text with
// right-to-left letters never has one: no printer joins or turns them, even
// those with an Arabic page.
func (e *encoder) pageFor(text string) (Page, bool) {
	for _, p := range e.paper.Pages {
		if _, ok := encodeText(p, text); ok {
			return p, true
		}
	}
	return Page{}, false
}

func encodeText(p Page, text string) ([]byte, bool) {
	b := make([]byte, 0, len(text))
	for _, r := range text {
		switch r {
		case nbsp:
			r = ' '
		case '\n':
			continue
		}
		c, ok := p.Charmap.EncodeRune(r)
		if !ok || c < ' ' || c == 0x7f {
			return nil, false
		}
		b = append(b, c)
	}
	return b, true
}

// line prints one line of characters and goes back to plain ones.
func (e *encoder) line(p Page, text string, item kiosk.ReceiptItem, justify byte) {
	var b []byte
	if e.page != int(p.Number) {
		b = append(b, 0x1b, 't', p.Number)
		e.page = int(p.Number)
	}
	b = append(b, 0x1b, 'a', justify)
	if item.Bold {
		b = append(b, 0x1b, 'E', 1)
	}
	if item.Large {
		b = append(b, 0x1d, '!', 0x11)
	}
	encoded, _ := encodeText(p, text)
	b = append(b, encoded...)
	if item.Bold {
		b = append(b, 0x1b, 'E', 0)
	}
	b = append(b, '\n')
	if item.Large {
		// After the line feed, which is as high as the line's characters.
		b = append(b, 0x1d, '!', 0)
	}
	e.add(b...)
}

// clean brings a text to the characters printers know and drops those that
// would be commands. It ties what French never parts at a line's end: the
// groups of a number, its unit, double punctuation, quotation marks.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t':
			return ' '
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0xad, r == 0xfffd, r == 0xfeff:
			return -1
		case r == 0x202f, r == 0x2007: // narrow spaces of French typography
			return nbsp
		case r == '’', r == '‘':
			return '\''
		case r == '“', r == '”':
			return '"'
		case r == '–', r == '—', r == '‑', r == '−':
			return '-'
		}
		return r
	}, strings.ReplaceAll(norm.NFC.String(text), "…", "..."))
	// Twice, because one group's last digit is the next one's first.
	for range 2 {
		text = tied.ReplaceAllString(text, "$1$3\u00a0$2$4")
	}
	return text
}

var tied = regexp.MustCompile(`([0-9]) ([0-9€%])|(«) | ([»:;!?])`)
