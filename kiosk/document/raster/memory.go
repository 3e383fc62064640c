package raster

import "runtime/debug"

// largePage is how many pixels a page has that would take too much memory
// together with what is left of the one before: two of them are 130 MB.
const largePage = 16_000_000

// MakeRoom gives memory back that is not used any more when as many pixels as
// are said are about to take a lot: at other times that takes longer than it is
// worth.
func MakeRoom(pixels int) {
	if pixels >= largePage {
		debug.FreeOSMemory()
	}
}
