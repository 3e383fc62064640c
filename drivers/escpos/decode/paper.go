package decode

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"github.com/boombuler/barcode/qr"

	"pointnum/drivers/escpos/typeset"
)

// The printer's own font and spacing, in dots: font A of a printer of 203 dpi.
const (
	cellWidth   = 12
	cellHeight  = 24
	lineSpacing = 30
)

// maxHeight is where the paper ends: 4 m. What comes after is not drawn.
const maxHeight = 32000

// Line is one thing printed, from the top.
type Line struct {
	Text    string // characters; empty for a picture
	Bold    bool   // its first character is
	Large   bool   // its first character is twice as high and wide
	Align   int    // 0 left, 1 centre, 2 right
	Picture bool
	Top     int // dots from the top of the receipt
	Height  int // dots, line spacing included
}

// Receipt is what came out of the printer between two cuts.
type Receipt struct {
	Paper *typeset.Bitmap // as wide as the paper prints
	Lines []Line
	QR    []string // contents of the codes the printer drew
	Cut   bool     // cut at its end; else the sender stopped
}

// Text returns the characters, one line a row, without the empty ones at the
// end of each.
func (r Receipt) Text() string {
	var b strings.Builder
	for _, l := range r.Lines {
		b.WriteString(strings.TrimRight(l.Text, " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// margin is the white around the picture of a receipt, in dots: QR codes need
// it, and eyes too.
const margin = 32

// PNG returns a picture of the receipt.
func (r Receipt) PNG() ([]byte, error) {
	img := image.NewPaletted(
		image.Rect(0, 0, r.Paper.Width+2*margin, r.Paper.Height+2*margin),
		color.Palette{color.White, color.Black})
	for y := range r.Paper.Height {
		for x := range r.Paper.Width {
			if r.Paper.At(x, y) {
				img.Pix[(y+margin)*img.Stride+x+margin] = 1
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil, fmt.Errorf("decode: picture: %w", err)
	}
	return b.Bytes(), nil
}

// Printer draws commands on paper.
type Printer struct {
	dots  int
	font  *typeset.Cells
	cells map[cell]*typeset.Bitmap // drawn before
	out   Receipt

	bold          bool
	width, height int // of characters, times
	align         int
	margin        int // GS L
	area          int // GS W; 0 is all the paper
	spacing       int

	line   []mark
	words  strings.Builder
	x      int
	tall   int // of the line so far
	marked Line
}

// cell is a character as it is drawn.
type cell struct {
	r             rune
	bold          bool
	width, height int
}

// maxCells is how many drawn characters are kept.
const maxCells = 1000

// draw draws a character, or finds it drawn before.
func (p *Printer) draw(c cell) *typeset.Bitmap {
	b, ok := p.cells[c]
	if !ok {
		if len(p.cells) >= maxCells {
			clear(p.cells)
		}
		b = p.font.Cell(c.r, c.bold, c.width, c.height)
		p.cells[c] = b
	}
	return b
}

// mark is something drawn on the line being filled.
type mark struct {
	x      int
	bitmap *typeset.Bitmap
}

// NewPrinter returns a printer that prints dots to a row.
func NewPrinter(dots int, f *typeset.Cells) *Printer {
	p := &Printer{dots: dots, font: f, cells: make(map[cell]*typeset.Bitmap)}
	p.reset()
	p.tear()
	return p
}

// reset is ESC @, which also drops the line being filled.
func (p *Printer) reset() {
	p.drop()
	p.bold, p.width, p.height = false, 1, 1
	p.align, p.margin, p.area, p.spacing = 0, 0, 0, lineSpacing
	p.drop()
}

// drop forgets the line being filled.
func (p *Printer) drop() {
	p.line, p.x, p.tall = nil, 0, 0
	p.words.Reset()
}

// tear begins a new receipt.
func (p *Printer) tear() {
	p.out = Receipt{Paper: typeset.NewBitmap(p.dots, 0)}
}

// Print obeys a command. It returns a receipt when the command cut one off.
func (p *Printer) Print(op Op) (Receipt, bool) {
	switch op.Kind {
	case Text:
		p.write(op.Text)
	case LineFeed:
		p.feedLine()
	case Init, Clear:
		p.reset()
	case Bold:
		p.bold = op.N != 0
	case Size:
		p.width, p.height = op.N>>4&7+1, op.N&7+1
	case Align:
		p.align = op.N
	case FeedDots:
		p.flush()
		p.advance(op.N)
	case FeedLines:
		p.flush()
		p.advance(op.N * p.spacing)
	case Spacing:
		p.spacing = op.N
		if op.N < 0 {
			p.spacing = lineSpacing
		}
	case Margin:
		p.margin = min(op.N, p.dots)
	case Area:
		p.area = op.N
	case Move:
		p.x = min(max(p.x+op.N, 0), p.dots)
	case MoveTo:
		p.x = min(op.N, p.dots)
	case Picture:
		p.picture(op.Bitmap)
	case QR:
		p.code(op.Text, op.N)
	case Cut:
		p.flush()
		p.out.Cut = true
		return p.Take(), true
	}
	return Receipt{}, false
}

// Take returns what is on the paper and begins a new receipt.
func (p *Printer) Take() Receipt {
	p.flush()
	out := p.out
	p.tear()
	return out
}

// Height returns how much paper came out since the last cut, in dots.
func (p *Printer) Height() int { return p.out.Paper.Height }

// Empty tells whether nothing was printed since the last cut.
func (p *Printer) Empty() bool { return p.out.Paper.Height == 0 && len(p.line) == 0 }

func (p *Printer) right() int {
	if p.area == 0 {
		return p.dots - p.margin
	}
	return min(p.area, p.dots-p.margin)
}

func (p *Printer) write(text string) {
	for _, r := range text {
		width, height := cellWidth*p.width, cellHeight*p.height
		if p.x+width > p.right() {
			p.feedLine()
		}
		if len(p.line) == 0 {
			p.marked = Line{Bold: p.bold, Large: p.width > 1 && p.height > 1, Align: p.align}
		}
		p.line = append(p.line, mark{p.x, p.draw(cell{r, p.bold, width, height})})
		p.words.WriteRune(r)
		p.x += width
		p.tall = max(p.tall, height)
	}
}

// flush prints the line being filled, if any.
func (p *Printer) flush() {
	if len(p.line) > 0 {
		p.feedLine()
	}
}

// feedLine prints the line and moves the paper by it.
func (p *Printer) feedLine() {
	height := max(p.spacing, p.tall)
	line := p.marked
	if len(p.line) == 0 {
		line = Line{Align: p.align}
	}
	line.Text, line.Top, line.Height = p.words.String(), p.out.Paper.Height, height
	marks, left := p.line, p.start(p.x)
	p.drop()
	if !p.advance(height) {
		return
	}
	for _, m := range marks {
		// Characters of different sizes stand on the same line.
		p.out.Paper.Draw(m.bitmap, left+m.x, line.Top+height-m.bitmap.Height)
	}
	p.out.Lines = append(p.out.Lines, line)
}

// start is where something of a width begins.
func (p *Printer) start(width int) int {
	free := max(p.right()-width, 0)
	switch p.align {
	case 1:
		free /= 2
	case 2:
	default:
		free = 0
	}
	return p.margin + free
}

// advance moves the paper; false when it is at its end.
func (p *Printer) advance(height int) bool {
	paper := p.out.Paper
	if paper.Height+height > maxHeight {
		return false
	}
	paper.Bits = append(paper.Bits, make([]byte, paper.Stride*height)...)
	paper.Height += height
	return true
}

func (p *Printer) picture(b *typeset.Bitmap) {
	p.flush()
	top := p.out.Paper.Height
	if b == nil || !p.advance(b.Height) {
		return
	}
	p.out.Paper.Draw(b, p.start(b.Width), top)
	p.out.Lines = append(p.out.Lines, Line{Picture: true, Align: p.align, Top: top, Height: b.Height})
}

// code draws a QR code as the printer would.
func (p *Printer) code(text string, module int) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return
	}
	n := code.Bounds().Dx()
	b := typeset.NewBitmap(n*module, n*module)
	for y := range n {
		for x := range n {
			if r, _, _, _ := code.At(x, y).RGBA(); r == 0 {
				b.Fill(x*module, y*module, module, module)
			}
		}
	}
	p.picture(b)
	p.out.QR = append(p.out.QR, text)
}

// Receipts decodes all of b and returns what came out; the last one may not be
// cut.
func Receipts(b []byte, dots int, f *typeset.Cells) []Receipt {
	var d Decoder
	p := NewPrinter(dots, f)
	var out []Receipt
	for _, op := range d.Feed(b) {
		if r, cut := p.Print(op); cut {
			out = append(out, r)
		}
	}
	if !p.Empty() {
		out = append(out, p.Take())
	}
	return out
}
