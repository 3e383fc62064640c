package sane

import "time"

// Timeouts of a device that is slow or stuck.
const (
	openTimeout  = 30 * time.Second       // reading the options; network backends connect first
	probeTimeout = 10 * time.Second       // asking an idle device for its state
	stallTimeout = 60 * time.Second       // without new progress; backends calibrate for half a minute
	cancelGrace  = 2 * time.Second        // from SIGINT to SIGKILL: the backend moves the paper out
	cancelMoment = 300 * time.Millisecond // the same, once a batch goes on after SIGINT
	closeGrace   = 5 * time.Second        // to let go of the device once the batch is over
	pipeGrace    = 2 * time.Second        // for what a dead process's children still hold open
	coolDown     = 2 * time.Second        // after SIGKILL, before the device is opened again
)

// Limits of what a process may print and write.
const (
	maxOutput = 1 << 20   // bytes of options
	maxLine   = 1 << 12   // bytes of a line
	maxPage   = 256 << 20 // bytes of a page's file
	maxPixels = 1 << 28   // of a page; A4 at 600 dpi has 35 million
)
