package drivertest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
)

// PrinterRig is a printer behind the driver that is tested, and what the suite
// may do to it.
type PrinterRig struct {
	Printer kiosk.Printer
	// Printed returns the names of the jobs that came out, in order.
	Printed func() []string
	// Idle and InJob are the faults the counterpart can have while no job is
	// there and while one is being printed.
	Idle, InJob []kiosk.Code
	// Set switches a fault on or off; inJob says which of the two lists it is
	// from.
	Set func(t *testing.T, fault kiosk.Code, inJob, on bool)
	// Hold keeps a job after its first side, without a reason given, until it
	// is switched off: so that a fault meets the job however slow the test is.
	Hold func(t *testing.T, on bool)
	// Abort makes the printer give up the next job.
	Abort func(t *testing.T)
	// Unplug takes the printer away for good.
	Unplug func(t *testing.T)
}

// printerWait bounds what should happen at once, on a slow machine too.
const printerWait = 20 * time.Second

// PrinterSuite holds a kiosk.Printer to its contract. open is called for each
// case and makes a new rig, ready and with paper.
func PrinterSuite(t *testing.T, open func(t *testing.T) PrinterRig) {
	t.Helper()
	cases := []struct {
		name string
		test func(*testing.T, PrinterRig)
	}{
		{"says what it is and that it is ready", printerSaysReady},
		{"prints a document once, whatever is asked twice", printerPrintsOnce},
		{"refuses what is not a document it takes", printerRejects},
		{"refuses before sending what can't come out", printerRefusesEarly},
		{"waits in a job for what a person repairs", printerWaitsInJob},
		{"a job given up is aborted", printerAborted},
		{"a visitor who leaves cancels the job", printerCancel},
		{"one job at a time, and Close ends it", printerClose},
		{"a printer that is gone is unplugged", printerGone},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // the cases mostly wait for paper
			c.test(t, open(t))
		})
	}
}

// PrintRequest makes a request for a document of so many pages, with a random
// ID, and returns it with the job's name.
func PrintRequest(pages int) (kiosk.PrintRequest, string) {
	id := strings.ToLower(rand.Text())
	data := PDF(pages)
	return kiosk.PrintRequest{
		ID: id, MediaType: "application/pdf", Size: int64(len(data)), Pages: pages,
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}, "pointnum-" + id
}

// PDF makes a PDF file of empty A4 pages.
func PDF(pages int) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n", len(offsets))
		fmt.Fprintf(&b, format, args...)
		b.WriteString("\nendobj\n")
	}
	b.WriteString("%PDF-1.4\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	var kids strings.Builder
	for i := range pages {
		fmt.Fprintf(&kids, "%d 0 R ", i+3)
	}
	object("<< /Type /Pages /Count %d /Kids [ %s] >>", pages, kids.String())
	for range pages {
		object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>")
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return b.Bytes()
}

// printing is a Print under way in a goroutine.
type printing struct {
	cancel context.CancelFunc
	result chan error

	mu   sync.Mutex
	last kiosk.PrintProgress
	seen []kiosk.PrintProgress
}

func startPrinting(t *testing.T, p kiosk.Printer, req kiosk.PrintRequest) *printing {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	job := &printing{cancel: cancel, result: make(chan error, 1)}
	go func() {
		job.result <- p.Print(ctx, req, func(now kiosk.PrintProgress) {
			job.mu.Lock()
			defer job.mu.Unlock()
			job.last = now
			job.seen = append(job.seen, now)
		})
	}()
	return job
}

// reaches waits until the job's progress is as wanted.
func (j *printing) reaches(t *testing.T, what string, ok func(kiosk.PrintProgress) bool) {
	t.Helper()
	printerEventually(t, what, func() bool {
		j.mu.Lock()
		defer j.mu.Unlock()
		return ok(j.last)
	})
}

// wait returns what Print returned.
func (j *printing) wait(t *testing.T) error {
	t.Helper()
	select {
	case err := <-j.result:
		return err
	case <-time.After(printerWait):
		t.Fatal("Print did not return")
		return nil
	}
}

// endsWhileHeld returns what Print of a held job that is being cancelled
// returned. Some printers end such a job only when it goes on: the hold is
// taken away once the driver had ample time to say that the job is cancelled.
func (j *printing) endsWhileHeld(t *testing.T, rig PrinterRig) error {
	t.Helper()
	select {
	case err := <-j.result:
		rig.Hold(t, false)
		return err
	case <-time.After(3 * time.Second):
		rig.Hold(t, false)
		return j.wait(t)
	}
}

func printerEventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(printerWait)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func mustCode(t *testing.T, err error, want kiosk.Code) {
	t.Helper()
	if got := kiosk.CodeOf(err); got != want {
		t.Fatalf("got %v (code %q), want %q", err, got, want)
	}
}

func printerSaysReady(t *testing.T, rig PrinterRig) {
	info := rig.Printer.Info()
	if info.Kind != kiosk.KindPrinter || info.Driver == "" || info.ID == "" || info.Model == "" || info.URI == "" {
		t.Errorf("info is not complete: %+v", info)
	}
	s, err := rig.Printer.Status(t.Context())
	if err != nil || !s.Ready || len(s.Conditions) > 0 {
		t.Fatalf("status %+v, %v; want ready without conditions", s, err)
	}
	for _, l := range s.Supplies {
		if l.Name == "" || l.Percent < -1 || l.Percent > 100 {
			t.Errorf("supply %+v makes no sense", l)
		}
	}
}

func printerPrintsOnce(t *testing.T, rig PrinterRig) {
	req, name := PrintRequest(2)
	for range 2 {
		job := startPrinting(t, rig.Printer, req)
		mustCode(t, job.wait(t), "")
		if job.last.Pages != 2 {
			t.Errorf("progress ended at %d of 2 sides: %v", job.last.Pages, job.seen)
		}
		for i := 1; i < len(job.seen); i++ {
			if job.seen[i].Pages < job.seen[i-1].Pages {
				t.Errorf("progress went back: %v", job.seen)
			}
		}
	}
	printerEventually(t, "the job is out", func() bool { return len(rig.Printed()) > 0 })
	if got := rig.Printed(); !slices.Equal(got, []string{name}) {
		t.Errorf("printed %q, want only %q", got, name)
	}
	other, otherName := PrintRequest(1)
	mustCode(t, startPrinting(t, rig.Printer, other).wait(t), "")
	printerEventually(t, "the other job is out", func() bool {
		return slices.Equal(rig.Printed(), []string{name, otherName})
	})
}

func printerRejects(t *testing.T, rig PrinterRig) {
	req, _ := PrintRequest(1)
	req.MediaType = "application/x-pointnum-test"
	mustCode(t, startPrinting(t, rig.Printer, req).wait(t), kiosk.CodeJobRejected)
	if got := rig.Printed(); len(got) > 0 {
		t.Errorf("printed %q", got)
	}
}

func printerRefusesEarly(t *testing.T, rig PrinterRig) {
	for _, fault := range rig.Idle {
		rig.Set(t, fault, false, true)
		s, err := rig.Printer.Status(t.Context())
		if err != nil || !slices.Contains(s.Conditions, fault) {
			t.Fatalf("status %+v, %v; want condition %q", s, err, fault)
		}
		req, name := PrintRequest(1)
		err = startPrinting(t, rig.Printer, req).wait(t)
		if s.Ready {
			mustCode(t, err, "") // a warning
		} else {
			mustCode(t, err, fault)
			if slices.Contains(rig.Printed(), name) {
				t.Errorf("%s: printed all the same", fault)
			}
		}
		rig.Set(t, fault, false, false)
		mustCode(t, startPrinting(t, rig.Printer, req).wait(t), "")
		printerEventually(t, "the job is out", func() bool { return slices.Contains(rig.Printed(), name) })
	}
}

// heldJob starts a job and holds it after its first side.
func heldJob(t *testing.T, rig PrinterRig, req kiosk.PrintRequest) *printing {
	t.Helper()
	rig.Hold(t, true)
	job := startPrinting(t, rig.Printer, req)
	job.reaches(t, "a first side is out", func(p kiosk.PrintProgress) bool { return p.Pages >= 1 })
	return job
}

func printerWaitsInJob(t *testing.T, rig PrinterRig) {
	for _, fault := range rig.InJob {
		req, name := PrintRequest(2)
		job := heldJob(t, rig, req)
		rig.Set(t, fault, true, true)
		rig.Hold(t, false)
		job.reaches(t, string(fault)+" is reported", func(p kiosk.PrintProgress) bool { return slices.Contains(p.Conditions, fault) })
		if s, err := rig.Printer.Status(t.Context()); err != nil || s.Ready {
			t.Errorf("%s: status %+v, %v while the job waits; want not ready", fault, s, err)
		}
		rig.Set(t, fault, true, false)
		mustCode(t, job.wait(t), "")
		if n := len(slices.DeleteFunc(rig.Printed(), func(s string) bool { return s != name })); n != 1 {
			t.Errorf("%s: printed %d times", fault, n)
		}
	}
}

func printerAborted(t *testing.T, rig PrinterRig) {
	rig.Abort(t)
	req, _ := PrintRequest(3)
	mustCode(t, startPrinting(t, rig.Printer, req).wait(t), kiosk.CodeJobAborted)
	if got := rig.Printed(); len(got) > 0 {
		t.Errorf("printed %q", got)
	}
}

func printerCancel(t *testing.T, rig PrinterRig) {
	req, _ := PrintRequest(4)
	job := heldJob(t, rig, req)
	job.cancel()
	mustCode(t, job.endsWhileHeld(t, rig), kiosk.CodeCanceled)

	next, name := PrintRequest(1)
	mustCode(t, startPrinting(t, rig.Printer, next).wait(t), "")
	printerEventually(t, "the next job is out", func() bool { return slices.Contains(rig.Printed(), name) })
}

func printerClose(t *testing.T, rig PrinterRig) {
	req, _ := PrintRequest(4)
	job := heldJob(t, rig, req)
	second, _ := PrintRequest(1)
	mustCode(t, startPrinting(t, rig.Printer, second).wait(t), kiosk.CodeDeviceBusy)
	closed := make(chan error, 1)
	go func() { closed <- errors.Join(rig.Printer.Close(), rig.Printer.Close()) }()
	mustCode(t, job.endsWhileHeld(t, rig), kiosk.CodeCanceled)
	if err := <-closed; err != nil {
		t.Errorf("close: %v", err)
	}
}

func printerGone(t *testing.T, rig PrinterRig) {
	rig.Unplug(t)
	_, err := rig.Printer.Status(t.Context())
	mustCode(t, err, kiosk.CodeUnplugged)
	req, _ := PrintRequest(1)
	mustCode(t, startPrinting(t, rig.Printer, req).wait(t), kiosk.CodeUnplugged)
}
