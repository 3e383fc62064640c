// Package hardware assembles a whole kiosk's virtual hardware: a scanner, a
// laser printer, a receipt printer, a USB key and the kiosk's own wiring. Each
// speaks its real protocol on the loopback address; a panel lays sheets in,
// switches faults and shows what came out.
package hardware

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"pointnum/drivers/virtual"
	"pointnum/kiosk"
	"pointnum/kiosk/sample"
	"pointnum/ui/safeweb"
)

// Options say how the hardware is. Dir must be set.
type Options struct {
	// Dir holds what leaves the kiosk: printed documents, pictures of
	// receipts, the USB key's files. It is the visitor's paper, not the
	// kiosk's storage.
	Dir string
	// Pages holds JPEG files the scanner feeds; "" is pages painted here.
	Pages string
	// Sheets are in the feeder at the start.
	Sheets int
	// Marker is a text hidden in each painted page's file, so that a test can
	// look for it everywhere.
	Marker string
	// Panel is the panel's address; "" is a free port.
	Panel string
	// PageTime is how long the scanner takes for a page; 0 is 1.5 s.
	PageTime time.Duration
	// SideTime is how long the printer takes for a side; 0 is 1 s.
	SideTime time.Duration
	// TCP serves the receipt printer over TCP instead of a pseudo-terminal.
	TCP bool
	Log *slog.Logger
}

// Bench is a kiosk's virtual hardware.
type Bench struct {
	opts     Options
	scanner  *virtual.Scanner
	printer  *virtual.Printer
	receipts *virtual.ReceiptPrinter
	key      *virtual.Key
	sensors  *virtual.Sensors

	scannerLn, printerLn, receiptLn, panelLn net.Listener

	mu     sync.Mutex
	prints int             // documents that came out
	slips  int             // receipts that came out
	faults map[string]bool // "printer/media-jam", as switched here
	keyIn  bool
}

// New makes the hardware and takes its ports. Run serves it.
func New(ctx context.Context, o Options) (_ *Bench, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.PageTime == 0 {
		o.PageTime = 1500 * time.Millisecond
	}
	if o.SideTime == 0 {
		o.SideTime = time.Second
	}
	for _, dir := range []string{"printed", "receipts", "key"} {
		if err := os.MkdirAll(filepath.Join(o.Dir, dir), 0o755); err != nil {
			return nil, fmt.Errorf("virtual hardware: %w", err)
		}
	}
	b := &Bench{opts: o, faults: map[string]bool{}}
	b.scanner = virtual.NewScanner(virtual.ScannerOptions{Model: "Scanner", PageDelay: o.PageTime})
	b.receipts, err = virtual.NewReceiptPrinter(virtual.ReceiptOptions{Printed: b.slip})
	if err != nil {
		return nil, err
	}
	b.key = virtual.NewKey("usb", filepath.Join(o.Dir, "key"), o.Log)
	b.sensors = virtual.NewSensors("boutons")
	if err := b.load(o.Sheets, 1, o.Sheets); err != nil {
		return nil, err
	}
	if o.Panel == "" {
		o.Panel = "127.0.0.1:0"
	}
	for _, l := range []struct {
		ln   *net.Listener
		addr string
	}{{&b.scannerLn, "127.0.0.1:0"}, {&b.printerLn, "127.0.0.1:0"}, {&b.receiptLn, "127.0.0.1:0"}, {&b.panelLn, o.Panel}} {
		if *l.ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", l.addr); err != nil {
			return nil, fmt.Errorf("virtual hardware: %w", err)
		}
	}
	b.printer = virtual.NewPrinter(virtual.PrinterOptions{SideTime: o.SideTime, Printed: b.printed})
	return b, nil
}

// load lays n sheets in the feeder: files of the pages' folder, or painted
// ones that say that they are pages from, from+1… of total.
func (b *Bench) load(n, from, total int) error {
	if b.opts.Pages != "" && n > 0 {
		return b.scanner.LoadFS(os.DirFS(b.opts.Pages), "*.jp*g")
	}
	pages := make([][]byte, n)
	for i := range pages {
		data, err := sample.JPEG(from+i, sample.Options{Total: total})
		if err != nil {
			return fmt.Errorf("virtual hardware: page %d: %w", i+1, err)
		}
		pages[i] = marked(data, b.opts.Marker)
	}
	b.scanner.Load(pages)
	return nil
}

// marked puts a text into a JPEG as a comment (ITU-T T.81, B.2.4.5).
func marked(jpeg []byte, text string) []byte {
	if text == "" || len(jpeg) < 2 {
		return jpeg
	}
	out := append([]byte{}, jpeg[:2]...)
	out = append(out, 0xFF, 0xFE)
	out = binary.BigEndian.AppendUint16(out, uint16(2+len(text)))
	out = append(out, text...)
	return append(out, jpeg[2:]...)
}

// printed keeps a document that came out of the printer.
func (b *Bench) printed(j virtual.PrintedJob) {
	b.mu.Lock()
	b.prints++
	name := filepath.Join(b.opts.Dir, "printed", fmt.Sprintf("%d.pdf", b.prints))
	b.mu.Unlock()
	if err := os.WriteFile(name, j.Data, 0o600); err != nil {
		b.opts.Log.Error("printed document not kept", "err", err)
	}
}

// slip keeps a receipt's picture.
func (b *Bench) slip(r virtual.PrintedReceipt) {
	b.mu.Lock()
	b.slips++
	name := filepath.Join(b.opts.Dir, "receipts", fmt.Sprintf("%d.png", b.slips))
	b.mu.Unlock()
	if err := os.WriteFile(name, r.PNG, 0o600); err != nil {
		b.opts.Log.Error("receipt not kept", "err", err)
	}
}

// PanelURL is the panel's address.
func (b *Bench) PanelURL() string { return "http://" + b.panelLn.Addr().String() + "/" }

// terminal is where the receipt printer's pseudo-terminal is.
func (b *Bench) terminal() string { return filepath.Join(b.opts.Dir, "receipt-printer") }

// KeyDir is the folder behind the virtual key.
func (b *Bench) KeyDir() string { return filepath.Join(b.opts.Dir, "key") }

// Specs are the devices as a configuration names them. inside is true for an
// agent in this process, which has the key and the wiring with their faults;
// another process gets the key as a plain folder.
func (b *Bench) Specs(inside bool) []kiosk.Spec {
	receipt := "serial:" + b.terminal() + "?baud=115200&flow=none"
	if b.opts.TCP {
		receipt = "tcp://" + b.receiptLn.Addr().String()
	}
	specs := []kiosk.Spec{
		{ID: "scanner", Driver: "escl", URI: "http://" + b.scannerLn.Addr().String() + "/eSCL"},
		{ID: "imprimante", Driver: "ipp", URI: "ipp://" + b.printerLn.Addr().String() + "/ipp/print"},
		{ID: "recus", Driver: "escpos", URI: receipt},
	}
	if inside {
		return append(specs,
			kiosk.Spec{ID: "usb", Driver: "virtual-key", URI: "virtual:"},
			kiosk.Spec{ID: "boutons", Driver: "virtual-sensors", URI: "virtual:"})
	}
	return append(specs, kiosk.Spec{ID: "usb", Driver: "usbkey", URI: "dir:" + b.KeyDir(),
		Options: map[string]string{"mount": "any"}})
}

// Drivers open the devices that only this process has.
func (b *Bench) Drivers() []kiosk.Driver {
	return []kiosk.Driver{
		{Name: "virtual-key", Kind: kiosk.KindKey,
			Open: func(context.Context, kiosk.Spec, *slog.Logger) (kiosk.Device, error) { return b.key, nil }},
		{Name: "virtual-sensors", Kind: kiosk.KindSensors,
			Open: func(context.Context, kiosk.Spec, *slog.Logger) (kiosk.Device, error) { return b.sensors, nil }},
	}
}

// Run serves the hardware and its panel until ctx ends.
func (b *Bench) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	panel, err := b.panel()
	if err != nil {
		return err
	}
	servers := []*http.Server{
		{Handler: b.scanner, ReadHeaderTimeout: 10 * time.Second},
		{Handler: b.printer, ReadHeaderTimeout: 10 * time.Second},
		safeweb.Server(panel, b.opts.Log),
	}
	var work sync.WaitGroup
	for i, ln := range []net.Listener{b.scannerLn, b.printerLn, b.panelLn} {
		work.Go(func() {
			if err := servers[i].Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				stop(fmt.Errorf("virtual hardware: %w", err))
			}
		})
	}
	work.Go(func() {
		serve := func() error { return b.receipts.ServePTY(ctx, b.terminal()) }
		if b.opts.TCP {
			serve = func() error { return b.receipts.ServeTCP(ctx, b.receiptLn) }
		} else {
			defer b.receiptLn.Close()
		}
		if err := serve(); err != nil {
			stop(fmt.Errorf("virtual hardware: receipt printer: %w", err))
		}
	})
	<-ctx.Done()
	for _, s := range servers {
		if err := s.Close(); err != nil {
			b.opts.Log.Debug("virtual hardware not closed", "err", err)
		}
	}
	work.Wait()
	if err := b.printer.Close(); err != nil {
		return err
	}
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}
