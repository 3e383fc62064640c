package drivertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"pointnum/kiosk"
)

// patience bounds every wait of the suites. It is long because test machines
// are slow; nothing waits that long when all is well.
const patience = 30 * time.Second

// ScannerSituation is how a scanner is prepared before a test.
type ScannerSituation string

// The situations.
const (
	ScannerLoaded ScannerSituation = "loaded" // ScannerRig.Sheets sheets in the feeder
	ScannerSlow   ScannerSituation = "slow"   // the same, and each page takes 0.3 s or more
	ScannerEmpty  ScannerSituation = "empty"  // nothing in the feeder, and no glass is asked for
	ScannerJammed ScannerSituation = "jammed" // loaded; sheet ScannerRig.JamSheet jams
)

// ScannerRig is a scanner driver with a counterpart to drive.
type ScannerRig struct {
	// Open prepares the counterpart and opens the driver on it. The suite
	// closes the scanner; what else was started ends by t.Cleanup.
	Open func(t *testing.T, s ScannerSituation) kiosk.Scanner
	// Sheets is how many one-sided sheets a loaded feeder holds, at least 2.
	Sheets int
	// JamSheet is the sheet at which ScannerJammed strikes; 0 when the
	// counterpart can't jam.
	JamSheet int
	// NoGlass is set when the counterpart has a feeder only.
	NoGlass bool
	// Options are used for every scan; Source is set by the suite.
	Options kiosk.ScanOptions
	// Check, when set, looks at a page of the feeder, counted from 0.
	Check func(t *testing.T, i int, p kiosk.RawPage, data []byte)
}

// ScannerSuite holds a scanner driver to the contracts of kiosk.Scanner,
// kiosk.ScanJob and kiosk.Device.
func ScannerSuite(t *testing.T, rig ScannerRig) {
	cases := []struct {
		name      string
		situation ScannerSituation
		test      func(*testing.T, ScannerRig, kiosk.Scanner)
	}{
		{"pages come in order until the feeder is empty", ScannerLoaded, testPagesInOrder},
		{"the glass gives one page", ScannerLoaded, testGlass},
		{"a second scan finds the scanner busy", ScannerSlow, testSecondScan},
		{"status does not wait for a running job", ScannerSlow, testStatusDuringJob},
		{"a scan that is cancelled in mid-page frees the scanner", ScannerSlow, testCancel},
		{"a job that is closed in mid-page frees the scanner", ScannerSlow, testCloseJob},
		{"a scan cancelled before it starts does not start", ScannerLoaded, testCancelledBefore},
		{"an empty feeder is a fault, not a document of no pages", ScannerEmpty, testEmpty},
		{"a jam keeps the pages before it and names the sheet", ScannerJammed, testJam},
		{"closing twice is no error and ends a running job", ScannerSlow, testCloseTwice},
	}
	for _, c := range cases {
		if c.situation == ScannerJammed && rig.JamSheet == 0 || c.name == "the glass gives one page" && rig.NoGlass {
			continue
		}
		before := runtime.NumGoroutine()
		t.Run(c.name, func(t *testing.T) {
			s := rig.Open(t, c.situation)
			defer s.Close()
			checkInfo(t, s)
			c.test(t, rig, s)
		})
		waitGoroutines(t, before)
	}
}

func checkInfo(t *testing.T, s kiosk.Scanner) {
	t.Helper()
	if i := s.Info(); i.ID == "" || i.Kind != kiosk.KindScanner || i.Driver == "" || i.URI == "" {
		t.Errorf("Info is incomplete: %+v", i)
	}
}

// waitGoroutines waits until no more goroutines run than before.
func waitGoroutines(t *testing.T, before int) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before,
				stacks[:runtime.Stack(stacks, true)])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func feederOptions(rig ScannerRig) kiosk.ScanOptions {
	o := rig.Options
	o.Source = kiosk.SourceFeeder
	return o
}

func mustScan(ctx context.Context, t *testing.T, s kiosk.Scanner, o kiosk.ScanOptions) kiosk.ScanJob {
	t.Helper()
	j, err := s.Scan(ctx, o)
	if err != nil {
		t.Fatalf("Scan: %v", err)
	}
	return j
}

// readPages reads a job to its end and returns how many pages came and why it
// ended.
func readPages(t *testing.T, rig ScannerRig, j kiosk.ScanJob) (int, error) {
	t.Helper()
	for n := 0; ; n++ {
		p, err := j.Next()
		if err != nil {
			return n, err
		}
		data, err := io.ReadAll(p)
		if err != nil {
			t.Fatalf("page %d: %v", n+1, err)
		}
		if p.Sheet != n+1 || p.Back {
			t.Errorf("page %d is sheet %d, back %t", n+1, p.Sheet, p.Back)
		}
		checkMediaType(t, p, data)
		if rig.Check != nil {
			rig.Check(t, n, p, data)
		}
	}
}

func checkMediaType(t *testing.T, p kiosk.RawPage, data []byte) {
	t.Helper()
	magic := map[string]string{"image/jpeg": "\xff\xd8", "image/png": "\x89PNG"}[p.MediaType]
	if magic == "" || !bytes.HasPrefix(data, []byte(magic)) {
		t.Errorf("a page of %d bytes is no %q", len(data), p.MediaType)
	}
}

func testPagesInOrder(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	j := mustScan(t.Context(), t, s, feederOptions(rig))
	n, err := readPages(t, rig, j)
	if n != rig.Sheets || err != io.EOF {
		t.Fatalf("%d pages, then %v; want %d, then io.EOF", n, err, rig.Sheets)
	}
	if _, err := j.Next(); err != io.EOF {
		t.Errorf("Next after the end: %v, want io.EOF again", err)
	}
	for range 2 {
		if err := j.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

func testGlass(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	o := rig.Options
	o.Source = kiosk.SourceGlass
	for range 2 { // the page stays on the glass
		j := mustScan(t.Context(), t, s, o)
		n := 0
		var err error
		for err == nil {
			var p kiosk.RawPage
			if p, err = j.Next(); err == nil {
				n++
				if p.Sheet != 1 {
					t.Errorf("the page on the glass is sheet %d", p.Sheet)
				}
			}
		}
		if n != 1 || err != io.EOF {
			t.Errorf("%d pages, then %v; want 1, then io.EOF", n, err)
		}
		_ = j.Close()
	}
}

func wantCode(t *testing.T, err error, want kiosk.Code) {
	t.Helper()
	if got := kiosk.CodeOf(err); got != want {
		t.Errorf("got %v (code %q), want %q", err, got, want)
	}
	if errors.Is(err, io.EOF) {
		t.Errorf("%v passes for the last page: it wraps io.EOF", err)
	}
}

func testSecondScan(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	j := mustScan(t.Context(), t, s, feederOptions(rig))
	defer j.Close()
	started := time.Now()
	_, err := s.Scan(t.Context(), feederOptions(rig))
	wantCode(t, err, kiosk.CodeDeviceBusy)
	if took := time.Since(started); took > 2*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	if _, err := j.Next(); err != nil {
		t.Errorf("the first job was disturbed: %v", err)
	}
}

func testStatusDuringJob(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	st, err := s.Status(t.Context())
	if err != nil || !st.Ready {
		t.Errorf("before the job: %+v, %v; want ready", st, err)
	}
	j := mustScan(t.Context(), t, s, feederOptions(rig))
	defer j.Close()
	next := make(chan error, 1)
	go func() {
		_, err := j.Next()
		next <- err
	}()
	st, err = s.Status(t.Context())
	select {
	case <-next:
		t.Error("Status waited for the page")
		return
	default:
	}
	if err != nil || st.Ready {
		t.Errorf("during the job: %+v, %v; want not ready", st, err)
	}
	if err := <-next; err != nil {
		t.Errorf("the job was disturbed: %v", err)
	}
}

var errVisitorLeft = errors.New("the visitor left")

func testCancel(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	ctx, cancel := context.WithCancelCause(t.Context())
	j := mustScan(ctx, t, s, feederOptions(rig))
	if _, err := j.Next(); err != nil {
		t.Fatalf("first page: %v", err)
	}
	time.AfterFunc(100*time.Millisecond, func() { cancel(errVisitorLeft) }) // in mid-page, by ScannerSlow
	started := time.Now()
	_, err := j.Next()
	if !errors.Is(err, errVisitorLeft) {
		t.Errorf("Next: %v, want the cause", err)
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("it took %v to end", took)
	}
	_ = j.Close()
	scanAgain(t, rig, s)
}

func testCloseJob(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	j := mustScan(t.Context(), t, s, feederOptions(rig))
	if _, err := j.Next(); err != nil {
		t.Fatalf("first page: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if _, err := j.Next(); err == nil {
		t.Error("Next after Close gave a page")
	}
	scanAgain(t, rig, s)
}

// scanAgain scans one page, from the glass where there is one: the feeder may
// be empty by now.
func scanAgain(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	t.Helper()
	o := rig.Options
	o.Source = kiosk.SourceGlass
	if rig.NoGlass {
		o.Source = kiosk.SourceFeeder
	}
	j := mustScan(t.Context(), t, s, o)
	defer j.Close()
	if _, err := j.Next(); err != nil {
		t.Errorf("the next scan: %v", err)
	}
}

func testCancelledBefore(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errVisitorLeft)
	j, err := s.Scan(ctx, feederOptions(rig))
	if err == nil {
		_, err = j.Next()
		_ = j.Close()
	}
	if !errors.Is(err, errVisitorLeft) {
		t.Errorf("got %v, want the cause", err)
	}
	scanAgain(t, rig, s)
}

func testEmpty(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	for range 2 { // the fault must not stick
		j, err := s.Scan(t.Context(), feederOptions(rig))
		if err == nil {
			_, err = j.Next()
			_ = j.Close()
		}
		wantCode(t, err, kiosk.CodeFeederEmpty)
	}
}

func testJam(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	j := mustScan(t.Context(), t, s, feederOptions(rig))
	defer j.Close()
	n, err := readPages(t, rig, j)
	if n != rig.JamSheet-1 {
		t.Errorf("%d pages came before the jam, want %d", n, rig.JamSheet-1)
	}
	wantCode(t, err, kiosk.CodePaperJam)
	if ke, ok := errors.AsType[*kiosk.Error](err); !ok || ke.Sheet != rig.JamSheet || ke.Device != s.Info().ID {
		t.Errorf("got %#v, want sheet %d of %q", err, rig.JamSheet, s.Info().ID)
	}
	if _, again := j.Next(); kiosk.CodeOf(again) != kiosk.CodePaperJam {
		t.Errorf("Next after the jam: %v", again)
	}
}

func testCloseTwice(t *testing.T, rig ScannerRig, s kiosk.Scanner) {
	j := mustScan(t.Context(), t, s, feederOptions(rig))
	next := make(chan error, 1)
	go func() {
		_, err := j.Next()
		next <- err
	}()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	select {
	case <-next: // an error, or the page that was quicker
	case <-time.After(patience):
		t.Fatal("Next still waits for a closed scanner")
	}
	if _, err := s.Scan(t.Context(), feederOptions(rig)); err == nil {
		t.Error("a closed scanner scans")
	}
	_ = j.Close()
}
