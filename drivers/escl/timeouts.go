package escl

import "time"

// Timeouts of a device that is slow or stuck.
const (
	answerTimeout = 10 * time.Second  // capabilities, status, a new job, an end of job
	cancelTimeout = 5 * time.Second   // freeing the device once nobody waits for it
	idleTimeout   = 60 * time.Second  // between two pieces of a page
	pageTimeout   = 120 * time.Second // from asking for a page to its last byte
	busyTimeout   = 30 * time.Second  // while the device is somebody else's
)

// Pauses between two tries.
const (
	busyPause   = time.Second // doubles: 1, 2, 4, 4, …
	busyLongest = 4 * time.Second
	warmPause   = 250 * time.Millisecond // doubles: lamps warm up in 1 to 10 s
	warmLongest = 2 * time.Second
	endPause    = time.Second // before an early end is asked for again
)

// Limits of what a device may send.
const (
	maxXML      = 1 << 20
	maxPage     = 64 << 20 // A4 at 600 dpi, colour, is 10 to 20 MB
	maxHeaders  = 64 << 10
	maxRedirect = 3
)
