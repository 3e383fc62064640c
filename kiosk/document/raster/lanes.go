package raster

import "encoding/binary"

// Pixels are computed on several at a time, in the bytes of a word: a byte
// that is to be multiplied by up to 256 gets two bytes of room, a lane.
const (
	lanes     = 0x00ff00ff00ff00ff // every second byte of a word
	halfLanes = 0x0080008000800080 // what rounds lanes that are divided by 256
)

// split gives the even and the odd bytes of a word in lanes of their own.
func split(v uint64) (even, odd uint64) { return v & lanes, v >> 8 & lanes }

// join divides lanes by 256, rounding, and puts them back in their bytes.
func join(even, odd uint64) uint64 {
	return (even+halfLanes)>>8&lanes | (odd+halfLanes)&^lanes
}

// between is a*(256-f) + b*f in every lane; no lane overflows, as f <= 256.
func between(a, b, f uint64) uint64 { return a<<8 + (b-a)*f }

// blend is the word that lies f/256 of the way from a to b.
func blend(a, b, f uint64) uint64 {
	ae, ao := split(a)
	be, bo := split(b)
	return join(between(ae, be, f), between(ao, bo, f))
}

// wide gives the four bytes of a pixel a lane each, in the order 0, 2, 1, 3.
func wide(p uint32) uint64 {
	v := uint64(p)
	return (v | v<<24) & lanes
}

// narrow divides the lanes of a pixel by 256, rounding, and undoes wide.
func narrow(v uint64) uint32 {
	v = (v + halfLanes) >> 8 & lanes
	return uint32(v | v>>24)
}

func load64(b []uint8) uint64     { return binary.LittleEndian.Uint64(b) }
func load32(b []uint8) uint32     { return binary.LittleEndian.Uint32(b) }
func store64(b []uint8, v uint64) { binary.LittleEndian.PutUint64(b, v) }
func store32(b []uint8, v uint32) { binary.LittleEndian.PutUint32(b, v) }
