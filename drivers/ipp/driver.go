package ipp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/OpenPrinting/goipp"

	"pointnum/kiosk"
)

// Driver returns the driver "ipp".
func Driver() kiosk.Driver {
	return kiosk.Driver{
		Name: "ipp",
		Kind: kiosk.KindPrinter,
		Open: func(ctx context.Context, s kiosk.Spec, log *slog.Logger) (kiosk.Device, error) {
			return Open(ctx, s, log)
		},
	}
}

// Printer is one IPP printer.
type Printer struct {
	client   *client
	info     kiosk.Info
	log      *slog.Logger
	patience time.Duration

	job     sync.Mutex // held by the job under way
	life    context.Context
	endLife context.CancelCauseFunc
}

var _ kiosk.Printer = (*Printer)(nil)

var errClosed = errors.New("printer closed")

// Open asks the printer at s.URI what it is. Errors: CodeInternal for a Spec
// that can't be right, CodeUnplugged and CodeNotResponding for a printer that
// is not there or is no IPP printer.
func Open(ctx context.Context, s kiosk.Spec, log *slog.Logger) (*Printer, error) {
	wrong := func(err error) error {
		return &kiosk.Error{Code: kiosk.CodeInternal, Op: "ipp: open", Device: s.ID, Err: err}
	}
	c, err := newClient(s.URI, s.Options["fingerprint"])
	if err != nil {
		return nil, wrong(err)
	}
	patience := patienceUsual
	if v := s.Options["patience"]; v != "" {
		if patience, err = time.ParseDuration(v); err != nil || patience < 0 {
			return nil, wrong(fmt.Errorf("patience %q is not a time", v))
		}
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	life, end := context.WithCancelCause(context.Background())
	p := &Printer{
		client: c, log: log, patience: patience, life: life, endLife: end,
		info: kiosk.Info{ID: s.ID, Kind: kiosk.KindPrinter, Driver: "ipp", URI: c.printerURI},
	}
	a, err := p.attributes(ctx)
	if err != nil {
		end(errClosed)
		c.close()
		return nil, p.fault(ctx, "open", err)
	}
	p.info.Make, p.info.Model = makeAndModel(a)
	p.info.Serial = serialOf(a)
	return p, nil
}

// Info implements kiosk.Device. Serial is the printer's serial number where
// its device id has one, else its UUID.
func (p *Printer) Info() kiosk.Info { return p.info }

// Status implements kiosk.Device.
func (p *Printer) Status(ctx context.Context) (kiosk.Status, error) {
	a, err := p.attributes(ctx)
	if err != nil {
		return kiosk.Status{}, p.fault(ctx, "status", err)
	}
	s := stateOf(a)
	return kiosk.Status{
		Ready:      len(s.blocking) == 0,
		Conditions: s.conditions,
		Supplies:   suppliesOf(a),
		Detail:     s.detail,
	}, nil
}

// Close implements kiosk.Device. A job under way is cancelled on the printer;
// Close returns when its Print has.
func (p *Printer) Close() error {
	p.endLife(&kiosk.Error{Code: kiosk.CodeCanceled, Op: "ipp: close", Device: p.info.ID, Err: errClosed})
	p.job.Lock() // Print's own waits are bounded by cancelTimeout
	defer p.job.Unlock()
	p.client.close()
	return nil
}

// wanted are the attributes we read; a printer's complete set is ten times as
// much and slow on small ones.
var wanted = [...]string{
	"printer-state", "printer-state-reasons", "printer-state-message", "printer-is-accepting-jobs",
	"printer-make-and-model", "printer-device-id", "printer-uuid", "operations-supported",
	"document-format-supported", "media-supported", "media-ready", "sides-supported", "copies-supported",
	"print-color-mode-supported", "marker-names", "marker-types", "marker-levels",
	"printer-supply", "printer-supply-description", "printer-input-tray",
}

func (p *Printer) attributes(ctx context.Context) (attrs, error) {
	msg, err := p.client.quick(ctx, goipp.OpGetPrinterAttributes, goipp.Attributes{
		keywords("requested-attributes", wanted[:]...),
	}, nil)
	if err != nil {
		return nil, err
	}
	return attrs(msg.Printer), nil
}

// makeAndModel prefers the device id, which keeps the two apart.
func makeAndModel(a attrs) (maker, model string) {
	id := deviceID(a)
	maker, model = id["MFG"], id["MDL"]
	if model == "" {
		maker, model, _ = strings.Cut(a.text("printer-make-and-model"), " ")
	}
	return clean(maker), clean(model)
}

func serialOf(a attrs) string {
	for _, key := range []string{"SN", "SERN", "SERIALNUMBER"} {
		if s := clean(deviceID(a)[key]); s != "" {
			return s
		}
	}
	return strings.TrimPrefix(a.text("printer-uuid"), "urn:uuid:")
}

// deviceID reads printer-device-id, an IEEE 1284 string: MFG:Acme;MDL:Laser;
func deviceID(a attrs) map[string]string {
	m := make(map[string]string)
	for _, s := range a.strings("printer-device-id") {
		for part := range strings.SplitSeq(s, ";") {
			if k, v, ok := strings.Cut(part, ":"); ok && len(m) < 32 {
				k = strings.ToUpper(strings.TrimSpace(k))
				switch k {
				case "MANUFACTURER":
					k = "MFG"
				case "MODEL":
					k = "MDL"
				}
				m[k] = strings.TrimSpace(v)
			}
		}
	}
	return m
}

// fault gives an error of a question its code.
func (p *Printer) fault(ctx context.Context, op string, err error) error {
	return &kiosk.Error{Code: codeOf(ctx, err), Op: "ipp: " + op, Device: p.info.ID, Err: err}
}

func codeOf(ctx context.Context, err error) kiosk.Code {
	if e, ok := errors.AsType[*kiosk.Error](err); ok {
		return e.Code
	}
	if ctx.Err() != nil {
		return kiosk.CodeOf(context.Cause(ctx))
	}
	if e, ok := errors.AsType[*statusError](err); ok {
		return codeOfStatus(e.status)
	}
	if errors.Is(err, errNotIPP) {
		return kiosk.CodeNotResponding
	}
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return kiosk.CodeUnplugged // also when the dial timed out: nobody at that address
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return kiosk.CodeNotResponding
	}
	return kiosk.CodeUnplugged
}

// codeOfStatus maps the status codes of RFC 8011 appendix B. What is left is
// the printer's own trouble.
func codeOfStatus(s goipp.Status) kiosk.Code {
	switch {
	case busyStatus(s):
		return kiosk.CodeDeviceBusy
	case s == goipp.StatusErrorNotAcceptingJobs, s == goipp.StatusErrorPrinterIsDeactivated,
		s == goipp.StatusErrorDevice:
		return kiosk.CodeDevicePaused
	case s == goipp.StatusErrorJobCanceled:
		return kiosk.CodeJobAborted
	case s >= 0x0400 && s < 0x0500:
		return kiosk.CodeJobRejected
	}
	return kiosk.CodeNotResponding
}

// busyStatus says whether to ask the same again later.
func busyStatus(s goipp.Status) bool {
	switch s {
	case goipp.StatusErrorBusy, goipp.StatusErrorTemporary, goipp.StatusErrorTooManyJobs,
		goipp.StatusErrorServiceUnavailable:
		return true
	}
	return false
}
