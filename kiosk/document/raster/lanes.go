package raster

import "encoding/binary"

// Pixels are computed on several at a time, in the bytes of a word: a byte
// that is to be multiplied by up to 256 gets two bytes of room, a lane.
const (
	lanes     = 0x00ff00ff00ff00ff // every second byte of a word
	halfLanes = 0x0080008000800080 // what rounds lanes that are divided by 256
)

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

func load32(b []uint8) uint32     { return binary.LittleEndian.Uint32(b) }
func store32(b []uint8, v uint32) { binary.LittleEndian.PutUint32(b, v) }
