package escpos_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/escpos"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

func open(t *testing.T, spec kiosk.Spec) (kiosk.Device, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return escpos.Driver().Open(ctx, spec, slog.New(slog.DiscardHandler))
}

func TestOpenRefuses(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	for _, c := range []struct {
		name    string
		uri     string
		options map[string]string
		want    kiosk.Code
	}{
		{"a line that is not there", "serial:" + missing, nil, kiosk.CodeUnplugged},
		{"a device file that is not there", "usb:" + missing, nil, kiosk.CodeUnplugged},
		{"a network printer that is off", "tcp://127.0.0.1:1", nil, kiosk.CodeUnplugged},
		{"a file that is no line", "serial:/dev/null", nil, kiosk.CodeInternal},
		{"a link of no kind", "ftp://127.0.0.1", nil, kiosk.CodeInternal},
		{"an option of no kind", "usb:" + missing, map[string]string{"colums": "42"}, kiosk.CodeInternal},
		{"a model nobody knows", "usb:" + missing, map[string]string{"model": "none"}, kiosk.CodeInternal},
		{"a cut of no kind", "usb:" + missing, map[string]string{"cut": "half"}, kiosk.CodeInternal},
		{"a page of no kind", "usb:" + missing, map[string]string{"codepage": "utf-8"}, kiosk.CodeInternal},
		{"a width that is none", "usb:" + missing, map[string]string{"dots": "-1"}, kiosk.CodeInternal},
		{"a wait that is none", "usb:" + missing, map[string]string{"stall": "0s"}, kiosk.CodeInternal},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(t, kiosk.Spec{ID: "receipt", URI: c.uri, Options: c.options})
			if got := kiosk.CodeOf(err); got != c.want {
				t.Errorf("got %v (code %q), want %q", err, got, c.want)
			}
		})
	}
}

// TestSecondOpener finds a line that somebody else has.
func TestSecondOpener(t *testing.T) {
	for name, link := range map[string]func(*testing.T, virtual.ReceiptOptions) drivertest.ReceiptRig{
		"serial": openTerminal, "device file": openFile,
	} {
		t.Run(name, func(t *testing.T) {
			r := link(t, virtual.ReceiptOptions{})
			first, err := open(t, r.Spec)
			if err != nil {
				t.Fatal(err)
			}
			defer first.Close()
			_, err = open(t, r.Spec)
			if got := kiosk.CodeOf(err); got != kiosk.CodeDeviceBusy {
				t.Errorf("got %v (code %q)", err, got)
			}
		})
	}
}

// TestModels opens printers by what they call themselves and by what the
// configuration says: the paper must be theirs.
func TestModels(t *testing.T) {
	for _, c := range []struct {
		name    string
		printer virtual.ReceiptOptions
		options map[string]string
		codes   int // drawn by the printer
		cut     bool
	}{
		{"it says its model", virtual.ReceiptOptions{Model: "TM-T88V"}, nil, 1, true},
		{"it says a model nobody knows", virtual.ReceiptOptions{Model: "XP-80"}, nil, 0, true},
		{"the configuration knows better", virtual.ReceiptOptions{Model: "XP-80"}, map[string]string{"qr": "printer"}, 1, true},
		{"a model is configured", virtual.ReceiptOptions{}, map[string]string{"model": "raster-80"}, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := make(chan virtual.PrintedReceipt, 1)
			c.printer.Printed = func(r virtual.PrintedReceipt) { out <- r }
			r := openTCP(t, c.printer)
			r.Spec.Options = c.options
			dev, err := open(t, r.Spec)
			if err != nil {
				t.Fatal(err)
			}
			defer dev.Close()
			if err := dev.(kiosk.ReceiptPrinter).PrintReceipt(t.Context(), drivertest.FrenchReceipt()); err != nil {
				t.Fatal(err)
			}
			if got := <-out; len(got.QR) != c.codes || got.Cut != c.cut {
				t.Errorf("%d codes by the printer, cut %t", len(got.QR), got.Cut)
			}
		})
	}
}

// TestEmpty prints a receipt of nothing.
func TestEmptyReceipt(t *testing.T) {
	out := make(chan virtual.PrintedReceipt, 1)
	r := openTCP(t, virtual.ReceiptOptions{Printed: func(r virtual.PrintedReceipt) { out <- r }})
	dev, err := open(t, r.Spec)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	if err := dev.(kiosk.ReceiptPrinter).PrintReceipt(t.Context(), kiosk.Receipt{}); err != nil {
		t.Fatal(err)
	}
	if got := <-out; !got.Cut {
		t.Error("not cut")
	}
}
