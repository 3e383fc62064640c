package kiosk

import (
	"context"
	"io"
)

// Source is where a scanner takes its paper from.
type Source string

// The sources. SourceAuto takes the feeder when it holds paper, else the
// glass.
const (
	SourceAuto   Source = "auto"
	SourceGlass  Source = "glass"  // flatbed: one page
	SourceFeeder Source = "feeder" // ADF: pages until it is empty
)

// ColorMode is what a scanner sends for each pixel.
type ColorMode string

// The colour modes.
const (
	Color ColorMode = "color"
	Gray  ColorMode = "gray"
)

// ScanOptions say how to scan. The zero value is what a visitor gets: paper
// from wherever it lies, colour, 300 dpi, one side, A4. A driver never sends a
// device a value that the device did not list; it takes the nearest.
type ScanOptions struct {
	Source Source    // "" is SourceAuto
	Color  ColorMode // "" is Color
	DPI    int       // 0 is 300
	Duplex bool      // both sides, where the feeder can
	Width  float64   // millimetres; 0 is A4, 210
	Height float64   // millimetres; 0 is A4, 297
}

// Scanner turns paper into page images.
type Scanner interface {
	Device
	// Scan starts a job. ctx covers the job's whole life, the reading of its
	// pages included: when it ends, the job is cancelled on the device and
	// Next returns its cause. One job at a time; a second Scan fails with
	// CodeDeviceBusy. An empty feeder is CodeFeederEmpty, here or at the
	// first Next.
	Scan(ctx context.Context, opts ScanOptions) (ScanJob, error)
}

// ScanJob yields pages in the order the scanner feeds them.
type ScanJob interface {
	// Next returns the next page and closes the one before it. The error is
	// io.EOF when the feeder is empty or the glass was scanned. After a fault
	// (*Error with Sheet set to the sheet to feed again) the pages returned
	// before stay good. A page that arrives cut short is never returned as a
	// page: it is CodeBadPage.
	Next() (RawPage, error)
	// Close ends the job; one not read to its end is cancelled on the device.
	// It may be called twice.
	Close() error
}

// RawPage is one page as the scanner sent it: bytes nobody has parsed.
type RawPage struct {
	io.Reader        // valid until the next call of Next or Close
	MediaType string // "image/jpeg", "image/png", "image/tiff"
	DPI       int    // as asked and granted; 0 when the device did not say
	Sheet     int    // from 1; both sides of a sheet have the same number
	Back      bool   // the second side of the sheet
}
