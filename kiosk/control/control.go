// Package control lets the technician's tool talk to the running agent: HTTP
// over a Unix socket that only the agent's own user may open.
//
// It answers GET /status; POST /leave, which ends the visit on the screen;
// POST /enrol, by which the kiosk gets its identity at the supervision; and
// what a HealthHandler and an UpdateHandler do. What it says of a visit is the
// name of the screen and no more.
package control

import (
	"context"
	"errors"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/health"
)

// ErrNotRunning means that nobody answers on the socket.
var ErrNotRunning = errors.New("kioskd is not running")

// Handler is the agent, as the socket sees it. Methods may be called from any
// goroutine. An *kiosk.Error keeps its code on its way to the Client.
type Handler interface {
	// Status says how the kiosk is. It never waits for a scan.
	Status(ctx context.Context) (Status, error)
	// Leave ends the visit and returns when it is wiped. Without a visit it
	// returns nil.
	Leave(ctx context.Context) error
	// Enrol gets the kiosk an identity at the supervision and returns it once
	// it is kept. One that it has already is replaced.
	Enrol(ctx context.Context, e Enrolment) (Fleet, error)
}

// Enrolment is what a technician types.
type Enrolment struct {
	Server string `json:"server,omitempty"` // "https://host"; "" for the configuration's
	Code   string `json:"code"`             // one-time
}

// Fleet is how the kiosk's supervision is.
type Fleet struct {
	Server    string     `json:"server"`
	Structure string     `json:"structure"`
	Kiosk     string     `json:"kiosk"`
	Label     string     `json:"label"`            // where it stands, as the host named it
	Link      string     `json:"link"`             // "websocket", "sync" or "down"
	Since     time.Time  `json:"since"`            // when Link became what it is
	Waiting   int        `json:"waiting"`          // events that wait to be sent
	Sealed    bool       `json:"sealed"`           // the kiosk's key is kept by its TPM
	Fault     kiosk.Code `json:"fault,omitempty"`  // why it is down
	Detail    string     `json:"detail,omitempty"` // the same for the technician
}

// Status is how a kiosk is. It never holds a visitor's data.
type Status struct {
	Version       string             `json:"version"`
	UptimeSeconds int64              `json:"uptime_seconds"` // of the agent
	Screen        string             `json:"screen"`         // name of the screen shown
	Devices       []Device           `json:"devices"`
	Health        []health.Condition `json:"health"` // none when all is well
	// Wiped is the last time that a visit was erased; nil when none was since
	// the agent started.
	Wiped *Wipe `json:"wiped,omitempty"`
	// Refused are hosts that portals wanted and that are not allowed, since the
	// agent started, in the order of their names; nothing says who met them.
	Refused []string `json:"refused_hosts,omitempty"`
	Fleet   *Fleet   `json:"fleet,omitempty"` // nil for a kiosk that works alone
	// Pages is how many screens show the kiosk's page now.
	Pages  int     `json:"pages"`
	Update *Update `json:"update,omitempty"`
}

// Wipe is how the erasing of a visit went.
type Wipe struct {
	OK bool      `json:"ok"` // it was checked that nothing is left
	At time.Time `json:"at"`
}

// Device is how a device is.
type Device struct {
	ID         kiosk.DeviceID `json:"id"`
	Kind       kiosk.Kind     `json:"kind"`
	Driver     string         `json:"driver"`
	Model      string         `json:"model,omitempty"` // make and model, as the device says
	Ready      bool           `json:"ready"`
	Busy       bool           `json:"busy"` // lent to the visit
	Conditions []kiosk.Code   `json:"conditions,omitempty"`
	Supplies   []kiosk.Level  `json:"supplies,omitempty"`
	Detail     string         `json:"detail,omitempty"` // the device's own words
}

// fault is an error on its way through the socket.
type fault struct {
	Code kiosk.Code `json:"code"`
	Text string     `json:"error"`
}
