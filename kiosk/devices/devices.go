// Package devices owns a kiosk's attached hardware: it opens each configured
// device, follows its health, opens it again after it was unplugged, and lends
// it to one borrower at a time.
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
	"pointnum/kiosk/watch"
)

// Timing says how often devices are asked. Zero fields get their default.
type Timing struct {
	Poll       time.Duration // between two questions; 2 s
	Settle     time.Duration // a condition must last that long before it shows; 1 s
	Answer     time.Duration // to wait for Status; 5 s
	Opening    time.Duration // to wait for Open; 15 s
	MinBackoff time.Duration // before the first new try to open; 250 ms
	MaxBackoff time.Duration // between two tries to open; 30 s
}

func (t *Timing) setDefaults() {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Poll, 2 * time.Second},
		{&t.Settle, time.Second},
		{&t.Answer, 5 * time.Second},
		{&t.Opening, 15 * time.Second},
		{&t.MinBackoff, 250 * time.Millisecond},
		{&t.MaxBackoff, 30 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
}

// State is what is known of one configured device.
type State struct {
	// Info is the device's own while it is open, and what it was last time
	// when it is not; before, only ID, Kind, Driver and URI are set.
	Info kiosk.Info
	// Status holds conditions that lasted a while, and faults of jobs at
	// once.
	Status kiosk.Status
	Open   bool
	Busy   bool      // lent
	Since  time.Time // Ready or the conditions changed
}

// Manager owns the devices. The exported fields may be changed before Run.
type Manager struct {
	Timing Timing
	// Hotplug calls poke when devices came or went, until ctx ends. Nil
	// listens to the kernel.
	Hotplug func(ctx context.Context, poke func()) error

	log   *slog.Logger
	slots []*slot

	mu    sync.Mutex // orders what is published
	state watch.Value[[]State]
}

// New makes a Manager for the devices that specs name. A spec of a driver that
// is not among drivers, or one of two specs with the same ID, is an error.
func New(specs []kiosk.Spec, drivers []kiosk.Driver, log *slog.Logger) (*Manager, error) {
	m := &Manager{log: log}
	seen := make(map[kiosk.DeviceID]bool)
	for _, spec := range specs {
		if seen[spec.ID] {
			return nil, fmt.Errorf("devices: two devices are called %q", spec.ID)
		}
		seen[spec.ID] = true
		i := slices.IndexFunc(drivers, func(d kiosk.Driver) bool { return d.Name == spec.Driver })
		if i < 0 {
			return nil, fmt.Errorf("devices: device %q: no driver %q", spec.ID, spec.Driver)
		}
		m.slots = append(m.slots, newSlot(m, spec, drivers[i]))
	}
	m.publish()
	return m, nil
}

// State holds what is known of all devices, in the order of the
// configuration.
func (m *Manager) State() *watch.Value[[]State] { return &m.state }

// Poke looks at all devices now: something was plugged in or pulled.
func (m *Manager) Poke() {
	for _, s := range m.slots {
		s.poke()
	}
}

// Run opens and follows the devices until ctx ends, then closes them; jobs
// that still run are ended by that. It returns context.Cause(ctx). It may be
// called once.
func (m *Manager) Run(ctx context.Context) error {
	m.Timing.setDefaults()
	hotplug := m.Hotplug
	if hotplug == nil {
		hotplug = listen
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		// Without it unplugged devices are found by asking, a bit later.
		if err := hotplug(ctx, m.Poke); err != nil && ctx.Err() == nil {
			m.log.Warn("hot-plug events not available", "err", err)
		}
	})
	// One goroutine each: a device that does not answer must not delay the
	// others.
	for _, s := range m.slots {
		wg.Go(func() { s.follow(ctx) })
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (m *Manager) publish() {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := make([]State, len(m.slots))
	for i, s := range m.slots {
		all[i] = s.snapshot()
	}
	m.state.Set(all)
}

// Scanner borrows a scanner; see Printer for the errors.
func (m *Manager) Scanner(ctx context.Context) (*Lease[kiosk.Scanner], error) {
	return lend[kiosk.Scanner](ctx, m, kiosk.KindScanner)
}

// Printer borrows a printer. The borrower closes the lease. Where the kiosk
// has several, it is one that is free, ready if possible. Errors, all at once
// and without waiting: CodeNoDevice when the kiosk has none, CodeUnplugged (or
// the reason why it could not be opened) when none is there, CodeDeviceBusy
// when all are lent.
func (m *Manager) Printer(ctx context.Context) (*Lease[kiosk.Printer], error) {
	return lend[kiosk.Printer](ctx, m, kiosk.KindPrinter)
}

// Receipt borrows a receipt printer; see Printer for the errors.
func (m *Manager) Receipt(ctx context.Context) (*Lease[kiosk.ReceiptPrinter], error) {
	return lend[kiosk.ReceiptPrinter](ctx, m, kiosk.KindReceipt)
}

// Key borrows the socket for a visitor's key; see Printer for the errors.
func (m *Manager) Key(ctx context.Context) (*Lease[kiosk.Key], error) {
	return lend[kiosk.Key](ctx, m, kiosk.KindKey)
}

// Sensors borrows the kiosk's wiring; see Printer for the errors.
func (m *Manager) Sensors(ctx context.Context) (*Lease[kiosk.Sensors], error) {
	return lend[kiosk.Sensors](ctx, m, kiosk.KindSensors)
}

// Lease is a borrowed device: nobody else has it until Close.
type Lease[T kiosk.Device] struct {
	Device T
	slot   *slot
	once   sync.Once
}

func lend[T kiosk.Device](ctx context.Context, m *Manager, kind kiosk.Kind) (*Lease[T], error) {
	op := "devices: lend " + string(kind)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w", op, context.Cause(ctx))
	}
	var candidates []*slot
	for _, s := range m.slots {
		if s.driver.Kind == kind {
			candidates = append(candidates, s)
		}
	}
	slices.SortStableFunc(candidates, func(a, b *slot) int {
		return boolRank(b.snapshot().Status.Ready) - boolRank(a.snapshot().Status.Ready)
	})
	fault := &kiosk.Error{Code: kiosk.CodeNoDevice, Op: op}
	for _, s := range candidates {
		dev, err := s.take()
		if err != nil {
			// Busy says more than not there, and that more than none.
			if fault.Code != kiosk.CodeDeviceBusy {
				fault = err
			}
			continue
		}
		t, ok := dev.(T)
		if !ok {
			s.giveBack()
			return nil, &kiosk.Error{Code: kiosk.CodeInternal, Op: op, Device: s.spec.ID,
				Err: errors.New("the driver made another kind of device")}
		}
		return &Lease[T]{Device: t, slot: s}, nil
	}
	return nil, fault
}

func boolRank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Report says how a job on the device ended and returns the error to show for
// it, nil for nil. A fault of the device shows in its State at once. The
// second CodeNotResponding in a row becomes CodePowerCycle. Errors that say
// nothing of the device's health (an empty feeder, a cancelled job, a full
// key) pass through. It must not be called after Close.
func (l *Lease[T]) Report(err error) error { return l.slot.report(err) }

// Close gives the device back. It may be called twice.
func (l *Lease[T]) Close() {
	l.once.Do(l.slot.giveBack)
}
