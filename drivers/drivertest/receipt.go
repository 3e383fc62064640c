package drivertest

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/drivers/escpos/decode"
	"pointnum/drivers/escpos/typeset"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

// ReceiptRig is a receipt printer's driver in front of a virtual printer, with
// a cable between them that can be pulled.
type ReceiptRig struct {
	Driver  kiosk.Driver
	Spec    kiosk.Spec
	Printer *virtual.ReceiptPrinter
	// Unplug takes the cable away and puts it back; Stall stops the bytes on
	// it, and lets them go on.
	Unplug func(on bool)
	Stall  func(on bool)
	// Deaf is true for a cable that may pass no answers while it is full of
	// bytes the printer does not take.
	Deaf bool
}

// ReceiptSuite checks that a driver keeps the contract of
// kiosk.ReceiptPrinter. open starts a virtual printer with the options given
// and connects a rig to it; it ends both with the test. The suite sets the
// option "stall" of the Spec, which is how long the driver waits for a printer
// that takes nothing.
func ReceiptSuite(t *testing.T, open func(t *testing.T, o virtual.ReceiptOptions) ReceiptRig) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *receiptBench)
		opts virtual.ReceiptOptions
	}{
		{"it says what it is and that it is ready", receiptReady, virtual.ReceiptOptions{}},
		{"a French receipt has its accents, its sign of the euro, its code and its cut", receiptFrench, virtual.ReceiptOptions{}},
		{"a French receipt fits 58 mm paper", receiptNarrow, virtual.ReceiptOptions{Dots: 384}},
		{"an Arabic receipt is drawn from the right", receiptArabic, virtual.ReceiptOptions{}},
		{"an Arabic receipt fits 58 mm paper", receiptArabicNarrow, virtual.ReceiptOptions{Dots: 384}},
		{"a printer that can't print is not sent anything", receiptFaults, virtual.ReceiptOptions{}},
		{"paper that is soon empty is a warning", receiptNearEnd, virtual.ReceiptOptions{}},
		{"paper that ends in a receipt is a fault, and the rest is forgotten", receiptPaperEnds, virtual.ReceiptOptions{Pace: time.Millisecond}},
		{"paper that ends while the link is full is still told from a dead printer", receiptPaperEndsFull, virtual.ReceiptOptions{Pace: time.Millisecond, Buffer: 512}},
		{"a cutter that sticks at the end is a fault", receiptCutterJams, virtual.ReceiptOptions{}},
		{"a printer pulled out in a receipt is unplugged, and is found again", receiptUnplug, virtual.ReceiptOptions{Pace: time.Millisecond}},
		{"a printer that stops taking bytes is given up in time", receiptStall, virtual.ReceiptOptions{Pace: time.Millisecond}},
		{"a printer that never answers prints", receiptSilent, virtual.ReceiptOptions{}},
		{"a printer whose answers come late is understood", receiptLate, virtual.ReceiptOptions{}},
		{"a receipt can be cancelled, and the next one is whole", receiptCancel, virtual.ReceiptOptions{Pace: time.Millisecond}},
		{"status does not wait for a receipt", receiptStatusInJob, virtual.ReceiptOptions{Pace: time.Millisecond}},
		{"closing ends a receipt", receiptClose, virtual.ReceiptOptions{Pace: time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // the cases mostly wait
			b := &receiptBench{out: make(chan virtual.PrintedReceipt, 8)}
			c.opts.Printed = func(r virtual.PrintedReceipt) { b.out <- r }
			b.ReceiptRig = open(t, c.opts)
			c.test(t, b)
		})
	}
}

// receiptBench is a rig and what comes out of it.
type receiptBench struct {
	ReceiptRig
	out chan virtual.PrintedReceipt
}

// Times of the suite: how long the driver waits for a printer that stands
// still, and how long anything may take at all.
const (
	receiptStallTime = 1000 * time.Millisecond
	receiptLimit     = 20 * time.Second
)

// start opens the device with options, given as key and value in turn.
func (b *receiptBench) start(t *testing.T, options ...string) kiosk.ReceiptPrinter {
	t.Helper()
	spec := b.Spec
	spec.Options = map[string]string{"stall": receiptStallTime.String()}
	for i := 0; i+1 < len(options); i += 2 {
		spec.Options[options[i]] = options[i+1]
	}
	ctx, cancel := context.WithTimeout(t.Context(), receiptLimit)
	defer cancel()
	dev, err := b.Driver.Open(ctx, spec, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return dev.(kiosk.ReceiptPrinter)
}

// print prints a receipt that must come out.
func (b *receiptBench) print(t *testing.T, p kiosk.ReceiptPrinter, r kiosk.Receipt) virtual.PrintedReceipt {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), receiptLimit)
	defer cancel()
	if err := p.PrintReceipt(ctx, r); err != nil {
		t.Fatalf("print: %v", err)
	}
	select {
	case out := <-b.out:
		return out
	case <-ctx.Done():
		t.Fatal("nothing came out")
		return virtual.PrintedReceipt{}
	}
}

// printAfterFault prints a receipt, which must come out whole and alone; the
// rest of the one that failed before may come out before it, cut off, and is
// returned.
func (b *receiptBench) printAfterFault(t *testing.T, p kiosk.ReceiptPrinter) decode.Receipt {
	t.Helper()
	rest := decode.Receipt{Paper: typeset.NewBitmap(0, 0)}
	out := b.print(t, p, FrenchReceipt())
	for len(b.out) > 0 {
		rest, out = out.Receipt, <-b.out
	}
	checkFrench(t, out)
	b.nothing(t)
	return rest
}

// fails prints a receipt that must fail with a code.
func (b *receiptBench) fails(t *testing.T, p kiosk.ReceiptPrinter, r kiosk.Receipt, want kiosk.Code) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), receiptLimit)
	defer cancel()
	receiptCode(t, p.PrintReceipt(ctx, r), want)
}

func receiptCode(t *testing.T, err error, want kiosk.Code) {
	t.Helper()
	if got := kiosk.CodeOf(err); got != want {
		t.Fatalf("got %v (code %q), want %q", err, got, want)
	}
}

// nothing checks that no receipt came out.
func (b *receiptBench) nothing(t *testing.T) {
	t.Helper()
	select {
	case out := <-b.out:
		t.Fatalf("a receipt came out:\n%s", out.Text())
	default:
	}
}

// status asks, and must be answered.
func (b *receiptBench) status(t *testing.T, p kiosk.ReceiptPrinter) kiosk.Status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), receiptLimit)
	defer cancel()
	st, err := p.Status(ctx)
	if err != nil {
		t.Fatalf("status: %v", err)
	}
	return st
}

// eventually waits for a state.
func (b *receiptBench) eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(receiptLimit); !ok(); <-tick.C {
		if time.Now().After(limit) {
			t.Fatalf("never came: %s", what)
		}
	}
}

// during starts a long receipt and calls f once the printer is printing it; it
// returns how the receipt ended and how long that took after f.
func (b *receiptBench) during(t *testing.T, p kiosk.ReceiptPrinter, f func(cancel func())) (time.Duration, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), receiptLimit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- p.PrintReceipt(ctx, LongReceipt()) }()
	b.eventually(t, "printing", func() bool { return b.Printer.Held() > 0 })
	start := time.Now()
	f(cancel)
	err := <-done
	return time.Since(start), err
}

func receiptReady(t *testing.T, b *receiptBench) {
	p := b.start(t)
	if info := p.Info(); info.Kind != kiosk.KindReceipt || info.Driver != b.Driver.Name || info.Model != "TM-T20III" || info.ID != b.Spec.ID {
		t.Errorf("info is %+v", info)
	}
	if st := b.status(t, p); !st.Ready || len(st.Conditions) != 0 {
		t.Errorf("status is %+v", st)
	}
	if err := p.Close(); err != nil {
		t.Errorf("first close: %v", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func receiptFaults(t *testing.T, b *receiptBench) {
	p := b.start(t)
	for fault, want := range map[virtual.ReceiptFault]kiosk.Code{
		virtual.ReceiptPaperOut:    kiosk.CodePaperEmpty,
		virtual.ReceiptCoverOpen:   kiosk.CodeCoverOpen,
		virtual.ReceiptCutterError: kiosk.CodeCutterError,
		virtual.ReceiptOverheated:  kiosk.CodeOverheated,
		virtual.ReceiptPaused:      kiosk.CodeDevicePaused,
	} {
		b.Printer.Set(fault, true)
		if st := b.status(t, p); st.Ready || !slices.Contains(st.Conditions, want) {
			t.Errorf("%s: status is %+v, want %q", fault, st, want)
		}
		b.fails(t, p, FrenchReceipt(), want)
		b.Printer.Set(fault, false)
	}
	b.nothing(t)
	b.print(t, p, FrenchReceipt())
	b.nothing(t)
}

func receiptNearEnd(t *testing.T, b *receiptBench) {
	p := b.start(t)
	b.Printer.Set(virtual.ReceiptNearEnd, true)
	if st := b.status(t, p); !st.Ready || !slices.Equal(st.Conditions, []kiosk.Code{kiosk.CodePaperLow}) {
		t.Errorf("status is %+v", st)
	}
	b.print(t, p, FrenchReceipt())
}

func receiptPaperEnds(t *testing.T, b *receiptBench) {
	p := b.start(t)
	b.Printer.LoadPaper(300)
	b.fails(t, p, LongReceipt(), kiosk.CodePaperEmpty)
	if st := b.status(t, p); st.Ready || !slices.Contains(st.Conditions, kiosk.CodePaperEmpty) {
		t.Errorf("status is %+v", st)
	}
	b.Printer.LoadPaper(-1)
	if rest := b.printAfterFault(t, p); rest.Paper.Height > 500 {
		t.Errorf("%d dots of a receipt came out of 300 dots of paper", rest.Paper.Height)
	}
}

func receiptPaperEndsFull(t *testing.T, b *receiptBench) {
	p := b.start(t)
	b.Printer.LoadPaper(300)
	ctx, cancel := context.WithTimeout(t.Context(), receiptLimit)
	defer cancel()
	err := p.PrintReceipt(ctx, LongReceipt())
	if b.Deaf && kiosk.CodeOf(err) == kiosk.CodeNotResponding {
		return
	}
	receiptCode(t, err, kiosk.CodePaperEmpty)
}

func receiptCutterJams(t *testing.T, b *receiptBench) {
	p := b.start(t)
	b.Printer.Set(virtual.ReceiptCutterJams, true)
	b.fails(t, p, FrenchReceipt(), kiosk.CodeCutterError)
	b.nothing(t)
}

func receiptUnplug(t *testing.T, b *receiptBench) {
	p := b.start(t)
	took, err := b.during(t, p, func(func()) { b.Unplug(true) })
	receiptCode(t, err, kiosk.CodeUnplugged)
	if took > 2*receiptStallTime {
		t.Errorf("took %v to notice", took)
	}
	_, err = p.Status(t.Context())
	receiptCode(t, err, kiosk.CodeUnplugged)
	_, err = b.Driver.Open(t.Context(), b.Spec, slog.New(slog.DiscardHandler))
	receiptCode(t, err, kiosk.CodeUnplugged)
	b.Unplug(false)
	b.eventually(t, "the printer is back", func() bool {
		st, err := p.Status(t.Context())
		return err == nil && st.Ready
	})
	b.printAfterFault(t, p)
}

func receiptStall(t *testing.T, b *receiptBench) {
	p := b.start(t)
	took, err := b.during(t, p, func(func()) { b.Stall(true) })
	receiptCode(t, err, kiosk.CodeNotResponding)
	if took > 4*receiptStallTime {
		t.Errorf("took %v to give up", took)
	}
	_, err = p.Status(t.Context())
	receiptCode(t, err, kiosk.CodeNotResponding)
	b.Stall(false)
	b.eventually(t, "the printer is back", func() bool {
		st, err := p.Status(t.Context())
		return err == nil && st.Ready
	})
}

func receiptSilent(t *testing.T, b *receiptBench) {
	b.Printer.Set(virtual.ReceiptSilent, true)
	p := b.start(t)
	if st := b.status(t, p); !st.Ready || !strings.Contains(st.Detail, "unknown") {
		t.Errorf("status is %+v", st)
	}
	if out := b.print(t, p, FrenchReceipt()); !out.Cut {
		t.Error("not cut")
	}
}

func receiptLate(t *testing.T, b *receiptBench) {
	b.Printer.Set(virtual.ReceiptLate, true)
	p := b.start(t, "status", "twice")
	checkFrench(t, b.print(t, p, FrenchReceipt()))
	b.Printer.Set(virtual.ReceiptCoverOpen, true)
	b.fails(t, p, FrenchReceipt(), kiosk.CodeCoverOpen)
}

func receiptCancel(t *testing.T, b *receiptBench) {
	p := b.start(t)
	took, err := b.during(t, p, func(cancel func()) { cancel() })
	receiptCode(t, err, kiosk.CodeCanceled)
	if took > receiptStallTime {
		t.Errorf("took %v to end", took)
	}
	b.printAfterFault(t, p)
}

func receiptStatusInJob(t *testing.T, b *receiptBench) {
	p := b.start(t)
	_, err := b.during(t, p, func(cancel func()) {
		start := time.Now()
		if st := b.status(t, p); !st.Ready {
			t.Errorf("status is %+v", st)
		}
		if took := time.Since(start); took > receiptStallTime {
			t.Errorf("status took %v", took)
		}
		cancel()
	})
	receiptCode(t, err, kiosk.CodeCanceled)
}

func receiptClose(t *testing.T, b *receiptBench) {
	p := b.start(t)
	_, err := b.during(t, p, func(func()) {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	receiptCode(t, err, kiosk.CodeCanceled)
	if _, err := p.Status(t.Context()); err == nil {
		t.Error("a closed device has a status")
	}
}
