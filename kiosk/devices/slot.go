package devices

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"pointnum/kiosk"
)

// slot is one configured device: its goroutine opens, asks and closes it;
// borrowers take it from under the goroutine's nose, under mu.
type slot struct {
	m      *Manager
	spec   kiosk.Spec
	driver kiosk.Driver
	log    *slog.Logger
	poked  chan struct{}

	mu        sync.Mutex
	dev       kiosk.Device // nil while not open
	lent      bool
	gone      bool // a job found it unplugged: close it once it is given back
	shown     State
	candidate candidate

	silentPolls int // CodeNotResponding in a row
	silentJobs  int
}

// candidate is a status that waits to be shown.
type candidate struct {
	status kiosk.Status
	since  time.Time // zero: none
}

func newSlot(m *Manager, spec kiosk.Spec, driver kiosk.Driver) *slot {
	return &slot{
		m: m, spec: spec, driver: driver,
		log:   m.log.With("device", spec.ID, "driver", driver.Name),
		poked: make(chan struct{}, 1),
		shown: State{
			Info:  kiosk.Info{ID: spec.ID, Kind: driver.Kind, Driver: driver.Name, URI: spec.URI},
			Since: time.Now(),
		},
	}
}

func (s *slot) poke() {
	select {
	case s.poked <- struct{}{}:
	default: // one is waiting already
	}
}

func (s *slot) snapshot() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.shown
	st.Open, st.Busy = s.dev != nil, s.lent
	return st
}

// follow is the slot's goroutine.
func (s *slot) follow(ctx context.Context) {
	defer s.close(true)
	backoff := s.m.Timing.MinBackoff
	for ctx.Err() == nil {
		var pause time.Duration
		if s.isOpen() {
			pause = s.look(ctx)
			backoff = s.m.Timing.MinBackoff
		} else if s.open(ctx) {
			continue
		} else {
			pause = backoff
			backoff = min(2*backoff, s.m.Timing.MaxBackoff)
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-s.poked:
			// The kernel tells before the node has its name and rights: begin
			// again with short pauses.
			backoff = s.m.Timing.MinBackoff
		case <-ctx.Done():
		}
		t.Stop()
	}
}

func (s *slot) isOpen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dev != nil
}

func (s *slot) open(ctx context.Context) bool {
	octx, cancel := context.WithTimeout(ctx, s.m.Timing.Opening)
	defer cancel()
	dev, err := s.driver.Open(octx, s.spec, s.log)
	if ctx.Err() != nil {
		if err == nil {
			_ = dev.Close() // nobody used it yet
		}
		return false
	}
	if err != nil {
		if s.show(s.failing(err), true) {
			s.log.Warn("device not there", "code", kiosk.CodeOf(err), "err", err)
		}
		return false
	}
	st, err := s.ask(ctx, dev)
	if err != nil {
		st = s.failing(err)
	}
	s.mu.Lock()
	s.dev, s.gone = dev, false
	if err == nil {
		s.silentPolls, s.silentJobs = 0, 0
	}
	s.shown.Info = dev.Info()
	s.mu.Unlock()
	s.show(st, true)
	s.m.publish()
	s.log.Info("device open", "model", dev.Info().Model, "ready", st.Ready)
	return true
}

func (s *slot) ask(ctx context.Context, dev kiosk.Device) (kiosk.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, s.m.Timing.Answer)
	defer cancel()
	return dev.Status(ctx)
}

// look asks an open device once and says when to ask again.
func (s *slot) look(ctx context.Context) time.Duration {
	s.mu.Lock()
	dev, busy, gone := s.dev, s.lent, s.gone
	s.mu.Unlock()
	if busy {
		return s.m.Timing.Poll // the job says what is wrong
	}
	if gone {
		s.close(false)
		return 0
	}
	st, err := s.ask(ctx, dev)
	if ctx.Err() != nil || s.isLent() {
		return s.m.Timing.Poll
	}
	switch kiosk.CodeOf(err) {
	case "":
		s.answered()
		s.show(st, false)
	case kiosk.CodeNotResponding:
		s.mu.Lock()
		s.silentPolls++
		silent := s.silentPolls
		s.mu.Unlock()
		s.show(s.failing(err), silent > 1)
		if silent%3 == 0 && s.close(false) { // it may have come back elsewhere
			return 0
		}
	case kiosk.CodeUnplugged:
		if s.close(false) {
			s.log.Warn("device gone", "err", err)
			s.show(s.failing(err), true)
			s.m.publish()
			return s.m.Timing.MinBackoff
		}
	default:
		s.show(s.failing(err), false)
	}
	if s.settling() {
		return min(s.m.Timing.Settle, s.m.Timing.Poll)
	}
	return s.m.Timing.Poll
}

func (s *slot) isLent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lent
}

func (s *slot) settling() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.candidate.since.IsZero()
}

// answered notes a good answer. After silence it means that somebody switched
// the device off and on.
func (s *slot) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.silentPolls > 0 {
		s.silentPolls, s.silentJobs = 0, 0
	}
}

// failing is the status of a device that could not say its own.
func (s *slot) failing(err error) kiosk.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := kiosk.CodeOf(err)
	if code == kiosk.CodeNotResponding && s.silentPolls > 1 {
		code = kiosk.CodePowerCycle
	}
	return kiosk.Status{Conditions: []kiosk.Code{code}, Detail: err.Error()}
}

// show makes a status the shown one: now, or once it lasted Settle. It returns
// true when the shown one changed.
func (s *slot) show(st kiosk.Status, now bool) bool {
	s.mu.Lock()
	if s.silentJobs > 1 {
		// It answers, and its jobs hang (stapelberg/airscan#14): only a power
		// cycle or a job that works ends that.
		st.Ready = false
		st.Conditions = []kiosk.Code{kiosk.CodePowerCycle}
	}
	same := alike(st, s.shown.Status)
	switch {
	case same:
		s.candidate = candidate{}
		s.shown.Status = st // supplies and detail
		s.mu.Unlock()
		return false
	case !now && (s.candidate.since.IsZero() || !alike(st, s.candidate.status)):
		s.candidate = candidate{st, time.Now()}
		s.mu.Unlock()
		return false
	case !now && time.Since(s.candidate.since) < s.m.Timing.Settle:
		s.mu.Unlock()
		return false
	}
	s.candidate = candidate{}
	s.shown.Status, s.shown.Since = st, time.Now()
	s.mu.Unlock()
	s.m.publish()
	return true
}

func alike(a, b kiosk.Status) bool {
	return a.Ready == b.Ready && slices.Equal(a.Conditions, b.Conditions)
}

// close closes the device, one that is lent only by force, and says whether it
// is closed now.
func (s *slot) close(force bool) bool {
	s.mu.Lock()
	if s.lent && !force {
		s.mu.Unlock()
		return false
	}
	dev := s.dev
	s.dev, s.gone = nil, false
	s.mu.Unlock()
	if dev == nil {
		return true
	}
	if err := dev.Close(); err != nil {
		s.log.Debug("device closed", "err", err)
	}
	return true
}

func (s *slot) take() (kiosk.Device, *kiosk.Error) {
	s.mu.Lock()
	defer func() {
		s.mu.Unlock()
		s.m.publish()
	}()
	fault := &kiosk.Error{Op: "devices: lend", Device: s.spec.ID}
	switch {
	case s.lent:
		fault.Code = kiosk.CodeDeviceBusy
	case s.dev == nil:
		fault.Code = kiosk.CodeUnplugged
		if c := s.shown.Status.Conditions; len(c) > 0 && c[0] != kiosk.CodeInternal {
			fault.Code = c[0]
		}
		if s.shown.Status.Detail != "" {
			fault.Err = errors.New(s.shown.Status.Detail)
		}
	default:
		s.lent = true
		return s.dev, nil
	}
	return nil, fault
}

func (s *slot) giveBack() {
	s.mu.Lock()
	s.lent = false
	s.mu.Unlock()
	s.m.publish()
	s.poke()
}

// report takes over how a job ended.
func (s *slot) report(err error) error {
	code := kiosk.CodeOf(err)
	s.mu.Lock()
	switch code {
	case "":
		s.silentJobs = 0
	case kiosk.CodeNotResponding:
		s.silentJobs++
		if s.silentJobs > 1 {
			code = kiosk.CodePowerCycle
			err = &kiosk.Error{Code: code, Op: "devices: report", Device: s.spec.ID, Err: err}
		}
	case kiosk.CodeUnplugged:
		s.gone = true
	}
	s.mu.Unlock()
	if ofDevice(code) {
		s.show(kiosk.Status{Conditions: []kiosk.Code{code}, Detail: fmt.Sprint(err)}, true)
	}
	return err
}

// ofDevice says whether a job's fault is a condition of the device.
func ofDevice(c kiosk.Code) bool {
	switch c {
	case kiosk.CodePaperJam, kiosk.CodeCoverOpen, kiosk.CodePaperEmpty, kiosk.CodeMarkerEmpty,
		kiosk.CodeCutterError, kiosk.CodeOverheated, kiosk.CodeDevicePaused, kiosk.CodeUnplugged,
		kiosk.CodeNotResponding, kiosk.CodePowerCycle, kiosk.CodeKeyAbsent, kiosk.CodeKeyReadOnly,
		kiosk.CodeKeyRemoved:
		return true
	}
	return false
}
