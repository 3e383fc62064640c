package virtual

import (
	"context"
	"errors"
	"sync"

	"pointnum/kiosk"
)

// Sensors are virtual buttons and a virtual lamp, switched from code. They
// start with nothing active.
type Sensors struct {
	info kiosk.Info

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each change
	events  []sensorEvent // every change, oldest first
	active  map[kiosk.Signal]bool
	lamp    bool
	gone    error // why they can't be used any more
}

type sensorEvent struct {
	signal kiosk.Signal
	active bool
}

var _ kiosk.Sensors = (*Sensors)(nil)

var (
	errSensorsClosed    = errors.New("sensors closed")
	errSensorsUnplugged = errors.New("sensors unplugged")
)

// NewSensors makes sensors.
func NewSensors(id kiosk.DeviceID) *Sensors {
	return &Sensors{
		info: kiosk.Info{ID: id, Kind: kiosk.KindSensors, Driver: "virtual", Make: "Pointnum",
			Model: "Virtual sensors", URI: "virtual:sensors"},
		changed: make(chan struct{}), active: make(map[kiosk.Signal]bool),
	}
}

// Press makes a signal active until Release.
func (s *Sensors) Press(signal kiosk.Signal) { s.turn(signal, true) }

// Release ends what Press began.
func (s *Sensors) Release(signal kiosk.Signal) { s.turn(signal, false) }

func (s *Sensors) turn(signal kiosk.Signal, active bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active[signal] == active {
		return
	}
	s.active[signal] = active
	s.events = append(s.events, sensorEvent{signal, active})
	s.bump()
}

// Lamp says whether the lamp is lit.
func (s *Sensors) Lamp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lamp
}

// Unplug takes the lines away for good.
func (s *Sensors) Unplug() { s.lose(errSensorsUnplugged) }

func (s *Sensors) lose(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone == nil {
		s.gone, s.lamp = why, false
		s.bump()
	}
}

// bump wakes whoever watches; mu is held.
func (s *Sensors) bump() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// Info implements kiosk.Device.
func (s *Sensors) Info() kiosk.Info { return s.info }

// Status implements kiosk.Device.
func (s *Sensors) Status(ctx context.Context) (kiosk.Status, error) {
	if ctx.Err() != nil {
		return kiosk.Status{}, s.fault("status", kiosk.CodeOf(context.Cause(ctx)), context.Cause(ctx))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone != nil {
		return kiosk.Status{}, s.fault("status", kiosk.CodeUnplugged, s.gone)
	}
	return kiosk.Status{Ready: true}, nil
}

// Close implements kiosk.Device. It ends every Watch.
func (s *Sensors) Close() error {
	s.lose(errSensorsClosed)
	return nil
}

// Set implements kiosk.Sensors.
func (s *Sensors) Set(_ context.Context, out kiosk.Output, active bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone != nil {
		return s.fault("set", kiosk.CodeUnplugged, s.gone)
	}
	if out == kiosk.OutputLamp {
		s.lamp = active
		s.bump()
	}
	return nil
}

// Watch implements kiosk.Sensors.
func (s *Sensors) Watch(ctx context.Context, on func(kiosk.Signal, bool)) error {
	s.mu.Lock()
	next := len(s.events)
	var news []sensorEvent
	for _, signal := range []kiosk.Signal{kiosk.SignalPresence, kiosk.SignalHelp, kiosk.SignalTamper} {
		if s.active[signal] {
			news = append(news, sensorEvent{signal, true})
		}
	}
	for {
		gone, changed := s.gone, s.changed
		s.mu.Unlock()
		for _, e := range news {
			if ctx.Err() == nil && gone == nil {
				on(e.signal, e.active)
			}
		}
		if gone != nil {
			return s.fault("watch", kiosk.CodeUnplugged, gone)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
		s.mu.Lock()
		news = append([]sensorEvent(nil), s.events[next:]...)
		next = len(s.events)
	}
}

func (s *Sensors) fault(op string, code kiosk.Code, err error) error {
	return &kiosk.Error{Code: code, Op: "virtual sensors: " + op, Device: s.info.ID, Err: err}
}
