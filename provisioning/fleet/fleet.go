// Package fleet is the vocabulary of the fleet's server: structures, kiosks,
// people and what they may do, commands, alerts, counts. The packages below it
// are its parts; they meet in cmd/fleetd.
//
//	store   the truth, in SQLite or PostgreSQL
//	keys    the keys that name kiosks and sign commands
//	engine  kiosks' connections: NATS, /sync, enrolment, presence, commands
//	people  who people are: passkeys, OpenID Connect, sessions
//	alert   e-mails and webhooks
//	release the releases that kiosks fetch
//	rollout who gets a release, and when
//	desk    what the console shows and does, for one person
package fleet

import (
	"errors"
	"slices"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
)

// What goes wrong. Nothing says whether something exists that a person may
// not see: it is ErrNotFound to them.
var (
	ErrNotFound  = errors.New("fleet: not there")
	ErrForbidden = errors.New("fleet: not allowed")
	ErrCode      = errors.New("fleet: the code is unknown, used or too old")
	ErrExists    = errors.New("fleet: exists already")
	ErrConflict  = errors.New("fleet: changed meanwhile")
)

// Scope is what may be seen: the kiosks and people of one structure, or of
// all. Every query takes one. The zero Scope sees nothing.
type Scope struct {
	Structure string
	All       bool
}

// Sees says whether a structure is inside.
func (s Scope) Sees(structure string) bool {
	return s.All || s.Structure != "" && s.Structure == structure
}

// Structure is a host: a social centre, a town hall, a library.
type Structure struct {
	ID       string // as provisioning.ValidID
	Name     string
	SIRET    string         // of OpenID Connect people who may be of it; "" none
	Settings kiosk.Settings // of its kiosks
	Alerts   AlertSettings
	Created  time.Time
}

// AlertSettings say whom a structure wants told.
type AlertSettings struct {
	Emails  []string
	Webhook string // https URL; "" none
	Secret  string // signs the webhook's body
	// Between QuietFrom and QuietTo, minutes after local midnight, only the
	// digest gathers; equal for no quiet hours.
	QuietFrom, QuietTo int
	DigestAt           int    // minutes after local midnight; negative for none
	Zone               string // IANA name; "" is Europe/Paris
}

// Kiosk is one kiosk as the server knows it.
type Kiosk struct {
	ID        string
	Structure string
	Label     string // where it stands: "Hall d’accueil"
	Key       string // its public key
	// NextKey was given by renewal and not used yet; "" none.
	NextKey  string
	Enrolled time.Time
	Renewed  time.Time // when Key was given
	Expires  time.Time // of its credential
	Revoked  time.Time // zero: in service
	// Seen is when it was last heard, to the minute; zero never.
	Seen time.Time
	// Copied is when two kiosks spoke under its name; zero when that never
	// happened or was put right.
	Copied time.Time
	// Pilot says that its host lets it be among the first to get a release.
	Pilot   bool
	State   provisioning.State // the newest it told
	StateAt time.Time          // when it told it; zero never
	Epoch   int64              // of its outbox
}

// Presence is what is known of a kiosk now, in memory only.
type Presence struct {
	Online bool
	Use    provisioning.Use // when it is online
	Since  time.Time        // since when Online is what it is
	Beat   provisioning.Beat
}

// Change tells servers and consoles that something of a kiosk has changed:
// whoever shows it asks anew. It says nothing by itself.
type Change struct {
	Structure string `json:"structure"`
	Kiosk     string `json:"kiosk,omitempty"` // "" for the structure itself
	What      string `json:"what"`            // "state", "counts", "presence", "command", "settings", "help"
}

// Queued is a command and what became of it.
type Queued struct {
	Command provisioning.Command
	By      string // person's ID; "" for the server itself
	Status  QueueStatus
	Code    kiosk.Code // of a failed one
	Changed time.Time
}

// QueueStatus is where a command is.
type QueueStatus string

// The statuses of a queue, then those that the kiosk tells.
const (
	Waiting QueueStatus = "queued" // for the kiosk to be there
	Sent    QueueStatus = "sent"   // and not answered yet
)

// Ended says whether nothing more will come.
func (s QueueStatus) Ended() bool {
	switch provisioning.Status(s) {
	case provisioning.StatusDone, provisioning.StatusFailed, provisioning.StatusExpired, provisioning.StatusRefused:
		return true
	}
	return false
}

// Person is somebody of a host structure, or of the fleet's own administration.
type Person struct {
	ID        string
	Structure string // "" for RoleFleet
	Name      string
	Email     string // lower case
	Role      Role
	Lang      string // BCP 47
	Created   time.Time
	Disabled  time.Time // zero: may log in
	// Subject and Issuer name them at an OpenID Connect provider; "" without.
	Issuer, Subject string
	// Confirmed is false for those who came by OpenID Connect and whom no
	// administrator has let in yet.
	Confirmed bool
}

// Scope is what the person may see.
func (p Person) Scope() Scope {
	if p.Role == RoleFleet {
		return Scope{All: true}
	}
	return Scope{Structure: p.Structure}
}

// Role is what somebody does at a structure.
type Role string

// The roles. Each may do what is in its line of rights, and no more.
const (
	RoleDesk       Role = "desk"       // agent d’accueil, who receives people
	RoleReferent   Role = "referent"   // référent, who answers for the kiosks
	RoleTechnician Role = "technician" // technicien
	RoleAdmin      Role = "admin"      // administrateur de la structure
	RoleFleet      Role = "fleet"      // administrateur du parc, of all structures
)

// Right is one thing that somebody may do.
type Right string

// The rights.
const (
	MaySee       Right = "see"       // kiosks, and that somebody calls
	MayHelp      Right = "help"      // take a call, say "C'est fait"
	MayMessage   Right = "message"   // write to a kiosk's screen
	MayPause     Right = "pause"     // take a kiosk out of service and back
	MayRestart   Right = "restart"   // the agent or the machine
	MayExport    Right = "export"    // the usage sheet
	MaySettings  Right = "settings"  // opening hours, contacts, portals…
	MayTest      Right = "test"      // start the self-test
	MayCode      Right = "code"      // make one-time codes for kiosks
	MayRevoke    Right = "revoke"    // a kiosk's identity
	MayPeople    Right = "people"    // invite, change roles, disable
	MayAudit     Right = "audit"     // read who did what
	MayAlerts    Right = "alerts"    // say whom alerts reach
	MayStructure Right = "structure" // add structures
	MayUpdate    Right = "update"    // bring kiosks of all structures to a release
)

// Rights are those of a role.
func (r Role) Rights() []Right {
	desk := []Right{MaySee, MayHelp, MayMessage}
	referent := append(desk[:len(desk):len(desk)], MayPause, MayRestart, MayExport, MaySettings)
	switch r {
	case RoleDesk:
		return desk
	case RoleReferent:
		return referent
	case RoleTechnician:
		return []Right{MaySee, MayHelp, MayMessage, MayPause, MayRestart, MaySettings, MayTest, MayCode}
	case RoleAdmin:
		return append(referent[:len(referent):len(referent)], MayTest, MayCode, MayRevoke, MayPeople, MayAudit, MayAlerts)
	case RoleFleet:
		return append(referent[:len(referent):len(referent)], MayTest, MayCode, MayRevoke, MayPeople, MayAudit, MayAlerts, MayStructure, MayUpdate)
	}
	return nil
}

// May says whether a role has a right.
func (r Role) May(right Right) bool { return slices.Contains(r.Rights(), right) }

// Sensitive says that a right asks for a fresh proof of who somebody is.
func (r Right) Sensitive() bool {
	return r == MayRestart || r == MayRevoke || r == MayPeople || r == MayStructure || r == MayUpdate
}

// Code is a one-time code for a kiosk, without the code itself: only its hash
// is kept.
type Code struct {
	ID        string
	Structure string
	Label     string
	// Replaces is the kiosk whose place the new one takes; "" none.
	Replaces string
	By       string // person
	Created  time.Time
	Expires  time.Time
	Used     time.Time // zero: not yet
	Kiosk    string    // that used it
}

// Audit is one line of who did what. Lines are chained: Hash covers the line
// and the hash of the one before.
type Audit struct {
	N         int64
	At        time.Time
	Person    string // ID, or "server"
	Name      string // of the person at that time
	Structure string
	Kiosk     string
	Action    string // constant word: "login", "command/reboot", "code", "revoke", "export"…
	Detail    string // constant words and IDs; never a visitor's data
	From      string // address of the client
	OK        bool
	Hash      string // hex
}

// Usage is one count of a day: what funders ask for.
type Usage struct {
	Day       string // "2006-01-02", in the structure's zone
	Structure string
	Kiosk     string
	Counter   string // as provisioning.ValidCounter
	N         int64
	// Hidden says that N is not shown: it is from 1 to K-1, and so few could
	// be somebody, or it would tell one that is.
	Hidden bool
}

// K is the smallest count shown in exports and sheets of parts ("portals",
// "languages", "outcomes"): fewer are hidden.
const K = 5

// Alert is a problem that was told to people.
type Alert struct {
	ID        string
	Structure string
	Kiosk     string
	Name      string     // of the condition; "offline", "help", "copied"
	Code      kiosk.Code // of a condition
	Since     time.Time
	Told      time.Time // zero: not yet
	Ended     time.Time // zero: still so
}
