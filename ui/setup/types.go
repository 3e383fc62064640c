package setup

import (
	"context"
	"time"

	"pointnum/kiosk"
)

// Flow is the setup that the screens show and lead.
type Flow interface {
	// State is what the screens show now, and its number.
	State() (State, uint64)
	// Wait returns the state as soon as its number is another one than after,
	// or ctx's cause.
	Wait(ctx context.Context, after uint64) (State, uint64, error)
	// Do hands an action over. It is kiosk.CodeBadRequest when it makes no
	// sense now, or when what was typed is not possible.
	Do(ctx context.Context, a Action) error
}

// Step is where the technician is.
type Step string

// The steps, in their order.
const (
	StepLanguage Step = "language"
	StepNetwork  Step = "network"
	StepHost     Step = "host"
	StepDevices  Step = "devices"
	StepTest     Step = "test"
	StepDone     Step = "done"
)

func steps() []Step {
	return []Step{StepLanguage, StepNetwork, StepHost, StepDevices, StepTest, StepDone}
}

// Task is what goes on by itself.
type Task string

// The tasks.
const (
	TaskLook    Task = "look"
	TaskJoin    Task = "join"
	TaskEnrol   Task = "enrol"
	TaskFind    Task = "find"
	TaskTest    Task = "test"
	TaskPrint   Task = "print"
	TaskFinish  Task = "finish"
	TaskInstall Task = "install"
)

// State is all that a screen shows.
type State struct {
	Step      Step
	Lang      string
	Auto      bool     // a technician's file leads
	Disks     []Disk   // that can take the system
	Installed bool     // one has: the machine is to be switched off
	Before    bool     // the kiosk was ready before and can stay as it was
	Wrong     []string // mistakes in it, in French
	Task      Task     // "" none
	Percent   int      // of Task; -1 unknown
	Now       string   // what of it
	Fault     *Fault
	Network   Network
	Host      Host
	Devices   []Device
	Lines     []Line
	Printed   bool
	Code      string // of the technician's menu, as it is read; "" none to be shown
	Ended     bool   // the kiosk starts now
}

// Disk is a disk of the machine.
type Disk struct {
	Path, Model string
	Size        int64 // bytes
}

// Fault is what ended a task.
type Fault struct {
	Task   Task
	Code   kiosk.Code
	Detail string
}

// Network is what is known of the network.
type Network struct {
	OK      bool // the kiosk comes as far as it has to
	Looked  bool
	Wired   bool   // a cable is plugged in
	Radio   bool   // there is a Wi-Fi interface
	Address string // of the link in use; "" none
	SSID    string // joined here
	Proxy   string // without its password
	CA      bool
	CAs     []string // certificates that can be trusted
	DNS     bool
	Server  bool
	Clock   time.Duration // by how much it was off when it was set
	Points  []Point
}

// Point is a Wi-Fi network in reach.
type Point struct {
	SSID    string
	Signal  int // 0 to 100
	Secured bool
}

// Host is whose kiosk it is.
type Host struct {
	Server    string
	Alone     bool
	Enrolled  bool
	Structure string
	Label     string
	Place     string // its name
}

// Device is a device that can be used.
type Device struct {
	ID           kiosk.DeviceID
	Kind         kiosk.Kind
	Model, Where string
	Keep         bool
	First        bool // of its kind, among those that are used
	Several      bool // there are others of its kind
}

// LineState is how a line of the self-test came out.
type LineState string

// The states of a line.
const (
	LineOK   LineState = "ok"
	LineWarn LineState = "warn"
	LineBad  LineState = "bad"
	LineWait LineState = "wait"
)

// About is what a line of the self-test is about.
type About string

// What there is to test.
const (
	AboutTouch    About = "touch"
	AboutScanner  About = "scanner"
	AboutPrinter  About = "printer"
	AboutReceipt  About = "receipt"
	AboutKey      About = "key"
	AboutSensors  About = "sensors"
	AboutNetwork  About = "network"
	AboutClock    About = "clock"
	AboutHost     About = "host"
	AboutIdentity About = "identity"
	AboutMemory   About = "memory"
	AboutPolicies About = "policies"
	AboutSecrets  About = "secrets"
	AboutVersion  About = "version"
)

// Line is one line of the self-test.
type Line struct {
	About  About
	Name   string
	State  LineState
	Code   kiosk.Code
	Detail string
}

// trouble is a code that a technician meets during setup, with a text of its
// own; others have the visitor's.
type trouble string

const (
	troubleNetwork     trouble = "no_network"
	troubleProxy       trouble = "proxy_error"
	troublePassword    trouble = "proxy_password"
	troubleCertificate trouble = "server_certificate"
	troubleClock       trouble = "clock_wrong"
	troubleServer      trouble = "server_error"
	troubleCode        trouble = "enrol_code"
	troubleWait        trouble = "enrol_wait"
	troubleRefused     trouble = "enrol_refused"
	troubleWiFi        trouble = "wifi_password"
	troubleAbsent      trouble = "wifi_absent"
	troubleOpen        trouble = "wifi_open"
	troubleRadio       trouble = "wifi_no_radio"
	troubleDevice      trouble = "no_device"
	troubleRoot        trouble = "not_responding"
	troubleOther       trouble = "internal"
)

func troubles() []trouble {
	return []trouble{troubleNetwork, troubleProxy, troublePassword, troubleCertificate, troubleClock, troubleServer,
		troubleCode, troubleWait, troubleRefused, troubleWiFi, troubleAbsent, troubleOpen, troubleRadio, troubleDevice, troubleRoot, troubleOther}
}

// Action is what the technician does; Name says which of the words below, the
// other fields are what it takes.
type Action struct {
	Name Name
	// Text is what was typed or chosen: a language, a Wi-Fi's name, a proxy, a
	// server, a place, a certificate, a device's new name.
	Text   string
	Secret string // a Wi-Fi's password, a one-time code
	ID     kiosk.DeviceID
	On     bool // a device is used; a Wi-Fi is hidden
}

// Name is an action's name.
type Name string

// The actions.
const (
	ActLanguage Name = "language"
	ActNext     Name = "next"
	ActBack     Name = "back"
	ActCancel   Name = "cancel"
	ActAgain    Name = "again"
	ActWiFi     Name = "wifi"
	ActProxy    Name = "proxy"
	ActCA       Name = "ca"
	ActCode     Name = "code"
	ActAlone    Name = "alone"
	ActKeep     Name = "keep"
	ActRename   Name = "rename"
	ActFirst    Name = "first"
	ActTouched  Name = "touched"
	ActPrint    Name = "print"
	ActFinish   Name = "finish"
	ActLeave    Name = "leave"
	ActInstall  Name = "install" // Text is the disk, Secret the word that was typed
	ActOff      Name = "off"
)

// formOf is where an action's form is, for what was typed and is not possible.
func formOf(n Name) string {
	switch n {
	case ActWiFi:
		return "/wifi"
	case ActProxy:
		return "/proxy"
	case ActAlone:
		return "/alone"
	}
	return "/"
}
