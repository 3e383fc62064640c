// Command optimize does to one file what pdfcpu's "optimize" does. pdfcpu's
// own command needs modules that nothing else here needs; this one takes the
// same steps in a process of its own.
//
//	optimize IN.pdf OUT.pdf
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/validate"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "optimize IN.pdf OUT.pdf")
		os.Exit(2)
	}
	if err := optimize(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "optimize:", err)
		os.Exit(1)
	}
}

func optimize(in, out string) (err error) {
	model.ConfigPath = "disable" // it would write a folder into the user's
	conf := model.NewDefaultConfiguration()
	conf.Cmd = model.OPTIMIZE
	r, err := os.Open(in)
	if err != nil {
		return err
	}
	defer r.Close()
	ctx, err := pdfcpu.Read(r, conf)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if err := validate.XRefTable(ctx); err != nil {
		return fmt.Errorf("validate: %w", err)
	}
	if err := pdfcpu.OptimizeXRefTable(ctx); err != nil {
		return fmt.Errorf("optimize: %w", err)
	}
	w, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	ctx.Write.Fp = w
	ctx.Write.Writer = bufio.NewWriter(w)
	if err := pdfcpu.WriteContext(ctx); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := ctx.Write.Flush(); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
