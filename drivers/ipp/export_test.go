package ipp

import (
	"github.com/OpenPrinting/goipp"

	"pointnum/kiosk"
)

// StateOf gives the conditions that a printer's attributes mean.
func StateOf(a goipp.Attributes) []kiosk.Code { return stateOf(attrs(a)).conditions }

// Interpret reads an answer of a printer in every way the driver does, for the
// fuzz test.
func Interpret(data []byte, req kiosk.PrintRequest) (kiosk.Status, int) {
	msg, err := decode(data)
	if err != nil {
		return kiosk.Status{}, 0
	}
	a := attrs(msg.Printer)
	s := stateOf(a)
	makeAndModel(a)
	serialOf(a)
	_, _ = ticketFor(a, req)
	for _, g := range msg.Groups {
		j := jobOf(attrs(g.Attrs))
		_, _, _ = j.ended(), j.empty(), j.refused()
	}
	return kiosk.Status{Conditions: s.conditions, Supplies: suppliesOf(a), Detail: s.detail}, jobOf(attrs(msg.Job)).sides
}
