package ipp

import (
	"errors"
	"fmt"
	"slices"

	"github.com/OpenPrinting/goipp"

	"pointnum/kiosk"
)

// mediaA4 is the only paper a kiosk prints on, in PWG 5101.1's name.
const mediaA4 = "iso_a4_210x297mm"

// ticket is what is asked for a job, in the printer's own values.
type ticket struct {
	format string           // document-format
	job    goipp.Attributes // job template
	create bool             // with Create-Job and Send-Document, else Print-Job
	check  bool             // Validate-Job is there
}

// ticketFor chooses among what the printer lists; nothing it does not list is
// ever sent. The error has CodeJobRejected.
func ticketFor(a attrs, req kiosk.PrintRequest) (ticket, error) {
	t := ticket{
		create: a.supports(goipp.OpCreateJob) && a.supports(goipp.OpSendDocument),
		check:  a.supports(goipp.OpValidateJob),
	}
	var err error
	if t.format, err = formatFor(a, req); err != nil {
		return t, err
	}
	if a.has("media-supported") {
		if !a.contains("media-supported", mediaA4) {
			return t, rejected("the printer has no A4")
		}
		t.job.Add(keyword("media", mediaA4))
	}
	sides := "one-sided"
	if req.Duplex && a.contains("sides-supported", "two-sided-long-edge") {
		sides = "two-sided-long-edge"
	}
	if a.contains("sides-supported", sides) {
		t.job.Add(keyword("sides", sides))
	}
	if req.Copies > 1 {
		if !a.within("copies-supported", req.Copies) {
			return t, rejected(fmt.Sprintf("the printer does not make %d copies", req.Copies))
		}
		t.job.Add(integer("copies", req.Copies))
	}
	if req.Gray && a.contains("print-color-mode-supported", "monochrome") {
		t.job.Add(keyword("print-color-mode", "monochrome"))
	}
	return t, nil
}

// formatFor says in which format the document is sent. A printer without PDF
// takes PWG raster, which IPP Everywhere requires of every printer: a
// rasterizer would be called here and give its own Open and Size.
func formatFor(a attrs, req kiosk.PrintRequest) (string, error) {
	if a.contains("document-format-supported", req.MediaType) {
		return req.MediaType, nil
	}
	return "", rejected(fmt.Sprintf("the printer does not take %s", clean(req.MediaType)))
}

func rejected(why string) error {
	return &kiosk.Error{Code: kiosk.CodeJobRejected, Op: "ticket", Err: errors.New(why)}
}

// supports says whether the printer lists an operation; every IPP printer has
// Print-Job and the questions.
func (a attrs) supports(op goipp.Op) bool {
	return slices.Contains(a.ints("operations-supported"), int(op))
}
