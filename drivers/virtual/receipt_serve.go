package virtual

import (
	"context"
	"io"
	"sync"
	"time"

	"pointnum/drivers/escpos/decode"
)

// Serve prints what comes over a link until it ends, is unplugged, or ctx
// ends, and closes it. What was taken in by then is still printed unless the
// paper stands still. Links served at the same time wait for each other.
func (p *ReceiptPrinter) Serve(ctx context.Context, wire io.ReadWriteCloser) error {
	defer wire.Close()
	defer context.AfterFunc(ctx, func() { wire.Close() })()
	p.serving.Lock()
	defer p.serving.Unlock()
	p.mu.Lock()
	p.wire, p.report = wire, 0
	gone := p.faults[ReceiptUnplugged]
	p.mu.Unlock()
	defer p.powerUp()
	if gone {
		return nil
	}
	s := &receiptServe{printer: p, wire: wire, ended: make(chan struct{})}
	var reader sync.WaitGroup
	reader.Go(func() { s.read(ctx) })
	s.print(ctx)
	wire.Close()
	reader.Wait()
	return nil
}

// powerUp forgets everything if the power went. The caller holds p.serving.
func (p *ReceiptPrinter) powerUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wire = nil
	if p.lost {
		p.lost, p.buffer, p.cleared = false, nil, false
		p.decoder = decode.Decoder{}
		p.paper.Take()
	}
}

// receiptServe is one link being served: one goroutine takes bytes in and
// answers what must be answered at once, the other prints.
type receiptServe struct {
	printer *ReceiptPrinter
	wire    io.ReadWriteCloser
	ended   chan struct{} // closed when the link ended

	mu     sync.Mutex // held to write
	prefix []byte     // of a real-time command not yet complete
}

// read takes bytes in until the link ends.
func (s *receiptServe) read(ctx context.Context) {
	p := s.printer
	defer func() {
		close(s.ended)
		p.mu.Lock()
		p.bump()
		p.mu.Unlock()
	}()
	b := make([]byte, 256)
	for {
		n, err := s.wire.Read(b)
		awake := func() bool { return !p.faults[ReceiptStalled] || p.faults[ReceiptUnplugged] }
		if err != nil || p.wait(ctx, awake) != nil {
			return
		}
		rest := s.realtime(b[:n])
		room := func() bool { return len(p.buffer) < p.opts.Buffer || p.faults[ReceiptUnplugged] }
		if p.wait(ctx, room) != nil {
			return
		}
		p.mu.Lock()
		p.buffer = append(p.buffer, rest...)
		p.bump()
		p.mu.Unlock()
	}
}

// realtime obeys the commands that are obeyed when they arrive, wherever they
// stand, and returns the other bytes.
func (s *receiptServe) realtime(b []byte) []byte {
	b = append(s.prefix, b...)
	s.prefix = nil
	var rest []byte
	for i := 0; i < len(b); i++ {
		if b[i] != 0x10 {
			rest = append(rest, b[i])
			continue
		}
		left := b[i:]
		switch {
		case len(left) < 3 && (len(left) < 2 || left[1] == 0x04 || left[1] == 0x14):
			s.prefix = append([]byte(nil), left...)
			return rest
		case left[1] == 0x04 && left[2] >= 1 && left[2] <= 4:
			s.answer(s.printer.status(int(left[2])))
			i += 2
		case left[1] == 0x14 && left[2] == 8:
			if len(left) < 10 {
				s.prefix = append([]byte(nil), left...)
				return rest
			}
			i += 9
			rest = nil
			s.printer.clear()
		default:
			rest = append(rest, b[i])
		}
	}
	return rest
}

// clear drops what was taken in, and asks the printing side to forget the
// command it is in.
func (p *ReceiptPrinter) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.buffer = nil
	p.cleared = true
	p.bump()
}

// answer writes unless the printer is silent.
func (s *receiptServe) answer(b ...byte) {
	p := s.printer
	p.mu.Lock()
	silent := p.faults[ReceiptSilent]
	p.mu.Unlock()
	if silent {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.wire.Write(b) // a link that ended is seen by read
}

// print prints what was taken in until the link ended and nothing is left that
// can be printed.
func (s *receiptServe) print(ctx context.Context) {
	p := s.printer
	var reported [4]byte
	for {
		ended := false
		err := p.wait(ctx, func() bool {
			select {
			case <-s.ended:
				ended = true
			default:
			}
			return ended || p.lost || len(p.buffer) > 0 && !p.stopped() || p.cleared || p.report != 0 && p.asb() != reported
		})
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.lost {
			p.mu.Unlock()
			return
		}
		var b []byte
		if p.cleared {
			p.cleared = false
			p.decoder = decode.Decoder{}
			p.paper.Print(decode.Op{Kind: decode.Clear})
		}
		if !p.stopped() {
			n := min(len(p.buffer), 64)
			b, p.buffer = p.buffer[:n:n], p.buffer[n:]
			p.bump()
		}
		asb, report := p.asb(), p.report
		p.mu.Unlock()
		if report != 0 && asb != reported {
			reported = asb
			s.answer(asb[:]...)
		}
		if len(b) == 0 && ended {
			return
		}
		s.obey(b)
		if p.opts.Pace > 0 && len(b) > 0 {
			p.work(ctx)
		}
	}
}

// work is the time the mechanism takes.
func (p *ReceiptPrinter) work(ctx context.Context) {
	t := time.NewTimer(p.opts.Pace)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// obey carries out commands in their order.
func (s *receiptServe) obey(b []byte) {
	p := s.printer
	for _, op := range p.decoder.Feed(b) {
		switch op.Kind {
		case decode.Tell:
			s.answer(p.sensors())
		case decode.Name:
			s.name(op.N)
		case decode.Report:
			p.mu.Lock()
			p.report = byte(op.N)
			p.mu.Unlock()
		case decode.Cut:
			if p.jam() {
				continue
			}
		}
		before := p.paper.Height()
		r, cut := p.paper.Print(op)
		if !cut {
			p.use(p.paper.Height() - before)
			continue
		}
		if p.opts.Printed == nil {
			continue
		}
		png, err := r.PNG()
		if err != nil {
			continue // encoding to memory cannot fail
		}
		p.opts.Printed(PrintedReceipt{Receipt: r, PNG: png})
	}
}

// jam turns a cutter about to jam into a cutter that did.
func (p *ReceiptPrinter) jam() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.faults[ReceiptCutterJams] {
		return false
	}
	p.faults[ReceiptCutterJams], p.faults[ReceiptCutterError] = false, true
	p.bump()
	return true
}

// use counts paper.
func (p *ReceiptPrinter) use(dots int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left < 0 {
		return
	}
	if p.left = max(p.left-dots, 0); p.left == 0 {
		p.faults[ReceiptPaperOut] = true
		p.bump()
	}
}

// name answers GS I 66 to 68: "_", the text, NUL.
func (s *receiptServe) name(n int) {
	text, ok := map[int]string{66: "Virtual", 67: s.printer.opts.Model, 68: "V0000001"}[n]
	if ok {
		s.answer(append([]byte("_"+text), 0)...)
	}
}
