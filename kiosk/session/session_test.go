package session_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/devices"
	"pointnum/kiosk/session"
	"pointnum/kiosk/spool"
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
	files    map[string]string // on the key

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
		all = append(all, kiosk.KeyFile{ID: id, Name: id, Size: int64(len(content))})
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
	s.d.set(func() { s.d.on = on })
	close(s.d.watched)
	<-ctx.Done()
	return context.Cause(ctx)
}

func (s *sensors) Set(_ context.Context, _ kiosk.Output, active bool) error {
	s.d.set(func() { s.d.lamp = active })
	return nil
}

// Import takes a content like "a" for one page, "a,b,c" for three.
func (d *desk) Import(ctx context.Context, in kiosk.Input, each func(kiosk.Page) error) error {
	rc, err := in.Open()
	if err != nil {
		return err
	}
	defer rc.Close()
	content, err := io.ReadAll(rc)
	if err != nil {
		return err
	}
	parts := strings.Split(string(content), ",")
	for i, p := range parts {
		if d.imports != nil {
			if err := d.imports(ctx, p); err != nil {
				return err
			}
		}
		if err := each(kiosk.Page{Index: i, Total: len(parts), Image: []byte("master " + p),
			Preview: []byte("preview " + p), Thumb: []byte("thumb " + p), DPI: 300}); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) Convert(ctx context.Context, pages []kiosk.PageRef, t kiosk.Target, progress func(int, int)) (kiosk.Conversion, error) {
	var all []string
	for i, p := range pages {
		rc, err := p.Open()
		if err != nil {
			return kiosk.Conversion{}, err
		}
		content, err := io.ReadAll(rc)
		if err := errors.Join(err, rc.Close()); err != nil {
			return kiosk.Conversion{}, err
		}
		all = append(all, fmt.Sprintf("%s@%d", bytes.TrimPrefix(content, []byte("master ")), p.Turn))
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

// rig is an engine that runs.
type rig struct {
	*session.Engine
	t      testing.TB
	desk   *desk
	dir    string
	spool  *spool.Spool
	stop   func() // as a shutdown does; waits
	runErr error

	mu     sync.Mutex
	events []session.Event
}

func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-session-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func start(t testing.TB, change ...func(*session.Config)) *rig {
	t.Helper()
	return startIn(t, folder(t), &desk{}, change...)
}

func startIn(t testing.TB, dir string, d *desk, change ...func(*session.Config)) *rig {
	t.Helper()
	r := &rig{t: t, desk: d, dir: dir}
	d.watched = make(chan struct{})
	if d.saved == nil {
		d.saved = make(map[string]string)
	}
	var specs []kiosk.Spec
	for _, drv := range d.drivers() {
		specs = append(specs, kiosk.Spec{ID: kiosk.DeviceID(drv.Name), Driver: drv.Name})
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	m, err := devices.New(specs, d.drivers(), log)
	if err != nil {
		t.Fatal(err)
	}
	m.Hotplug = func(ctx context.Context, _ func()) error { <-ctx.Done(); return nil }
	if r.spool, err = spool.Open(dir, spool.Options{}); err != nil {
		t.Fatal(err)
	}
	cfg := session.Config{
		Devices: m, Spool: r.spool, Documents: d, Portals: portals{}, Log: log,
		Name: func(session.State) string { return "justificatif loyer" },
		OnEvent: func(e session.Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	if r.Engine, err = session.New(cfg); err != nil {
		t.Fatal(err)
	}
	r.run(m)
	return r
}

func (r *rig) run(m *devices.Manager) {
	ctx, cancel := context.WithCancel(context.Background())
	mctx, mcancel := context.WithCancel(context.Background())
	var wg, mwg sync.WaitGroup
	mwg.Go(func() { _ = m.Run(mctx) })
	wg.Go(func() { r.runErr = r.Run(ctx) })
	r.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		mcancel()
		mwg.Wait()
		_ = r.spool.Close()
	})
	r.t.Cleanup(func() {
		r.stop()
		if left := r.files(); len(left) > 0 {
			r.t.Errorf("left after the shutdown: %v", left)
		}
	})
	r.wait("the devices", func(s session.State) bool {
		return s.Scanner.Ready && s.Printer.Ready && s.ReceiptPrinter.Ready && s.Key.Ready
	})
	<-r.desk.watched
}

// files lists what the spool's folder holds.
func (r *rig) files() (found []string) {
	_ = filepath.WalkDir(r.dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, p)
		}
		return nil
	})
	return found
}

// do demands that the actions are accepted.
func (r *rig) do(actions ...session.Action) {
	r.t.Helper()
	for _, a := range actions {
		if err := r.Do(context.Background(), a); err != nil {
			s, _ := r.State().Load()
			r.t.Fatalf("%T: %v on %s, task %+v, fault %+v", a, err, s.Screen, s.Task, s.Fault)
		}
	}
}

func (r *rig) now() session.State {
	s, _ := r.State().Load()
	return s
}

// wait follows the state until it is as wanted.
func (r *rig) wait(what string, ok func(session.State) bool) session.State {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s, seq := r.State().Load()
	for !ok(s) {
		var err error
		if s, seq, err = r.State().Wait(ctx, seq); err != nil {
			last, _ := r.State().Load()
			r.t.Fatalf("waiting for %s: %v; last %+v, task %+v, fault %+v", what, err, last, last.Task, last.Fault)
		}
	}
	return s
}

// idle waits until no task is in hand.
func (r *rig) idle() session.State {
	r.t.Helper()
	return r.wait("the task to end", func(s session.State) bool { return s.Task == nil })
}

func (r *rig) screen(want session.Screen) session.State {
	r.t.Helper()
	return r.wait("screen "+string(want), func(s session.State) bool { return s.Screen == want })
}

// pages reads the thumbs of the current document.
func (r *rig) pages() string {
	r.t.Helper()
	s := r.now()
	var all []string
	if s.Doc() == nil {
		return ""
	}
	for _, p := range s.Doc().Pages {
		rc, _, err := r.OpenPicture(p.ID, session.PictureThumb)
		if err != nil {
			r.t.Errorf("page %s: %v", p.ID, err)
			continue
		}
		content, _ := io.ReadAll(rc)
		_ = rc.Close()
		all = append(all, strings.TrimPrefix(string(content), "thumb "))
	}
	return strings.Join(all, " ")
}

func (r *rig) kinds() map[session.EventKind]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := make(map[session.EventKind]int)
	for _, e := range r.events {
		n[e.Kind]++
	}
	return n
}

func fault(c kiosk.Code) error { return &kiosk.Error{Code: c, Op: "fake"} }
