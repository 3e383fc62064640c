package session_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

func TestAfterTheEndNothingIsAccepted(t *testing.T) {
	r := start(t)
	r.do(session.Start{})
	r.stop()
	if s := r.now(); s.Screen != session.ScreenGoodbye || !s.Wiped || s.Visit != "" || r.runErr != nil {
		t.Errorf("after the shutdown %+v, %v", s, r.runErr)
	}
	if err := r.Do(t.Context(), session.Start{}); kiosk.CodeOf(err) != kiosk.CodeOutOfOrder {
		t.Errorf("got %v, want %q", err, kiosk.CodeOutOfOrder)
	}
	if n := r.kinds()[session.EventEnded]; n != 1 {
		t.Errorf("%d ends were counted", n)
	}
}

func TestAShutdownDoesNotWaitForADriverBeforeItWipes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := start(t)
		r.do(session.Start{})
		r.desk.feed("a")
		r.desk.feedFunc(func(context.Context) (string, error) {
			<-release
			return "late", nil
		})
		r.do(session.Scan{})
		synctest.Wait()
		go r.stop()
		time.Sleep(16 * time.Second)
		if left := r.files(); len(left) != 0 {
			t.Errorf("left %v while the driver hangs", left)
		}
		close(release)
		synctest.Wait()
		if left := r.files(); len(left) != 0 || r.runErr != nil {
			t.Errorf("left %v, %v", left, r.runErr)
		}
	})
}

func TestSensorsThatWereUnpluggedAreFeltAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t)
		r.desk.set(func() {
			close(r.desk.cut)
			r.desk.watched, r.desk.cut = make(chan struct{}), make(chan struct{})
		})
		time.Sleep(10 * time.Second)
		<-r.desk.watched
		r.desk.on(kiosk.SignalHelp, true)
		if !r.now().Help {
			t.Error("the button is not felt")
		}
		r.stop()
	})
}

func TestNamesOfFilesAreSafe(t *testing.T) {
	for name, want := range map[string]string{
		"":                               "document.pdf",
		"attestation loyer.pdf":          "attestation-loyer.pdf",
		"../../etc/passwd":               "etcpasswd.pdf",
		"été \u202etxt.exe":              "t-txtexe.pdf",
		strings.Repeat("a", 300):         strings.Repeat("a", 60) + ".pdf",
		"2026-11-21_caf_avis-imposition": "2026-11-21_caf_avis-imposition.pdf",
	} {
		r := start(t, func(c *session.Config) { c.Name = func(session.State) string { return name } })
		s := r.result("caf", "a")
		if got := s.Doc().Result.Name; got != want {
			t.Errorf("%q gave %q, want %q", name, got, want)
		}
		r.stop()
	}
}

func TestAFileThatIsBiggerThanItSaysIsRefused(t *testing.T) {
	d := &desk{files: map[string]string{"liar": strings.Repeat("x", 2000)}, claim: 10}
	r := startIn(t, folder(t), d, func(c *session.Config) { c.MaxFile = 1000 })
	r.do(session.Start{}, session.ListKey{})
	r.wait("the list", func(s session.State) bool { return s.Keys != nil && s.Task == nil })
	r.do(session.Import{File: "liar"})
	if s := r.idle(); s.Fault == nil || s.Fault.Code != kiosk.CodeFileTooBig || r.spool.Usage().Blobs != 0 {
		t.Errorf("fault %+v, %+v", s.Fault, r.spool.Usage())
	}
}

func TestPrintingCanBeCancelled(t *testing.T) {
	r := start(t)
	r.result("caf", "a")
	reached := make(chan struct{})
	r.desk.print = func(ctx context.Context, _ func(kiosk.PrintProgress)) error {
		close(reached)
		<-ctx.Done()
		return context.Cause(ctx)
	}
	r.do(session.Print{})
	<-reached
	r.do(session.Cancel{})
	if s := r.idle(); s.Fault != nil || s.Doc().Result.Printed || s.Screen != session.ScreenResult {
		t.Errorf("%s, fault %+v, result %+v", s.Screen, s.Fault, s.Doc().Result)
	}
}
