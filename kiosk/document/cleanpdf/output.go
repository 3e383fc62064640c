package cleanpdf

import (
	"bytes"
	"compress/zlib"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/bits"
)

// output writes a file of PDF 1.5 with object streams (ISO 32000-1, 7.5.7 and
// 7.5.8), which make forms of many small objects half as large. Objects that
// are the same are written once.
type output struct {
	file bytes.Buffer
	at   []place // by object number; 0 is the head of the free list
	seen map[[sha256.Size]byte]ref
	packer

	pack    bytes.Buffer // objects of the streams to come
	packed  []int        // their numbers
	offsets []int
}

// place is where an object lies: in the file, or in an object stream.
type place struct{ stream, index, offset int }

// packSize is how many objects go into one stream.
const packSize = 400

// newOutput begins a file of about some bytes: one that grows takes thrice its
// size.
func newOutput(about int) *output {
	w := &output{at: make([]place, 1), seen: map[[sha256.Size]byte]ref{}}
	w.file.Grow(about)
	w.file.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	return w
}

// reserve gives the number of an object that is written later, for those that
// lead back to themselves.
func (w *output) reserve() ref {
	w.at = append(w.at, place{})
	return ref(len(w.at) - 1)
}

// number gives the number to write an object under, and whether it has to be
// written: not when there is one like it. n is its number when it is reserved.
func (w *output) number(n ref, parts ...[]byte) (ref, bool) {
	if n != 0 {
		return n, true
	}
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d ", len(p))
		h.Write(p)
	}
	sum := [sha256.Size]byte(h.Sum(nil))
	if n, ok := w.seen[sum]; ok {
		return n, false
	}
	n = w.reserve()
	w.seen[sum] = n
	return n, true
}

// object writes an object without a stream, under number n or a new one.
func (w *output) object(n ref, v value) ref {
	var b bytes.Buffer
	write(&b, v)
	n, ok := w.number(n, b.Bytes())
	if ok {
		w.packed, w.offsets = append(w.packed, int(n)), append(w.offsets, w.pack.Len())
		w.pack.Write(b.Bytes())
		w.pack.WriteByte('\n')
	}
	return n
}

// stream writes an object with a stream, under number n or a new one. The
// dictionary says how data is packed.
func (w *output) stream(n ref, d dict, data []byte) ref {
	var b bytes.Buffer
	d["Length"] = number(fmt.Sprint(len(data)))
	write(&b, d)
	n, ok := w.number(n, b.Bytes(), data)
	if ok {
		w.at[n] = place{offset: w.file.Len()}
		fmt.Fprintf(&w.file, "%d 0 obj\n", n)
		w.file.Write(b.Bytes())
		w.file.WriteString("stream\n")
		w.file.Write(data)
		w.file.WriteString("\nendstream\nendobj\n")
	}
	return n
}

// flush writes the object streams.
func (w *output) flush() {
	all, numbers, offsets := w.pack.Bytes(), w.packed, w.offsets
	for from := 0; from < len(numbers); from += packSize {
		to := min(from+packSize, len(numbers))
		end := len(all)
		if to < len(numbers) {
			end = offsets[to]
		}
		n := w.reserve()
		var head bytes.Buffer
		for i := from; i < to; i++ {
			fmt.Fprintf(&head, "%d %d ", numbers[i], offsets[i]-offsets[from])
			w.at[numbers[i]] = place{stream: int(n), index: i - from}
		}
		first := head.Len()
		head.Write(all[offsets[from]:end])
		w.stream(n, dict{
			"Type": name("ObjStm"), "N": number(fmt.Sprint(to - from)), "First": number(fmt.Sprint(first)), "Filter": name("FlateDecode"),
		}, w.deflate(head.Bytes()))
	}
}

// finish writes the cross reference stream and gives the file.
func (w *output) finish(root ref) []byte {
	w.flush()
	start := w.file.Len()
	n := w.reserve()
	w.at[n] = place{offset: start}
	width := (bits.Len(uint(start)) + 7) / 8
	table, row := []byte{}, 1+width+2
	before := make([]byte, row)
	for i, p := range w.at {
		entry := make([]byte, row)
		field, last := p.offset, 0
		switch {
		case i == 0:
			last = 0xffff
		case p.stream > 0:
			entry[0], field, last = 2, p.stream, p.index
		default:
			entry[0] = 1
		}
		for j := range width {
			entry[width-j] = byte(field >> (8 * j))
		}
		binary.BigEndian.PutUint16(entry[row-2:], uint16(last))
		table = append(table, 2) // PNG's "up": most rows are like the one before
		for j := range entry {
			table = append(table, entry[j]-before[j])
		}
		before = entry
	}
	w.stream(n, dict{
		"Type": name("XRef"), "Size": number(fmt.Sprint(len(w.at))), "Root": root, "Filter": name("FlateDecode"),
		"W":           array{number("1"), number(fmt.Sprint(width)), number("2")},
		"DecodeParms": dict{"Predictor": number("12"), "Columns": number(fmt.Sprint(row))},
	}, w.deflate(table))
	fmt.Fprintf(&w.file, "startxref\n%d\n%%%%EOF\n", start)
	return w.file.Bytes()
}

// A packer packs as small as it can; what is large not at any price.
type packer struct{ small, large *zlib.Writer }

func (p *packer) deflate(b []byte) []byte {
	z, level := &p.small, zlib.BestCompression
	if len(b) > 1<<20 {
		z, level = &p.large, zlib.DefaultCompression
	}
	var out bytes.Buffer
	if *z == nil {
		*z, _ = zlib.NewWriterLevel(&out, level)
	} else {
		(*z).Reset(&out)
	}
	(*z).Write(b)
	(*z).Close()
	return out.Bytes()
}

// flate packs data where that makes it smaller.
func (p *packer) flate(data []byte) (dict, []byte) {
	packed := p.deflate(data)
	if len(packed)+len("/Filter/FlateDecode") >= len(data) {
		return dict{}, data
	}
	return dict{"Filter": name("FlateDecode")}, packed
}
