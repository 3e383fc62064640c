package health_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/health"
)

func TestWhatEndangersPapersShowsAtOnce(t *testing.T) {
	for _, name := range []string{health.SwapOn, health.SpoolOnDisk, health.WipeFailed} {
		var tr health.Tracker
		tr.Set(name, kiosk.CodeOutOfOrder, "detail")
		if got := names(tr.State()); !slices.Equal(got, []string{name}) {
			t.Errorf("got %v, want %s", got, name)
		}
	}
}

func TestADeviceThatComesBackInTimeAlarmsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr health.Tracker
		printer := health.Device("printer")
		tr.Set(printer, kiosk.CodeNotResponding, "")
		time.Sleep(health.DeviceDelay - 1)
		if got := tr.State(); len(got) != 0 {
			t.Errorf("too early: %v", got)
		}
		tr.Clear(printer)
		time.Sleep(time.Hour)
		if got := tr.State(); len(got) != 0 {
			t.Errorf("cleared, and yet %v", got)
		}
	})
}

func TestAConditionKeepsItsTimeWhenItsCauseChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr health.Tracker
		since := time.Now()
		tr.Set(health.Device("printer"), kiosk.CodePaperJam, "tray 1")
		time.Sleep(health.DeviceDelay)
		tr.Set(health.Device("printer"), kiosk.CodeCoverOpen, "")
		tr.Set(health.SwapOn, kiosk.CodeOutOfOrder, "/dev/sda2")
		got := tr.State()
		want := []health.Condition{
			{Name: "device/printer", Code: kiosk.CodeCoverOpen, Since: since},
			{Name: health.SwapOn, Code: kiosk.CodeOutOfOrder, Detail: "/dev/sda2", Since: since.Add(health.DeviceDelay)},
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
	})
}

func TestTheDelayCanBeAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := health.Tracker{Delay: func(string) time.Duration { return time.Minute }}
		tr.Set(health.SwapOn, kiosk.CodeOutOfOrder, "")
		if got := tr.State(); len(got) != 0 {
			t.Errorf("too early: %v", got)
		}
		time.Sleep(time.Minute)
		if got := tr.State(); len(got) != 1 {
			t.Errorf("got %v", got)
		}
	})
}

func TestManyMayUseItAtOnce(t *testing.T) {
	var tr health.Tracker
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				tr.Set(health.SwapOn, kiosk.CodeOutOfOrder, "")
				tr.State()
				tr.Clear(health.SwapOn)
			}
		})
	}
	wg.Wait()
	if got := tr.State(); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func names(conditions []health.Condition) []string {
	var out []string
	for _, c := range conditions {
		out = append(out, c.Name)
	}
	return out
}
