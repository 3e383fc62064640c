package console

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"time"
)

// Where people come from outside. An invitation's link is the console's
// address, JoinPath and the token; an OpenID Connect provider sends people
// back to ProviderPath.
const (
	JoinPath     = "/join/"
	ProviderPath = "/login/provider/back"
)

// Right is one thing that somebody may do.
type Right string

// The rights.
const (
	MaySee       Right = "see"       // kiosks, and that somebody calls
	MayHelp      Right = "help"      // take a call, say "C'est fait"
	MayMessage   Right = "message"   // write to a kiosk's screen
	MayPause     Right = "pause"     // take a kiosk out of service and back
	MayRestart   Right = "restart"   // the program or the machine
	MayExport    Right = "export"    // the usage sheet
	MaySettings  Right = "settings"  // opening hours, contacts, portals…
	MayTest      Right = "test"      // start the self-test
	MayRename    Right = "rename"    // say where a kiosk stands
	MayCode      Right = "code"      // make one-time codes for kiosks
	MayRevoke    Right = "revoke"    // a kiosk's identity
	MayPeople    Right = "people"    // invite, change roles, disable
	MayAudit     Right = "audit"     // read who did what
	MayAlerts    Right = "alerts"    // say whom alerts reach
	MayStructure Right = "structure" // add structures
	MayUpdate    Right = "update"    // bring kiosks to new versions
)

// Who is somebody who is logged in. The console only hides what the rights do
// not allow; Fleet is what refuses it.
type Who struct {
	Person    string // ID
	Name      string
	Role      Role
	Structure string // ID; "" for those who see all
	Rights    []Right
	Lang      string // BCP 47; "" as the browser asks
	// Proved is when they last showed in this session who they are.
	Proved time.Time
	// Only says that they may do nothing but Add what they log in with: they
	// came by a recovery code.
	Only bool
	// Password says that they prove who they are by password and one-time
	// code; false for a passkey.
	Password bool
	// Provider says that they came by the provider and prove who they are
	// there.
	Provider bool
	// Session names the session without being its token, and From the address
	// that asks; both for the audit log.
	Session, From string
}

// May says whether the person has a right.
func (w Who) May(r Right) bool { return slices.Contains(w.Rights, r) }

// Logins knows who people are. Tokens, states, options and answers are opaque
// to the console: it carries them between the browser and Logins. Options and
// answers are JSON of PublicKeyCredential.parseCreationOptionsFromJSON,
// parseRequestOptionsFromJSON and toJSON (WebAuthn level 3), with the member
// "publicKey" around options or without. A state goes to the browser in a
// cookie for ten minutes and must not be of use to whoever reads it; it works
// once. from is the address of the client. What is not right is ErrRefused,
// too many tries ErrTooMany.
type Logins interface {
	// Ways says how people can log in here.
	Ways() Ways
	// Who is the person whose session has this token; ErrRefused when there
	// is none, or it has ended.
	Who(ctx context.Context, token, from string) (Who, error)
	// Logout ends a session. address is where the provider wants the browser
	// to go, "" for nowhere.
	Logout(ctx context.Context, token string) (address string, err error)

	Passkeys
	Passwords
	Provider
	Invitations
}

// Ways is how people can log in.
type Ways struct {
	Password bool
	Provider string // its name on the button: "ProConnect"; "" none
}

// Entry is a login that has succeeded. Its token is always a new one.
type Entry struct {
	Token   string
	Expires time.Time
	// Recovery are codes that were just made, to be printed: shown once.
	Recovery []string
}

// Passkeys are the ceremonies of WebAuthn.
type Passkeys interface {
	// BeginLogin asks for any passkey that is known here.
	BeginLogin(ctx context.Context, from string) (options json.RawMessage, state string, err error)
	// FinishLogin reads what the browser answered.
	FinishLogin(ctx context.Context, state string, answer json.RawMessage, from string) (Entry, error)
	// BeginProof asks for a passkey of this person.
	BeginProof(ctx context.Context, who Who) (options json.RawMessage, state string, err error)
	// FinishProof shows again who somebody is. The session gets a new token.
	FinishProof(ctx context.Context, who Who, token, state string, answer json.RawMessage) (Entry, error)
	// Keys are the person's, oldest first.
	Keys(ctx context.Context, who Who) (Keys, error)
	// BeginAdd wants a fresh proof (ErrStale), or a login by recovery code.
	BeginAdd(ctx context.Context, who Who) (options json.RawMessage, state string, err error)
	// FinishAdd gives the person one more passkey. The Entry is the session
	// from now on; one without a token leaves it as it is.
	FinishAdd(ctx context.Context, who Who, token, state string, answer json.RawMessage, name string) (Entry, error)
	// RemoveKey takes one away: ErrInvalid for the last way in.
	RemoveKey(ctx context.Context, who Who, id string) error
	// NewRecovery replaces the recovery codes; it wants a fresh proof.
	NewRecovery(ctx context.Context, who Who) ([]string, error)
}

// Passwords are for posts without an authenticator, and for those who have
// lost theirs.
type Passwords interface {
	// PasswordLogin takes all three at once, and does not say which is wrong.
	PasswordLogin(ctx context.Context, email, password, code, from string) (Entry, error)
	// PasswordProof is FinishProof for those who have a password.
	PasswordProof(ctx context.Context, who Who, token, password, code string) (Entry, error)
	// RecoveryLogin lets in to make a new passkey: Who.Only.
	RecoveryLogin(ctx context.Context, email, code, from string) (Entry, error)
}

// Provider is an OpenID Connect provider.
type Provider interface {
	// BeginProvider is where the browser goes. who is whom it is a fresh
	// proof of; the zero Who for a login.
	BeginProvider(ctx context.Context, who Who, from string) (address, state string, err error)
	// FinishProvider reads the query with which the browser came back.
	// ErrForbidden for somebody whom an administrator has yet to let in.
	FinishProvider(ctx context.Context, state string, query url.Values, from string) (Entry, error)
}

// Invitations let people in for the first time, or once more.
type Invitations interface {
	// Joining is what an invitation is for; it does not use it up.
	Joining(ctx context.Context, token, from string) (Joining, error)
	// BeginJoin makes what a new passkey needs.
	BeginJoin(ctx context.Context, token, from string) (options json.RawMessage, state string, err error)
	// FinishJoin uses the invitation up. Entry.Recovery is set.
	FinishJoin(ctx context.Context, token, state string, answer json.RawMessage, name, from string) (Entry, error)
	// BeginPassword makes the secret of one-time codes; only where
	// Joining.Password says so.
	BeginPassword(ctx context.Context, token, from string) (Secret, error)
	// FinishPassword keeps both. ErrInvalid for a password that is too weak,
	// ErrRefused for a wrong one-time code: try again with the same state.
	FinishPassword(ctx context.Context, token, state, password, code, from string) (Entry, error)
}

// Joining is what somebody sees of their invitation.
type Joining struct {
	Name, Email string
	Structure   string // its name
	Role        Role
	Password    bool // may be chosen instead of a passkey
	Again       bool // they were here before and lost what they log in with
}

// Secret is what an application for one-time codes wants.
type Secret struct {
	URI   string // otpauth://…, shown as a picture
	Key   string // base32, to type in
	State string
}

// Keys is what a person logs in with.
type Keys struct {
	Passkeys []Key
	Password bool
	Recovery int // codes that are left
}

// Key is one passkey.
type Key struct {
	ID      string
	Name    string // "Ordinateur de l’accueil"
	Created time.Time
	Used    time.Time // zero: not since it was made
}
