// Package desk is what the host structure's console shows and does: it answers
// ui/console from the store, the engine and what is known of people. Every
// method looks up who asks, checks the right, asks inside that person's scope,
// and leaves a line in the audit log where something was done or refused.
package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/people"
	"pointnum/ui/console"
)

var (
	_ console.Fleet  = (*Desk)(nil)
	_ console.Logins = (*Logins)(nil)
)

// Store is the truth; *store.Store is one.
type Store interface {
	UpdateStore
	// Structure is one, fleet.ErrNotFound outside of the scope.
	Structure(ctx context.Context, sc fleet.Scope, id string) (fleet.Structure, error)
	// Structures are those of the scope.
	Structures(ctx context.Context, sc fleet.Scope) ([]fleet.Structure, error)
	// AddStructure is fleet.ErrExists for an ID that is taken.
	AddStructure(ctx context.Context, s fleet.Structure) error
	// SaveSettings replaces those of the same revision, else fleet.ErrConflict.
	SaveSettings(ctx context.Context, sc fleet.Scope, structure string, s kiosk.Settings) (kiosk.Settings, error)
	// SaveAlerts replaces them.
	SaveAlerts(ctx context.Context, sc fleet.Scope, structure string, a fleet.AlertSettings) error
	// Codes are those of the scope, newest first.
	Codes(ctx context.Context, sc fleet.Scope) ([]fleet.Code, error)
	// Kiosk is one, fleet.ErrNotFound outside of the scope.
	Kiosk(ctx context.Context, sc fleet.Scope, id string) (fleet.Kiosk, error)
	// Kiosks are those of the scope.
	Kiosks(ctx context.Context, sc fleet.Scope) ([]fleet.Kiosk, error)
	// Rename says where one stands.
	Rename(ctx context.Context, sc fleet.Scope, id, label string) error
	// Commands are a kiosk's, newest first.
	Commands(ctx context.Context, sc fleet.Scope, id string, limit int) ([]fleet.Queued, error)
	// Person is one, whoever asks.
	Person(ctx context.Context, id string) (fleet.Person, error)
	// Usage is counts by day, kiosk and counter, nothing hidden.
	Usage(ctx context.Context, sc fleet.Scope, from, to string) ([]fleet.Usage, error)
	// Audit adds a line; Audits reads those below a number, newest first.
	Audit(ctx context.Context, a fleet.Audit) error
	// Audits are lines of the scope with a number below before (0: all).
	Audits(ctx context.Context, sc fleet.Scope, before int64, limit int) ([]fleet.Audit, error)
}

// Engine reaches the kiosks; *engine.Engine is one.
type Engine interface {
	// Presence is what is known of a kiosk now.
	Presence(kiosk string) fleet.Presence
	// Command signs, queues and sends; fleet.ErrExists for an ID that was
	// used.
	Command(ctx context.Context, sc fleet.Scope, by string, c provisioning.Command) (fleet.Queued, error)
	// Revoke ends a kiosk's identity and its connection.
	Revoke(ctx context.Context, sc fleet.Scope, kiosk string) error
	// NewCode makes a one-time code.
	NewCode(ctx context.Context, c fleet.Code) (code string, made fleet.Code, err error)
	// Tell says to all consoles that something has changed.
	Tell(c fleet.Change)
	// Changes are those inside a scope; closed with ctx, or for slow readers.
	Changes(ctx context.Context, sc fleet.Scope) <-chan fleet.Change
}

// Options of New. Store, Engine and People are needed.
type Options struct {
	Store  Store
	Engine Engine
	People *people.People
	// Try sends a structure's alerts a message that says that it is a try;
	// nil where alerts are not sent.
	Try func(ctx context.Context, structure string) error
	// Nudge has the open rollout looked at soon; nil for nobody.
	Nudge func()
	// Mail says that invitations leave by e-mail.
	Mail bool
	// Kept is how long counts by day are kept; 0 is not said.
	Kept time.Duration
	Log  *slog.Logger     // nil drops
	Now  func() time.Time // nil is time.Now
}

// Desk is a console.Fleet. It may be used from any goroutine.
type Desk struct {
	o Options
	// alerts is held while alert settings are compared and saved.
	alerts sync.Mutex
}

// New checks the options.
func New(o Options) (*Desk, error) {
	if o.Store == nil || o.Engine == nil || o.People == nil {
		return nil, errors.New("desk: store, engine and people are needed")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Desk{o: o}, nil
}

// said turns an error into the console's words.
func said(err error) error {
	for _, e := range []struct{ from, to error }{
		{fleet.ErrNotFound, console.ErrNotFound},
		{fleet.ErrForbidden, console.ErrForbidden},
		{fleet.ErrConflict, console.ErrConflict},
		{fleet.ErrExists, console.ErrConflict},
		{fleet.ErrCode, console.ErrRefused},
		{people.ErrProof, console.ErrStale},
		{people.ErrInput, console.ErrInvalid},
		{people.ErrRefused, console.ErrRefused},
		{people.ErrSession, console.ErrRefused},
		{people.ErrTooMany, console.ErrTooMany},
		{people.ErrUnconfirmed, console.ErrForbidden},
		{people.ErrInvite, console.ErrForbidden},
		{provisioning.ErrInvalid, console.ErrInvalid},
	} {
		if errors.Is(err, e.from) {
			return fmt.Errorf("%w: %w", e.to, err)
		}
	}
	return err
}

// may looks up who asks and whether they may. What is refused leaves a line.
func (d *Desk) may(ctx context.Context, w console.Who, right fleet.Right) (people.Who, error) {
	pw, err := d.o.People.Known(ctx, w.Session, w.From, true)
	if err != nil {
		return pw, said(err)
	}
	if pw.Only() { // good for making a passkey only
		return pw, d.refused(ctx, pw, string(right), fleet.ErrForbidden)
	}
	return pw, d.refused(ctx, pw, string(right), d.o.People.May(pw, right))
}

// refused turns an error into the console's words. What somebody may not do or
// not know of leaves a line where they are: so trying one ID after the other
// is seen.
func (d *Desk) refused(ctx context.Context, pw people.Who, action string, err error) error {
	if errors.Is(err, fleet.ErrForbidden) || errors.Is(err, fleet.ErrNotFound) {
		return errors.Join(said(err), d.did(ctx, pw, pw.Person.Structure, "", action, "refused", false))
	}
	return said(err)
}

// place is a structure that the person sees.
func (d *Desk) place(ctx context.Context, pw people.Who, right fleet.Right, id string) (fleet.Structure, error) {
	s, err := d.o.Store.Structure(ctx, pw.Scope(), id)
	return s, d.refused(ctx, pw, string(right), err)
}

// borne is a kiosk that the person sees.
func (d *Desk) borne(ctx context.Context, pw people.Who, right fleet.Right, id string) (fleet.Kiosk, error) {
	k, err := d.o.Store.Kiosk(ctx, pw.Scope(), id)
	return k, d.refused(ctx, pw, string(right), err)
}

// did leaves a line in the audit log.
func (d *Desk) did(ctx context.Context, w people.Who, structure, kiosk, action, detail string, ok bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
	defer cancel()
	err := d.o.Store.Audit(ctx, fleet.Audit{
		At: d.o.Now().UTC(), Person: w.Person.ID, Name: w.Person.Name, Structure: structure, Kiosk: kiosk,
		Action: action, Detail: detail, From: w.From, OK: ok,
	})
	if err != nil {
		return fmt.Errorf("desk: audit line: %w", err)
	}
	return nil
}
