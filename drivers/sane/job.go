package sane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"pointnum/kiosk"
)

var errClosed = errors.New("the scanner was closed")

// Scan starts a job. Whether the feeder holds paper shows at the first Next.
func (d *scanner) Scan(ctx context.Context, o kiosk.ScanOptions) (kiosk.ScanJob, error) {
	j := &job{d: d, outer: ctx, plans: d.opts.plans(o, d.conf.extra), ready: make(chan struct{})}
	j.ctx, j.cancel = context.WithCancelCause(ctx)
	if err := d.acquire(j); err != nil {
		j.cancel(err)
		return nil, err
	}
	err := j.waitTurn()
	if err == nil {
		err = j.run()
	}
	if err == nil {
		// The device must be freed even when nobody calls Next any more.
		j.unhook = context.AfterFunc(ctx, func() { <-j.ready; j.finish() })
	}
	close(j.ready)
	if err != nil {
		j.finish()
		return nil, j.final(err)
	}
	return j, nil
}

func (d *scanner) acquire(j *job) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return &kiosk.Error{Code: kiosk.CodeUnplugged, Op: "sane: scan", Device: d.id, Err: errClosed}
	}
	if d.job != nil {
		return &kiosk.Error{Code: kiosk.CodeDeviceBusy, Op: "sane: scan", Device: d.id}
	}
	d.job = j
	return nil
}

// job is one scan: one run of scanimage, or two when the feeder was empty and
// there is a glass. Next belongs to one goroutine; Close may be called by
// another and cuts it short.
type job struct {
	d      *scanner
	outer  context.Context // the caller's, for its cause
	ctx    context.Context // ends with the job
	cancel context.CancelCauseFunc
	unhook func() bool
	ready  chan struct{}
	freed  sync.Once

	hasTurn bool
	mu      sync.Mutex // of the next two, which Close looks at
	proc    *process
	over    bool // nothing is started any more

	plans []plan // the first is running
	file  *os.File
	pages int
	err   error // what Next goes on to return
}

// waitTurn waits for a status that is being asked for, and for a device that
// had to be let go by force to settle.
func (j *job) waitTurn() error {
	select {
	case j.d.turn <- struct{}{}:
		j.hasTurn = true
	case <-j.ctx.Done():
		return context.Cause(j.ctx)
	}
	j.d.mu.Lock()
	rest := time.Until(j.d.killed.Add(coolDown))
	j.d.mu.Unlock()
	if rest <= 0 {
		return nil
	}
	t := time.NewTimer(rest)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-j.ctx.Done():
		return context.Cause(j.ctx)
	}
}

// run starts scanimage for the first plan. Page n is the file "n.png".
func (j *job) run() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.over || j.ctx.Err() != nil {
		return context.Cause(j.ctx)
	}
	pl := j.plans[0]
	args := append([]string{"--device-name=" + j.d.conf.device}, pl.args...)
	args = append(args, "--format=png", "--batch=%d.png", "--batch-print", "--progress")
	if !pl.feeder {
		args = append(args, "--batch-count=1")
	}
	p, err := startProcess(j.d.conf, j.d.dir, j.d.conf.stall, nil, args)
	if err != nil {
		return &kiosk.Error{Code: kiosk.CodeInternal, Op: "sane: run scanimage", Device: j.d.id, Err: err}
	}
	j.proc = p
	return nil
}

// Next returns the next page once scanimage has finished it and the check has
// found it whole.
func (j *job) Next() (kiosk.RawPage, error) {
	j.drop()
	if j.err != nil {
		return kiosk.RawPage{}, j.err
	}
	page, err := j.next()
	if err == nil {
		return page, nil
	}
	j.finish()
	j.err = j.final(err)
	return kiosk.RawPage{}, j.err
}

// drop closes the page before; its file has no name any more.
func (j *job) drop() {
	if j.file != nil {
		_ = j.file.Close() // it was read to where its reader wanted
		j.file = nil
	}
}

func (j *job) next() (kiosk.RawPage, error) {
	for {
		if j.ctx.Err() != nil {
			return kiosk.RawPage{}, context.Cause(j.ctx)
		}
		if name, ok := j.proc.take(); ok {
			return j.page(name)
		}
		select {
		case <-j.proc.wake:
			continue
		case <-j.ctx.Done():
			continue
		case <-j.proc.done:
		}
		if name, ok := j.proc.take(); ok { // it came with the end
			return j.page(name)
		}
		err := j.ended(j.proc.ending())
		if kiosk.CodeOf(err) != kiosk.CodeFeederEmpty || len(j.plans) < 2 {
			return kiosk.RawPage{}, err
		}
		j.plans = j.plans[1:]
		if err := j.run(); err != nil {
			return kiosk.RawPage{}, err
		}
	}
}

// page takes a finished page out of the directory and checks it.
func (j *job) page(name string) (kiosk.RawPage, error) {
	want := strconv.Itoa(j.pages+1) + ".png"
	if name != want {
		return kiosk.RawPage{}, j.fault(kiosk.CodeInternal, fmt.Errorf("scanimage wrote another file than %s", want))
	}
	path := filepath.Join(j.d.dir, want)
	f, err := os.Open(path)
	if err != nil {
		return kiosk.RawPage{}, j.fault(kiosk.CodeInternal, err)
	}
	j.file = f
	if err := os.Remove(path); err != nil {
		return kiosk.RawPage{}, j.fault(kiosk.CodeInternal, err)
	}
	info, err := checkPNG(io.LimitReader(f, maxPage))
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		j.drop()
		return kiosk.RawPage{}, j.fault(kiosk.CodeBadPage, err)
	}
	p := kiosk.RawPage{Reader: readOnly{f}, MediaType: "image/png", DPI: info.dpi, Sheet: j.due(),
		Back: j.plans[0].duplex && j.pages%2 == 1}
	if p.DPI == 0 {
		p.DPI = j.plans[0].dpi
	}
	j.pages++
	j.d.worked()
	return p, nil
}

// readOnly hides the file's other methods.
type readOnly struct{ io.Reader }

// ended says what the end of scanimage means for the job: io.EOF, or a fault.
func (j *job) ended(e ending) error {
	cause := fmt.Errorf("scanimage exit %d: %s", e.exit, e.said)
	if e.stalled {
		return j.fault(kiosk.CodeNotResponding, errors.New("no progress in time"))
	}
	switch e.status {
	case saneNoDocs:
		if j.pages > 0 {
			return io.EOF
		}
		if j.plans[0].feeder {
			return j.fault(kiosk.CodeFeederEmpty, cause)
		}
		return j.fault(kiosk.CodeBadPage, cause)
	case saneCancelled: // by the device's own button
		return j.fault(kiosk.CodeCanceled, cause)
	case saneBusy:
		return j.fault(kiosk.CodeDeviceBusy, cause)
	case saneJammed:
		return j.fault(kiosk.CodePaperJam, cause)
	case saneCoverOpen:
		return j.fault(kiosk.CodeCoverOpen, cause)
	case saneNoMem, saneDenied, saneInval:
		return j.fault(kiosk.CodeInternal, cause)
	case saneUnsupported:
		return j.fault(j.presence(openCode(e)), cause)
	}
	if j.pages == 1 && !j.plans[0].feeder {
		return io.EOF
	}
	// An I/O error, or a crash: libpng gives up over a page of no rows, backends
	// over what a device sends. Or an exit with 0 that does not tell that the
	// feeder is empty: scanimage ends so too when its server is gone, and that
	// must not pass for the last page.
	return j.fault(j.presence(kiosk.CodeBadPage), cause)
}

// presence tells an unplugged device from one that failed: SANE calls both an
// I/O error.
func (j *job) presence(otherwise kiosk.Code) kiosk.Code {
	ctx, cancel := context.WithTimeout(j.ctx, probeTimeout)
	defer cancel()
	_, err := j.d.ask(ctx, "--device-name="+j.d.conf.device, "--all-options")
	switch code := kiosk.CodeOf(err); code {
	case kiosk.CodeUnplugged, kiosk.CodeNotResponding:
		return code
	}
	return otherwise
}

// Close frees the device and forgets pages nobody asked for.
func (j *job) Close() error {
	j.cancel(errClosed)
	<-j.ready
	j.finish()
	return nil
}

// finish ends scanimage, empties the directory and makes room for the next
// job, once; whoever comes second waits.
func (j *job) finish() {
	j.freed.Do(func() {
		if j.unhook != nil {
			j.unhook()
		}
		j.cancel(errClosed)
		j.mu.Lock()
		p := j.proc
		j.over = true
		j.mu.Unlock()
		killed := false
		if p != nil {
			p.stop()
			killed = p.ending().killed
		}
		j.d.release(j, killed)
	})
}

// release makes room for the next job.
func (d *scanner) release(j *job, killed bool) {
	emptyDir(d.dir, d.log)
	if j.hasTurn {
		<-d.turn
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if killed {
		d.killed = time.Now()
	}
	if d.job == j {
		d.job = nil
	}
}

// final turns the end of the caller's ctx into its cause, and a second hang in
// a row into a device to be switched off and on.
func (j *job) final(err error) error {
	if err == io.EOF {
		return err
	}
	if j.outer.Err() != nil {
		cause := context.Cause(j.outer)
		if _, ok := errors.AsType[*kiosk.Error](cause); ok {
			return cause
		}
		return &kiosk.Error{Code: codeOfCause(j.outer), Op: "sane: scan", Device: j.d.id, Err: cause}
	}
	if errors.Is(err, errClosed) {
		return &kiosk.Error{Code: kiosk.CodeCanceled, Op: "sane: scan", Device: j.d.id, Err: errClosed}
	}
	err = j.d.fault("sane: scan", err)
	if kiosk.CodeOf(err) == kiosk.CodeNotResponding && j.d.hungAgain() {
		return &kiosk.Error{Code: kiosk.CodePowerCycle, Op: "sane: scan", Device: j.d.id, Sheet: j.due(), Err: err}
	}
	return err
}

// due is the sheet of the page that Next is after.
func (j *job) due() int {
	if j.plans[0].duplex {
		return j.pages/2 + 1
	}
	return j.pages + 1
}

func (j *job) fault(code kiosk.Code, err error) error {
	return &kiosk.Error{Code: code, Op: "sane: next page", Device: j.d.id, Sheet: j.due(), Err: err}
}

// hungAgain counts a job that hung; true for the second in a row.
func (d *scanner) hungAgain() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hung++
	return d.hung >= 2
}

// worked forgets the jobs that hung.
func (d *scanner) worked() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hung = 0
}
