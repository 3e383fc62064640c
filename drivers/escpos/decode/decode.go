// Package decode reads the bytes sent to an ESC/POS printer and shows what
// comes out: the commands, the lines of text, and a picture of the paper. The
// virtual printer is made of it.
//
// Names of commands are those of Epson's "ESC/POS Command Reference". Commands
// that change nothing we show are skipped by their length; unknown ones by
// their first two bytes.
package decode

import "pointnum/drivers/escpos/typeset"

// Kind says what a command does.
type Kind int

// The kinds of commands.
const (
	Unknown   Kind = iota // skipped
	Text                  // Op.Text, decoded with the page selected
	LineFeed              // LF
	Init                  // ESC @
	Bold                  // N != 0
	Size                  // N: GS ! byte, width-1 in the high four bits, height-1 in the low
	Align                 // N: 0 left, 1 centre, 2 right
	FeedDots              // ESC J: N dots
	FeedLines             // ESC d: N lines
	Spacing               // ESC 3: N dots to a line; -1 is the default
	Margin                // GS L: N dots
	Area                  // GS W: N dots
	Move                  // ESC \: N dots from here, may be negative
	MoveTo                // ESC $: N dots from the margin
	Picture               // Op.Bitmap
	QR                    // Op.Text with a module of N dots
	Cut                   // N: 0 full, 1 partial
	Tell                  // GS r: N is what to tell
	Name                  // GS I: N is which name
	Report                // GS a: N is what to report by itself
	Clear                 // DLE DC4 8: drop what is not printed
	Ask                   // DLE EOT: N is which status
)

// Op is one command.
type Op struct {
	Kind   Kind
	N      int
	Text   string
	Bitmap *typeset.Bitmap
}

// Limits against senders without end.
const (
	maxPayload = 1 << 20 // bytes of a picture or a command's data
	maxText    = 1 << 12 // bytes of text to an op
)

// Decoder reads a stream in pieces of any size. The zero Decoder is a printer
// just switched on.
type Decoder struct {
	pending []byte
	skip    int64 // bytes of a command too long to be kept
	page    byte
	qr      qrState
	stored  *typeset.Bitmap // GS ( L function 112
}

type qrState struct {
	data   []byte
	module int
}

// Pending returns how many bytes of a command not yet complete are kept.
func (d *Decoder) Pending() int { return len(d.pending) }

// Feed takes the next bytes and returns the commands they complete.
func (d *Decoder) Feed(b []byte) []Op {
	d.pending = append(d.pending, b...)
	var ops []Op
	for {
		if d.skip > 0 {
			n := min(d.skip, int64(len(d.pending)))
			d.pending = d.pending[n:]
			d.skip -= n
		}
		if len(d.pending) == 0 {
			d.pending = nil
			return ops
		}
		n, op, emit := d.next(d.pending)
		if n == 0 {
			d.pending = append([]byte(nil), d.pending...) // let go of what was read
			return ops
		}
		d.pending = d.pending[n:]
		if emit {
			ops = append(ops, op)
		}
	}
}

// next reads one command at the start of b. n is 0 when it is not complete.
func (d *Decoder) next(b []byte) (n int, op Op, emit bool) {
	switch b[0] {
	case '\n', 0x0c:
		return 1, Op{Kind: LineFeed}, true
	case 0x1b:
		return d.escape(b)
	case 0x1d:
		return d.group(b)
	case 0x1c:
		return d.field(b)
	case 0x10:
		return d.realtime(b)
	}
	if b[0] < ' ' {
		return 1, Op{}, false // HT, CR, CAN, NUL
	}
	for n = 1; n < len(b) && n < maxText && b[n] >= ' '; n++ {
	}
	return n, Op{Kind: Text, Text: decodeText(d.page, b[:n])}, true
}

// known finds a command in a table of those of fixed length, and how many bytes
// of arguments it has.
func known(table string, c byte) (args int, ok bool) {
	for i := 0; i+1 < len(table); i += 2 {
		if table[i] == c {
			return int(table[i+1] - '0'), true
		}
	}
	return 0, false
}

// The arguments of the commands of fixed length: the command's letter and the
// number of bytes that follow it.
const (
	escapes = " 1!1$2%1-1203121=1?1@0E1G1J1K1L0M1R1S0T1U1V1W8\\2a1c2d1e1i0m0p3r1t1u1v0{1<0"
	groups  = "!1$2/1:0B1E1H1I1L2P2T1W2\\2^3a1b1c0f1h1r1w1x1"
	fields  = "!1&0.0-1C1S2W1p2"
)

func (d *Decoder) escape(b []byte) (int, Op, bool) {
	if len(b) < 2 {
		return 0, Op{}, false
	}
	switch b[1] {
	case '*': // bit image in columns: m nL nH
		if len(b) < 5 {
			return 0, Op{}, false
		}
		size := int(b[3]) + int(b[4])<<8
		if b[2] >= 32 {
			size *= 3
		}
		return d.long(b, 5, int64(size), nil)
	case 'D': // tab stops up to NUL, at most 32
		for i := 2; i < len(b) && i < 35; i++ {
			if b[i] == 0 {
				return i + 1, Op{}, false
			}
		}
		if len(b) < 35 {
			return 0, Op{}, false
		}
		return 2, Op{}, false
	case '3':
		return d.fixed(b, 1, func(a []byte) Op { return Op{Kind: Spacing, N: int(a[0])} })
	}
	args, ok := known(escapes, b[1])
	if !ok {
		return 2, Op{}, true
	}
	return d.fixed(b, args, func(a []byte) Op { return d.escapeOp(b[1], a) })
}

func (d *Decoder) escapeOp(c byte, a []byte) Op {
	switch c {
	case '@':
		*d = Decoder{pending: d.pending}
		return Op{Kind: Init}
	case '!': // print mode: bold, double height, double width
		return Op{Kind: Size, N: int(a[0]>>5&1)<<4 | int(a[0]>>4&1)}
	case 'E', 'G':
		return Op{Kind: Bold, N: int(a[0] & 1)}
	case 'a':
		return Op{Kind: Align, N: int(a[0] & 3)}
	case 'd':
		return Op{Kind: FeedLines, N: int(a[0])}
	case 'J':
		return Op{Kind: FeedDots, N: int(a[0])}
	case '2':
		return Op{Kind: Spacing, N: -1}
	case '$':
		return Op{Kind: MoveTo, N: int(a[0]) | int(a[1])<<8}
	case '\\':
		return Op{Kind: Move, N: int(int16(uint16(a[0]) | uint16(a[1])<<8))}
	case 'i':
		return Op{Kind: Cut}
	case 'm':
		return Op{Kind: Cut, N: 1}
	case 't':
		d.page = a[0]
	}
	return Op{}
}

func (d *Decoder) group(b []byte) (int, Op, bool) {
	if len(b) < 2 {
		return 0, Op{}, false
	}
	switch b[1] {
	case 'V':
		return cut(b)
	case 'v': // '0' m xL xH yL yH
		if len(b) < 8 {
			return 0, Op{}, false
		}
		stride, height := int(b[4])|int(b[5])<<8, int(b[6])|int(b[7])<<8
		return d.long(b, 8, int64(stride)*int64(height), func(a []byte) Op {
			return Op{Kind: Picture, Bitmap: &typeset.Bitmap{Width: stride * 8, Height: height, Stride: stride, Bits: a}}
		})
	case '(': // fn pL pH
		if len(b) < 5 {
			return 0, Op{}, false
		}
		return d.long(b, 5, int64(b[3])|int64(b[4])<<8, func(a []byte) Op { return d.extended(b[2], a) })
	case '8': // 'L' p1 p2 p3 p4
		if len(b) < 7 {
			return 0, Op{}, false
		}
		size := int64(b[3]) | int64(b[4])<<8 | int64(b[5])<<16 | int64(b[6])<<24
		return d.long(b, 7, size, func(a []byte) Op { return d.extended(b[2], a) })
	case 'k':
		return barcode(b)
	case '*': // downloaded picture: x y
		if len(b) < 4 {
			return 0, Op{}, false
		}
		return d.long(b, 4, int64(b[2])*int64(b[3])*8, nil)
	case 'g':
		return d.fixed(b, 4, func([]byte) Op { return Op{} })
	}
	args, ok := known(groups, b[1])
	if !ok {
		return 2, Op{}, true
	}
	return d.fixed(b, args, func(a []byte) Op { return groupOp(b[1], a) })
}

func groupOp(c byte, a []byte) Op {
	kinds := map[byte]Kind{'!': Size, 'r': Tell, 'I': Name, 'a': Report, 'L': Margin, 'W': Area}
	op := Op{Kind: kinds[c]}
	if op.Kind == Unknown {
		return op
	}
	op.N = int(a[0])
	if c == 'L' || c == 'W' {
		op.N |= int(a[1]) << 8
	}
	return op
}

// cut reads GS V: functions 65 and over have one argument more, the feed.
func cut(b []byte) (int, Op, bool) {
	if len(b) < 3 {
		return 0, Op{}, false
	}
	n := 3
	if b[2] >= 65 {
		n = 4
	}
	if len(b) < n {
		return 0, Op{}, false
	}
	return n, Op{Kind: Cut, N: int(b[2]&1) ^ int(b[2]>>6&1)}, true
}

// barcode skips GS k, which has two forms: up to NUL, or with a length.
func barcode(b []byte) (int, Op, bool) {
	if len(b) < 4 {
		return 0, Op{}, false
	}
	if b[2] > 6 {
		if len(b) < 4+int(b[3]) {
			return 0, Op{}, false
		}
		return 4 + int(b[3]), Op{}, true
	}
	for i := 3; i < len(b); i++ {
		if b[i] == 0 || i > 258 {
			return i + 1, Op{}, true
		}
	}
	return 0, Op{}, false
}

func (d *Decoder) field(b []byte) (int, Op, bool) {
	if len(b) < 2 {
		return 0, Op{}, false
	}
	if b[1] == '(' {
		if len(b) < 5 {
			return 0, Op{}, false
		}
		return d.long(b, 5, int64(b[3])|int64(b[4])<<8, nil)
	}
	args, ok := known(fields, b[1])
	if !ok {
		return 2, Op{}, true
	}
	return d.fixed(b, args, func([]byte) Op { return Op{} })
}

func (d *Decoder) realtime(b []byte) (int, Op, bool) {
	if len(b) < 3 {
		return 0, Op{}, false
	}
	switch b[1] {
	case 0x04:
		return 3, Op{Kind: Ask, N: int(b[2])}, true
	case 0x05:
		return 3, Op{}, false
	case 0x14:
		if b[2] != 8 {
			return d.fixed(b, 3, func([]byte) Op { return Op{} })
		}
		return d.fixed(b, 8, func([]byte) Op { return Op{Kind: Clear} })
	}
	return 1, Op{}, true
}

// fixed reads a command of two bytes and args more.
func (d *Decoder) fixed(b []byte, args int, op func(a []byte) Op) (int, Op, bool) {
	if len(b) < 2+args {
		return 0, Op{}, false
	}
	o := op(b[2 : 2+args])
	return 2 + args, o, o.Kind != Unknown
}

// long reads a command with a head and size bytes of data. Data over the limit
// is skipped as it comes.
func (d *Decoder) long(b []byte, head int, size int64, op func(a []byte) Op) (int, Op, bool) {
	if size > maxPayload {
		d.skip = size
		return head, Op{}, true
	}
	n := head + int(size)
	if len(b) < n {
		return 0, Op{}, false
	}
	if op == nil {
		return n, Op{}, true
	}
	o := op(append([]byte(nil), b[head:n]...))
	return n, o, o.Kind != Unknown
}

// extended reads the data of GS ( k (QR codes) and GS ( L (graphics).
func (d *Decoder) extended(c byte, a []byte) Op {
	if len(a) < 2 {
		return Op{}
	}
	switch {
	case c == 'k' && a[0] == 49:
		return d.code(a[1], a[2:])
	case c == 'L' && a[1] == 112 && len(a) >= 10: // m fn tone bx by colour xL xH yL yH
		width, height := int(a[6])|int(a[7])<<8, int(a[8])|int(a[9])<<8
		stride := (width + 7) / 8
		if bits := a[10:]; stride*height == len(bits) {
			d.stored = &typeset.Bitmap{Width: width, Height: height, Stride: stride, Bits: bits}
		}
	case c == 'L' && (a[1] == 2 || a[1] == 50) && d.stored != nil:
		return Op{Kind: Picture, Bitmap: d.stored}
	}
	return Op{}
}

// code reads the functions of GS ( k for QR codes.
func (d *Decoder) code(fn byte, a []byte) Op {
	switch {
	case fn == 67 && len(a) > 0:
		d.qr.module = int(a[0])
	case fn == 80 && len(a) > 0:
		d.qr.data = append([]byte(nil), a[1:]...)
	case fn == 81 && len(d.qr.data) > 0:
		return Op{Kind: QR, Text: string(d.qr.data), N: min(max(d.qr.module, 1), 16)}
	}
	return Op{}
}
