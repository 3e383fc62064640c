package console

import (
	"time"

	"pointnum/kiosk"
)

// Structure is a host, and how its kiosks are in numbers.
type Structure struct {
	ID       string
	Name     string
	Kiosks   int
	Troubles int // kiosks that do not serve, or soon will not
	Calls    int // people who wait
}

// Home is the first page of a structure.
type Home struct {
	Structure Structure
	Cards     []Card
}

// Use is what a kiosk is doing.
type Use string

// The uses.
const (
	UseFree   Use = "free"
	UseBusy   Use = "busy"   // a visit goes on
	UsePaused Use = "paused" // the host has it out of service
	UseClosed Use = "closed" // outside opening hours
	UseBroken Use = "broken" // out of order
	UseOff    Use = "off"    // nothing was heard of it
	UseNew    Use = "new"    // nothing was ever heard of it
)

// Card is one kiosk as the first page shows it.
type Card struct {
	ID        string
	Number    string // short, to read out on the telephone
	Structure string // ID
	Label     string // where it stands
	Use       Use
	// Since is since when it is off; zero with other uses.
	Since time.Time
	Call  *Call // somebody waits for help; nil for nobody
	// Troubles, the most pressing first.
	Troubles []Trouble
	Supplies []Supply
	// Unused is the last day on which somebody used it, when that is longer
	// ago than it should be; zero otherwise.
	Unused  time.Time
	Message string // of the host, on its screen now
	Paused  string // the sentence that visitors read; "" when it serves
	// Copied says that two kiosks speak under its name.
	Copied  bool
	Version string  // of its system; "" unknown
	Update  *Update // nil where it is not updated from here
}

// Call is a visitor who waits for help. It does not say who.
type Call struct {
	ID    string
	Since time.Time
	Taken string // name of the person who comes; "" for nobody yet
	Mine  bool   // that person asks
}

// Trouble is one thing that is wrong with a kiosk.
type Trouble struct {
	Name  string     // of the condition, as package health names it
	Kind  kiosk.Kind // of the device; "" where it is none
	Code  kiosk.Code
	Since time.Time
	// Checking says that somebody said "C'est fait" and the kiosk has not
	// looked yet.
	Checking bool
}

// Supply is how much is left of what a device uses up.
type Supply struct {
	Kind    kiosk.Kind
	Name    string
	Percent int // -1 unknown
}

// Detail is all that is known of a kiosk.
type Detail struct {
	Card
	StructureName string
	Pilot         bool      // it may be among the first to be updated
	Enrolled      time.Time // since when it is ours
	Revoked       time.Time // zero: in service
	// SettingsSent is false while it does not have the newest settings.
	SettingsSent bool
	// Wiped is how the erasing of the last visit went; nil unknown.
	Wiped *bool
	// Refused are hosts that portals wanted and that are not allowed; only
	// for those who may test.
	Refused  []string
	Commands []Command // newest first
}

// OrderKind is what a kiosk can be told. The list is closed.
type OrderKind string

// The orders.
const (
	OrderFixed    OrderKind = "fixed"     // "C'est fait": look at the devices now
	OrderMessage  OrderKind = "message"   // Text on its screen until Until; "" takes it away
	OrderPause    OrderKind = "pause"     // out of service, with the sentence Text
	OrderResume   OrderKind = "resume"    // serves again
	OrderRestart  OrderKind = "restart"   // the program
	OrderReboot   OrderKind = "reboot"    // the machine
	OrderSelfTest OrderKind = "self_test" // all devices
	// Only in what happened, never ordered by this name:
	OrderSettings  OrderKind = "settings"
	OrderHelpTaken OrderKind = "help_taken"
	OrderHelpDone  OrderKind = "help_done"
	OrderUpdate    OrderKind = "update"    // Text is the version
	OrderNoUpdate  OrderKind = "no_update" // the order to update is taken back
)

// Order is one thing that a kiosk is told.
type Order struct {
	Kind  OrderKind
	Text  string    // one line, as kiosk.CheckLine
	Until time.Time // of a message
}

// Status is what became of an order.
type Status string

// The statuses.
const (
	StatusQueued  Status = "queued"  // for the kiosk to be there
	StatusSent    Status = "sent"    // and not answered yet
	StatusWaiting Status = "waiting" // for the end of a visit
	StatusDone    Status = "done"
	StatusFailed  Status = "failed"
	StatusExpired Status = "expired"
	StatusRefused Status = "refused"
)

// Command is an order that was given, and what became of it.
type Command struct {
	ID     string
	Kind   OrderKind
	Text   string
	By     string // name; "" for the server itself
	At     time.Time
	Status Status
	Code   kiosk.Code // of StatusFailed
}

// By is what a usage sheet has a row for.
type By string

// The rows of usage sheets.
const (
	ByDay       By = "day"
	ByKiosk     By = "kiosk"
	ByStructure By = "structure"
)

// Ask is what a usage sheet is about.
type Ask struct {
	Structure string // "" for all that the person sees; only with ByStructure
	Kiosk     string // "" for all of the structure
	From, To  string // days, "2006-01-02", both of them included
	By        By
	Export    bool // it leaves as a file
}

// Sheet is a usage sheet.
type Sheet struct {
	Name  string    // of the structure; "" for several
	Zone  string    // IANA name of its days; "" is Europe/Paris
	Total []Count   // of all rows
	Rows  []Row     // in the order of days or labels
	Kept  time.Time // counts older than this are kept by month only; zero unknown
	// Kiosks are those of the structure, to choose one.
	Kiosks []Named
}

// Named is an ID and what people call it.
type Named struct{ ID, Label string }

// Row is one day, kiosk or structure of a sheet.
type Row struct {
	Key    string // the day or the ID
	Label  string // of a kiosk or structure
	Counts []Count
}

// Count is one number.
type Count struct {
	// Counter is "visits", "pages", "documents", "saved", "phoned",
	// "printed", "receipts", "help" or "minutes"; or "attached/", "opened/",
	// "paper/", "language/", "end/" or "fault/" and an ID.
	Counter string
	N       int64
	Hidden  bool // 1 to 4, or whatever would tell such a number: N is 0
}

// Settings are those of a place, and how far they have come.
type Settings struct {
	Name    string // of the structure
	Current kiosk.Settings
	By      string    // who saved them; "" nobody yet
	At      time.Time // when
	Waiting []string  // labels of kiosks that do not have them yet
}

// Alerts say whom a structure wants told of trouble.
type Alerts struct {
	Name    string // of the structure; not saved
	Emails  []string
	Webhook string // https URL; "" none
	// HasSecret says that there is a secret that signs the webhook's body;
	// not saved. NewSecret asks for another one.
	HasSecret, NewSecret bool
	QuietFrom, QuietTo   int // minutes after local midnight; equal for none
	DigestAt             int // minutes after local midnight; negative for none
	// Version is what was edited: opaque, returned as it came.
	Version string
}

// Role is what somebody does at a structure.
type Role string

// The roles.
const (
	RoleDesk       Role = "desk"       // agent d’accueil
	RoleReferent   Role = "referent"   // référent
	RoleTechnician Role = "technician" // technicien
	RoleAdmin      Role = "admin"      // administrateur de la structure
	RoleFleet      Role = "fleet"      // administrateur du parc
)

// Team is who works at a structure.
type Team struct {
	Name    string // of the structure
	People  []Person
	Invited []Invitation // that nobody has used yet
	Roles   []Role       // that the person who asks may give
	// Mail says that invitations leave by e-mail; otherwise the link is to be
	// handed over.
	Mail bool
}

// Person is somebody who may log in.
type Person struct {
	ID       string
	Name     string
	Email    string
	Role     Role
	Disabled bool
	// Confirmed is false for those who came by themselves through a provider.
	Confirmed bool
	Self      bool // who asks
}

// Invitation is one that nobody has used yet.
type Invitation struct {
	ID      string // not the token of its link
	Name    string
	Email   string
	Role    Role
	Expires time.Time
}

// Invite is who is let in.
type Invite struct {
	Name  string
	Email string
	Role  Role
	// Password allows a password and a one-time code: there is no passkey at
	// their post.
	Password bool
}

// Invited is an invitation that was just made.
type Invited struct {
	Email string
	// Link is to be handed over: shown once. "" when it went by e-mail.
	Link string
}

// Code is a one-time code for a kiosk, without the code.
type Code struct {
	ID       string
	Label    string
	Replaces string // label of the kiosk; "" none
	By       string // name
	Created  time.Time
	Expires  time.Time
	Used     time.Time // zero: not yet
}

// NewCode is a code that was just made.
type NewCode struct {
	Code
	Text string // "QRTV-6YYE-63PX"
}

// AuditLine is one line of who did what.
type AuditLine struct {
	N      int64
	At     time.Time
	Name   string // of the person; "" for the server
	From   string // address
	Kiosk  string // label or ID; "" none
	Action string // constant word: "login", "command/reboot", "code"…
	Detail string // constant words and IDs
	OK     bool
}
