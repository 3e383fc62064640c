package ipp

import "time"

// Every time the driver waits for has its name here.
const (
	// dialTimeout covers connecting and the TLS handshake.
	dialTimeout = 5 * time.Second
	// askTimeout covers one question without a document. Printers that wake
	// up from sleep take up to ten seconds for the first answer.
	askTimeout = 15 * time.Second
	// sendStall is how long a printer may take no byte of a document, or give
	// no answer after the last, while it reports nothing that explains it.
	sendStall = 60 * time.Second
	// pollMin and pollMax are the pace at which a job is asked after.
	pollMin = 100 * time.Millisecond
	pollMax = time.Second
	// patienceUsual is how long a printer that is busy, or went away in a job,
	// is waited for.
	patienceUsual = 30 * time.Second
	// busyPauseMin and busyPauseMax are the pauses between two tries.
	busyPauseMin = 250 * time.Millisecond
	busyPauseMax = 4 * time.Second
	// orphanPatience is how long a job may wait for a document that we could
	// not send, or be missing on its printer, before we give it up.
	orphanPatience = 3 * time.Second
	// recoverPause is the first pause before a job is looked for again.
	recoverPause = 200 * time.Millisecond
	// quietBase and quietPage are how long a job may make no progress without
	// a reported reason: warming up, then a slow page of many.
	quietBase = 3 * time.Minute
	quietPage = 10 * time.Second
	// cancelTimeout bounds cancelling a job and waiting for its end. A job
	// that waits for paper may never end (ippeveprinter: media-needed).
	cancelTimeout = 8 * time.Second
)
