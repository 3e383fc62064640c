package escl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"pointnum/kiosk"
)

var errClosed = errors.New("the scanner was closed")

// Scan starts a job. A source the scanner does not have is replaced by the one
// it has. A device that is busy is asked again for some 30 seconds.
func (d *scanner) Scan(ctx context.Context, o kiosk.ScanOptions) (kiosk.ScanJob, error) {
	j := &job{d: d, outer: ctx, ready: make(chan struct{})}
	j.ctx, j.cancel = context.WithCancelCause(ctx)
	if err := d.acquire(j); err != nil {
		j.cancel(err)
		return nil, err
	}
	err := d.start(j, o)
	if err == nil {
		// The device must be freed even when nobody calls Next any more.
		j.unhook = context.AfterFunc(ctx, func() { <-j.ready; j.finish(false) })
	}
	close(j.ready)
	if err != nil {
		j.finish(true)
		return nil, j.final(err)
	}
	return j, nil
}

func (d *scanner) acquire(j *job) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return &kiosk.Error{Code: kiosk.CodeUnplugged, Op: "escl: scan", Device: d.id, Err: errClosed}
	}
	if d.job != nil {
		return &kiosk.Error{Code: kiosk.CodeDeviceBusy, Op: "escl: scan", Device: d.id}
	}
	d.job = j
	return nil
}

// release makes room for the next job. stale is the address of one that could
// not be ended on the device.
func (d *scanner) release(j *job, stale *url.URL) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if stale != nil {
		d.stale = append(d.stale, stale)
	}
	if d.job == j {
		d.job = nil
	}
}

// start frees the device of our own old jobs, decides where the paper is and
// makes the job.
func (d *scanner) start(j *job, o kiosk.ScanOptions) error {
	d.endStale(j.ctx)
	var st scannerStatus
	if err := d.getXML(j.ctx, "/ScannerStatus", &st); err != nil {
		return d.fault("escl: read status", err)
	}
	if d.conf.exclusive {
		d.endForeign(j.ctx, &st)
	}
	feeder, glassToo, err := d.source(o.Source, &st)
	if err != nil {
		return err
	}
	err = d.post(j, o, feeder)
	if glassToo && kiosk.CodeOf(err) == kiosk.CodeFeederEmpty {
		return d.post(j, o, false)
	}
	return err
}

// source says whether to use the feeder, and whether the glass is to be tried
// when the feeder turns out to be empty.
func (d *scanner) source(want kiosk.Source, st *scannerStatus) (feeder, glassToo bool, err error) {
	glass := d.caps.Platen != nil
	if !d.caps.hasFeeder() || want == kiosk.SourceGlass && glass {
		return false, false, nil
	}
	if code := st.adfFault(); code != "" {
		return false, false, &kiosk.Error{Code: code, Op: "escl: scan", Device: d.id, Sheet: 1, Err: errors.New(st.AdfState)}
	}
	auto := want != kiosk.SourceFeeder && glass
	switch {
	case !st.adfEmpty():
		return true, auto && !st.adfLoaded(), nil
	case auto:
		return false, false, nil
	}
	return false, false, &kiosk.Error{Code: kiosk.CodeFeederEmpty, Op: "escl: scan", Device: d.id, Sheet: 1}
}

// post asks for a job until the device takes it.
func (d *scanner) post(j *job, o kiosk.ScanOptions, feeder bool) error {
	set, err := d.caps.settings(o, feeder)
	if err != nil {
		return &kiosk.Error{Code: kiosk.CodeInternal, Op: "escl: scan", Device: d.id, Err: err}
	}
	j.set = set
	giveUp := time.Now().Add(d.conf.busy)
	for pause := busyPause; ; pause = min(2*pause, busyLongest) {
		j.location, err = d.postOnce(j.ctx, set)
		se, answered := errors.AsType[*statusError](err)
		switch {
		case err == nil:
			return nil
		case answered && se.status == http.StatusConflict:
			return d.conflict(j.ctx, feeder)
		case !answered || !se.busy() || time.Now().Add(pause).After(giveUp):
			return d.fault("escl: start job", err)
		}
		d.log.Debug("scanner is busy", "again_in", pause)
		if err := sleep(j.ctx, pause); err != nil {
			return err
		}
	}
}

// postOnce is not cut short when ctx ends: the device may have made the job,
// and only its answer says how to end it.
func (d *scanner) postOnce(ctx context.Context, set settings) (*url.URL, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), answerTimeout, errSlow)
	defer cancel()
	resp, err := d.do(ctx, http.MethodPost, d.conf.root.JoinPath("/ScanJobs"), set.xml())
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxHeaders) // the answer has no content of interest
	return d.resolve(resp.Header.Get("Location"))
}

// resolve turns a job's Location into an address on the host we know: devices
// give it relative, absolute, or with a name nobody but them can reach.
func (d *scanner) resolve(location string) (*url.URL, error) {
	ref, err := url.Parse(location)
	if err != nil || ref.Path == "" {
		return nil, fmt.Errorf("%w: the new job has no address", errAnswer)
	}
	full := d.conf.root.JoinPath("/ScanJobs").ResolveReference(ref)
	u := *d.conf.root
	u.Path, u.RawPath = full.Path, full.RawPath
	return &u, nil
}

// conflict says why the device refuses a job it could do.
func (d *scanner) conflict(ctx context.Context, feeder bool) error {
	var st scannerStatus
	if err := d.getXML(ctx, "/ScannerStatus", &st); err != nil {
		return d.fault("escl: read status", err)
	}
	code := kiosk.CodeDeviceBusy
	if feeder {
		code = kiosk.CodeFeederEmpty
		if c := st.adfFault(); c != "" {
			code = c
		}
	}
	return &kiosk.Error{Code: code, Op: "escl: start job", Device: d.id, Sheet: 1, Err: &statusError{http.StatusConflict}}
}

// endStale ends our own jobs that could not be ended before.
func (d *scanner) endStale(ctx context.Context) {
	d.mu.Lock()
	stale := d.stale
	d.stale = nil
	d.mu.Unlock()
	for _, u := range stale {
		d.deleteJob(ctx, u)
	}
}

// endForeign ends every running job on a device that only this kiosk uses: it
// is one of ours from before a restart.
func (d *scanner) endForeign(ctx context.Context, st *scannerStatus) {
	for _, info := range st.Jobs {
		if info.State != jobPending && info.State != jobProcessing {
			continue
		}
		if u, err := d.resolve(info.JobURI); err == nil {
			d.log.Warn("ending a job left on the scanner", "state", info.State)
			d.deleteJob(ctx, u)
		}
	}
}

// deleteJob ends a job on the device. It reports whether the device knows now.
func (d *scanner) deleteJob(ctx context.Context, u *url.URL) bool {
	ctx, cancel := context.WithTimeoutCause(ctx, cancelTimeout, errSlow)
	defer cancel()
	resp, err := d.do(ctx, http.MethodDelete, u, nil)
	if err == nil {
		_ = resp.Body.Close() // nothing of it is used
		return true
	}
	_, answered := errors.AsType[*statusError](err) // 404 when it has ended
	return answered
}

// sleep waits, or returns why ctx ended.
func sleep(ctx context.Context, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
