package virtual

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/OpenPrinting/goipp"
)

// PrintedJob is what came out of a virtual printer.
type PrintedJob struct {
	ID        int
	Name      string // job-name
	MediaType string
	Data      []byte // the document as it was sent
	Sides     string // "one-sided", "two-sided-long-edge"
	Copies    int
	Gray      bool
}

// PrinterFault is something wrong with a virtual printer.
type PrinterFault string

// The faults that last until they are switched off. The first four stop a job
// under way, which goes on when the fault is gone.
const (
	PrinterMediaEmpty PrinterFault = "media-empty"
	PrinterMediaJam   PrinterFault = "media-jam"
	PrinterCoverOpen  PrinterFault = "cover-open"
	PrinterTonerEmpty PrinterFault = "toner-empty"
	PrinterTonerLow   PrinterFault = "toner-low" // a warning only
	PrinterBusy       PrinterFault = "busy"      // new jobs are refused with server-error-busy
	PrinterReject     PrinterFault = "reject"    // new jobs are refused for their attributes
	PrinterAborts     PrinterFault = "aborts"    // jobs are given up after their first side
	PrinterOffline    PrinterFault = "offline"   // connections are closed without an answer
	PrinterStalls     PrinterFault = "stalls"    // nothing comes out after a job's first side, and no reason is given
	PrinterHangs      PrinterFault = "hangs"     // a cancelled job never ends (ippeveprinter while it waits for paper)
)

// stops lists the faults that stop the paper, as printer-state-reasons.
var stops = [...]PrinterFault{PrinterMediaEmpty, PrinterMediaJam, PrinterCoverOpen, PrinterTonerEmpty}

// PrinterOptions say how a virtual printer is. The zero value is a quick
// A4 laser printer.
type PrinterOptions struct {
	Name     string        // printer-name; "" is "Imprimante virtuelle"
	SideTime time.Duration // for one side; 0 is 20 ms
	// Printed is called for each job that came out, from the printer's own
	// goroutine. It may be nil.
	Printed func(PrintedJob)
	// PrintJobOnly leaves Create-Job out, as simple printers do.
	PrintJobOnly bool
	// Formats are the media types it takes; nil is PDF and PWG raster.
	Formats []string
}

// Printer is a virtual IPP Everywhere printer: an http.Handler for POST
// /ipp/print (any path does). It obeys the faults that are switched on.
type Printer struct {
	opts    PrinterOptions
	started time.Time
	closed  chan struct{}
	work    sync.WaitGroup

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	faults  map[PrinterFault]bool
	loses   map[goipp.Op]int // how many answers of an operation are still to be lost
	jobs    []*printJob      // all, oldest first
	turn    int              // index in jobs of the next one to print
}

// printJob is one job; the printer's mu guards it.
type printJob struct {
	PrintedJob
	state    int // job-state
	reason   string
	sides    int
	total    int
	complete bool // the document is here
}

// NewPrinter makes a printer that is ready. Close ends it.
func NewPrinter(opts PrinterOptions) *Printer {
	if opts.Name == "" {
		opts.Name = "Imprimante virtuelle"
	}
	if opts.SideTime <= 0 {
		opts.SideTime = 20 * time.Millisecond
	}
	if opts.Formats == nil {
		opts.Formats = []string{"application/pdf", "image/pwg-raster"}
	}
	p := &Printer{
		opts: opts, started: time.Now(), closed: make(chan struct{}), changed: make(chan struct{}),
		faults: make(map[PrinterFault]bool), loses: make(map[goipp.Op]int),
	}
	p.work.Go(p.run)
	return p
}

// Close stops printing and waits for the printer's goroutine.
func (p *Printer) Close() error {
	p.mu.Lock()
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	p.mu.Unlock()
	p.work.Wait()
	return nil
}

// Set switches a fault on or off.
func (p *Printer) Set(f PrinterFault, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[f] = on
	p.bump()
}

// LoseReply makes the printer do the next operation of this kind and close the
// connection instead of answering, as a cable pulled at the wrong moment does.
func (p *Printer) LoseReply(op goipp.Op) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loses[op]++
}

// Jobs says how many jobs the printer has been given.
func (p *Printer) Jobs() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.jobs)
}

// KeepIn returns a Printed function that writes each document into a folder,
// named after its job: what a developer looks at. Errors go to failed.
func KeepIn(dir string, failed func(error)) func(PrintedJob) {
	return func(j PrintedJob) {
		ext := ".bin"
		switch j.MediaType {
		case "application/pdf":
			ext = ".pdf"
		case "image/pwg-raster":
			ext = ".pwg"
		}
		name := filepath.Join(dir, fmt.Sprintf("print-%04d%s", j.ID, ext))
		if err := os.WriteFile(name, j.Data, 0o600); err != nil {
			failed(fmt.Errorf("virtual printer: keep job: %w", err))
		}
	}
}

// bump wakes whoever waits for a change; mu is held.
func (p *Printer) bump() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// stopped says whether a fault stops the paper; mu is held.
func (p *Printer) stopped() bool {
	return slices.ContainsFunc(stops[:], func(f PrinterFault) bool { return p.faults[f] })
}

// run prints the jobs, one after the other.
func (p *Printer) run() {
	for {
		p.mu.Lock()
		done, pause := p.step()
		changed := p.changed
		p.mu.Unlock()
		if done != nil && p.opts.Printed != nil {
			p.opts.Printed(*done)
		}
		if done != nil {
			continue
		}
		if !p.pause(pause, changed) {
			return
		}
	}
}

// pause waits for d, however much changes meanwhile: a side takes its time.
// When d is 0 it waits for a change. It says whether the printer is still on.
func (p *Printer) pause(d time.Duration, changed <-chan struct{}) bool {
	var tick <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		tick, changed = t.C, nil
	}
	select {
	case <-p.closed:
		return false
	case <-changed:
	case <-tick:
	}
	return true
}

// step moves the job at hand by one side. It returns a job that is out, or how
// long to wait, 0 for until something changes; mu is held.
func (p *Printer) step() (*PrintedJob, time.Duration) {
	for p.turn < len(p.jobs) && p.jobs[p.turn].state >= 7 {
		p.turn++
	}
	if p.turn == len(p.jobs) || !p.jobs[p.turn].complete {
		return nil, 0
	}
	j := p.jobs[p.turn]
	switch {
	case j.reason == cancelling && p.faults[PrinterHangs]:
		return nil, 0
	case j.reason == cancelling:
		j.end(7, "job-canceled-by-user")
		return nil, time.Nanosecond
	case p.stopped():
		j.state, j.reason = 6, "printer-stopped"
		return nil, 0
	case j.state != 5:
		j.state, j.reason = 5, "job-printing"
		return nil, p.opts.SideTime
	case j.sides > 0 && p.faults[PrinterStalls]:
		return nil, 0
	}
	j.sides++
	if p.faults[PrinterAborts] {
		j.end(8, "aborted-by-system")
		return nil, time.Nanosecond
	}
	if j.sides < j.total {
		return nil, p.opts.SideTime
	}
	j.end(9, "job-completed-successfully")
	out := j.PrintedJob
	j.Data = nil // a printer forgets what it printed
	return &out, 0
}

// cancelling is the reason of a job that is to end and has not yet.
const cancelling = "processing-to-stop-point"

func (j *printJob) end(state int, reason string) { j.state, j.reason = state, reason }

var pageObject = regexp.MustCompile(`/Type\s*/Page[^s]`)

// sidesOf guesses how many sides a document has: what a PDF says in the clear,
// else one.
func sidesOf(data []byte) int {
	if !bytes.HasPrefix(data, []byte("%PDF")) {
		return 1
	}
	return max(1, len(pageObject.FindAllIndex(data, -1)))
}

var _ http.Handler = (*Printer)(nil)
