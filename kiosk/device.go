package kiosk

import (
	"context"
	"log/slog"
)

// DeviceID names a device within one kiosk: the name its configuration gives.
type DeviceID string

// Kind says what a device does.
type Kind string

// The kinds of devices a kiosk has.
const (
	KindScanner Kind = "scanner"
	KindPrinter Kind = "printer"
	KindReceipt Kind = "receipt" // receipt printer
	KindKey     Kind = "key"     // the socket for a visitor's USB key
	KindSensors Kind = "sensors" // buttons, presence, lamp
)

// Info says what a device is. It does not change while the device is open.
type Info struct {
	ID     DeviceID
	Kind   Kind
	Driver string // "escl", "sane", "ipp", "escpos", …
	Make   string // as the device says; may be empty
	Model  string
	Serial string
	URI    string // where it was found, without credentials
}

// Level is how much of a supply is left.
type Level struct {
	Name    string // as the device says: "black", "tray-1"
	Percent int    // 0 to 100; -1 when the device does not know
}

// Status is what a device says of itself now.
type Status struct {
	// Ready is true when a job sent now is expected to start.
	Ready bool
	// Conditions are what is wrong or soon will be, the worst first. A ready
	// device may have conditions (CodePaperLow).
	Conditions []Code
	// Supplies is empty when the device does not report any.
	Supplies []Level
	// Detail is for the technician: the device's own words.
	Detail string
}

// Device is what every attached device can do. Methods may be called from any
// goroutine; Status may be called while a job runs and never waits for it.
type Device interface {
	// Info returns what is known since the device was opened; no I/O.
	Info() Info
	// Status asks the device. An error is *Error with CodeUnplugged when the
	// device is gone, CodeNotResponding when it does not answer before ctx
	// ends.
	Status(ctx context.Context) (Status, error)
	// Close ends running jobs and frees the device. It may be called twice.
	Close() error
}

// Sensors is the kiosk's own wiring: presence, buttons, lamp.
type Sensors interface {
	Device
	// Watch calls on for each change of a signal, after debouncing, until ctx
	// ends; it first reports signals that are active at the start. on is
	// called from one goroutine. It returns context.Cause(ctx), or an *Error
	// with CodeUnplugged when the lines are gone.
	Watch(ctx context.Context, on func(Signal, bool)) error
	// Set switches an output. A kiosk without that output returns nil.
	Set(ctx context.Context, out Output, active bool) error
}

// Signal is something the kiosk feels.
type Signal string

// The signals.
const (
	SignalPresence Signal = "presence" // somebody stands in front
	SignalHelp     Signal = "help"     // the help button is pressed
	SignalTamper   Signal = "tamper"   // the housing is open
)

// Output is something the kiosk switches.
type Output string

// The outputs.
const (
	OutputLamp Output = "lamp" // help is asked for
)

// Spec says which device a kiosk has: one entry of its configuration.
type Spec struct {
	ID      DeviceID
	Driver  string            // a Driver's Name
	URI     string            // where it is; each driver documents its forms
	Options map[string]string // each driver documents its own
}

// Driver opens devices of one kind and one protocol. Registries of drivers
// are values that a command passes on.
type Driver struct {
	Name string
	Kind Kind
	// Open finds the device and asks what it is. It fails with CodeUnplugged
	// when the device is not there (the caller tries again later), and with
	// CodeInternal when the Spec can't be right. The Device is a Scanner, a
	// Printer, a ReceiptPrinter, a Key or Sensors, as Kind says. ctx covers
	// the opening only.
	Open func(ctx context.Context, s Spec, log *slog.Logger) (Device, error)
}
