package virtual_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"pointnum/drivers/virtual"
)

// talkReceipt serves a printer on a pipe and returns the host's end.
func talkReceipt(t *testing.T, p *virtual.ReceiptPrinter) net.Conn {
	t.Helper()
	host, device := net.Pipe()
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := p.Serve(context.Background(), device); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		host.Close()
		serving.Wait()
	})
	if err := host.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return host
}

func newReceiptPrinter(t *testing.T, o virtual.ReceiptOptions) *virtual.ReceiptPrinter {
	t.Helper()
	p, err := virtual.NewReceiptPrinter(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReceiptAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults []virtual.ReceiptFault
		ask    string
		want   string
	}{
		{"all is well", nil, "\x10\x04\x01\x10\x04\x02\x10\x04\x03\x10\x04\x04", "\x12\x12\x12\x12"},
		{"out of paper", []virtual.ReceiptFault{virtual.ReceiptPaperOut}, "\x10\x04\x01\x10\x04\x02\x10\x04\x04", "\x1a\x32\x72"},
		{"near end", []virtual.ReceiptFault{virtual.ReceiptNearEnd}, "\x10\x04\x04\x1dr\x01", "\x1e\x03"},
		{"cover open", []virtual.ReceiptFault{virtual.ReceiptCoverOpen}, "\x10\x04\x02", "\x16"},
		{"hot head", []virtual.ReceiptFault{virtual.ReceiptOverheated}, "\x10\x04\x03", "\x52"},
		{"late", []virtual.ReceiptFault{virtual.ReceiptLate, virtual.ReceiptNearEnd}, "\x10\x04\x04\x10\x04\x01", "\x12\x1e"},
		{"its model", nil, "\x1dI\x43", "_TM-T20III\x00"},
		{"a report when asked for", nil, "\x1da\x0e", "\x10\x00\x00\x00"},
		{"requests in a picture are obeyed too", nil, "\x1dv0\x00\x03\x00\x01\x00\x10\x04\x01", "\x12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newReceiptPrinter(t, virtual.ReceiptOptions{})
			for _, f := range c.faults {
				p.Set(f, true)
			}
			host := talkReceipt(t, p)
			sent := make(chan error, 1)
			go func() {
				_, err := io.WriteString(host, c.ask)
				sent <- err
			}()
			got := make([]byte, len(c.want))
			if _, err := io.ReadFull(host, got); err != nil || string(got) != c.want {
				t.Errorf("got % x (%v), want % x", got, err, c.want)
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
		})
	}
}

// TestReceiptWaits holds a receipt while there is no paper: what follows is
// answered when it is printed, not before.
func TestReceiptWaits(t *testing.T) {
	out := make(chan virtual.PrintedReceipt, 1)
	p := newReceiptPrinter(t, virtual.ReceiptOptions{Printed: func(r virtual.PrintedReceipt) { out <- r }})
	p.Set(virtual.ReceiptPaperOut, true)
	host := talkReceipt(t, p)
	if _, err := io.WriteString(host, "Bonjour\n\x1dV\x42\x03\x1dr\x01\x10\x04\x04"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	if _, err := host.Read(b); err != nil || b[0] != 0x72 {
		t.Fatalf("got %#x (%v), want the real-time answer first", b, err)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for limit := time.Now().Add(10 * time.Second); p.Held() == 0; <-tick.C {
		if time.Now().After(limit) {
			t.Fatal("nothing is held")
		}
	}
	if len(out) > 0 {
		t.Error("printed without paper")
	}
	p.Set(virtual.ReceiptPaperOut, false)
	if _, err := host.Read(b); err != nil || b[0] != 0 {
		t.Fatalf("got %#x (%v), want the answer in the stream", b, err)
	}
	if r := <-out; r.Text() != "Bonjour\n" || !r.Cut || len(r.PNG) == 0 {
		t.Errorf("got %q, cut %t", r.Text(), r.Cut)
	}
}

func TestKeepReceiptsIn(t *testing.T) {
	dir := t.TempDir()
	keep := virtual.KeepReceiptsIn(dir, func(err error) { t.Error(err) })
	keep(virtual.PrintedReceipt{PNG: []byte("one")})
	keep(virtual.PrintedReceipt{PNG: []byte("two")})
	b, err := os.ReadFile(filepath.Join(dir, "recu-0002.png"))
	if err != nil || string(b) != "two" {
		t.Errorf("got %q (%v)", b, err)
	}
	failed := 0
	virtual.KeepReceiptsIn(filepath.Join(dir, "none"), func(error) { failed++ })(virtual.PrintedReceipt{})
	if failed != 1 {
		t.Errorf("%d errors told", failed)
	}
}

// TestReceiptTerminalPath plugs a printer's terminal in, out and in again.
func TestReceiptTerminalPath(t *testing.T) {
	p := newReceiptPrinter(t, virtual.ReceiptOptions{})
	path := filepath.Join(t.TempDir(), "printer")
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := p.ServePTY(ctx, path); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	defer serving.Wait()
	defer cancel()
	for _, there := range []bool{true, false, true} {
		p.Set(virtual.ReceiptUnplugged, !there)
		tick := time.NewTicker(5 * time.Millisecond)
		for limit := time.Now().Add(10 * time.Second); ; <-tick.C {
			if _, err := os.Stat(path); (err == nil) == there {
				break
			}
			if time.Now().After(limit) {
				t.Fatalf("plugged %t, but not seen", there)
			}
		}
		tick.Stop()
	}
}
