package sane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"pointnum/kiosk"
)

// The statuses of SANE (SANE standard 1.06, 4.2.7), which scanimage exits with.
const (
	saneUnsupported = 1 // also scanimage's own: bad usage, device not found
	saneCancelled   = 2
	saneBusy        = 3
	saneInval       = 4
	saneEOF         = 5
	saneJammed      = 6
	saneNoDocs      = 7
	saneCoverOpen   = 8
	saneIOError     = 9
	saneNoMem       = 10
	saneDenied      = 11
)

// statusTexts are libsane's words for them (sane_strstatus).
var statusTexts = map[string]int{
	"Operation not supported":            saneUnsupported,
	"Operation was canceled":             saneCancelled,
	"Operation was cancelled":            saneCancelled,
	"Device busy":                        saneBusy,
	"Invalid argument":                   saneInval,
	"End of file reached":                saneEOF,
	"Document feeder jammed":             saneJammed,
	"Document feeder out of documents":   saneNoDocs,
	"Scanner cover is open":              saneCoverOpen,
	"Error during device I/O":            saneIOError,
	"Out of memory":                      saneNoMem,
	"Access to resource has been denied": saneDenied,
}

// ask runs scanimage for something short and returns what it prints.
func (d *scanner) ask(ctx context.Context, args ...string) (string, error) {
	out := &capped{}
	p, err := startProcess(d.conf, d.dir, 0, out, args)
	if err != nil {
		return "", &kiosk.Error{Code: kiosk.CodeInternal, Op: "sane: run scanimage", Device: d.id, Err: err}
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.stop()
		return "", &kiosk.Error{Code: codeOfCause(ctx), Op: "sane: ask", Device: d.id, Err: context.Cause(ctx)}
	}
	e := p.ending()
	// scanimage 1.1.1 prints the options and then exits with 0, or with 1 when
	// it could not open the device.
	if e.exit == 0 {
		return out.String(), nil
	}
	return "", &kiosk.Error{Code: openCode(e), Op: "sane: open", Device: d.id, Err: fmt.Errorf("exit %d: %s", e.exit, e.said)}
}

func codeOfCause(ctx context.Context) kiosk.Code {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return kiosk.CodeNotResponding
	}
	return kiosk.CodeCanceled
}

// openCode says why a device could not be opened. SANE says "Invalid argument"
// for one that is not there.
func openCode(e ending) kiosk.Code {
	switch {
	case e.exit == saneBusy || strings.Contains(e.said, "Device busy"):
		return kiosk.CodeDeviceBusy
	case e.exit == saneDenied || strings.Contains(e.said, "Access to resource has been denied"):
		return kiosk.CodeInternal
	case e.exit < 0:
		return kiosk.CodeNotResponding
	}
	return kiosk.CodeUnplugged
}

// capped keeps the first maxOutput bytes.
type capped struct{ bytes.Buffer }

func (c *capped) Write(b []byte) (int, error) {
	c.Buffer.Write(b[:max(0, min(len(b), maxOutput-c.Len()))])
	return len(b), nil
}
