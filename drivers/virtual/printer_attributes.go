package virtual

import "github.com/OpenPrinting/goipp"

// attributes are everything the printer says of itself: what PWG 5100.14 (IPP
// Everywhere) asks of a monochrome A4 printer, as far as clients look; mu is
// held.
func (p *Printer) attributes(uri string) goipp.Attributes {
	state, reasons := p.printerState()
	level, sheets := 80, 250
	if p.faults[PrinterTonerLow] {
		level = 5
	}
	if p.faults[PrinterTonerEmpty] {
		level = 0
	}
	if p.faults[PrinterMediaEmpty] {
		sheets = 0
	}
	a := goipp.Attributes{
		goipp.MakeAttribute("printer-state", goipp.TagEnum, goipp.Integer(state)),
		str("printer-state-reasons", goipp.TagKeyword, reasons...),
		str("printer-state-message", goipp.TagText, ""),
		goipp.MakeAttribute("printer-is-accepting-jobs", goipp.TagBoolean, goipp.Boolean(true)),
		num("queued-job-count", p.queued()),
		num("printer-up-time", p.upTime()),
		str("marker-names", goipp.TagName, "Toner noir"),
		str("marker-types", goipp.TagKeyword, "toner"),
		str("marker-colors", goipp.TagName, "#000000"),
		num("marker-levels", level),
		goipp.MakeAttribute("printer-input-tray", goipp.TagString, tray(sheets)),
	}
	return append(append(a, p.identity(uri)...), p.abilities()...)
}

func (p *Printer) queued() int {
	n := 0
	for _, j := range p.jobs {
		if j.state < 7 {
			n++
		}
	}
	return n
}

func tray(sheets int) goipp.Binary {
	const head = "type=sheetFeedAutoRemovableTray;mediafeed=29700;mediaxfeed=21000;maxcapacity=250;"
	if sheets == 0 {
		return goipp.Binary(head + "level=0;status=0;name=tray-1;")
	}
	return goipp.Binary(head + "level=250;status=0;name=tray-1;")
}

// identity is what does not change.
func (p *Printer) identity(uri string) goipp.Attributes {
	return goipp.Attributes{
		str("printer-name", goipp.TagName, p.opts.Name),
		str("printer-info", goipp.TagText, p.opts.Name),
		str("printer-location", goipp.TagText, ""),
		str("printer-make-and-model", goipp.TagText, "Pointnum Virtual Laser"),
		str("printer-device-id", goipp.TagText, "MFG:Pointnum;MDL:Virtual Laser;SN:V0001;CMD:PDF,PWG;"),
		str("printer-uuid", goipp.TagURI, "urn:uuid:5f0c3c1e-7a53-4f56-9a5e-1f0d6f3b7a10"),
		str("printer-more-info", goipp.TagURI, "http://localhost/"),
		str("printer-uri-supported", goipp.TagURI, uri),
		str("uri-authentication-supported", goipp.TagKeyword, "none"),
		str("uri-security-supported", goipp.TagKeyword, "none"),
		str("charset-configured", goipp.TagCharset, "utf-8"),
		str("charset-supported", goipp.TagCharset, "us-ascii", "utf-8"),
		str("natural-language-configured", goipp.TagLanguage, "en"),
		str("generated-natural-language-supported", goipp.TagLanguage, "en"),
		str("ipp-versions-supported", goipp.TagKeyword, "1.1", "2.0"),
		str("ipp-features-supported", goipp.TagKeyword, "ipp-everywhere"),
		str("compression-supported", goipp.TagKeyword, "none"),
		str("pdl-override-supported", goipp.TagKeyword, "attempted"),
		str("which-jobs-supported", goipp.TagKeyword, "completed", "not-completed"),
		num("multiple-operation-time-out", 120),
		goipp.MakeAttribute("multiple-document-jobs-supported", goipp.TagBoolean, goipp.Boolean(false)),
		goipp.MakeAttribute("color-supported", goipp.TagBoolean, goipp.Boolean(false)),
		num("pages-per-minute", 30),
	}
}

// abilities are the values a job may ask for.
func (p *Printer) abilities() goipp.Attributes {
	ops := []goipp.Op{
		goipp.OpPrintJob, goipp.OpValidateJob, goipp.OpCancelJob,
		goipp.OpGetJobAttributes, goipp.OpGetJobs, goipp.OpGetPrinterAttributes,
	}
	if !p.opts.PrintJobOnly {
		ops = append(ops, goipp.OpCreateJob, goipp.OpSendDocument)
	}
	const a4 = "iso_a4_210x297mm"
	size := goipp.Collection{num("x-dimension", 21000), num("y-dimension", 29700)}
	media := goipp.Collection{
		goipp.MakeAttribute("media-size", goipp.TagBeginCollection, size),
		str("media-size-name", goipp.TagKeyword, a4),
		num("media-left-margin", 423), num("media-right-margin", 423),
		num("media-top-margin", 423), num("media-bottom-margin", 423),
		str("media-type", goipp.TagKeyword, "stationery"),
		str("media-source", goipp.TagKeyword, "main"),
	}
	return goipp.Attributes{
		enums("operations-supported", ops...),
		str("document-format-default", goipp.TagMimeType, p.opts.Formats[0]),
		str("document-format-supported", goipp.TagMimeType, p.opts.Formats...),
		str("media-default", goipp.TagKeyword, a4),
		str("media-supported", goipp.TagKeyword, a4),
		str("media-ready", goipp.TagKeyword, a4),
		goipp.MakeAttribute("media-col-default", goipp.TagBeginCollection, media),
		goipp.MakeAttribute("media-col-ready", goipp.TagBeginCollection, media),
		goipp.MakeAttribute("media-col-database", goipp.TagBeginCollection, media),
		goipp.MakeAttribute("media-size-supported", goipp.TagBeginCollection, size),
		str("sides-default", goipp.TagKeyword, "one-sided"),
		str("sides-supported", goipp.TagKeyword, "one-sided", "two-sided-long-edge"),
		num("copies-default", 1),
		goipp.MakeAttribute("copies-supported", goipp.TagRange, goipp.Range{Lower: 1, Upper: 99}),
		str("print-color-mode-default", goipp.TagKeyword, "monochrome"),
		str("print-color-mode-supported", goipp.TagKeyword, "monochrome"),
		str("output-bin-default", goipp.TagKeyword, "face-down"),
		str("output-bin-supported", goipp.TagKeyword, "face-down"),
		goipp.MakeAttribute("print-quality-default", goipp.TagEnum, goipp.Integer(4)),
		goipp.MakeAttribute("print-quality-supported", goipp.TagEnum, goipp.Integer(4)),
		goipp.MakeAttribute("orientation-requested-default", goipp.TagEnum, goipp.Integer(3)),
		goipp.MakeAttribute("orientation-requested-supported", goipp.TagEnum, goipp.Integer(3)),
		goipp.MakeAttribute("printer-resolution-default", goipp.TagResolution, dpi600),
		goipp.MakeAttribute("printer-resolution-supported", goipp.TagResolution, dpi600),
		goipp.MakeAttribute("pwg-raster-document-resolution-supported", goipp.TagResolution, dpi600),
		str("pwg-raster-document-type-supported", goipp.TagKeyword, "sgray_8"),
		str("pwg-raster-document-sheet-back", goipp.TagKeyword, "normal"),
	}
}

var dpi600 = goipp.Resolution{Xres: 600, Yres: 600, Units: goipp.UnitsDpi}
