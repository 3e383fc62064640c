package browser

import "time"

// The times and limits of this package.
const (
	callTimeout    = 10 * time.Second       // for the browser to answer a call
	warmTimeout    = 30 * time.Second       // for a new process to be ready
	settleTimeout  = 5 * time.Second        // for a new page to say that it rests
	activeTimeout  = 3 * time.Second        // for a page's new process to take over
	firstTimeout   = 45 * time.Second       // for a portal's first page
	confirmTimeout = 3 * time.Second        // for a field to tell of its new files
	dropTimeout    = time.Second            // for a zone to see its new files
	stuckTimeout   = 3 * time.Second        // between a page's answer and the page
	printTimeout   = 60 * time.Second       // for a page to become a PDF
	eraseTimeout   = 60 * time.Second       // for the search after a wipe
	dialogTimeout  = 2 * time.Minute        // for the visitor to answer a page's question
	blankTimeout   = 30 * time.Second       // for a blank popup to have something in it
	blankBeat      = 100 * time.Millisecond // between two looks at it
	restTimeout    = 5 * time.Second        // for a page to come to rest before it is sized
	pendingTimeout = 3 * time.Minute        // for a portal to answer; papers may be on their way to it
	beat           = 2 * time.Second        // between two looks at whether the page answers
	hangLimit      = 10 * time.Second       // for it to answer
	touchBeat      = 3 * time.Second        // between two touches that are told
	openerWindow   = 5 * time.Second        // between a page's wish for a window and the window
	startAgain     = 500 * time.Millisecond // until a start that failed is tried again, doubled each time
	startAgainMost = 30 * time.Second

	maxDownloads     = 20
	maxDownloadBytes = 50 << 20 // of one
	maxDownloadTotal = 200 << 20

	// A page that asks more often than this has gone wrong: nobody answers so
	// fast.
	mostQuestions  = 12
	questionWindow = 10 * time.Second

	showTries = 3 // pages that are made for one that does not come

	minZoom, maxZoom, stepZoom = 100, 300, 25
)
