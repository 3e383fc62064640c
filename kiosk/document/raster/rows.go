package raster

import (
	"runtime"
	"sync"
)

// minBand is the least number of rows worth a goroutine of its own.
const minBand = 64

// Rows calls f for bands of rows that together are [0, h), at the same time
// where the machine has the processors, and waits for all of them.
func Rows(h int, f func(y0, y1 int)) {
	n := min(runtime.GOMAXPROCS(0), 4, h/minBand)
	if n < 2 {
		f(0, h)
		return
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i*h/n, (i+1)*h/n) })
	}
	wg.Wait()
}

// at0 returns the pixels of a picture from its first visible one on.
func at0(pix []uint8, off int) []uint8 {
	if off >= len(pix) {
		return nil
	}
	return pix[off:]
}
