package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/cli"
	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
	"pointnum/ui"
)

// printMax is the most bytes a file made for printing may have.
const printMax = 50_000_000

func scanCommand() cli.Command {
	return cli.Command{
		Name: "scan", Short: "scanner ce qui est dans le chargeur ou sur la vitre",
		Long: `Écrit un PDF, ou une image par page quand le nom finit par .jpg (nom-1.jpg, nom-2.jpg…).

  kioskctl scan -o essai.pdf
  kioskctl scan --driver sane --uri test:0 -o essai.jpg`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			dev := addDeviceFlags(fs)
			out := fs.String("o", "", "`fichier` à écrire (obligatoire)")
			var opts kiosk.ScanOptions
			fs.IntVar(&opts.DPI, "dpi", 300, "points par pouce")
			fs.BoolVar(&opts.Duplex, "duplex", false, "les deux côtés de chaque feuille")
			gray := fs.Bool("gray", false, "en gris")
			source := fs.String("source", "auto", "auto, glass (vitre) ou feeder (chargeur)")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				if *out == "" {
					return cli.Usagef("-o dit quel fichier écrire")
				}
				if opts.Source = kiosk.Source(*source); *gray {
					opts.Color = kiosk.Gray
				}
				return scan(ctx, dev, opts, *out, stdout, stderr)
			}).run
		},
	}
}

// scan reads all pages, then writes them; a fault keeps the pages before it.
func scan(ctx context.Context, dev *deviceFlags, opts kiosk.ScanOptions, out string, stdout, stderr io.Writer) error {
	device, err := dev.open(ctx, kiosk.KindScanner, stderr)
	if err != nil {
		return err
	}
	defer device.Close()
	scanner, ok := device.(kiosk.Scanner)
	if !ok {
		return cli.Usagef("%s n’est pas un scanner", device.Info().ID)
	}
	job, err := scanner.Scan(ctx, opts)
	if err != nil {
		return err
	}
	defer job.Close()
	docs, err := engine(stderr)
	if err != nil {
		return err
	}
	defer docs.Close()
	var pages []kiosk.PageRef
	var fault error
	for {
		raw, err := job.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fault = err
			break
		}
		data, err := io.ReadAll(raw)
		if err != nil {
			return fmt.Errorf("read page: %w", err)
		}
		in := kiosk.Input{Size: int64(len(data)), Scanned: true, DPI: raw.DPI, Open: opener(data)}
		err = docs.Import(ctx, in, func(p kiosk.Page) error {
			pages = append(pages, pageRef(p, nil))
			return nil
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "page %d\n", len(pages))
	}
	if len(pages) == 0 {
		return fault
	}
	return errors.Join(fault, writePages(ctx, docs, pages, out, stdout))
}

func opener(data []byte) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
}

// writePages makes the file that the name asks for.
func writePages(ctx context.Context, docs kiosk.Documents, pages []kiosk.PageRef, out string, stdout io.Writer) error {
	target := kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: printMax, MaxFiles: 1}
	switch strings.ToLower(filepath.Ext(out)) {
	case ".jpg", ".jpeg":
		target.Format, target.MaxFiles = kiosk.FormatJPEG, len(pages)
	case ".png":
		target.Format, target.MaxFiles = kiosk.FormatPNG, len(pages)
	case ".pdf":
	default:
		return cli.Usagef("-o : un nom en .pdf, .jpg ou .png")
	}
	result, err := docs.Convert(ctx, pages, target, nil)
	if err != nil {
		return err
	}
	answer := converted{Pages: len(pages), MaxBytes: printMax, Known: true, DPI: result.DPI, Gray: result.Gray}
	c := conversion{out: out}
	if err := c.write(result.Files, &answer); err != nil {
		return err
	}
	return answer.tell(stdout, io.Discard)
}

func printCommand() cli.Command {
	return cli.Command{
		Name: "print", Args: "FICHIER…", Short: "imprimer des fichiers sur l’imprimante de la borne",
		Long: `Un PDF part tel quel ; les autres fichiers deviennent un PDF d’abord. La commande finit quand
l’imprimante dit que c’est sorti. Code 3 : l’imprimante attend quelqu’un (papier, capot, bourrage).

  kioskctl print essai.pdf
  kioskctl print --driver ipp --uri ipp://127.0.0.1:8631/ipp/print photo.jpg`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			dev := addDeviceFlags(fs)
			var req kiosk.PrintRequest
			fs.IntVar(&req.Copies, "copies", 1, "nombre d’exemplaires")
			fs.BoolVar(&req.Duplex, "duplex", false, "recto verso")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				if len(args) == 0 {
					return cli.Usagef("quel fichier ?")
				}
				return printFiles(ctx, dev, req, args, stdout, stderr)
			}).run
		},
	}
}

func printFiles(ctx context.Context, dev *deviceFlags, req kiosk.PrintRequest, paths []string, stdout, stderr io.Writer) error {
	docs, err := engine(stderr)
	if err != nil {
		return err
	}
	defer docs.Close()
	c := conversion{}
	var answer converted
	pages, err := c.read(ctx, docs, paths, &answer)
	if err != nil {
		return err
	}
	result, err := docs.Convert(ctx, pages, kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: printMax, MaxFiles: 1}, nil)
	if err != nil {
		return err
	}
	device, err := dev.open(ctx, kiosk.KindPrinter, stderr)
	if err != nil {
		return err
	}
	defer device.Close()
	printer, ok := device.(kiosk.Printer)
	if !ok {
		return cli.Usagef("%s n’est pas une imprimante", device.Info().ID)
	}
	data := result.Files[0].Data
	req.ID, req.MediaType = rand.Text(), kiosk.FormatPDF.MediaType()
	req.Open, req.Size, req.Pages = opener(data), int64(len(data)), len(pages)
	err = printer.Print(ctx, req, func(p kiosk.PrintProgress) {
		fmt.Fprintf(stderr, "%d page(s) sortie(s)\n", p.Pages)
		for _, code := range p.Conditions {
			fmt.Fprintln(stderr, cli.CodeText(code, "fr"))
		}
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "imprimé : %d page(s)\n", len(pages)*max(1, req.Copies))
	return err
}

func receiptCommand() cli.Command {
	return cli.Command{
		Name: "receipt", Short: "imprimer un reçu d’essai",
		Long: `Le reçu qu’aurait une personne pour un papier de trois pages envoyé à la Caf : accents, euro,
code QR, coupe. En arabe avec --lang ar.

  kioskctl receipt
  kioskctl receipt --lang ar --driver escpos --uri tcp://127.0.0.1:9100`,
		Setup: func(fs *flag.FlagSet) cli.Func {
			dev := addDeviceFlags(fs)
			lang := fs.String("lang", "fr", "fr, ar ou en")
			return body(func(ctx context.Context, args []string, stdout, stderr io.Writer) error {
				return testReceipt(ctx, dev, *lang, stdout, stderr)
			}).run
		},
	}
}

func testReceipt(ctx context.Context, dev *deviceFlags, lang string, stdout, stderr io.Writer) error {
	cfg, err := dev.load()
	if err != nil {
		return err
	}
	device, err := dev.open(ctx, kiosk.KindReceipt, stderr)
	if err != nil {
		return err
	}
	defer device.Close()
	printer, ok := device.(kiosk.ReceiptPrinter)
	if !ok {
		return cli.Usagef("%s n’est pas une imprimante de reçus", device.Info().ID)
	}
	catalogue := portal.Default()
	state := session.State{Screen: session.ScreenResult, Lang: lang, Documents: []session.Document{{
		ID: "essai", Kind: catalogue.Kinds[0].ID, Portal: catalogue.Portals[0].ID, Pages: make([]session.Page, 3),
		Result: &session.Result{Format: kiosk.FormatPDF, Files: 1, Pages: 3, Bytes: 812_000, Printed: true, Delivered: true},
	}}}
	if err := printer.PrintReceipt(ctx, ui.Receipt(catalogue, agent.Place(cfg), state, time.Now())); err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, "reçu imprimé")
	return err
}
