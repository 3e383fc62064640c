// Package escpos drives receipt printers that speak ESC/POS, over a serial
// line, a USB printer device file or TCP (see package link for the URIs).
//
// Options of a Spec, all optional:
//
//	model     a model package quirks knows; else the printer is asked
//	dots      printable width, 576 on 80 mm paper, 384 on 58 mm paper
//	columns   characters of the printer's font to a line; dots/12
//	codepage  "cp858:19,cp1252:16": pages and their numbers, or "raster"
//	cut       partial, full, none
//	qr        printer, raster: who draws QR codes
//	status    always, auto, twice, never: whether the printer answers
//	stall     how long it may take no bytes before it is given up, "10s"
//
// Names of commands are those of Epson's "ESC/POS Command Reference".
package escpos

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"pointnum/drivers/escpos/encode"
	"pointnum/drivers/escpos/link"
	"pointnum/drivers/escpos/typeset"
	"pointnum/drivers/quirks"
	"pointnum/kiosk"
)

// Driver returns the driver, "escpos". Its devices are kiosk.ReceiptPrinters.
func Driver() kiosk.Driver {
	return kiosk.Driver{Name: "escpos", Kind: kiosk.KindReceipt, Open: open}
}

// asking says how a printer's answers can be had.
type asking string

const (
	askAlways asking = "always"
	askAuto   asking = "auto"
	askTwice  asking = "twice"
	askNever  asking = "never"
)

func open(ctx context.Context, spec kiosk.Spec, log *slog.Logger) (kiosk.Device, error) {
	fail := func(code kiosk.Code, err error) error {
		return &kiosk.Error{Code: code, Op: "escpos: open", Device: spec.ID, Err: err}
	}
	l, err := link.Parse(spec.URI)
	if err != nil {
		return nil, fail(kiosk.CodeInternal, err)
	}
	if err := knownOptions(spec.Options); err != nil {
		return nil, fail(kiosk.CodeInternal, err)
	}
	text, err := typeset.New()
	if err != nil {
		return nil, fail(kiosk.CodeInternal, err)
	}
	d := &device{
		log:  log.With("device", spec.ID),
		link: l,
		text: text,
		turn: make(chan struct{}, 1),
		info: kiosk.Info{ID: spec.ID, Kind: kiosk.KindReceipt, Driver: "escpos", URI: spec.URI},
		ask:  askAuto,
	}
	d.life, d.end = context.WithCancelCause(context.Background())
	if err := d.configure(spec.Options, ""); err != nil {
		return nil, fail(kiosk.CodeInternal, err)
	}
	if err := d.meet(ctx, spec.Options); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// meet opens the port and asks the printer what it is.
func (d *device) meet(ctx context.Context, options map[string]string) error {
	return d.with(ctx, "escpos: open", func(c *conversation) error {
		id := c.identity
		if d.ask != askNever {
			state, err := c.state(ctx)
			if err != nil && !errors.Is(err, errSilent) {
				return err
			}
			if state.Known && id.Model == "" {
				id = c.names(ctx)
			}
		}
		d.info.Make, d.info.Model, d.info.Serial = id.Make, id.Model, id.Serial
		return d.configure(options, id.Model)
	})
}

func knownOptions(options map[string]string) error {
	for key := range options {
		switch key {
		case "model", "dots", "columns", "codepage", "cut", "qr", "status", "stall":
		default:
			return fmt.Errorf("unknown option %q", key)
		}
	}
	return nil
}

// configure sets what is known of the model, then what the options say.
func (d *device) configure(options map[string]string, model string) error {
	if options["model"] != "" {
		model = options["model"]
	}
	known, ok := quirks.ReceiptModel(model)
	if !ok {
		if options["model"] != "" {
			return fmt.Errorf("unknown model %q", model)
		}
		known, _ = quirks.ReceiptModel("generic-80")
	}
	p := encode.Paper{Dots: known.Dots, DPI: known.DPI, Cut: encode.Cut(known.Cut), QR: known.QR}
	d.ask, d.stall = asking(known.Status), 10*time.Second
	pages := known.CodePages
	for key, value := range options {
		var err error
		switch key {
		case "dots":
			p.Dots, err = number(value, 64, 1024)
		case "columns":
			p.Columns, err = number(value, 8, 100)
		case "codepage":
			pages = strings.Split(value, ",")
			if value == "raster" {
				pages = nil
			}
		case "cut":
			p.Cut = encode.Cut(value)
		case "qr":
			p.QR = value == "printer"
		case "status":
			d.ask = asking(value)
		case "stall":
			d.stall, err = time.ParseDuration(value)
		}
		if err != nil {
			return fmt.Errorf("option %s: %w", key, err)
		}
	}
	for _, name := range pages {
		page, err := encode.ParsePage(strings.TrimSpace(name))
		if err != nil {
			return fmt.Errorf("option codepage: %w", err)
		}
		p.Pages = append(p.Pages, page)
	}
	if p.Columns == 0 {
		p.Columns = p.Dots / 12 // font A
	}
	d.paper = p
	return d.check(options)
}

// check refuses values that would only show as a printer that misbehaves.
func (d *device) check(options map[string]string) error {
	switch d.paper.Cut {
	case encode.CutPartial, encode.CutFull, encode.CutNone:
	default:
		return fmt.Errorf("option cut: %q", d.paper.Cut)
	}
	switch d.ask {
	case askAlways, askAuto, askTwice, askNever:
	default:
		return fmt.Errorf("option status: %q", d.ask)
	}
	if qr := options["qr"]; qr != "" && qr != "printer" && qr != "raster" {
		return fmt.Errorf("option qr: %q", qr)
	}
	if d.stall <= 0 {
		return fmt.Errorf("option stall: %v", d.stall)
	}
	return nil
}

func number(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, err
	}
	if n < least || n > most {
		return 0, fmt.Errorf("%d is not from %d to %d", n, least, most)
	}
	return n, nil
}
