package session_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

// bubble runs f with a clock of its own.
func bubble(t *testing.T, f func(t *testing.T, r *rig), change ...func(*session.Config)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, change...)
		f(t, r)
		r.stop()
	})
}

func TestAVisitNobodyAttendsEndsAfterAWarning(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.do(session.Start{Lang: "ar"})
		time.Sleep(119 * time.Second)
		if s := r.now(); !s.IdleWarning.IsZero() {
			t.Error("warned too early")
		}
		time.Sleep(2 * time.Second)
		s := r.now()
		if left := time.Until(s.IdleWarning); left != 59*time.Second {
			t.Errorf("%v left after one second of warning", left)
		}
		time.Sleep(58 * time.Second)
		if s := r.now(); s.Screen != session.ScreenScan {
			t.Errorf("ended too early: %s", s.Screen)
		}
		time.Sleep(2 * time.Second)
		if s := r.now(); s.Screen != session.ScreenGoodbye || !s.Wiped || s.Lang != "fr" {
			t.Errorf("after the warning %+v", s)
		}
		time.Sleep(12 * time.Second)
		if s := r.now(); s.Screen != session.ScreenWelcome || s.Wiped {
			t.Errorf("after the goodbye %+v", s)
		}
	})
}

func TestAVisitIsExtendedAsOftenAsSomebodyIsThere(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.do(session.Start{})
		visit := r.now().Visit
		for i := range 12 {
			time.Sleep(175 * time.Second) // five seconds before the end
			if r.now().IdleWarning.IsZero() {
				t.Fatalf("no warning the %d. time", i+1)
			}
			r.do(session.StillHere{})
			if s := r.now(); !s.IdleWarning.IsZero() || s.Visit != visit {
				t.Fatalf("after the touch %+v", s)
			}
		}
	})
}

func TestWaitingForHelpIsNotIdleness(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.do(session.Start{})
		r.do(session.CallHelp{})
		time.Sleep(9 * time.Minute)
		if s := r.now(); !s.IdleWarning.IsZero() || s.Screen != session.ScreenScan {
			t.Errorf("while somebody waits for help: %+v", s)
		}
		time.Sleep(90 * time.Second)
		if r.now().IdleWarning.IsZero() {
			t.Error("a call that nobody answers keeps the visit open for ever")
		}
	})
}

func TestATaskStopsTheClock(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.do(session.Start{})
		reached := stuck(r.desk)
		r.do(session.Scan{})
		<-reached
		time.Sleep(9 * time.Minute)
		s := r.now()
		if s.Task == nil || !s.IdleWarning.IsZero() {
			t.Errorf("the visit was not left alone while it scanned: %+v", s)
		}
		r.do(session.Cancel{})
		synctest.Wait()
		time.Sleep(119 * time.Second)
		if !r.now().IdleWarning.IsZero() {
			t.Error("the clock did not begin again after the task")
		}
		time.Sleep(2 * time.Second)
		if r.now().IdleWarning.IsZero() {
			t.Error("the clock stood still after the task")
		}
	})
}

func TestATaskWithoutProgressIsCancelled(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.do(session.Start{})
		stuck(r.desk)
		r.do(session.Scan{})
		time.Sleep(10*time.Minute + time.Second)
		s := r.now()
		if s.Task != nil || s.Fault == nil || s.Fault.Code != kiosk.CodeNotResponding || !s.Fault.Retry {
			t.Errorf("task %+v, fault %+v", s.Task, s.Fault)
		}
	})
}

func TestATaskThatDoesNotLetGoKeepsTheNextVisitorOut(t *testing.T) {
	release := make(chan struct{})
	bubble(t, func(t *testing.T, r *rig) {
		release = make(chan struct{})
		r.desk.feed("a")
		r.desk.feedFunc(func(context.Context) (string, error) {
			<-release // a driver that does not listen
			return "late", nil
		})
		r.do(session.Start{}, session.Scan{})
		time.Sleep(time.Second)
		r.do(session.Leave{})
		if s := r.now(); s.Task == nil || s.Task.Kind != session.TaskWipe {
			t.Errorf("task %+v", s.Task)
		}
		time.Sleep(16 * time.Second)
		if s := r.now(); s.Screen != session.ScreenBroken || s.Fault.Code != kiosk.CodeOutOfOrder || len(r.files()) != 0 {
			t.Errorf("%s, fault %+v, files %v", s.Screen, s.Fault, r.files())
		}
		if err := r.Do(t.Context(), session.Start{}); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("a new visit while the old one's scan runs: %v", err)
		}
		close(release)
		time.Sleep(time.Second)
		if s := r.now(); s.Screen != session.ScreenGoodbye || !s.Wiped || len(r.files()) != 0 {
			t.Errorf("%s, files %v", s.Screen, r.files())
		}
	})
}

func TestTheLanguageOfAPasserbyIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.do(session.SetLanguage{Lang: "uk"})
		time.Sleep(119 * time.Second)
		if got := r.now().Lang; got != "uk" {
			t.Errorf("language %q", got)
		}
		time.Sleep(2 * time.Second)
		if got := r.now().Lang; got != "fr" {
			t.Errorf("language %q", got)
		}
	})
}

func TestAWarningOfLessThanTwentySecondsIsRefused(t *testing.T) {
	r := start(t)
	_, err := session.New(session.Config{Devices: stubDevices{}, Spool: r.spool, Documents: r.desk,
		Portals: portals{}, Warning: 19 * time.Second})
	if err == nil {
		t.Error("accepted")
	}
}

type stubDevices struct{ session.Devices }
