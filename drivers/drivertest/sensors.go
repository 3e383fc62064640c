package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pointnum/kiosk"
)

// SensorsRig is a kiosk's wiring behind the driver that is tested. All three
// signals and the lamp are there, and nothing is active.
type SensorsRig struct {
	Sensors kiosk.Sensors
	// Turn makes a signal active or not.
	Turn func(t *testing.T, s kiosk.Signal, active bool)
	// Lamp says whether the lamp is lit.
	Lamp func() bool
	// Unplug takes the lines away for good.
	Unplug func(t *testing.T)
}

// SensorsSuite holds kiosk.Sensors to their contract. open is called for each
// case.
func SensorsSuite(t *testing.T, open func(t *testing.T) SensorsRig) {
	t.Helper()
	cases := []struct {
		name string
		test func(*testing.T, SensorsRig)
	}{
		{"say what they are", sensorsInfo},
		{"tell first what is active already", sensorsStart},
		{"tell each change once, in order", sensorsChanges},
		{"a watch ends with its context's cause", sensorsCause},
		{"switch the lamp", sensorsLamp},
		{"lines that are gone are unplugged", sensorsGone},
		{"Close ends a watch and the light", sensorsClose},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, open(t))
		})
	}
}

// watching is a Watch under way in a goroutine.
type watching struct {
	cancel context.CancelCauseFunc
	result chan error

	mu   sync.Mutex
	seen []string // "help true"
}

func startWatching(t *testing.T, s kiosk.Sensors) *watching {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	w := &watching{cancel: cancel, result: make(chan error, 1)}
	go func() {
		w.result <- s.Watch(ctx, func(signal kiosk.Signal, active bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.seen = append(w.seen, fmt.Sprint(signal, " ", active))
		})
	}()
	return w
}

// sees waits until exactly these changes were told.
func (w *watching) sees(t *testing.T, want ...string) {
	t.Helper()
	printerEventually(t, fmt.Sprintf("told %q", want), func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.seen) >= len(want)
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.seen, want) {
		t.Errorf("told %q, want %q", w.seen, want)
	}
}

func (w *watching) end(t *testing.T) error {
	t.Helper()
	w.cancel(nil)
	return <-w.result
}

func sensorsInfo(t *testing.T, rig SensorsRig) {
	if info := rig.Sensors.Info(); info.Kind != kiosk.KindSensors || info.ID == "" || info.Driver == "" {
		t.Errorf("info is not complete: %+v", info)
	}
	if s, err := rig.Sensors.Status(t.Context()); err != nil || !s.Ready {
		t.Errorf("status %+v, %v; want ready", s, err)
	}
}

func sensorsStart(t *testing.T, rig SensorsRig) {
	rig.Turn(t, kiosk.SignalTamper, true)
	w := startWatching(t, rig.Sensors)
	w.sees(t, "tamper true")
	_ = w.end(t)
	again := startWatching(t, rig.Sensors)
	again.sees(t, "tamper true")
	_ = again.end(t)
}

func sensorsChanges(t *testing.T, rig SensorsRig) {
	w := startWatching(t, rig.Sensors)
	var want []string
	for _, signal := range []kiosk.Signal{kiosk.SignalPresence, kiosk.SignalHelp, kiosk.SignalTamper} {
		for _, active := range []bool{true, false} {
			rig.Turn(t, signal, active)
			want = append(want, fmt.Sprint(signal, " ", active))
			w.sees(t, want...)
		}
	}
	_ = w.end(t)
}

func sensorsCause(t *testing.T, rig SensorsRig) {
	w := startWatching(t, rig.Sensors)
	why := errors.New("night")
	w.cancel(why)
	if err := <-w.result; !errors.Is(err, why) {
		t.Errorf("got %v, want the cause", err)
	}
}

func sensorsLamp(t *testing.T, rig SensorsRig) {
	for _, lit := range []bool{true, false, true} {
		if err := rig.Sensors.Set(t.Context(), kiosk.OutputLamp, lit); err != nil || rig.Lamp() != lit {
			t.Errorf("lamp is %v, %v; want %v", rig.Lamp(), err, lit)
		}
	}
	if err := rig.Sensors.Set(t.Context(), "fan", true); err != nil {
		t.Errorf("an output that is not there: %v", err)
	}
}

func sensorsGone(t *testing.T, rig SensorsRig) {
	w := startWatching(t, rig.Sensors)
	rig.Turn(t, kiosk.SignalHelp, true)
	w.sees(t, "help true")
	rig.Unplug(t)
	mustCode(t, <-w.result, kiosk.CodeUnplugged)
	w.sees(t, "help true")
	_, err := rig.Sensors.Status(t.Context())
	mustCode(t, err, kiosk.CodeUnplugged)
	mustCode(t, rig.Sensors.Set(t.Context(), kiosk.OutputLamp, true), kiosk.CodeUnplugged)
}

func sensorsClose(t *testing.T, rig SensorsRig) {
	if err := rig.Sensors.Set(t.Context(), kiosk.OutputLamp, true); err != nil {
		t.Error(err)
	}
	w := startWatching(t, rig.Sensors)
	rig.Turn(t, kiosk.SignalPresence, true)
	w.sees(t, "presence true")
	for range 2 {
		if err := rig.Sensors.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	mustCode(t, <-w.result, kiosk.CodeUnplugged)
	if rig.Lamp() {
		t.Error("the lamp is lit after Close")
	}
}
