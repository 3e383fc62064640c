package session

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/devices"
	"pointnum/kiosk/spool"
	"pointnum/kiosk/watch"
)

// Devices lends the kiosk's hardware; *devices.Manager does.
type Devices interface {
	// State holds what is known of all devices.
	State() *watch.Value[[]devices.State]
	// Scanner borrows a scanner at once, or says with CodeNoDevice,
	// CodeUnplugged or CodeDeviceBusy why not. The engine closes the lease.
	Scanner(ctx context.Context) (*devices.Lease[kiosk.Scanner], error)
	// Printer borrows a printer, as Scanner.
	Printer(ctx context.Context) (*devices.Lease[kiosk.Printer], error)
	// Receipt borrows a receipt printer, as Scanner.
	Receipt(ctx context.Context) (*devices.Lease[kiosk.ReceiptPrinter], error)
	// Key borrows the socket for a visitor's key, as Scanner.
	Key(ctx context.Context) (*devices.Lease[kiosk.Key], error)
	// Sensors borrows the kiosk's wiring, as Scanner; the engine keeps it.
	Sensors(ctx context.Context) (*devices.Lease[kiosk.Sensors], error)
}

// Portals says what a portal takes for a kind of paper. known is true when the
// limit is the portal's own published rule; ok is false when the catalogue has
// no such portal or kind.
type Portals interface {
	// Target looks it up; no I/O.
	Target(portal, kind string) (t kiosk.Target, known, ok bool)
}

// MinWarning is the shortest time a visitor gets to answer before the visit
// ends by itself (WCAG 2.2.1).
const MinWarning = 20 * time.Second

// Config is what an Engine needs. The first group must be set; the zero value
// of the others means their default.
type Config struct {
	Devices   Devices
	Spool     *spool.Spool // the engine uses it alone; the caller closes it after Run
	Documents kiosk.Documents
	Portals   Portals

	// Browser shows portals; nil where none can be opened.
	Browser kiosk.Browser
	// Address gives a portal's first page, Mailbox a mailbox's, by their IDs
	// in the catalogue; "" for those that can't be opened. Needed with
	// Browser.
	Address func(portal string) string
	Mailbox func(id string) string
	// PortalAt names the portal whose site a host belongs to and that can be
	// opened; "" for none. nil knows none.
	PortalAt func(host string) string

	// Voice reads aloud; nil where nothing can be heard.
	Voice Voice
	// Phone reaches visitors' phones; nil where none can be reached.
	Phone kiosk.Phone

	// Receipt composes the visit's proof, in the state's language.
	Receipt func(State, time.Time) kiosk.Receipt
	// Name gives the current document's file name, ASCII, without extension.
	Name func(State) string

	Lang string            // each visit begins in it; "fr"
	Scan kiosk.ScanOptions // what a visitor gets

	Idle     time.Duration // without a touch before the warning; 120 s
	HelpIdle time.Duration // the same while somebody waits for help; 10 min
	CodeIdle time.Duration // the same while they wait for a code; 10 min
	Warning  time.Duration // between the warning and the end; 60 s, at least MinWarning
	Goodbye  time.Duration // how long the goodbye screen stays; 12 s
	Stall    time.Duration // without progress before a task is cancelled; 10 min
	Grace    time.Duration // for a cancelled task to end before the wipe begins without it; 15 s

	MaxPages     int   // of a visit; 100
	MaxDocuments int   // of a visit; 20
	MaxKeyFiles  int   // listed of a key; 200
	MaxFile      int64 // bytes of a file brought in; 200 MB
	// MaxRaw limits what scans kept as they came may take, in bytes, the ways
	// back of AsIs; 250 MB. Pages scanned when it is reached have none.
	MaxRaw int64

	// Scrub clears what this process's memory still holds of a visit that was
	// wiped and forgotten, before the visitor is told so; nil does nothing.
	Scrub func()

	Now     func() time.Time
	Log     *slog.Logger
	OnEvent func(Event) // called from New and from the goroutine of Run; must not wait
}

func (c *Config) check() error {
	if c.Devices == nil || c.Spool == nil || c.Documents == nil || c.Portals == nil {
		return errors.New("session: config: Devices, Spool, Documents and Portals must be set")
	}
	if c.Browser != nil && (c.Address == nil || c.Mailbox == nil) {
		return errors.New("session: config: Address and Mailbox must be set with Browser")
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Idle, 120 * time.Second},
		{&c.HelpIdle, 10 * time.Minute},
		{&c.CodeIdle, 10 * time.Minute},
		{&c.Warning, 60 * time.Second},
		{&c.Goodbye, 12 * time.Second},
		{&c.Stall, 10 * time.Minute},
		{&c.Grace, 15 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Warning < MinWarning {
		return errors.New("session: config: the warning is shorter than 20 s")
	}
	for _, n := range []struct {
		field *int
		value int
	}{{&c.MaxPages, 100}, {&c.MaxDocuments, 20}, {&c.MaxKeyFiles, 200}} {
		if *n.field == 0 {
			*n.field = n.value
		}
	}
	if c.MaxFile == 0 {
		c.MaxFile = 200e6
	}
	if c.MaxRaw == 0 {
		c.MaxRaw = 250e6
	}
	if c.Lang == "" {
		c.Lang = "fr"
	}
	if c.PortalAt == nil {
		c.PortalAt = func(string) string { return "" }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.OnEvent == nil {
		c.OnEvent = func(Event) {}
	}
	if c.Scrub == nil {
		c.Scrub = func() {}
	}
	if c.Receipt == nil {
		c.Receipt = func(State, time.Time) kiosk.Receipt { return kiosk.Receipt{Lang: c.Lang} }
	}
	if c.Name == nil {
		c.Name = func(State) string { return "document" }
	}
	return nil
}

// EventKind says what is counted.
type EventKind string

// The events. Count is pages, or files for EventSaved, EventPhoned and EventAttached; Took is the whole
// visit's for EventEnded, the task's for the others.
const (
	EventStarted   EventKind = "visit_started"
	EventEnded     EventKind = "visit_ended"    // Reason says why
	EventRestored  EventKind = "visit_restored" // the agent was started again in mid-visit
	EventScanned   EventKind = "scanned"
	EventImported  EventKind = "imported"
	EventConverted EventKind = "converted"
	EventSaved     EventKind = "saved"
	EventPrinted   EventKind = "printed"
	EventReceipt   EventKind = "receipt"
	EventPortal    EventKind = "portal"   // a portal was opened
	EventAttached  EventKind = "attached" // a portal's page took a document
	EventTaken     EventKind = "taken"    // a download became a document
	EventWiped     EventKind = "wiped"    // all of a visit was erased, and that was checked
	EventPhoned    EventKind = "phoned"   // a document went to a phone
	EventFault     EventKind = "fault"    // Code, Device and Task say which
	EventHelp      EventKind = "help"     // a person was asked for
	EventPresence  EventKind = "presence" // Count is 1 when somebody came, 0 when they went
	EventTamper    EventKind = "tamper"   // Count is 1 when the housing was opened, 0 when closed
)

// Reason says why a visit ended.
type Reason string

// The reasons.
const (
	ReasonLeft     Reason = "left"
	ReasonIdle     Reason = "idle"
	ReasonShutdown Reason = "shutdown"
	ReasonStale    Reason = "stale" // nobody was there when the agent came back
)

// Event is something counted for the host and its funders. It never says
// anything of a visitor or their papers.
type Event struct {
	Kind   EventKind
	Reason Reason
	Code   kiosk.Code
	Device kiosk.Kind
	Task   TaskKind
	Count  int
	Portal string // ID in the catalogue: of EventPortal, EventAttached
	Paper  string // the kind of paper, ID in the catalogue: of EventConverted
	Lang   string // of EventEnded: the visit's language at its end
	// Delivered says of EventEnded that a document was saved, printed, sent or
	// attached.
	Delivered bool
	Took      time.Duration
}
