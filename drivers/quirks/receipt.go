// Package quirks holds what has to be known of a model of device because the
// device does not say it itself. It is data: a model that behaves gets no
// entry, and no driver asks for a model by name outside this package.
package quirks

import "strings"

// Receipt is what a driver must know of a receipt printer's model.
type Receipt struct {
	// Model is the name as the printer gives it (GS I 67, or MDL: of its USB
	// device ID), lower case, or a name of ours for those that give none.
	Model string
	// Dots is the printable width in dots, DPI their number per inch.
	Dots int
	DPI  int
	// CodePages are the pages of characters to use, the best first, each a
	// name and the number ESC t takes for it: "cp858:19".
	CodePages []string
	// Cut is "partial", "full", or "none" for a printer without a cutter.
	Cut string
	// QR is true when GS ( k draws QR codes; else they are sent as a picture.
	QR bool
	// Status is "always" for a printer that answers whenever it is on, "twice"
	// for one whose answer is always the one before, "never" for one that
	// must not be asked, and "auto" when that has to be found out.
	Status string
}

// ReceiptModel returns what is known of a model, compared without case, or of
// the longest known model whose name begins it ("TM-T20III-i" is a TM-T20III).
func ReceiptModel(name string) (Receipt, bool) {
	name = strings.ToLower(strings.TrimSpace(name))
	var best Receipt
	for _, r := range receiptModels() {
		if strings.HasPrefix(name, r.Model) && len(r.Model) > len(best.Model) {
			best = r
		}
	}
	return best, best.Model != ""
}

// ReceiptModels returns the names ReceiptModel knows, for a technician's list.
func ReceiptModels() []string {
	var names []string
	for _, r := range receiptModels() {
		names = append(names, r.Model)
	}
	return names
}

// receiptModels is the table. Widths: a printer of 203 dpi has 8 dots to a
// millimetre and prints 72 mm of 80 mm paper (576) or 48 mm of 58 mm paper
// (384); one of 180 dpi prints 512 dots.
func receiptModels() []Receipt {
	western := []string{"cp858:19", "cp1252:16"}
	return []Receipt{
		{Model: "tm-t20ii", Dots: 576, DPI: 203, CodePages: western, Cut: "partial", QR: true, Status: "always"},
		{Model: "tm-t20iii", Dots: 576, DPI: 203, CodePages: western, Cut: "partial", QR: true, Status: "always"},
		{Model: "tm-m30", Dots: 576, DPI: 203, CodePages: western, Cut: "partial", QR: true, Status: "always"},
		{Model: "tm-t70", Dots: 512, DPI: 180, CodePages: western, Cut: "partial", QR: true, Status: "always"},
		{Model: "tm-t88iv", Dots: 512, DPI: 180, CodePages: western, Cut: "partial", QR: false, Status: "always"},
		{Model: "tm-t88v", Dots: 512, DPI: 180, CodePages: western, Cut: "partial", QR: true, Status: "always"},
		{Model: "tm-t88vi", Dots: 512, DPI: 180, CodePages: western, Cut: "partial", QR: true, Status: "always"},
		{Model: "tm-p20", Dots: 384, DPI: 203, CodePages: western, Cut: "none", QR: true, Status: "always"},
		// What most unnamed printers do. They have the pages, rarely GS ( k,
		// and answer over serial and the network but often not over USB.
		{Model: "generic-80", Dots: 576, DPI: 203, CodePages: western, Cut: "partial", QR: false, Status: "auto"},
		{Model: "generic-58", Dots: 384, DPI: 203, CodePages: western, Cut: "none", QR: false, Status: "auto"},
		// The same when nothing at all is known of its characters.
		{Model: "raster-80", Dots: 576, DPI: 203, Cut: "partial", QR: false, Status: "auto"},
		{Model: "raster-58", Dots: 384, DPI: 203, Cut: "none", QR: false, Status: "auto"},
	}
}
