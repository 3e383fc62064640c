// Package health keeps what is wrong with a kiosk as named conditions. A
// condition shows only after it held for a while, so that a printer that
// wakes up or a cable that is moved alarms nobody; what endangers a visitor's
// papers shows at once.
package health

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
)

// The names of conditions that are not about a device.
const (
	SwapOn      = "swap_on"       // memory may be written to a disk
	SpoolOnDisk = "spool_on_disk" // the spool's folder is not memory-backed
	WipeFailed  = "wipe_failed"   // something of a visit may be left
	// BrowserBroken says that no portal can be opened; all else works.
	BrowserBroken = "browser_broken"
	// PoliciesDiffer says that the browser's managed policies are not those of
	// the catalogue; kioskctl policies tells which and writes them.
	PoliciesDiffer = "browser_policies"
)

const devicePrefix = "device/"

// Device names the condition of a device.
func Device(id kiosk.DeviceID) string { return devicePrefix + string(id) }

// DeviceDelay is how long a device may be unwell before it shows: a network
// printer that wakes up needs some seconds.
const DeviceDelay = 15 * time.Second

// DefaultDelay is the time before a condition shows: DeviceDelay for devices,
// and for the browser, which is started again by itself; nothing for the rest.
func DefaultDelay(name string) time.Duration {
	if strings.HasPrefix(name, devicePrefix) || name == BrowserBroken {
		return DeviceDelay
	}
	return 0
}

// Condition is one thing that is wrong.
type Condition struct {
	Name   string     `json:"name"`
	Code   kiosk.Code `json:"code"`             // what a person can do about it
	Detail string     `json:"detail,omitempty"` // for the technician; never a visitor's data
	Since  time.Time  `json:"since"`
}

// Tracker holds the conditions of one kiosk. The zero Tracker is healthy and
// ready to use; it may be used from any goroutine and must not be copied.
type Tracker struct {
	// Delay says how long a condition has to hold before State shows it; nil
	// is DefaultDelay. It is not changed after first use.
	Delay func(name string) time.Duration

	mu         sync.Mutex
	conditions map[string]Condition
}

// Set says that something is wrong. Saying it again updates code and detail
// and keeps the time since when it is.
func (t *Tracker) Set(name string, code kiosk.Code, detail string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conditions == nil {
		t.conditions = map[string]Condition{}
	}
	c, ok := t.conditions[name]
	if !ok {
		c = Condition{Name: name, Since: time.Now()}
	}
	c.Code, c.Detail = code, detail
	t.conditions[name] = c
}

// Clear says that it is right again. Clearing what was not set does nothing.
func (t *Tracker) Clear(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.conditions, name)
}

// State returns the conditions that show, the oldest first; none when all is
// well.
func (t *Tracker) State() []Condition {
	delay := t.Delay
	if delay == nil {
		delay = DefaultDelay
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []Condition
	for _, c := range t.conditions {
		if time.Since(c.Since) >= delay(c.Name) {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Condition) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.Name, b.Name))
	})
	return out
}
