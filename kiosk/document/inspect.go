package document

import (
	"context"

	"pointnum/kiosk"
	"pointnum/kiosk/document/wire"
)

// Report says what is in an input.
type Report struct {
	Format string // by its content: pdf, jpeg, tiff…
	Pages  int    // as the input says
}

// PageReport says what is known of a page: as it came, and as it was made
// ready.
type PageReport struct {
	kiosk.Page
	SourceDPI  int  // as it came; 0 when it does not say
	Searchable bool // its text can be selected as it came
}

// Inspect reads an input as Import does, and says more about it. opened is
// called once the input can be read, then each with its pages. Errors: as
// Import.
func (e *Engine) Inspect(ctx context.Context, in kiosk.Input, opened func(Report), each func(PageReport) error) error {
	return e.open(ctx, in, func(m wire.OpenedMessage) {
		opened(Report{Format: m.Format, Pages: m.Total})
	}, func(p kiosk.Page, m wire.PageMessage) error {
		return each(PageReport{Page: p, SourceDPI: m.SourceDPI, Searchable: m.Searchable})
	})
}
