// Package people knows who people are: passkeys, passwords with one-time
// codes, OpenID Connect, recovery codes, invitations and sessions. It speaks
// no HTTP but with OpenID Connect providers; what a browser asks and answers
// goes in and out as JSON, tokens and addresses. Every login, failure,
// invitation and change of somebody's role leaves a line in the audit log.
package people

import (
	"context"
	"time"

	"pointnum/provisioning/fleet"
)

// Store is where people are kept; provisioning/fleet/store is one. What is not
// there, or outside the scope, is fleet.ErrNotFound.
type Store interface {
	// AddPerson is fleet.ErrExists when the ID, the e-mail address or the
	// issuer with subject ("" counts as none) is somebody's already.
	AddPerson(ctx context.Context, p fleet.Person) error
	// Person is the one of that ID.
	Person(ctx context.Context, id string) (fleet.Person, error)
	// PersonByEmail is the one of that address, in lower case.
	PersonByEmail(ctx context.Context, email string) (fleet.Person, error)
	// PersonBySubject is the one a provider calls so.
	PersonBySubject(ctx context.Context, issuer, subject string) (fleet.Person, error)
	// People are those of the scope, by name.
	People(ctx context.Context, sc fleet.Scope) ([]fleet.Person, error)
	// SavePerson saves all but the ID and Created; both the old and the new
	// structure must be in the scope.
	SavePerson(ctx context.Context, sc fleet.Scope, p fleet.Person) error

	// AddPasskey is fleet.ErrExists when the credential is anybody's already.
	AddPasskey(ctx context.Context, k fleet.Passkey) error
	// Passkeys are a person's, oldest first.
	Passkeys(ctx context.Context, person string) ([]fleet.Passkey, error)
	// PasskeyOwner is whose credential it is.
	PasskeyOwner(ctx context.Context, id []byte) (person string, err error)
	// SavePasskey saves Name, Data and Used of the person's passkey of that ID.
	SavePasskey(ctx context.Context, k fleet.Passkey) error
	// RemovePasskey is fleet.ErrNotFound when the person has no such passkey.
	RemovePasskey(ctx context.Context, person string, id []byte) error

	// SetRecovery replaces all recovery codes of a person.
	SetRecovery(ctx context.Context, person string, hashes []string) error
	// UseRecovery takes one away; fleet.ErrCode when it is not there.
	UseRecovery(ctx context.Context, person, hash string) error
	// RecoveryLeft is how many there are.
	RecoveryLeft(ctx context.Context, person string) (int, error)
	// SetPassword replaces a person's password and its one-time code.
	SetPassword(ctx context.Context, p fleet.Password) error
	// Password is fleet.ErrNotFound for somebody without.
	Password(ctx context.Context, person string) (fleet.Password, error)

	// AddSession keeps a login.
	AddSession(ctx context.Context, s fleet.Session) error
	// Session returns expired ones too.
	Session(ctx context.Context, hash string) (fleet.Session, error)
	// TouchSession moves Seen and Proved; a zero time leaves its field alone.
	TouchSession(ctx context.Context, hash string, seen, proved time.Time) error
	// EndSession ends one; no error when it has ended.
	EndSession(ctx context.Context, hash string) error
	// EndSessions ends all of a person's.
	EndSessions(ctx context.Context, person string) error

	// AddInvitation keeps one; several for one address may be open.
	AddInvitation(ctx context.Context, i fleet.Invitation) error
	// Invitation returns used and expired ones too.
	Invitation(ctx context.Context, hash string) (fleet.Invitation, error)
	// Invitations are those that are neither used nor expired at that time.
	Invitations(ctx context.Context, sc fleet.Scope, at time.Time) ([]fleet.Invitation, error)
	// UseInvitation marks it used and keeps what it brought, in one
	// transaction: fleet.ErrCode when it is used or was expired at that time
	// or is not there, fleet.ErrExists as AddPerson and AddPasskey.
	UseInvitation(ctx context.Context, hash string, at time.Time, j fleet.Joined) error

	// Spend remembers until then that a one-time thing was used;
	// fleet.ErrCode when it was already. It is how a challenge, a state or a
	// step of a one-time password works once on all servers together.
	Spend(ctx context.Context, hash string, until time.Time) error

	// Structures are those of the scope.
	Structures(ctx context.Context, sc fleet.Scope) ([]fleet.Structure, error)
	// Audit adds a line to the log of who did what.
	Audit(ctx context.Context, a fleet.Audit) error
}
