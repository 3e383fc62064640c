package provisioning

import (
	"strings"
	"time"

	"pointnum/kiosk"
)

// Event is one line of a kiosk's outbox. Kiosk, Epoch and Seq name it for
// ever: whoever meets it again has counted it already. The kiosk itself is not
// in it, the authorised connection says who speaks.
type Event struct {
	// Epoch is a random number made with the outbox's file, so that a kiosk
	// set up anew is not taken for its former self.
	Epoch int64 `json:"e"`
	Seq   int64 `json:"q"` // 1, 2, 3… in its epoch; sent in that order
	// At is when it happened, µs since 1970 UTC, after the kiosk corrected it
	// by the server's clock.
	At     int64     `json:"t"`
	Kind   EventKind `json:"k"`
	Counts *Counts   `json:"c,omitempty"` // of EventCounts
	State  *State    `json:"s,omitempty"` // of EventState
	Result *Result   `json:"r,omitempty"` // of EventResult
}

// Time is At as a time.
func (e Event) Time() time.Time { return time.UnixMicro(e.At).UTC() }

// EventKind says which of an event's fields is set.
type EventKind string

// The kinds of events.
const (
	EventCounts EventKind = "counts" // a quarter of an hour has passed in which something was counted
	EventState  EventKind = "state"  // what the host should know has changed
	EventResult EventKind = "result" // a command has come to its end
)

// Slot is the step of time in which is counted. Finer steps could tell one
// visit from another.
const Slot = 15 * time.Minute

// Counts is what was counted in one slot. Visits that span slots are counted
// in that of their beginning, and what they do in those where it happens.
type Counts struct {
	Slot int64            `json:"slot"` // its beginning, s since 1970 UTC, a multiple of Slot
	N    map[string]int64 `json:"n"`    // by counter; each at least 1
}

// The counters. Those that end in "/" are followed by a value of a closed
// list: a portal's or a paper's ID in the catalogue, a language's tag, a
// fault's code, a reason.
const (
	CountVisits    = "visits"
	CountPages     = "pages"     // scanned or brought in
	CountDocuments = "documents" // made to fit a portal
	CountAttached  = "attached/" // portal: files that its pages took
	CountOpened    = "opened/"   // portal: it was opened
	CountPaper     = "paper/"    // kind of paper of a document that was made
	CountSaved     = "saved"     // files put on a key
	CountPhoned    = "phoned"    // files sent to a phone
	CountPrinted   = "printed"   // sides
	CountReceipts  = "receipts"
	CountLanguage  = "language/" // of a visit at its end
	CountEnd       = "end/"      // outcome of a visit: delivered, left, idle, shutdown
	CountFault     = "fault/"    // code
	CountHelp      = "help"      // a person was called
	CountMinutes   = "minutes"   // of visits
)

// ValidCounter says whether a name is one of the counters.
func ValidCounter(name string) bool {
	stem, value, has := strings.Cut(name, "/")
	if has {
		stem += "/"
	}
	switch stem {
	case CountVisits, CountPages, CountDocuments, CountSaved, CountPhoned, CountPrinted, CountReceipts, CountHelp, CountMinutes:
		return true
	case CountAttached, CountOpened, CountPaper, CountLanguage, CountEnd, CountFault:
		return len(value) > 0 && len(value) <= 40 &&
			strings.Trim(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") == ""
	}
	return false
}

// Limits of one Counts.
const (
	MaxCounters = 100
	MaxCount    = 1_000_000
)

func (c *Counts) valid() bool {
	if c.Slot <= 0 || c.Slot%int64(Slot/time.Second) != 0 || len(c.N) == 0 || len(c.N) > MaxCounters {
		return false
	}
	for name, n := range c.N {
		if n < 1 || n > MaxCount || !ValidCounter(name) {
			return false
		}
	}
	return true
}

// DecodeEvents reads a message of UpEvents: 1 to MaxBatch events in the order
// of their numbers, all of one epoch. The error is ErrInvalid.
func DecodeEvents(b []byte) ([]Event, error) {
	var evs []Event
	if err := decode(b, &evs); err != nil {
		return nil, err
	}
	if len(evs) == 0 {
		return nil, invalid("number of events")
	}
	if err := checkEvents(evs); err != nil {
		return nil, err
	}
	return evs, nil
}

// checkEvents checks those of one message; there may be none.
func checkEvents(evs []Event) error {
	if len(evs) > MaxBatch {
		return invalid("number of events")
	}
	for i := range evs {
		if err := evs[i].check(); err != nil {
			return err
		}
		if i > 0 && (evs[i].Epoch != evs[0].Epoch || evs[i].Seq <= evs[i-1].Seq) {
			return invalid("order of events")
		}
	}
	return nil
}

func (e *Event) check() error {
	ok := e.Seq > 0 && e.At > 0
	switch e.Kind {
	case EventCounts:
		ok = ok && e.Counts != nil && e.State == nil && e.Result == nil && e.Counts.valid()
	case EventState:
		ok = ok && e.State != nil && e.Counts == nil && e.Result == nil && e.State.valid()
	case EventResult:
		ok = ok && e.Result != nil && e.Counts == nil && e.State == nil && e.Result.valid()
	default:
		ok = false
	}
	if !ok {
		return invalid("event")
	}
	return nil
}

// Ack answers a message of UpEvents.
type Ack struct {
	// OK says that the events are on the server's disk: the kiosk may forget
	// them.
	OK bool `json:"ok"`
	// Why is for the log: "later" when the server cannot store now, "invalid"
	// when it never will.
	Why string `json:"why,omitempty"`
}

// State is what the host should know of a kiosk. It is whole: the newest one
// replaces all before it.
type State struct {
	Version    string      `json:"version"` // of the agent
	Conditions []Condition `json:"conditions,omitempty"`
	Supplies   []Supply    `json:"supplies,omitempty"`
	// Help is when a visitor called for a person, µs since 1970; 0 when
	// nobody waits. Taken says that somebody said they are coming.
	Help  int64 `json:"help,omitempty"`
	Taken bool  `json:"taken,omitempty"`
	// Paused is the sentence that visitors read while the host has the kiosk
	// out of service; "" when it serves. Message is the host's message shown
	// on the welcome screen.
	Paused  string `json:"paused,omitempty"`
	Message string `json:"message,omitempty"`
	// Settings is the revision in force.
	Settings int64 `json:"settings,omitempty"`
	// Wiped is how the last erasing of a visit went; nil before the first.
	Wiped *Wiped `json:"wiped,omitempty"`
	// Refused are hosts that portals wanted and that are not allowed.
	Refused []string `json:"refused,omitempty"`
	// Update is how the system's release is; nil where nobody updates it this
	// way, as on a machine that only has the packages.
	Update *UpdateState `json:"update,omitempty"`
}

// Condition is one thing that is wrong with a kiosk.
type Condition struct {
	Name  string     `json:"name"`           // as package health names it
	Kind  kiosk.Kind `json:"kind,omitempty"` // of the device, where it is one
	Code  kiosk.Code `json:"code"`
	Since int64      `json:"since"` // µs since 1970
}

// Supply is how much is left of what a device uses up.
type Supply struct {
	Kind    kiosk.Kind `json:"kind"`
	Name    string     `json:"name"`
	Percent int        `json:"percent"` // -1 unknown
}

// Wiped is how the erasing of a visit went, without its time: that would be a
// visit's own.
type Wiped struct {
	OK bool `json:"ok"`
}

// MaxEntries is how many conditions, supplies and hosts a State holds.
const MaxEntries = 64

const maxText = 200 // bytes of a word; sentences have kiosk.MaxLine characters

func (s *State) valid() bool {
	if len(s.Conditions) > MaxEntries || len(s.Supplies) > MaxEntries || len(s.Refused) > MaxEntries ||
		!short(s.Version) || s.Settings < 0 || kiosk.CheckLine(s.Paused) != nil || kiosk.CheckLine(s.Message) != nil {
		return false
	}
	for _, c := range s.Conditions {
		if c.Name == "" || c.Code == "" || !short(c.Name) || !short(string(c.Code)) || !short(string(c.Kind)) {
			return false
		}
	}
	for _, p := range s.Supplies {
		if !short(p.Name) || !short(string(p.Kind)) || p.Percent < -1 || p.Percent > 100 {
			return false
		}
	}
	for _, h := range s.Refused {
		if !short(h) {
			return false
		}
	}
	return s.Update == nil || s.Update.valid()
}

func short(s string) bool { return len(s) <= maxText && kiosk.CheckLine(s) == nil }

// Use is what a kiosk is doing.
type Use string

// The uses.
const (
	UseFree   Use = "free"
	UseBusy   Use = "busy"   // a visit goes on
	UsePaused Use = "paused" // the host has it out of service
	UseClosed Use = "closed" // outside opening hours
	UseBroken Use = "broken" // out of order
)

// Beat says every BeatEvery that a kiosk is there. Nobody stores it.
type Beat struct {
	Use     Use   `json:"use"`
	Help    bool  `json:"help,omitempty"`
	Waiting int   `json:"waiting,omitempty"` // events in the outbox
	Epoch   int64 `json:"e"`                 // of the outbox
	// Run is random and new at each start of the agent: two that beat under
	// one name are copies of one kiosk.
	Run string `json:"run"`
}

// DecodeBeat reads a Beat. The error is ErrInvalid.
func DecodeBeat(b []byte) (Beat, error) {
	var v Beat
	if err := decode(b, &v); err != nil {
		return Beat{}, err
	}
	switch v.Use {
	case UseFree, UseBusy, UsePaused, UseClosed, UseBroken:
	default:
		return Beat{}, invalid("use")
	}
	if !short(v.Run) || v.Waiting < 0 {
		return Beat{}, invalid("beat")
	}
	return v, nil
}
