package cleanpdf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
)

// writer writes a file of PDF 1.5 with object streams (ISO 32000-1, 7.5.7 and
// 7.5.8), which make forms of many small objects half as large.
type writer struct {
	c   *copier
	out bytes.Buffer
	at  []place // by object number; 0 is the head of the free list

	pack    bytes.Buffer // objects of the stream that is being filled
	packed  []int        // their numbers
	offsets []int
}

// place is where an object lies: in the file, or in an object stream.
type place struct{ stream, index, offset int }

// packSize is how many objects go into one stream.
const packSize = 150

func write(c *copier, root types.Dict) ([]byte, error) {
	w := &writer{c: c, at: make([]place, firstCopied)}
	w.out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	if err := w.small(catalogObject, root); err != nil {
		return nil, err
	}
	for i := 0; i < len(c.queue); i++ { // it grows on the way
		n := firstCopied + i
		w.at = append(w.at, place{})
		o, err := c.table.Dereference(*types.NewIndirectRef(c.queue[i], 0))
		if err != nil {
			return nil, fmt.Errorf("cleanpdf: object: %w", err)
		}
		if s, ok := o.(*types.StreamDict); ok && s != nil {
			o = *s
		}
		if s, ok := o.(types.StreamDict); ok {
			err = w.stream(n, s)
		} else {
			err = w.small(n, o)
		}
		if err != nil {
			return nil, err
		}
	}
	return w.finish()
}

// small puts an object without a stream into the object stream to come.
func (w *writer) small(n int, o types.Object) error {
	w.packed, w.offsets = append(w.packed, n), append(w.offsets, w.pack.Len())
	if err := w.object(&w.pack, o, 0); err != nil {
		return err
	}
	w.pack.WriteByte('\n')
	return nil
}

func (w *writer) stream(n int, s types.StreamDict) error {
	d, raw, err := w.c.stream(s)
	if err != nil {
		return err
	}
	if d["Filter"] == nil && len(raw) > 64 {
		raw = deflate(raw)
		d["Filter"] = types.Name("FlateDecode")
		delete(d, "DecodeParms")
	}
	d["Length"] = types.Integer(len(raw))
	w.at[n] = place{offset: w.out.Len()}
	fmt.Fprintf(&w.out, "%d 0 obj\n", n)
	if err := w.value(&w.out, d, 0); err != nil {
		return err
	}
	w.out.WriteString("\nstream\n")
	w.out.Write(raw)
	w.out.WriteString("\nendstream\nendobj\n")
	return nil
}

// object writes an object that others refer to; its dictionary is cleaned.
func (w *writer) object(b *bytes.Buffer, o types.Object, depth int) error {
	if depth > deepest {
		return errShape
	}
	switch o := o.(type) {
	case types.Dict:
		return w.value(b, w.c.cleaned(o), depth)
	case types.Array:
		b.WriteByte('[')
		for i, v := range o {
			if i > 0 {
				b.WriteByte(' ')
			}
			if err := w.object(b, v, depth+1); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case types.IndirectRef:
		fmt.Fprintf(b, "%d 0 R", w.c.number(o.ObjectNumber.Value()))
	case types.Float:
		b.WriteString(strconv.FormatFloat(o.Value(), 'f', -1, 64))
	case nil:
		b.WriteString("null")
	case types.Name, types.Integer, types.Boolean, types.StringLiteral, types.HexLiteral:
		b.WriteString(o.PDFString())
	default:
		return errShape
	}
	return nil
}

// value writes a dictionary that is clean already; those in it are not.
func (w *writer) value(b *bytes.Buffer, d types.Dict, depth int) error {
	keys := make([]string, 0, len(d))
	for k := range d {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b.WriteString("<<")
	for _, k := range keys {
		b.WriteString("/" + types.EncodeName(k) + " ")
		if err := w.object(b, d[k], depth+1); err != nil {
			return err
		}
	}
	b.WriteString(">>")
	return nil
}

// flush writes the object streams, as streams with numbers behind all others.
func (w *writer) flush() {
	all, numbers, offsets := w.pack.Bytes(), w.packed, w.offsets
	for from := 0; from < len(numbers); from += packSize {
		to := min(from+packSize, len(numbers))
		end := len(all)
		if to < len(numbers) {
			end = offsets[to]
		}
		n := len(w.at)
		var head bytes.Buffer
		for i := from; i < to; i++ {
			fmt.Fprintf(&head, "%d %d ", numbers[i], offsets[i]-offsets[from])
			w.at[numbers[i]] = place{stream: n, index: i - from}
		}
		first := head.Len()
		head.Write(all[offsets[from]:end])
		data := deflate(head.Bytes())
		w.at = append(w.at, place{offset: w.out.Len()})
		fmt.Fprintf(&w.out, "%d 0 obj\n<</Type/ObjStm/N %d/First %d/Filter/FlateDecode/Length %d>>\nstream\n", n, to-from, first, len(data))
		w.out.Write(data)
		w.out.WriteString("\nendstream\nendobj\n")
	}
}

// finish writes the cross reference stream and the end.
func (w *writer) finish() ([]byte, error) {
	w.flush()
	n, start := len(w.at), w.out.Len()
	w.at = append(w.at, place{offset: start})
	table := []byte{0, 0, 0, 0, 0, 0xff, 0xff}
	for _, p := range w.at[1:] {
		if p.stream > 0 {
			table = append(table, 2)
			table = binary.BigEndian.AppendUint32(table, uint32(p.stream))
			table = binary.BigEndian.AppendUint16(table, uint16(p.index))
			continue
		}
		table = append(table, 1)
		table = binary.BigEndian.AppendUint32(table, uint32(p.offset))
		table = append(table, 0, 0)
	}
	data := deflate(table)
	fmt.Fprintf(&w.out, "%d 0 obj\n<</Type/XRef/Size %d/W[1 4 2]/Root %d 0 R/Filter/FlateDecode/Length %d>>\nstream\n",
		n, n+1, catalogObject, len(data))
	w.out.Write(data)
	fmt.Fprintf(&w.out, "\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", start)
	return w.out.Bytes(), nil
}

func deflate(b []byte) []byte {
	var out bytes.Buffer
	z, _ := zlib.NewWriterLevel(&out, zlib.BestCompression)
	z.Write(b)
	z.Close()
	return out.Bytes()
}
