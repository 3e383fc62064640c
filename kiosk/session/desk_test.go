package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"pointnum/kiosk"
)

// desk is a kiosk's hardware and document engine as the tests want them.
// Hooks that are nil do what works.
type desk struct {
	mu       sync.Mutex
	sheets   []func(ctx context.Context) (string, error) // what the feeder holds
	saved    map[string]string
	prints   []string // job names
	printed  []string // what came out
	receipts int
	lamp     bool
	on       func(kiosk.Signal, bool)
	watched  chan struct{}     // closed once the sensors are watched
	cut      chan struct{}     // closed when the sensors' cable is cut
	files    map[string]string // on the key
	claim    int64             // what the key says of their sizes; 0 the truth
	made     int               // pages
	packs    bool              // pages come packed, too
	weight   int               // of a PDF, unless the target is stricter; 0 is what its text takes
	targets  []kiosk.Target    // of all conversions

	save    func(name string) error
	print   func(ctx context.Context, progress func(kiosk.PrintProgress)) error
	receipt func(ctx context.Context) error
	imports func(ctx context.Context, content string) error
	convert func(ctx context.Context, pages []string) error
}

func (d *desk) set(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// feed lays sheets into the feeder.
func (d *desk) feed(names ...string) {
	for _, n := range names {
		d.feedFunc(func(context.Context) (string, error) { return n, nil })
	}
}

func (d *desk) feedFunc(f func(ctx context.Context) (string, error)) {
	d.set(func() { d.sheets = append(d.sheets, f) })
}

func (d *desk) drivers() []kiosk.Driver {
	open := func(dev kiosk.Device) func(context.Context, kiosk.Spec, *slog.Logger) (kiosk.Device, error) {
		return func(context.Context, kiosk.Spec, *slog.Logger) (kiosk.Device, error) { return dev, nil }
	}
	return []kiosk.Driver{
		{Name: "scanner", Kind: kiosk.KindScanner, Open: open(&scanner{device{kiosk.KindScanner}, d})},
		{Name: "printer", Kind: kiosk.KindPrinter, Open: open(&printer{device{kiosk.KindPrinter}, d})},
		{Name: "receipt", Kind: kiosk.KindReceipt, Open: open(&receiptPrinter{device{kiosk.KindReceipt}, d})},
		{Name: "key", Kind: kiosk.KindKey, Open: open(&key{device{kiosk.KindKey}, d})},
		{Name: "sensors", Kind: kiosk.KindSensors, Open: open(&sensors{device{kiosk.KindSensors}, d})},
	}
}

type device struct{ kind kiosk.Kind }

func (d device) Info() kiosk.Info { return kiosk.Info{ID: kiosk.DeviceID(d.kind), Kind: d.kind} }
func (d device) Status(context.Context) (kiosk.Status, error) {
	return kiosk.Status{Ready: true}, nil
}
func (d device) Close() error { return nil }

type scanner struct {
	device
	d *desk
}

type job struct {
	ctx   context.Context
	d     *desk
	sheet int
}

func (s *scanner) Scan(ctx context.Context, _ kiosk.ScanOptions) (kiosk.ScanJob, error) {
	return &job{ctx: ctx, d: s.d}, nil
}

func (j *job) Next() (kiosk.RawPage, error) {
	if j.ctx.Err() != nil {
		return kiosk.RawPage{}, context.Cause(j.ctx)
	}
	j.d.mu.Lock()
	if len(j.d.sheets) == 0 {
		j.d.mu.Unlock()
		return kiosk.RawPage{}, io.EOF
	}
	f := j.d.sheets[0]
	j.d.sheets = j.d.sheets[1:]
	j.d.mu.Unlock()
	j.sheet++
	content, err := f(j.ctx)
	if err != nil {
		return kiosk.RawPage{}, err
	}
	return kiosk.RawPage{Reader: strings.NewReader(content), MediaType: "image/jpeg", DPI: 300, Sheet: j.sheet}, nil
}

func (j *job) Close() error { return nil }

type printer struct {
	device
	d *desk
}

func (p *printer) Print(ctx context.Context, req kiosk.PrintRequest, progress func(kiosk.PrintProgress)) error {
	p.d.set(func() { p.d.prints = append(p.d.prints, req.ID) })
	if p.d.print != nil {
		if err := p.d.print(ctx, progress); err != nil {
			return err
		}
	}
	rc, err := req.Open()
	if err != nil {
		return err
	}
	defer rc.Close()
	content, err := io.ReadAll(rc)
	p.d.set(func() { p.d.printed = append(p.d.printed, string(content)) })
	return err
}

type receiptPrinter struct {
	device
	d *desk
}

func (r *receiptPrinter) PrintReceipt(ctx context.Context, _ kiosk.Receipt) error {
	if r.d.receipt != nil {
		if err := r.d.receipt(ctx); err != nil {
			return err
		}
	}
	r.d.set(func() { r.d.receipts++ })
	return nil
}

type key struct {
	device
	d *desk
}

func (k *key) Save(_ context.Context, name string, r io.Reader, size int64) (string, error) {
	if k.d.save != nil {
		if err := k.d.save(name); err != nil {
			return "", err
		}
	}
	content, err := io.ReadAll(r)
	if err != nil || int64(len(content)) != size {
		return "", fmt.Errorf("%d bytes of %d: %w", len(content), size, err)
	}
	k.d.set(func() { k.d.saved[name] = string(content) })
	return name, nil
}

func (k *key) List(context.Context, int) ([]kiosk.KeyFile, error) {
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	var all []kiosk.KeyFile
	for id, content := range k.d.files {
		size := int64(len(content))
		if k.d.claim != 0 {
			size = k.d.claim
		}
		all = append(all, kiosk.KeyFile{ID: id, Name: id, Size: size})
	}
	return all, nil
}

func (k *key) Open(_ context.Context, id string) (io.ReadCloser, error) {
	k.d.mu.Lock()
	defer k.d.mu.Unlock()
	return io.NopCloser(strings.NewReader(k.d.files[id])), nil
}

type sensors struct {
	device
	d *desk
}

func (s *sensors) Watch(ctx context.Context, on func(kiosk.Signal, bool)) error {
	var cut chan struct{}
	s.d.set(func() {
		s.d.on, cut = on, s.d.cut
		close(s.d.watched)
	})
	select {
	case <-cut:
		return fault(kiosk.CodeUnplugged)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *sensors) Set(_ context.Context, _ kiosk.Output, active bool) error {
	s.d.set(func() { s.d.lamp = active })
	return nil
}

// read reads what the kiosk hands out, whole.
func read(open func() (io.ReadCloser, error)) (string, error) {
	rc, err := open()
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(rc)
	return string(content), errors.Join(err, rc.Close())
}

// attached reads a file for a page or a phone, which has the size it says.
func attached(f kiosk.Attachment) (string, error) {
	content, err := read(f.Open)
	if err == nil && int64(len(content)) != f.Size {
		err = fmt.Errorf("%d bytes of %d", len(content), f.Size)
	}
	return content, err
}

// Import takes a content like "a" for one page, "a,b,c" for three. It
// straightens what begins with "~" and turns what begins with "^"; as it is,
// a page "~a" is "raw ~a".
func (d *desk) Import(ctx context.Context, in kiosk.Input, each func(kiosk.Page) error) error {
	content, err := read(in.Open)
	if err != nil {
		return err
	}
	parts := strings.Split(content, ",")
	for i, p := range parts {
		if d.imports != nil {
			if err := d.imports(ctx, p); err != nil {
				return err
			}
		}
		made := kiosk.Page{Index: i, Total: len(parts), DPI: 300}
		switch {
		case in.AsIs:
			p = "raw " + p
		case strings.HasPrefix(p, "~"):
			made.Changes = []kiosk.Change{kiosk.ChangeStraightened}
			made.Findings = []kiosk.Finding{{Verdict: kiosk.VerdictCut, Area: kiosk.Area{X1: 100, Y1: 1000}}}
		case strings.HasPrefix(p, "^"):
			made.Changes = []kiosk.Change{kiosk.ChangeTurned}
		}
		made.Image, made.Preview, made.Thumb = []byte("master "+p), []byte("preview "+p), []byte("thumb "+p)
		d.set(func() { d.made++ })
		if d.packs {
			made.Packed = []byte("packed " + p)
		}
		if err := each(made); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) Forget() {}

func (d *desk) Convert(ctx context.Context, pages []kiosk.PageRef, t kiosk.Target, progress func(int, int)) (kiosk.Conversion, error) {
	d.set(func() { d.targets = append(d.targets, t) })
	var all []string
	for i, p := range pages {
		content, err := read(p.Open)
		if err != nil {
			return kiosk.Conversion{}, err
		}
		name := fmt.Sprintf("%s@%d", strings.TrimPrefix(content, "master "), p.Turn)
		if p.Changed {
			name += "+"
		}
		all = append(all, name)
		if progress != nil {
			progress(i+1, len(pages))
		}
	}
	if d.convert != nil {
		if err := d.convert(ctx, all); err != nil {
			return kiosk.Conversion{}, err
		}
	}
	if t.Format != kiosk.FormatPDF { // one file a page
		var c kiosk.Conversion
		for _, p := range all {
			c.Files = append(c.Files, kiosk.File{Format: t.Format, Data: []byte(p), Pages: 1})
		}
		return c, nil
	}
	data := []byte("pdf " + strings.Join(all, " "))
	if n := min(d.weight, int(t.MaxBytes)-1); n > len(data) {
		data = append(data, bytes.Repeat([]byte("."), n-len(data))...)
	}
	return kiosk.Conversion{Files: []kiosk.File{{Format: t.Format, Data: data, Pages: len(pages)}}}, nil
}

type portals struct{}

func (portals) Target(portal, kind string) (t kiosk.Target, known, ok bool) {
	switch {
	case kind != "rent":
		return t, false, false
	case portal == "caf":
		return kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 10e6}, true, true
	case portal == "photos":
		return kiosk.Target{Format: kiosk.FormatJPEG, MaxBytes: 1e6, MaxFiles: 9}, false, true
	}
	return t, false, false
}
