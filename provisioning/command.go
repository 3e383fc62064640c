package provisioning

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"pointnum/kiosk"
)

// CommandKind is what a kiosk can be told. The list is closed: there is no
// command that shows a screen, a page, a name or a shell.
type CommandKind string

// The commands. Those that would disturb a visit wait until it has ended; see
// Disturbs.
const (
	CommandMessage   CommandKind = "message"    // Text is shown to visitors until Until; "" takes it away
	CommandHelpTaken CommandKind = "help_taken" // "quelqu'un arrive"
	CommandHelpDone  CommandKind = "help_done"  // the person has been there
	CommandPause     CommandKind = "pause"      // out of service, with the sentence Text
	CommandResume    CommandKind = "resume"     // serves again
	CommandSettings  CommandKind = "settings"   // Settings replace those in force
	CommandRecheck   CommandKind = "recheck"    // "C'est fait": look at the devices now
	CommandRestart   CommandKind = "restart"    // the agent
	CommandReboot    CommandKind = "reboot"     // the machine
	CommandUpdate    CommandKind = "update"     // Update says to which release; done once it is noted, UpdateState tells the rest
	CommandSelfTest  CommandKind = "self_test"
)

// Disturbs says that a command waits for the end of a visit.
func (k CommandKind) Disturbs() bool {
	switch k {
	case CommandMessage, CommandHelpTaken, CommandHelpDone, CommandRecheck, CommandUpdate:
		return false
	}
	return true
}

func (k CommandKind) valid() bool {
	switch k {
	case CommandMessage, CommandHelpTaken, CommandHelpDone, CommandPause, CommandResume, CommandSettings,
		CommandRecheck, CommandRestart, CommandReboot, CommandSelfTest, CommandUpdate:
		return true
	}
	return false
}

// Command is one thing that a kiosk is told. ID makes it idempotent: a kiosk
// does it once, however often it comes.
type Command struct {
	ID        string      `json:"id"`
	Structure string      `json:"structure"`
	Kiosk     string      `json:"kiosk"`
	Kind      CommandKind `json:"kind"`
	Issued    int64       `json:"issued"`  // s since 1970
	Expires   int64       `json:"expires"` // s since 1970; not begun after that

	Text     string          `json:"text,omitempty"`
	Until    int64           `json:"until,omitempty"` // s since 1970
	Settings *kiosk.Settings `json:"settings,omitempty"`
	Update   *UpdateOrder    `json:"update,omitempty"`
}

// Signed is a command on its way. Whoever carries it can neither change it
// nor make one.
type Signed struct {
	Body      []byte `json:"body"`      // the command's JSON
	Signature []byte `json:"signature"` // Ed25519 over signPrefix and Body
}

// signPrefix keeps signatures of commands apart from whatever else the key
// may sign.
const signPrefix = "pointnum command 1\n"

// Sign signs a command.
func Sign(key ed25519.PrivateKey, c Command) (Signed, error) {
	if err := c.check(); err != nil {
		return Signed{}, err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return Signed{}, fmt.Errorf("provisioning: command: %w", err)
	}
	return Signed{Body: body, Signature: ed25519.Sign(key, append([]byte(signPrefix), body...))}, nil
}

// Why a command is not done.
var (
	ErrForged  = errors.New("provisioning: the command's signature is not the server's")
	ErrOthers  = errors.New("provisioning: the command is for another kiosk")
	ErrExpired = errors.New("provisioning: the command came too late")
)

// Open verifies a command for one kiosk: signed by one of keys (as in
// Credential), for it, and not expired. Errors: ErrForged, ErrOthers,
// ErrInvalid; with ErrExpired the command is returned, too, so that its end
// can be told.
func Open(keys []string, structure, kioskID string, now time.Time, s Signed) (Command, error) {
	signed := append([]byte(signPrefix), s.Body...)
	ok := false
	for _, k := range keys {
		public, err := base64.RawURLEncoding.DecodeString(k)
		ok = ok || err == nil && len(public) == ed25519.PublicKeySize && ed25519.Verify(public, signed, s.Signature)
	}
	if !ok {
		return Command{}, ErrForged
	}
	var c Command
	if err := decode(s.Body, &c); err != nil {
		return Command{}, err
	}
	if err := c.check(); err != nil {
		return Command{}, err
	}
	if c.Structure != structure || c.Kiosk != kioskID {
		return Command{}, ErrOthers
	}
	if now.Unix() >= c.Expires {
		return c, ErrExpired
	}
	return c, nil
}

func (c *Command) check() error {
	if !ValidID(c.ID) || !ValidID(c.Structure) || !ValidID(c.Kiosk) || !c.Kind.valid() || c.Expires <= c.Issued || kiosk.CheckLine(c.Text) != nil {
		return invalid("command")
	}
	if (c.Kind == CommandSettings) != (c.Settings != nil) || c.Kind == CommandPause && c.Text == "" {
		return invalid("command")
	}
	if (c.Kind == CommandUpdate) != (c.Update != nil) || c.Update != nil && !c.Update.valid() {
		return invalid("command")
	}
	if c.Settings != nil {
		if err := c.Settings.Check(); err != nil {
			return invalid(err.Error())
		}
	}
	return nil
}

// Status is what became of a command.
type Status string

// The statuses. All but StatusWaiting are ends.
const (
	StatusWaiting Status = "waiting" // until the visit ends
	StatusDone    Status = "done"
	StatusFailed  Status = "failed"
	StatusExpired Status = "expired"
	StatusRefused Status = "refused" // forged, for another kiosk, or not known here
)

// Result is what became of a command, as the kiosk says it.
type Result struct {
	ID     string     `json:"id"`
	Status Status     `json:"status"`
	Code   kiosk.Code `json:"code,omitempty"` // of StatusFailed
}

// DecodeResult reads a Result. The error is ErrInvalid.
func DecodeResult(b []byte) (Result, error) {
	var r Result
	if err := decode(b, &r); err != nil {
		return Result{}, err
	}
	if !r.valid() {
		return Result{}, invalid("result")
	}
	return r, nil
}

func (r *Result) valid() bool {
	switch r.Status {
	case StatusWaiting, StatusDone, StatusFailed, StatusExpired, StatusRefused:
		return ValidID(r.ID) && short(string(r.Code))
	}
	return false
}

// NormalCode is a one-time code as it is compared: capitals, without spaces
// and hyphens, and with the letters that look like digits (O, I, L) as those.
func NormalCode(s string) string {
	return strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(s)))
}
