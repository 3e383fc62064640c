package console

import (
	"context"
	"errors"

	"pointnum/kiosk"
)

// What goes wrong. Implementations of Fleet and Logins return these, wrapped
// or not; anything else is a fault of ours, which people read as "try again".
var (
	// ErrNotFound is for what is not there, and for what this person may not
	// know to be there.
	ErrNotFound = errors.New("console: not there")
	// ErrForbidden is for what is seen but may not be done by this person.
	ErrForbidden = errors.New("console: not allowed")
	// ErrStale asks for a fresh proof of who somebody is: see Logins.BeginProof.
	ErrStale = errors.New("console: prove who you are again")
	// ErrConflict says that somebody else was first: the call is taken, the
	// settings were saved meanwhile, the address is somebody's already.
	ErrConflict = errors.New("console: changed meanwhile")
	// ErrInvalid is for what cannot be kept: a webhook that is not https, the
	// last administrator disabled.
	ErrInvalid = errors.New("console: not valid")
	// ErrRefused is a login that is not right, without saying what is wrong
	// with it; a link or a ceremony that is used or too old, too.
	ErrRefused = errors.New("console: refused")
	// ErrTooMany is for too many tries: later again.
	ErrTooMany = errors.New("console: too many tries")
)

// Fleet is what the console shows and does. Every method is told who asks and
// checks it: what the person may not see is ErrNotFound, what they may not do
// ErrForbidden, what wants a fresh proof ErrStale. It is called from many
// goroutines. Every change leaves a line in the audit log; that is the
// Fleet's part.
type Fleet interface {
	Boards
	Orders
	Sheets
	Places
	Staff
	Enrolments
	Journal
	Updates
}

// Boards is what is seen of kiosks.
type Boards interface {
	// Structures are those that the person sees, by name, with how their
	// kiosks are. find is a part of a name, "" for all; after is the last ID
	// of the page before. At most limit are returned.
	Structures(ctx context.Context, who Who, find, after string, limit int) ([]Structure, error)
	// Home is one structure and all its kiosks, those with trouble first.
	Home(ctx context.Context, who Who, structure string) (Home, error)
	// Kiosk is all that is known of one.
	Kiosk(ctx context.Context, who Who, id string) (Detail, error)
	// Changes sends a value whenever something that this person sees has
	// changed; several changes may be one value. It is closed when ctx ends
	// or nothing more will come.
	Changes(ctx context.Context, who Who) (<-chan struct{}, error)
}

// Orders is what is done to kiosks.
type Orders interface {
	// TakeCall says on the kiosk that this person comes. ErrConflict when
	// somebody else does, or the call has ended.
	TakeCall(ctx context.Context, who Who, kiosk, call string) error
	// EndCall says that somebody has been there. No error when it has ended.
	EndCall(ctx context.Context, who Who, kiosk, call string) error
	// Order tells a kiosk something; it may wait for the kiosk to be there
	// and for the end of a visit (Command.Status).
	Order(ctx context.Context, who Who, kiosk string, o Order) error
	// Rename says where a kiosk stands.
	Rename(ctx context.Context, who Who, kiosk, label string) error
	// Revoke ends a kiosk's identity; only a new code brings it back.
	Revoke(ctx context.Context, who Who, kiosk string) error
}

// Sheets is what funders ask for.
type Sheets interface {
	// Usage counts. Small cells are hidden already, and so are those from
	// which they could be worked out.
	Usage(ctx context.Context, who Who, a Ask) (Sheet, error)
}

// Places is what a structure decides.
type Places interface {
	// Settings are those that were saved last.
	Settings(ctx context.Context, who Who, structure string) (Settings, error)
	// SaveSettings replaces those of Revision; ErrConflict when somebody has
	// saved others since. It returns what is now in force.
	SaveSettings(ctx context.Context, who Who, structure string, s kiosk.Settings) (kiosk.Settings, error)
	// Alerts are those that were saved last, without the secret.
	Alerts(ctx context.Context, who Who, structure string) (Alerts, error)
	// SaveAlerts replaces them. With NewSecret it makes a secret for the
	// webhook and returns it: it is shown once; "" otherwise.
	SaveAlerts(ctx context.Context, who Who, structure string, a Alerts) (secret string, err error)
	// TryAlerts sends a message that says that it is only a try.
	TryAlerts(ctx context.Context, who Who, structure string) error
	// AddStructure is for the fleet's administrators. siret may be "".
	AddStructure(ctx context.Context, who Who, name, siret string) (id string, err error)
}

// Staff is who works with the console.
type Staff interface {
	// People are those of a structure, by name.
	People(ctx context.Context, who Who, structure string) (Team, error)
	// Invite lets somebody in. ErrConflict when the address is somebody's.
	Invite(ctx context.Context, who Who, structure string, i Invite) (Invited, error)
	// Reinvite makes a link for somebody who has lost what they log in with.
	Reinvite(ctx context.Context, who Who, person string) (Invited, error)
	// Withdraw takes an invitation back.
	Withdraw(ctx context.Context, who Who, invitation string) error
	// SetRole is ErrInvalid for oneself and the last administrator, and
	// ErrForbidden for a role that is not among Team.Roles.
	SetRole(ctx context.Context, who Who, person string, r Role) error
	// Disable keeps somebody out from now on, or lets them in again. Their
	// sessions end at once. ErrInvalid for oneself and the last administrator.
	Disable(ctx context.Context, who Who, person string, disabled bool) error
	// Confirm lets in somebody who came by themselves through a provider.
	Confirm(ctx context.Context, who Who, person string) error
}

// Enrolments is how new kiosks come in.
type Enrolments interface {
	// Codes are the newest ones, without the codes themselves.
	Codes(ctx context.Context, who Who, structure string) ([]Code, error)
	// NewCode makes a code, once; it cannot be read again. replaces is the
	// kiosk whose place the new one takes, "" for none.
	NewCode(ctx context.Context, who Who, structure, label, replaces string) (NewCode, error)
}

// Journal is who did what.
type Journal interface {
	// Audit is the newest lines with a number below before (0: all), newest
	// first, at most limit. export says that they leave as a file.
	Audit(ctx context.Context, who Who, structure string, before int64, limit int, export bool) ([]AuditLine, error)
}
