package ipp_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/ipp"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

// open opens a printer with the driver and closes it with the test.
func open(t *testing.T, uri string, options map[string]string) kiosk.Printer {
	t.Helper()
	d, err := ipp.Driver().Open(t.Context(), kiosk.Spec{ID: "laser", URI: uri, Options: options}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d.(kiosk.Printer)
}

// virtualPrinter is a virtual printer on the loopback.
type virtualPrinter struct {
	*virtual.Printer
	URI    string
	server *httptest.Server

	mu  sync.Mutex
	out []virtual.PrintedJob
}

func startVirtual(t *testing.T, opts virtual.PrinterOptions) *virtualPrinter {
	t.Helper()
	v := &virtualPrinter{}
	opts.Printed = func(j virtual.PrintedJob) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.out = append(v.out, j)
	}
	v.Printer = virtual.NewPrinter(opts)
	v.server = httptest.NewServer(v.Printer)
	v.URI = "ipp" + strings.TrimPrefix(v.server.URL, "http") + "/ipp/print"
	t.Cleanup(func() {
		v.server.Close()
		_ = v.Printer.Close()
	})
	return v
}

func (v *virtualPrinter) printed() []virtual.PrintedJob {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]virtual.PrintedJob(nil), v.out...)
}

func (v *virtualPrinter) names() []string {
	var names []string
	for _, j := range v.printed() {
		names = append(names, j.Name)
	}
	return names
}

func TestVirtualPrinter(t *testing.T) {
	t.Parallel()
	faults := map[kiosk.Code]virtual.PrinterFault{
		kiosk.CodePaperEmpty:  virtual.PrinterMediaEmpty,
		kiosk.CodePaperJam:    virtual.PrinterMediaJam,
		kiosk.CodeCoverOpen:   virtual.PrinterCoverOpen,
		kiosk.CodeMarkerEmpty: virtual.PrinterTonerEmpty,
		kiosk.CodeMarkerLow:   virtual.PrinterTonerLow,
	}
	drivertest.PrinterSuite(t, func(t *testing.T) drivertest.PrinterRig {
		v := startVirtual(t, virtual.PrinterOptions{SideTime: 50 * time.Millisecond})
		return drivertest.PrinterRig{
			Printer: open(t, v.URI, nil),
			Printed: v.names,
			Idle: []kiosk.Code{kiosk.CodePaperEmpty, kiosk.CodePaperJam, kiosk.CodeCoverOpen,
				kiosk.CodeMarkerEmpty, kiosk.CodeMarkerLow},
			InJob:  []kiosk.Code{kiosk.CodePaperEmpty, kiosk.CodePaperJam, kiosk.CodeCoverOpen, kiosk.CodeMarkerEmpty},
			Set:    func(_ *testing.T, c kiosk.Code, _, on bool) { v.Set(faults[c], on) },
			Hold:   func(_ *testing.T, on bool) { v.Set(virtual.PrinterStalls, on) },
			Abort:  func(*testing.T) { v.Set(virtual.PrinterAborts, true) },
			Unplug: func(*testing.T) { v.Set(virtual.PrinterOffline, true) },
		}
	})
}

func TestPrinterWithPrintJobOnly(t *testing.T) {
	t.Parallel()
	drivertest.PrinterSuite(t, func(t *testing.T) drivertest.PrinterRig {
		v := startVirtual(t, virtual.PrinterOptions{SideTime: 50 * time.Millisecond, PrintJobOnly: true})
		return drivertest.PrinterRig{
			Printer: open(t, v.URI, nil), Printed: v.names,
			Idle: []kiosk.Code{kiosk.CodePaperEmpty}, InJob: []kiosk.Code{kiosk.CodePaperEmpty},
			Set:    func(_ *testing.T, _ kiosk.Code, _, on bool) { v.Set(virtual.PrinterMediaEmpty, on) },
			Hold:   func(_ *testing.T, on bool) { v.Set(virtual.PrinterStalls, on) },
			Abort:  func(*testing.T) { v.Set(virtual.PrinterAborts, true) },
			Unplug: func(*testing.T) { v.Set(virtual.PrinterOffline, true) },
		}
	})
}

func TestEvePrinter(t *testing.T) {
	t.Parallel()
	reasons := map[kiosk.Code]string{
		kiosk.CodePaperEmpty: "media-empty", kiosk.CodePaperJam: "media-jam", kiosk.CodeCoverOpen: "cover-open",
	}
	drivertest.PrinterSuite(t, func(t *testing.T) drivertest.PrinterRig {
		e := drivertest.StartEvePrinter(t)
		return drivertest.PrinterRig{
			Printer: open(t, e.URI(), nil),
			Printed: e.Printed,
			Idle:    []kiosk.Code{kiosk.CodePaperEmpty, kiosk.CodeMarkerEmpty, kiosk.CodeMarkerLow},
			InJob:   []kiosk.Code{kiosk.CodePaperJam, kiosk.CodeCoverOpen, kiosk.CodePaperEmpty},
			Set: func(t *testing.T, c kiosk.Code, inJob, on bool) {
				switch {
				case inJob:
					e.Fault(t, reasons[c], on)
				case c == kiosk.CodePaperEmpty && on:
					e.Paper(t, 0)
				case c == kiosk.CodePaperEmpty:
					e.Paper(t, 250)
				case c == kiosk.CodeMarkerEmpty && on:
					e.Toner(t, 0)
				case c == kiosk.CodeMarkerLow && on:
					e.Toner(t, 3)
				default:
					e.Toner(t, 80)
				}
			},
			Hold:   func(t *testing.T, on bool) { e.Hold(t, on) },
			Abort:  func(t *testing.T) { e.Abort(t, true) },
			Unplug: func(*testing.T) { e.Stop() },
		}
	})
}

func TestIpptoolAcceptsTheVirtualPrinter(t *testing.T) {
	t.Parallel()
	v := startVirtual(t, virtual.PrinterOptions{})
	document := filepath.Join(t.TempDir(), "test.pdf")
	if err := os.WriteFile(document, drivertest.PDF(1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []string{"get-printer-attributes.test", "validate-job.test", "print-job.test", "create-job.test", "get-jobs.test"} {
		out, err := exec.CommandContext(t.Context(), drivertest.Tool(t, "ipptool"),
			"-tI", "-f", document, "-d", "filetype=application/pdf", v.URI, test).CombinedOutput()
		if err != nil {
			t.Errorf("ipptool %s: %v\n%s", test, err, out)
		}
	}
}
