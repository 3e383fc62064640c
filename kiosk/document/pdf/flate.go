package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
)

// Lossless packs a picture as Flate, grey when it is an *image.Gray; it must
// be opaque.
func Lossless(img image.Image) (Image, error) {
	var b bytes.Buffer
	enc := png.Encoder{CompressionLevel: png.BestCompression}
	if err := enc.Encode(&b, img); err != nil {
		return Image{}, fmt.Errorf("pdf: pack picture: %w", err)
	}
	_, gray := img.(*image.Gray)
	m := Image{Encoding: Flate, Width: img.Bounds().Dx(), Height: img.Bounds().Dy(), Gray: gray}
	chunks := b.Bytes()
	if depth, kind := chunks[24], chunks[25]; depth != 8 || kind != 0 && kind != 2 || gray != (kind == 0) {
		return Image{}, fmt.Errorf("pdf: pack picture: %d bits of kind %d", depth, kind)
	}
	for chunks = chunks[8:]; len(chunks) >= 12; {
		n := binary.BigEndian.Uint32(chunks)
		if string(chunks[4:8]) == "IDAT" {
			m.Data = append(m.Data, chunks[8:8+n]...)
		}
		chunks = chunks[12+n:]
	}
	return m, nil
}

// leastPacked is what packing has to save, in bytes: more than the name of
// the second filter.
const leastPacked = 16

// Packed gives a JPEG packed once more, where that makes it smaller; others as
// they are. It pays for pictures of which most is empty: JPEG writes one bit
// at least for each block of them.
func (m Image) Packed() Image {
	if m.Encoding != JPEG {
		return m
	}
	var b bytes.Buffer
	z, err := zlib.NewWriterLevel(&b, zlib.BestCompression)
	if err == nil {
		_, err = z.Write(m.Data)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil || b.Len()+leastPacked >= len(m.Data) {
		return m
	}
	m.Data, m.Encoding = b.Bytes(), PackedJPEG
	return m
}
