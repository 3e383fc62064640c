package escl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"pointnum/kiosk"
)

var errBadPage = errors.New("bad page")

// job is one scan. Next belongs to one goroutine; Close may be called by
// another and cuts it short.
type job struct {
	d      *scanner
	outer  context.Context // the caller's, for its cause
	ctx    context.Context // ends with the job
	cancel context.CancelCauseFunc
	unhook func() bool
	ready  chan struct{} // closed once the device has answered to the job

	set      settings
	location *url.URL // nil when the device did not make the job

	buf   bytes.Buffer // the current page
	pages int
	err   error // what Next goes on to return
	freed sync.Once
}

// Next reads the next page and checks that it is whole.
func (j *job) Next() (kiosk.RawPage, error) {
	if j.err != nil {
		return kiosk.RawPage{}, j.err
	}
	page, err := j.next()
	if err == nil {
		return page, nil
	}
	j.finish(err == io.EOF)
	j.err = j.final(err)
	return kiosk.RawPage{}, j.err
}

// Close frees the device. The bytes of the last page are gone afterwards.
func (j *job) Close() error {
	j.cancel(errClosed)
	<-j.ready
	j.finish(false)
	return nil
}

// finish ends the job on the device and makes room for the next one, once;
// whoever comes second waits. ended tells that the device is done with it.
func (j *job) finish(ended bool) {
	j.freed.Do(func() {
		if j.unhook != nil {
			j.unhook()
		}
		j.cancel(errClosed)
		var stale *url.URL
		if j.location != nil {
			// Even a job that has ended: some devices stay busy until it is
			// deleted, as sane-airscan always does.
			if !j.d.deleteJob(context.WithoutCancel(j.ctx), j.location) && !ended {
				stale = j.location
			}
		}
		j.d.release(j, stale)
	})
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
		code := kiosk.CodeCanceled
		if errors.Is(cause, context.DeadlineExceeded) {
			code = kiosk.CodeNotResponding
		}
		return &kiosk.Error{Code: code, Op: "escl: scan", Device: j.d.id, Err: cause}
	}
	if errors.Is(err, errClosed) {
		return &kiosk.Error{Code: kiosk.CodeCanceled, Op: "escl: scan", Device: j.d.id, Err: errClosed}
	}
	err = j.d.fault("escl: scan", err)
	if kiosk.CodeOf(err) == kiosk.CodeNotResponding && j.d.hungAgain() {
		return &kiosk.Error{Code: kiosk.CodePowerCycle, Op: "escl: scan", Device: j.d.id, Sheet: j.due(), Err: err}
	}
	return err
}

// due is the sheet of the page that Next is after.
func (j *job) due() int {
	if j.set.duplex {
		return j.pages/2 + 1
	}
	return j.pages + 1
}

func (j *job) next() (kiosk.RawPage, error) {
	if j.ctx.Err() != nil {
		return kiosk.RawPage{}, context.Cause(j.ctx)
	}
	if !j.set.feeder && j.pages == 1 {
		return kiosk.RawPage{}, io.EOF // asked again, some devices scan the glass again
	}
	ctx, cancel := context.WithTimeoutCause(j.ctx, j.d.conf.page, errSlow)
	defer cancel()
	var t tries
	for {
		err := j.fetch(ctx)
		if err == nil {
			return j.page(), nil
		}
		pause, err := j.judge(err, &t)
		if err != nil {
			return kiosk.RawPage{}, err
		}
		if err := sleep(ctx, pause); err != nil {
			return kiosk.RawPage{}, j.fault(codeOf(err), err)
		}
	}
}

// page hands out what fetch has read.
func (j *job) page() kiosk.RawPage {
	p := kiosk.RawPage{Reader: bytes.NewReader(j.buf.Bytes()), MediaType: mediaJPEG, DPI: j.set.res.X,
		Sheet: j.due(), Back: j.set.duplex && j.pages%2 == 1}
	j.pages++
	j.d.worked()
	return p
}

// fetch reads a page into j.buf. Its error is errBadPage when what came is no
// whole page.
func (j *job) fetch(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	resp, err := j.d.do(ctx, http.MethodGet, j.location.JoinPath("NextDocument"), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	j.buf.Reset()
	if n := resp.ContentLength; n > 0 && n <= maxPage {
		j.buf.Grow(int(n) + bytes.MinRead)
	}
	idle := time.AfterFunc(j.d.conf.idle, func() { cancel(errSlow) })
	defer idle.Stop()
	body := &watchedReader{r: io.LimitReader(resp.Body, maxPage+1), progress: func() { idle.Reset(j.d.conf.idle) }}
	if _, err := j.buf.ReadFrom(body); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("%w: %w", errBadPage, err)
	}
	if j.buf.Len() > maxPage {
		return fmt.Errorf("%w: more than %d bytes", errBadPage, maxPage)
	}
	if err := checkJPEG(j.buf.Bytes()); err != nil {
		return fmt.Errorf("%w: %w", errBadPage, err)
	}
	return nil
}

// watchedReader tells of each piece that arrives.
type watchedReader struct {
	r        io.Reader
	progress func()
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.progress()
	}
	return n, err
}

// tries is what was already tried for one page.
type tries struct {
	pause time.Duration
	since time.Time // the first "busy"
	ended bool      // an early end was asked for again
}

// judge decides what a page that did not come means, by what the device says
// of itself: a pause before asking again, or the error that ends the job.
func (j *job) judge(cause error, t *tries) (time.Duration, error) {
	if j.ctx.Err() != nil {
		return 0, context.Cause(j.ctx)
	}
	var st scannerStatus
	statusErr := j.d.getXML(j.ctx, "/ScannerStatus", &st)
	if j.ctx.Err() != nil {
		return 0, context.Cause(j.ctx)
	}
	if code := st.adfFault(); code != "" && j.set.feeder {
		return 0, j.fault(code, fmt.Errorf("%s: %w", st.AdfState, cause))
	}
	state := st.jobState(j.location.Path)
	if state == jobCanceled { // somebody pressed the device's stop button
		return 0, j.fault(kiosk.CodeCanceled, cause)
	}
	if se, ok := errors.AsType[*statusError](cause); ok {
		return j.judgeAnswer(se, state, &st, t)
	}
	switch {
	case errors.Is(cause, errSlow):
		return 0, j.fault(kiosk.CodeNotResponding, cause)
	case statusErr != nil:
		return 0, j.fault(codeOf(statusErr), cause)
	case j.pages == 0 && j.set.feeder && j.buf.Len() == 0 && st.adfEmpty():
		return 0, j.fault(kiosk.CodeFeederEmpty, cause)
	}
	return 0, j.fault(kiosk.CodeBadPage, cause)
}

// judgeAnswer is judge for an answer of HTTP instead of a page.
func (j *job) judgeAnswer(se *statusError, state string, st *scannerStatus, t *tries) (time.Duration, error) {
	running := state == jobPending || state == jobProcessing
	switch {
	case state == jobAborted:
		return 0, j.fault(kiosk.CodeDevicePaused, se)
	case se.busy() && state != jobCompleted:
		if t.since.IsZero() {
			t.since, t.pause = time.Now(), warmPause/2
		}
		if time.Since(t.since) > j.d.conf.busy {
			return 0, j.fault(kiosk.CodeDeviceBusy, se)
		}
		t.pause = min(2*t.pause, warmLongest)
		return t.pause, nil
	case !se.busy() && se.status != http.StatusNotFound && se.status != http.StatusGone && se.status != http.StatusConflict:
		return 0, j.fault(kiosk.CodeBadPage, se)
	case running && !t.ended && !st.adfEmpty():
		// Brother and Epson feeders say so between two sheets.
		t.ended = true
		return endPause, nil
	case j.pages > 0:
		return 0, io.EOF
	case j.set.feeder:
		return 0, j.fault(kiosk.CodeFeederEmpty, se)
	}
	return 0, j.fault(kiosk.CodeBadPage, se)
}

func (j *job) fault(code kiosk.Code, err error) error {
	return &kiosk.Error{Code: code, Op: "escl: next document", Device: j.d.id, Sheet: j.due(), Err: err}
}
