package virtual

// flags sums the bits of the faults that are on. p.mu is held.
func (p *ReceiptPrinter) flags(bits map[ReceiptFault]byte) byte {
	var sum byte
	for f, bit := range bits {
		if p.faults[f] {
			sum |= bit
		}
	}
	return sum
}

// status is the answer to DLE EOT n.
func (p *ReceiptPrinter) status(n int) byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := byte(0x12)
	switch n {
	case 1:
		if p.stopped() {
			b |= 0x08
		}
	case 2:
		b |= p.flags(map[ReceiptFault]byte{ReceiptCoverOpen: 0x04, ReceiptPaperOut: 0x20, ReceiptCutterError: 0x40})
	case 3:
		b |= p.flags(map[ReceiptFault]byte{ReceiptCutterError: 0x08, ReceiptOverheated: 0x40})
	case 4:
		b |= p.flags(map[ReceiptFault]byte{ReceiptNearEnd: 0x0c, ReceiptPaperOut: 0x60})
	}
	if p.faults[ReceiptLate] {
		b, p.before = p.before, b
	}
	return b
}

// sensors is the answer to GS r 1.
func (p *ReceiptPrinter) sensors() byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flags(map[ReceiptFault]byte{ReceiptNearEnd: 0x03, ReceiptPaperOut: 0x0c})
}

// asb is the automatic status. p.mu is held.
func (p *ReceiptPrinter) asb() [4]byte {
	b := [4]byte{
		0x10 | p.flags(map[ReceiptFault]byte{ReceiptCoverOpen: 0x20}),
		p.flags(map[ReceiptFault]byte{ReceiptCutterError: 0x08, ReceiptOverheated: 0x40}),
		p.flags(map[ReceiptFault]byte{ReceiptNearEnd: 0x03, ReceiptPaperOut: 0x0c}),
	}
	if p.stopped() {
		b[0] |= 0x08
	}
	return b
}
