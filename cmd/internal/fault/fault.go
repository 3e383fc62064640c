// Package fault is what the kiosk's screen shows when the agent can't run: a
// picture and a sentence for the visitor, a code and a QR code for the
// technician. It needs nothing of the agent's: not its configuration, not its
// folder, not its user.
//
// The screen's browser begins here. While the agent answers, it is sent on to
// the agent's page; when that page has lost its agent for a minute, it comes
// back (kioskd -fault). Each time the agent ends, root writes a Note of how.
package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"pointnum/kiosk/atomicfile"
)

// Listen is where the page is served; package agent's policies let the
// screen's browser open it.
const Listen = "127.0.0.1:8089"

// NotePath is where root writes how the agent ended.
const NotePath = "/run/pointnum-fault/note.json"

// Code names a fault in two characters that can be said on the phone.
type Code string

// The codes. They are in the technician's guide.
const (
	None    Code = ""
	Config  Code = "P1" // the configuration is wrong: starting again does not help
	Loop    Code = "P2" // the agent ends again and again
	Memory  Code = "P3" // the machine had not enough memory
	Hung    Code = "P4" // the agent runs and does not answer
	Stopped Code = "P5" // the agent does not run
	Full    Code = "P6" // the disk is full
)

// Note is how the agent ended the last time.
type Note struct {
	Kiosk   string    `json:"kiosk,omitempty"` // its ID at the supervision; "" for one that works alone
	Version string    `json:"version"`
	Result  string    `json:"result,omitempty"` // systemd's SERVICE_RESULT; "" when it did not end yet
	Status  string    `json:"status,omitempty"` // its EXIT_STATUS
	At      time.Time `json:"at"`
	Recent  []int64   `json:"recent,omitempty"` // when it failed lately, s since 1970
	Full    bool      `json:"full,omitempty"`   // the disk was
}

// The restart loop: so many failures in so much time.
const (
	loopTimes = 3
	loopTime  = 10 * time.Minute
)

var idWord = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// Write adds an end to the note at path, as root does after each end of the
// agent; n.Result "" only says whose kiosk this is.
func Write(path string, n Note) error {
	before, _ := Read(path) // none, or not ours: begin anew
	if n.Result == "" {
		n.Result, n.Status, n.At, n.Recent, n.Full = before.Result, before.Status, before.At, before.Recent, before.Full
	} else {
		for _, at := range before.Recent {
			if age := n.At.Sub(time.Unix(at, 0)); age >= 0 && age < loopTime {
				n.Recent = append(n.Recent, at)
			}
		}
		if n.Result != "success" {
			n.Recent = append(n.Recent, n.At.Unix())
		}
		n.Recent = n.Recent[max(0, len(n.Recent)-10):]
	}
	if !idWord.MatchString(n.Kiosk) {
		n.Kiosk = ""
	}
	b, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	if err := atomicfile.Write(path, append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("fault: %w", err)
	}
	return nil
}

// Read reads a note; the zero Note when there is none.
func Read(path string) (Note, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Note{}, nil
	}
	var n Note
	if err == nil {
		err = json.Unmarshal(b, &n)
	}
	if err != nil {
		return Note{}, fmt.Errorf("fault: note: %w", err)
	}
	return n, nil
}

// Judge names the fault of an agent that does not answer. hung says that
// somebody listens there and says nothing.
func Judge(n Note, hung bool, now time.Time) Code {
	lately := 0
	for _, at := range n.Recent {
		if now.Sub(time.Unix(at, 0)) < loopTime {
			lately++
		}
	}
	switch {
	case n.Status == "125" && n.Result != "":
		return Config
	case n.Full:
		return Full
	case n.Result == "oom-kill":
		return Memory
	case lately >= loopTimes || n.Result == "start-limit-hit":
		return Loop
	case hung:
		return Hung
	}
	return Stopped
}

// Now says that a code needs no waiting: starting again was tried.
func (c Code) Now() bool { return c == Config || c == Loop || c == Full }

// QR is what the technician's telephone reads: the code, the version, the
// kiosk and the boot, and nothing of anybody.
func QR(c Code, n Note, boot string) string {
	boot = strings.TrimSpace(boot)
	words := []string{"POINTNUM", string(c), orDash(n.Version), orDash(n.Kiosk), orDash(boot[:min(8, len(boot))])}
	return strings.Join(words, " ")
}

func orDash(s string) string {
	if s == "" || strings.ContainsAny(s, " \n") {
		return "-"
	}
	return s
}
