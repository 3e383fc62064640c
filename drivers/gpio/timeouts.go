package gpio

import "time"

const (
	// edgeWait is how long one wait for an edge lasts. It must end: nothing
	// interrupts a wait reliably on every chip (periph/host#36, #78).
	edgeWait = 250 * time.Millisecond
	// settle is how long a line must be quiet before its level counts;
	// buttons bounce for 5 to 30 ms.
	settle = 40 * time.Millisecond
	// settleMost bounds waiting for a line that never becomes quiet.
	settleMost = 500 * time.Millisecond
)
