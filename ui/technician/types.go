package technician

import (
	"context"
	"time"

	"pointnum/kiosk"
)

// Desk is the kiosk behind the menu. Its methods may be called from any
// goroutine.
type Desk interface {
	// State is how the kiosk stands now. It does not wait for anything.
	State() State
	// Sticks are the USB sticks with a release on them, looked at now.
	Sticks() []Stick
	// Stand is how the entrance stands.
	Stand() Stand
	// Try says whether what was typed is the code, and counts it.
	Try(typed string) bool
	// Do hands an action over. What it refuses is State.Fault afterwards; it
	// is kiosk.CodeBadRequest when what was typed is not possible.
	Do(ctx context.Context, a Action) error
	// Left says that the menu was left: what was refused is forgotten.
	Left()
}

// Stand is how the entrance stands.
type Stand struct {
	None   bool          // there is no code
	Closed time.Duration // for so long yet; 0 open
	Left   int           // tries until it closes
}

// Stick is a release on a USB stick.
type Stick struct {
	Folder  string
	Version string // "" it can't be read
	Fault   *Fault // why it is not taken; nil it is
}

// Link is how the tie to the supervision is.
type Link string

// The links.
const (
	LinkAlone Link = "alone" // none is wanted
	LinkUp    Link = "up"
	LinkDown  Link = "down"
)

// Phase is how an update stands.
type Phase string

// The phases.
const (
	PhaseNone       Phase = "none"    // nothing is under way
	PhasePackages   Phase = "foreign" // not our image
	PhaseFetching   Phase = "fetching"
	PhaseWaiting    Phase = "waiting" // for the place to close
	PhaseInstalling Phase = "installing"
	PhaseTrying     Phase = "trying"
	PhaseReturned   Phase = "returned"
	PhaseFailed     Phase = "failed"
)

// Task is what goes on and leads away from the menu.
type Task string

// The tasks.
const (
	TaskSetup  Task = "setup"
	TaskReboot Task = "reboot"
	TaskOff    Task = "off"
	TaskErase  Task = "erase"
	TaskErased Task = "erased" // there is nothing left to do but to switch off
)

// Fault is what was refused or did not work.
type Fault struct {
	Code   kiosk.Code
	Text   string // in TextLang
	Detail string // for the technician, in English
}

// Problem is something that is not well.
type Problem struct {
	Name   string // a device's, or what it is about
	Kind   kiosk.Kind
	Code   kiosk.Code
	Detail string
}

// State is all that the menu shows.
type State struct {
	Lang     string
	TextLang string // of the texts of faults
	Free     bool   // no visit is under way
	Version  string
	Link     Link
	Problems []Problem
	Update   Update
	Task     Task
	Fault    *Fault // of the last action
	Proof    string // of what was erased, in French
	Reboot   bool   // it can be started anew from here
	PowerOff bool   // and switched off
}

// Update is how the system's update stands.
type Update struct {
	Phase   Phase
	Wanted  string
	Percent int    // -1 unknown
	Fault   *Fault // of the last one
}

// Action is what the technician does.
type Action struct {
	Name Name
	Text string // a stick's folder, the word that is typed
	On   bool   // though the kiosk came back from this version before
}

// Name is an action's name.
type Name string

// The actions.
const (
	ActUpdate Name = "update"
	ActNow    Name = "now" // do not wait for the place to close
	ActSetup  Name = "setup"
	ActReboot Name = "reboot"
	ActOff    Name = "off"
	ActErase  Name = "erase"
)

// Word is what a person types before anything is erased.
const Word = "EFFACER"
