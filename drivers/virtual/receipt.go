package virtual

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"pointnum/drivers/escpos/decode"
	"pointnum/drivers/escpos/typeset"
)

// PrintedReceipt is a receipt that came out of a virtual receipt printer.
type PrintedReceipt struct {
	decode.Receipt
	PNG []byte // what it looks like
}

// ReceiptFault is something wrong with a virtual receipt printer.
type ReceiptFault string

// The faults last until they are switched off. The first five stop the paper;
// printing goes on when they are gone.
const (
	ReceiptPaperOut    ReceiptFault = "paper-out"
	ReceiptCoverOpen   ReceiptFault = "cover-open"
	ReceiptCutterError ReceiptFault = "cutter-error"
	ReceiptOverheated  ReceiptFault = "overheated"
	ReceiptPaused      ReceiptFault = "paused"     // off-line for a reason it does not tell
	ReceiptNearEnd     ReceiptFault = "near-end"   // a warning only
	ReceiptCutterJams  ReceiptFault = "cutter-jam" // the next cut becomes ReceiptCutterError
	ReceiptUnplugged   ReceiptFault = "unplugged"  // links are closed, new ones too
	ReceiptSilent      ReceiptFault = "silent"     // prints, never answers
	ReceiptStalled     ReceiptFault = "stalled"    // reads nothing
	ReceiptLate        ReceiptFault = "late"       // each answer is the one to the request before
)

// receiptStops lists the faults that stop the paper.
func receiptStops() []ReceiptFault {
	return []ReceiptFault{ReceiptPaperOut, ReceiptCoverOpen, ReceiptCutterError, ReceiptOverheated, ReceiptPaused}
}

// ReceiptOptions say how a virtual receipt printer is. The zero value is a
// quick one with 80 mm paper.
type ReceiptOptions struct {
	Dots  int           // printable width; 0 is 576
	Model string        // what it calls itself; "" is "TM-T20III"
	Pace  time.Duration // to print 64 bytes; 0 is at once
	// Buffer is how many bytes it takes in before they are printed; when they
	// are there it stops reading, status requests too. 0 is 1 MiB.
	Buffer int
	// Printed is called for each receipt cut off, while the link waits. It
	// may be nil.
	Printed func(PrintedReceipt)
}

// ReceiptPrinter is a receipt printer that speaks ESC/POS and shows what it
// prints. It serves one link at a time, as real ones do, and keeps what was
// sent to it when the link ends, but not when it is unplugged.
type ReceiptPrinter struct {
	opts ReceiptOptions

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	faults  map[ReceiptFault]bool
	buffer  []byte    // taken in, not printed
	left    int       // dots of paper left; -1 is a roll without end
	report  byte      // what GS a asked for
	before  byte      // the answer before, for ReceiptLate
	cleared bool      // DLE DC4 8 came; the command being read is void
	lost    bool      // the power went since the link was opened
	wire    io.Closer // the link being served

	// Owned by the one Serve that runs.
	serving sync.Mutex
	decoder decode.Decoder
	paper   *decode.Printer
}

// NewReceiptPrinter returns a printer that waits for Serve.
func NewReceiptPrinter(opts ReceiptOptions) (*ReceiptPrinter, error) {
	if opts.Dots == 0 {
		opts.Dots = 576
	}
	if opts.Model == "" {
		opts.Model = "TM-T20III"
	}
	if opts.Buffer == 0 {
		opts.Buffer = 1 << 20
	}
	font, err := typeset.NewCells()
	if err != nil {
		return nil, fmt.Errorf("virtual: receipt printer: %w", err)
	}
	return &ReceiptPrinter{
		opts: opts, left: -1, before: 0x12,
		changed: make(chan struct{}),
		faults:  make(map[ReceiptFault]bool),
		paper:   decode.NewPrinter(opts.Dots, font),
	}, nil
}

// Set switches a fault on or off.
func (p *ReceiptPrinter) Set(f ReceiptFault, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[f] = on
	if f == ReceiptUnplugged && on {
		// The power goes with the cable: nothing taken in is kept.
		p.lost = true
		if p.wire != nil {
			p.wire.Close()
		}
	}
	p.bump()
}

// LoadPaper puts in a roll of so many dots, after which ReceiptPaperOut comes
// up by itself; -1 is a roll without end.
func (p *ReceiptPrinter) LoadPaper(dots int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = dots
	p.faults[ReceiptPaperOut] = dots == 0
	p.bump()
}

// Held returns how many bytes it holds that are not printed.
func (p *ReceiptPrinter) Held() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.buffer)
}

// bump wakes everybody who waits. p.mu is held.
func (p *ReceiptPrinter) bump() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// stopped tells whether the paper stands still. p.mu is held.
func (p *ReceiptPrinter) stopped() bool {
	return slices.ContainsFunc(receiptStops(), func(f ReceiptFault) bool { return p.faults[f] })
}

// wait returns once ok does, called with p.mu held, or when ctx ends.
func (p *ReceiptPrinter) wait(ctx context.Context, ok func() bool) error {
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		p.mu.Lock()
		done, changed := ok(), p.changed
		p.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// ServeTCP serves the connections of ln, which it closes, until ctx ends. It
// returns nil then.
func (p *ReceiptPrinter) ServeTCP(ctx context.Context, ln net.Listener) error {
	defer ln.Close()
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	for {
		conn, err := ln.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("virtual: receipt printer: %w", err)
		}
		if err := p.Serve(ctx, conn); err != nil {
			return err
		}
	}
}

// ServePTY serves a pseudo-terminal, reached by the symbolic link at path,
// until ctx ends. It returns nil then. Unplugging hangs it up and removes the
// link.
func (p *ReceiptPrinter) ServePTY(ctx context.Context, path string) error {
	plugged := func() bool { return !p.faults[ReceiptUnplugged] }
	for p.wait(ctx, plugged) == nil {
		if err := p.servePTY(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

func (p *ReceiptPrinter) servePTY(ctx context.Context, path string) error {
	terminal, err := OpenTerminal()
	if err != nil {
		return err
	}
	defer terminal.Close()
	// The link appears in one step, so that nobody sees an old one.
	tmp := path + ".new"
	if err := os.Symlink(terminal.Path, tmp); err != nil {
		return fmt.Errorf("virtual: receipt printer: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("virtual: receipt printer: %w", err)
	}
	defer os.Remove(path)
	return p.Serve(ctx, terminal)
}

// KeepReceiptsIn returns a ReceiptOptions.Printed that writes each receipt to
// a folder as recu-0001.png and so on; failed, which may be nil, gets the
// errors.
func KeepReceiptsIn(dir string, failed func(error)) func(PrintedReceipt) {
	var mu sync.Mutex
	n := 0
	return func(r PrintedReceipt) {
		mu.Lock()
		defer mu.Unlock()
		n++
		name := filepath.Join(dir, fmt.Sprintf("recu-%04d.png", n))
		if err := os.WriteFile(name, r.PNG, 0o600); err != nil && failed != nil {
			failed(fmt.Errorf("virtual: receipt: %w", err))
		}
	}
}
