package decode

import (
	"bytes"
	"encoding/binary"
)

// Orientation reads the orientation out of EXIF data (Exif 2.32, 4.6.4 A): a
// TIFF header and its first directory. It gives 1, as it is, for anything
// else.
func Orientation(exif []byte) int {
	d, ok := readDirectory(exif, 0)
	if !ok {
		return 1
	}
	if v, ok := d.number(tagOrientation); ok && v >= 1 && v <= 8 {
		return v
	}
	return 1
}

// The tags that are read (TIFF 6.0).
const (
	tagWidth          = 256
	tagHeight         = 257
	tagBits           = 258
	tagCompression    = 259
	tagPhotometric    = 262
	tagStripOffsets   = 273
	tagOrientation    = 274
	tagSamples        = 277
	tagRowsPerStrip   = 278
	tagStripCounts    = 279
	tagXResolution    = 282
	tagPlanar         = 284
	tagResolutionUnit = 296
	tagPredictor      = 317
	tagColorMap       = 320
	tagTileWidth      = 322
	tagTileLength     = 323
	tagTileOffsets    = 324
	tagTileCounts     = 325
	tagExtraSamples   = 338
	tagSampleFormat   = 339
	tagJPEGTables     = 347
	tagSubfileType    = 254
)

// directory is one image file directory of a TIFF file.
type directory struct {
	data  []byte
	order binary.ByteOrder
	at    int // of the first entry
	count int
	next  int // offset of the next directory, 0 when it is the last
}

// readDirectory reads the directory at an offset; at 0 the first one.
func readDirectory(data []byte, at int) (directory, bool) {
	d := directory{data: data}
	if len(data) < 8 {
		return d, false
	}
	switch {
	case bytes.HasPrefix(data, []byte("II*\x00")):
		d.order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("MM\x00*")):
		d.order = binary.BigEndian
	default:
		return d, false
	}
	if at == 0 {
		at = int(d.order.Uint32(data[4:]))
	}
	if at < 8 || at > len(data)-2 {
		return d, false
	}
	d.count = int(d.order.Uint16(data[at:]))
	d.at = at + 2
	end := d.at + 12*d.count
	if end > len(data) {
		return d, false
	}
	if end+4 <= len(data) {
		d.next = int(d.order.Uint32(data[end:]))
	}
	return d, true
}

// number gives the first value of a tag of the types BYTE, SHORT, LONG or
// RATIONAL.
func (d directory) number(tag int) (int, bool) {
	for i := range d.count {
		e := d.data[d.at+12*i:][:12]
		if int(d.order.Uint16(e)) != tag || d.order.Uint32(e[4:]) == 0 {
			continue
		}
		value := e[8:]
		switch d.order.Uint16(e[2:]) {
		case 1:
			return int(value[0]), true
		case 3:
			if n := d.order.Uint32(e[4:]); n > 2 { // they lie elsewhere
				at := int(d.order.Uint32(value))
				if at > len(d.data)-2 {
					return 0, false
				}
				value = d.data[at:]
			}
			return int(d.order.Uint16(value)), true
		case 4:
			return int(d.order.Uint32(value)), true
		case 5:
			at := int(d.order.Uint32(value))
			if at > len(d.data)-8 {
				return 0, false
			}
			over := d.order.Uint32(d.data[at+4:])
			if over == 0 {
				return 0, false
			}
			return int(d.order.Uint32(d.data[at:]) / over), true
		}
		return 0, false
	}
	return 0, false
}

// numbers gives all values of a tag of the types SHORT or LONG.
func (d directory) numbers(tag int) (values []int, ok bool) {
	for i := range d.count {
		e := d.data[d.at+12*i:][:12]
		if int(d.order.Uint16(e)) != tag {
			continue
		}
		size, n := 4, int(d.order.Uint32(e[4:]))
		switch d.order.Uint16(e[2:]) {
		case 3:
			size = 2
		case 4:
		default:
			return nil, false
		}
		from := e[8:]
		if n > 4/size {
			at := int(d.order.Uint32(from))
			if at > len(d.data) || n > (len(d.data)-at)/size {
				return nil, false
			}
			from = d.data[at:]
		}
		for i := range n {
			if size == 2 {
				values = append(values, int(d.order.Uint16(from[2*i:])))
			} else {
				values = append(values, int(d.order.Uint32(from[4*i:])))
			}
		}
		return values, n > 0
	}
	return nil, false
}

// dpi gives the resolution of a directory, 0 when it does not say.
func (d directory) dpi() int {
	v, ok := d.number(tagXResolution)
	if !ok {
		return 0
	}
	switch unit, _ := d.number(tagResolutionUnit); unit {
	case 3: // per centimetre
		return saneDPI(v * 254 / 100)
	case 1:
		return 0
	}
	return saneDPI(v)
}

// saneDPI drops values that no scanner wrote: 72 and 96 are what programs say
// when they do not know.
func saneDPI(v int) int {
	if v < 100 || v > 2400 {
		return 0
	}
	return v
}
