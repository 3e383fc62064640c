package setup

import (
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/provisioning/technician"
)

// Step is where the technician is.
type Step string

// The steps, in their order.
const (
	StepLanguage Step = "language"
	StepNetwork  Step = "network"
	StepHost     Step = "host" // whose kiosk it is: a code, or none
	StepDevices  Step = "devices"
	StepTest     Step = "test"
	StepDone     Step = "done"
)

// Steps are all steps in their order.
func Steps() []Step {
	return []Step{StepLanguage, StepNetwork, StepHost, StepDevices, StepTest, StepDone}
}

// Task is what goes on by itself; it can be cancelled.
type Task string

// The tasks.
const (
	TaskLook   Task = "look"   // at the network
	TaskJoin   Task = "join"   // use other settings of the network
	TaskEnrol  Task = "enrol"  // give the code to the server
	TaskFind   Task = "find"   // look for devices
	TaskTest   Task = "test"   // the self-test
	TaskPrint  Task = "print"  // the sheet
	TaskFinish Task = "finish" // write the configuration
	// TaskInstall writes the system on a disk; it can't be cancelled.
	TaskInstall Task = "install"
)

// State is all that a screen shows. It is read-only once it was published.
type State struct {
	Step Step
	Lang string
	// Auto says that a technician's file is being followed; Wrong are the
	// mistakes in it, one a line, in French.
	Auto  bool
	Wrong string
	// Before says that the kiosk has a configuration already, with which it
	// can be left.
	Before bool
	// Disks can take the system, in the first step; Installed says that one
	// has: the machine is to be switched off.
	Disks     []TargetDisk
	Installed bool

	Task    Task   // "" none
	Percent int    // of Task; -1 unknown
	Now     string // what of it, such as a device's name; may be ""
	Fault   *Fault // what ended the last task

	Network NetworkState
	Host    HostState
	Devices []Device
	Lines   []Line
	Printed bool // a sheet has come out
	// Code is the new technician's code, in the last two steps; "" when the
	// technician gave it. It is for the screen and the sheet alone.
	Code  technician.Code
	Ended bool // the kiosk starts now
}

// Fault is what went wrong, and which task.
type Fault struct {
	Task   Task
	Code   kiosk.Code
	Detail string // the technician's text
}

// NetworkState is what is known of the network.
type NetworkState struct {
	Links  []Link
	Points []AccessPoint // in reach; nil before a look, or without a radio
	SSID   string        // joined by this setup; "" none
	Proxy  string        // without its password
	CA     bool          // the place's certificate is trusted
	CAs    []string      // certificates that lie beside the technician's file
	Looked bool
	Reach  Reach
	Clock  time.Duration // by how much it was off when it was set; 0 it was right
}

// OK says that the kiosk comes as far as it has to.
func (n NetworkState) OK() bool { return n.Looked && n.Reach.Server && n.Reach.Code == "" }

// HostState is whose kiosk it is.
type HostState struct {
	Server string
	Alone  bool      // without supervision
	Is     *Enrolled // nil not yet
	Place  config.Place
}

// Enrolled is what the server said.
type Enrolled struct {
	Server, Structure, Kiosk, Label string
}

// Device is a device that was found, or that the configuration had.
type Device struct {
	Found
	Keep bool // it will be used
}

// LineState is how a line of the self-test came out.
type LineState string

// The states of a line.
const (
	LineOK   LineState = "ok"
	LineWarn LineState = "warn" // works, but look at it
	LineBad  LineState = "bad"  // does not work
	LineWait LineState = "wait" // the technician has to do something
)

// What a line of the self-test is about.
const (
	LineTouch    = "touch"
	LineScanner  = "scanner"
	LinePrinter  = "printer"
	LineReceipt  = "receipt"
	LineKey      = "key"
	LineSensors  = "sensors"
	LineNetwork  = "network"
	LineClock    = "clock"
	LineHost     = "host"
	LineIdentity = "identity" // where the key is kept
	LineMemory   = "memory"   // visits are in memory only
	LinePolicies = "policies" // of the portals' browser
	LineSecrets  = "secrets"  // used ones are gone from the technician's file
	LineVersion  = "version"
)

// Line is one line of the self-test.
type Line struct {
	What   string // one of the words above
	Name   string // which one: a device's, a server's; may be ""
	State  LineState
	Code   kiosk.Code // why not; "" when all is well
	Detail string     // the technician's text
}

// Action is something the technician does; the types below are all there are.
type Action interface{ action() }

// The actions. Each is refused with kiosk.CodeBadRequest where it makes no
// sense now.
type (
	// SetLanguage chooses the language of the screens.
	SetLanguage struct{ Lang string }
	// Next goes on to the next step.
	Next struct{}
	// Back returns to the step before.
	Back struct{}
	// Cancel ends the task in hand.
	Cancel struct{}
	// Again repeats the step's task.
	Again struct{}
	// JoinWiFi joins a Wi-Fi network.
	JoinWiFi struct{ Choice WiFiChoice }
	// UseProxy goes through a proxy; "" directly.
	UseProxy struct{ Proxy string }
	// UseCA trusts a certificate that lies beside the technician's file.
	UseCA struct{ Name string }
	// UseCode enrols the kiosk at a server.
	UseCode struct{ Server, Code string }
	// GoAlone does without supervision, at a place of this name.
	GoAlone struct{ Name string }
	// KeepDevice uses a device or does not.
	KeepDevice struct {
		ID   kiosk.DeviceID
		Keep bool
	}
	// RenameDevice gives a device another name.
	RenameDevice struct {
		ID   kiosk.DeviceID
		Name string
	}
	// FirstDevice has a device be the one of its kind that visits use.
	FirstDevice struct{ ID kiosk.DeviceID }
	// Touched says that the whole screen feels fingers.
	Touched struct{}
	// Print prints the sheet.
	Print struct{}
	// Finish starts the kiosk.
	Finish struct{}
	// Leave gives a setup up and starts the kiosk with the configuration that
	// it had, in the first step only. What was enrolled stays.
	Leave struct{}
	// Install puts the system on a disk, in the first step only. Word is
	// EraseWord.
	Install struct{ Disk, Word string }
	// PowerOff switches the machine off, once the system is on a disk.
	PowerOff struct{}
)

func (SetLanguage) action()  {}
func (Next) action()         {}
func (Back) action()         {}
func (Cancel) action()       {}
func (Again) action()        {}
func (JoinWiFi) action()     {}
func (UseProxy) action()     {}
func (UseCA) action()        {}
func (UseCode) action()      {}
func (GoAlone) action()      {}
func (KeepDevice) action()   {}
func (RenameDevice) action() {}
func (FirstDevice) action()  {}
func (Touched) action()      {}
func (Print) action()        {}
func (Finish) action()       {}
func (Leave) action()        {}
func (Install) action()      {}
func (PowerOff) action()     {}
