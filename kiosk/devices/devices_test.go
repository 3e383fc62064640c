package devices_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/devices"
)

// bench is the other end of the fake scanners' cables.
type bench struct {
	mu      sync.Mutex
	openErr error
	status  kiosk.Status
	err     error
	opens   int
	closes  int
}

func (b *bench) set(f func(*bench)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b)
}

func (b *bench) driver() kiosk.Driver {
	return kiosk.Driver{Name: "fake", Kind: kiosk.KindScanner,
		Open: func(_ context.Context, s kiosk.Spec, _ *slog.Logger) (kiosk.Device, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.opens++
			if b.openErr != nil {
				return nil, b.openErr
			}
			return &scanner{bench: b, id: s.ID}, nil
		}}
}

type scanner struct {
	bench *bench
	id    kiosk.DeviceID
}

func (s *scanner) Info() kiosk.Info {
	return kiosk.Info{ID: s.id, Kind: kiosk.KindScanner, Model: "Fake 100"}
}

func (s *scanner) Status(context.Context) (kiosk.Status, error) {
	s.bench.mu.Lock()
	defer s.bench.mu.Unlock()
	return s.bench.status, s.bench.err
}

func (s *scanner) Close() error {
	s.bench.set(func(b *bench) { b.closes++ })
	return nil
}

func (s *scanner) Scan(context.Context, kiosk.ScanOptions) (kiosk.ScanJob, error) {
	return nil, errors.New("not used here")
}

func fault(c kiosk.Code) error { return &kiosk.Error{Code: c, Op: "fake"} }

// run starts a manager of one fake scanner inside a synctest bubble.
func run(t *testing.T, b *bench) *devices.Manager {
	t.Helper()
	m, err := devices.New([]kiosk.Spec{{ID: "s1", Driver: "fake"}}, []kiosk.Driver{b.driver()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	m.Hotplug = func(ctx context.Context, _ func()) error { <-ctx.Done(); return nil }
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := m.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	synctest.Wait()
	return m
}

func state(m *devices.Manager) devices.State {
	all, _ := m.State().Load()
	return all[0]
}

func expect(t *testing.T, m *devices.Manager, ready bool, conditions ...kiosk.Code) {
	t.Helper()
	synctest.Wait()
	got := state(m).Status
	if got.Ready != ready || !slices.Equal(got.Conditions, conditions) {
		t.Errorf("ready %v %v, want %v %v", got.Ready, got.Conditions, ready, conditions)
	}
}

func TestConfigurationErrorsNameTheDevice(t *testing.T) {
	b := &bench{}
	for _, c := range []struct {
		name  string
		specs []kiosk.Spec
	}{
		{"an unknown driver", []kiosk.Spec{{ID: "s9", Driver: "nobody"}}},
		{"the same name twice", []kiosk.Spec{{ID: "s9", Driver: "fake"}, {ID: "s9", Driver: "fake"}}},
	} {
		_, err := devices.New(c.specs, []kiosk.Driver{b.driver()}, slog.New(slog.DiscardHandler))
		if err == nil || !slices.Contains([]string{`devices: device "s9": no driver "nobody"`,
			`devices: two devices are called "s9"`}, err.Error()) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestAConditionMustLastBeforeItShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{status: kiosk.Status{Ready: true}}
		m := run(t, b)
		expect(t, m, true)
		open := kiosk.Status{Conditions: []kiosk.Code{kiosk.CodeCoverOpen}}

		// It flaps: open when asked, closed when asked again.
		for range 5 {
			b.set(func(b *bench) { b.status = open })
			m.Poke()
			synctest.Wait()
			b.set(func(b *bench) { b.status = kiosk.Status{Ready: true} })
			time.Sleep(time.Second)
			expect(t, m, true)
		}
		b.set(func(b *bench) { b.status = open })
		time.Sleep(3 * time.Second) // a poll, and a second
		expect(t, m, false, kiosk.CodeCoverOpen)
		since := state(m).Since
		time.Sleep(time.Minute)
		if got := state(m).Since; !got.Equal(since) {
			t.Errorf("Since moved from %v to %v while nothing changed", since, got)
		}
		b.set(func(b *bench) { b.status = kiosk.Status{Ready: true} })
		time.Sleep(3 * time.Second)
		expect(t, m, true)
	})
}

func TestADeviceThatIsUnpluggedIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{openErr: fault(kiosk.CodeUnplugged), status: kiosk.Status{Ready: true}}
		m := run(t, b)
		expect(t, m, false, kiosk.CodeUnplugged)
		if _, err := m.Scanner(t.Context()); kiosk.CodeOf(err) != kiosk.CodeUnplugged {
			t.Errorf("lent a device that is not there: %v", err)
		}
		time.Sleep(10 * time.Minute)
		b.set(func(b *bench) {
			if b.opens < 15 || b.opens > 40 {
				t.Errorf("%d tries to open in ten minutes", b.opens)
			}
			b.openErr = nil
		})
		m.Poke() // plugged in
		time.Sleep(250 * time.Millisecond)
		expect(t, m, true)

		b.set(func(b *bench) { b.err, b.openErr = fault(kiosk.CodeUnplugged), fault(kiosk.CodeUnplugged) })
		time.Sleep(2 * time.Second)
		expect(t, m, false, kiosk.CodeUnplugged)
		b.set(func(b *bench) { b.err, b.openErr = nil, nil })
		time.Sleep(time.Second)
		expect(t, m, true)
	})
}

func TestALeaseIsExclusiveAndCanBeGivenBackTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := run(t, &bench{status: kiosk.Status{Ready: true}})
		l, err := m.Scanner(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if l.Device.Info().Model != "Fake 100" || !state(m).Busy {
			t.Errorf("lent %+v, state %+v", l.Device.Info(), state(m))
		}
		if _, err := m.Scanner(t.Context()); kiosk.CodeOf(err) != kiosk.CodeDeviceBusy {
			t.Errorf("lent twice: %v", err)
		}
		if _, err := m.Printer(t.Context()); kiosk.CodeOf(err) != kiosk.CodeNoDevice {
			t.Errorf("got %v, want %q", err, kiosk.CodeNoDevice)
		}
		l.Close()
		l2, err := m.Scanner(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		l.Close() // the old lease again: must not free the new one
		if !state(m).Busy {
			t.Error("a lease that was over freed the device")
		}
		l2.Close()
		if state(m).Busy {
			t.Error("still busy after it was given back")
		}
	})
}

func TestAJobsFaultShowsAtOnceAndGoesWithTheFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{status: kiosk.Status{Ready: true}}
		m := run(t, b)
		l, err := m.Scanner(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []kiosk.Code{kiosk.CodeFeederEmpty, kiosk.CodeCanceled, kiosk.CodeBadPage} {
			_ = l.Report(fault(c))
			expect(t, m, true)
		}
		if err := l.Report(fault(kiosk.CodePaperJam)); kiosk.CodeOf(err) != kiosk.CodePaperJam {
			t.Errorf("report gave %v", err)
		}
		expect(t, m, false, kiosk.CodePaperJam)
		l.Close()
		time.Sleep(3 * time.Second)
		expect(t, m, true)
	})
}

func TestAJobThatFindsTheDeviceGoneHasItOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{status: kiosk.Status{Ready: true}}
		m := run(t, b)
		l, err := m.Scanner(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Report(fault(kiosk.CodeUnplugged))
		expect(t, m, false, kiosk.CodeUnplugged)
		l.Close()
		time.Sleep(time.Second)
		expect(t, m, true)
		b.set(func(b *bench) {
			if b.opens != 2 || b.closes != 1 {
				t.Errorf("opened %d times, closed %d times", b.opens, b.closes)
			}
		})
	})
}

func TestTwoJobsWithoutAnAnswerAskForAPowerCycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{status: kiosk.Status{Ready: true}}
		m := run(t, b)
		job := func(err error) kiosk.Code {
			l, lerr := m.Scanner(t.Context())
			if lerr != nil {
				t.Fatal(lerr)
			}
			defer l.Close()
			return kiosk.CodeOf(l.Report(err))
		}
		if got := job(fault(kiosk.CodeNotResponding)); got != kiosk.CodeNotResponding {
			t.Errorf("the first gave %q", got)
		}
		if got := job(fault(kiosk.CodeNotResponding)); got != kiosk.CodePowerCycle {
			t.Errorf("the second gave %q", got)
		}
		// It says that it is ready, as a stuck one does.
		time.Sleep(time.Minute)
		expect(t, m, false, kiosk.CodePowerCycle)
		b.set(func(b *bench) { b.err = fault(kiosk.CodeNotResponding) }) // switched off
		time.Sleep(4 * time.Second)
		b.set(func(b *bench) { b.err = nil })
		time.Sleep(5 * time.Second)
		expect(t, m, true)
		if got := job(fault(kiosk.CodeNotResponding)); got != kiosk.CodeNotResponding {
			t.Errorf("after the power cycle the first gave %q", got)
		}
		if got := job(nil); got != "" {
			t.Errorf("a good job gave %q", got)
		}
		if got := job(fault(kiosk.CodeNotResponding)); got != kiosk.CodeNotResponding {
			t.Errorf("after a good job the first gave %q", got)
		}
	})
}

func TestADeviceThatStaysSilentIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{status: kiosk.Status{Ready: true}}
		m := run(t, b)
		b.set(func(b *bench) { b.err = fault(kiosk.CodeNotResponding) })
		time.Sleep(5 * time.Second)
		expect(t, m, false, kiosk.CodePowerCycle)
		time.Sleep(5 * time.Second)
		b.set(func(b *bench) {
			if b.opens < 2 {
				t.Error("never opened again: it may have a new address")
			}
			b.err = nil
		})
		time.Sleep(5 * time.Second)
		expect(t, m, true)
	})
}

func TestBorrowersRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := run(t, &bench{status: kiosk.Status{Ready: true}})
		var inUse sync.Mutex
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 50 {
					l, err := m.Scanner(t.Context())
					if err != nil {
						if kiosk.CodeOf(err) != kiosk.CodeDeviceBusy {
							t.Error(err)
						}
						continue
					}
					if !inUse.TryLock() {
						t.Error("lent to two borrowers at once")
						continue
					}
					_ = l.Report(nil)
					inUse.Unlock()
					l.Close()
				}
			})
		}
		wg.Wait()
	})
}

func FuzzKernelEvent(f *testing.F) {
	f.Add([]byte("add@/devices/pci0000:00/usb1/1-1\x00ACTION=add\x00SUBSYSTEM=usb\x00"))
	f.Add([]byte("libudev\x00\xfe\xed\xca\xfe"))
	f.Add([]byte("SUBSYSTEM=usb"))
	f.Fuzz(func(t *testing.T, event []byte) {
		if devices.Relevant(event) && !bytes.Contains(event, []byte("SUBSYSTEM=")) {
			t.Errorf("%q is relevant without a subsystem", event)
		}
	})
}

func TestKernelEvents(t *testing.T) {
	for _, c := range []struct {
		name  string
		event string
		want  bool
	}{
		{"a usb device came", "add@/devices/pci0000:00/usb1/1-1\x00ACTION=add\x00SUBSYSTEM=usb\x00", true},
		{"a serial port went", "remove@/devices/virtual/tty/tty9\x00SUBSYSTEM=tty\x00SEQNUM=7", true},
		{"something internal", "add@/devices/virtual/bdi/7:0\x00SUBSYSTEM=bdi\x00", false},
		{"a move", "move@/devices/x\x00SUBSYSTEM=usb\x00", false},
		{"what udev sends", "libudev\x00\xfe\xed\xca\xfe", false},
		{"no head", "SUBSYSTEM=usb", false},
		{"nothing", "", false},
	} {
		if got := devices.Relevant([]byte(c.event)); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func TestListeningEndsWithRun(t *testing.T) {
	m, err := devices.New(nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }() // the kernel's events, in earnest
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
