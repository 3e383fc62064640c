package tiff

import (
	"encoding/binary"
	"slices"
)

// The types of fields (TIFF 6.0, section 2).
const (
	typeShort     = 3
	typeLong      = 4
	typeRational  = 5
	typeUndefined = 7
)

// field is an entry of a directory.
type field struct {
	tag, kind uint16
	count     int
	value     []byte
}

// directory is what describes a page: its fields, in any order.
type directory struct{ fields []field }

var le = binary.LittleEndian

func (d *directory) add(tag, kind uint16, count int, value []byte) {
	d.fields = append(d.fields, field{tag, kind, count, value})
}

func (d *directory) short(tag uint16, values ...int) {
	var b []byte
	for _, v := range values {
		b = le.AppendUint16(b, uint16(v))
	}
	d.add(tag, typeShort, len(values), b)
}

func (d *directory) long(tag uint16, v int) {
	d.add(tag, typeLong, 1, le.AppendUint32(nil, uint32(v)))
}

func (d *directory) rational(tag uint16, values ...int) {
	var b []byte
	for _, v := range values {
		b = le.AppendUint32(le.AppendUint32(b, uint32(v)), 1)
	}
	d.add(tag, typeRational, len(values), b)
}

func (d *directory) undefined(tag uint16, b []byte) { d.add(tag, typeUndefined, len(b), b) }

// size is how many bytes the directory and its longer values take.
func (d *directory) size() int64 {
	n := int64(2 + 12*len(d.fields) + 4)
	for _, f := range d.fields {
		if len(f.value) > 4 {
			n += even(len(f.value))
		}
	}
	return n
}

// bytes is the directory as it lies at an offset of the file, the page's data
// right behind it, and the next directory at next.
func (d *directory) bytes(at, next int64) []byte {
	slices.SortFunc(d.fields, func(a, b field) int { return int(a.tag) - int(b.tag) })
	b := le.AppendUint16(nil, uint16(len(d.fields)))
	values := at + int64(2+12*len(d.fields)+4)
	var long []byte
	for _, f := range d.fields {
		value := f.value
		switch {
		case f.tag == tagStripOffsets:
			value = le.AppendUint32(nil, uint32(at+d.size()))
		case len(value) > 4:
			value = le.AppendUint32(nil, uint32(values+int64(len(long))))
			long = append(long, f.value...)
			long = append(long, make([]byte, len(long)&1)...)
		}
		b = le.AppendUint16(le.AppendUint16(b, f.tag), f.kind)
		b = le.AppendUint32(b, uint32(f.count))
		b = append(b, value...)
		b = append(b, make([]byte, 4-len(value))...)
	}
	b = le.AppendUint32(b, uint32(next))
	return append(b, long...)
}
