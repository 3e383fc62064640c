package gpio_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pgpio "periph.io/x/conn/v3/gpio"
	"periph.io/x/conn/v3/gpio/gpiotest"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/gpio"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

// fakeChip is a chip of periph's test pins.
type fakeChip struct {
	pins map[string]*gpiotest.Pin
	gone atomic.Bool
}

func newFakeChip(names ...string) *fakeChip {
	c := &fakeChip{pins: make(map[string]*gpiotest.Pin)}
	for i, n := range names {
		c.pins[n] = &gpiotest.Pin{N: n, Num: i, EdgesChan: make(chan pgpio.Level, 64)}
	}
	return c
}

func (c *fakeChip) Line(name string) (pgpio.PinIO, error) {
	if p, ok := c.pins[name]; ok {
		return p, nil
	}
	return nil, fmt.Errorf("no line %q", name)
}

func (c *fakeChip) Alive() error {
	if c.gone.Load() {
		return errors.New("chip is gone")
	}
	return nil
}

func (c *fakeChip) Close() error { return nil }

// set gives a line a level without an edge.
func (c *fakeChip) set(name string, l pgpio.Level) {
	p := c.pins[name]
	p.Lock()
	defer p.Unlock()
	p.L = l
}

func spec() kiosk.Spec {
	return kiosk.Spec{ID: "wiring", URI: "gpio:", Options: map[string]string{
		"presence": "P", "help": "H", "tamper": "T", "lamp": "L,low",
	}}
}

func openFake(t *testing.T) (*gpio.Sensors, *fakeChip) {
	t.Helper()
	c := newFakeChip("P", "H", "T", "L")
	d, err := gpio.Open(t.Context(), spec(), c, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	c.set("T", pgpio.Low) // the housing is closed
	return d, c
}

func TestLines(t *testing.T) {
	t.Parallel()
	drivertest.SensorsSuite(t, func(t *testing.T) drivertest.SensorsRig {
		d, c := openFake(t)
		return drivertest.SensorsRig{
			Sensors: d,
			Turn: func(_ *testing.T, s kiosk.Signal, active bool) {
				switch s {
				case kiosk.SignalPresence:
					c.pins["P"].EdgesChan <- pgpio.Level(active)
				case kiosk.SignalHelp:
					c.pins["H"].EdgesChan <- pgpio.Level(!active)
				case kiosk.SignalTamper:
					c.pins["T"].EdgesChan <- pgpio.Level(active)
				}
			},
			Lamp:   func() bool { return c.pins["L"].Read() == pgpio.Low },
			Unplug: func(*testing.T) { c.gone.Store(true) },
		}
	})
}

func TestVirtualSensors(t *testing.T) {
	t.Parallel()
	drivertest.SensorsSuite(t, func(t *testing.T) drivertest.SensorsRig {
		s := virtual.NewSensors("wiring")
		t.Cleanup(func() { _ = s.Close() })
		return drivertest.SensorsRig{
			Sensors: s, Lamp: s.Lamp,
			Turn: func(_ *testing.T, signal kiosk.Signal, active bool) {
				if active {
					s.Press(signal)
				} else {
					s.Release(signal)
				}
			},
			Unplug: func(*testing.T) { s.Unplug() },
		}
	})
}

// record watches in the background and returns what it was told so far.
func record(t *testing.T, d kiosk.Sensors) func() []bool {
	t.Helper()
	var mu sync.Mutex
	var told []bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.Watch(t.Context(), func(_ kiosk.Signal, active bool) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, active)
		})
	}()
	t.Cleanup(func() { <-done })
	return func() []bool {
		mu.Lock()
		defer mu.Unlock()
		return append([]bool(nil), told...)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestBouncingButtonIsPressedOnce(t *testing.T) {
	t.Parallel()
	d, c := openFake(t)
	told := record(t, d)
	for range 10 {
		c.pins["H"].EdgesChan <- pgpio.Low
		c.pins["H"].EdgesChan <- pgpio.High
	}
	c.pins["H"].EdgesChan <- pgpio.Low
	until(t, "told of the press", func() bool { return len(told()) > 0 })
	c.pins["H"].EdgesChan <- pgpio.High
	until(t, "told of the release", func() bool { return len(told()) > 1 })
	if got := told(); len(got) != 2 || !got[0] || got[1] {
		t.Errorf("told %v, want one press and one release", got)
	}
}

func TestSpikeIsNoPress(t *testing.T) {
	t.Parallel()
	d, c := openFake(t)
	told := record(t, d)
	c.pins["H"].EdgesChan <- pgpio.Low
	c.pins["H"].EdgesChan <- pgpio.High
	// The next signal shows that the spike has been dealt with.
	c.pins["P"].EdgesChan <- pgpio.High
	until(t, "told of the presence", func() bool { return len(told()) > 0 })
	until(t, "the spike is read", func() bool { return len(c.pins["H"].EdgesChan) == 0 })
	if got := told(); len(got) != 1 {
		t.Errorf("told %v, want only the presence", got)
	}
}

func TestLostEdgeIsFoundByReading(t *testing.T) {
	t.Parallel()
	d, c := openFake(t)
	told := record(t, d)
	c.set("P", pgpio.High)
	until(t, "told of the presence", func() bool { return len(told()) == 1 })
}

func TestSecondWatchIsBusy(t *testing.T) {
	t.Parallel()
	d, c := openFake(t)
	told := record(t, d)
	c.pins["P"].EdgesChan <- pgpio.High
	until(t, "watching", func() bool { return len(told()) == 1 })
	if err := d.Watch(t.Context(), func(kiosk.Signal, bool) {}); kiosk.CodeOf(err) != kiosk.CodeDeviceBusy {
		t.Errorf("got %v, want device_busy", err)
	}
}

func TestSpecThatCannotBeRight(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]map[string]string{
		"an unknown signal": {"doorbell": "X"},
		"no line":           {"help": ",low"},
		"an unknown word":   {"help": "H,sideways"},
		"a lamp with bias":  {"lamp": "L,up"},
	} {
		s := kiosk.Spec{ID: "wiring", URI: "gpio:", Options: options}
		if _, err := gpio.Open(t.Context(), s, newFakeChip("H", "L"), nil); kiosk.CodeOf(err) != kiosk.CodeInternal {
			t.Errorf("%s: got %v, want internal", name, err)
		}
	}
	if _, err := gpio.Open(t.Context(), spec(), newFakeChip("P"), nil); kiosk.CodeOf(err) != kiosk.CodeUnplugged {
		t.Errorf("missing lines: got %v, want unplugged", err)
	}
}

func TestChipThatIsNotThereIsUnplugged(t *testing.T) {
	t.Parallel()
	s := spec()
	s.URI = "gpio:pointnum-no-such-chip"
	if _, err := gpio.Driver().Open(t.Context(), s, nil); kiosk.CodeOf(err) != kiosk.CodeUnplugged {
		t.Errorf("got %v, want unplugged", err)
	}
}
