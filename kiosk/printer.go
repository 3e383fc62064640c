package kiosk

import (
	"context"
	"io"
)

// PrintRequest is a document to print on A4.
type PrintRequest struct {
	// ID is ours, random, and names the job on the printer ("pointnum-<ID>"),
	// so that a lost answer or a restart never prints twice. It says nothing
	// of the visitor or of the document.
	ID        string
	MediaType string                        // "application/pdf"
	Open      func() (io.ReadCloser, error) // may be called again for another format
	Size      int64                         // bytes
	Pages     int                           // what should come out, per copy
	Copies    int                           // 0 is 1
	Duplex    bool                          // both sides, where the printer can
	Gray      bool
}

// PrintProgress is where a job stands.
type PrintProgress struct {
	Pages      int    // sides that came out
	Conditions []Code // what the printer waits for: CodePaperEmpty, CodePaperJam…
}

// Printer prints documents on paper.
type Printer interface {
	Device
	// Print sends a document and returns when the printer says that it is
	// out. progress, which may be nil, is called from the same goroutine when
	// something changed; a job that waits for paper goes on by itself once
	// there is some. When ctx ends the job is cancelled on the printer (pages
	// may have come out). Errors: CodeDeviceBusy, CodeJobRejected,
	// CodeJobAborted, CodeJobUnknown (never print again without asking),
	// CodeUnplugged, and the printer's blocking conditions before anything
	// was sent.
	Print(ctx context.Context, req PrintRequest, progress func(PrintProgress)) error
}

// ReceiptPrinter prints a visit's proof.
type ReceiptPrinter interface {
	Device
	// PrintReceipt returns when the receipt is out and cut, where the printer
	// can say so, else when all its bytes are sent. Errors: CodePaperEmpty,
	// CodeCoverOpen, CodeCutterError, CodeOverheated, CodeUnplugged,
	// CodeNotResponding.
	PrintReceipt(ctx context.Context, r Receipt) error
}

// Receipt is a receipt's content, in the order it is printed, already in the
// visitor's language. The driver chooses code page or raster for each line.
type Receipt struct {
	Lang  string // BCP 47: "fr", "ar"
	RTL   bool   // lines start at the right
	Items []ReceiptItem
}

// ReceiptItem is one thing on a receipt: exactly one of Text, Pair, QR and
// Rule is set; none of them is an empty line.
type ReceiptItem struct {
	Text  string    // wrapped to the paper's width between words
	Pair  [2]string // label and value, at the two edges of one line, wrapped when too long
	QR    string    // printed as a QR code, error correction M, at least 3 cm wide
	Rule  bool      // a line across
	Bold  bool
	Large bool // twice as high and wide
	Align Align
}

// Align is where a line stands. The start is left, and right in a
// right-to-left receipt.
type Align int

// The alignments.
const (
	AlignStart Align = iota
	AlignCenter
)
