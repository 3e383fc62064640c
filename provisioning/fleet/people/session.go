package people

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pointnum/provisioning/fleet"
)

// Login is somebody who has just logged in.
type Login struct {
	Who
	// Cookie is the session's secret, to be set once: __Host- prefix, Secure,
	// HttpOnly, SameSite=Lax, no Max-Age. It is new at each login.
	Cookie string
}

// start opens a session. proved is when they proved who they are, zero when
// the method is none for sensitive actions.
func (p *People) start(ctx context.Context, who fleet.Person, m fleet.Method, from string, proved time.Time, hint []byte) (Login, error) {
	now := p.o.Now().UTC()
	cookie := secret()
	s := fleet.Session{
		Hash: hash(cookie), Person: who.ID, Created: now, Seen: now, Expires: now.Add(p.o.Absolute),
		Proved: proved, Method: m, From: from, Hint: hint,
	}
	if err := p.o.Store.AddSession(ctx, s); err != nil {
		return Login{}, fmt.Errorf("people: open a session: %w", err)
	}
	w := Who{Person: who, Session: s, From: from}
	// A login that left no line is none.
	if err := p.did(ctx, w, who.Structure, "login", string(m)); err != nil {
		return Login{}, errors.Join(err, p.o.Store.EndSession(context.WithoutCancel(ctx), s.Hash))
	}
	p.o.Counted(m, true)
	return Login{Who: w, Cookie: cookie}, nil
}

// Session is who is logged in with a cookie; ErrSession for nobody. A request
// of the person moves the end of an idle session; one that a page makes by
// itself has quiet set and does not.
func (p *People) Session(ctx context.Context, cookie, from string, quiet bool) (Who, error) {
	if len(cookie) != 43 {
		return Who{}, ErrSession
	}
	return p.Known(ctx, hash(cookie), from, quiet)
}

// Known is Session for a session's hash, fleet.Session.Hash, which the server
// has from an earlier call and nobody from outside.
func (p *People) Known(ctx context.Context, hash, from string, quiet bool) (Who, error) {
	s, err := p.o.Store.Session(ctx, hash)
	if errors.Is(err, fleet.ErrNotFound) {
		return Who{}, ErrSession
	}
	if err != nil {
		return Who{}, fmt.Errorf("people: read the session: %w", err)
	}
	now := p.o.Now().UTC()
	if !now.Before(s.Expires) || now.Sub(s.Seen) >= p.o.Idle {
		return Who{}, p.ended(ctx, s)
	}
	who, err := p.o.Store.Person(ctx, s.Person)
	if errors.Is(err, fleet.ErrNotFound) || err == nil && (!who.Disabled.IsZero() || !who.Confirmed) {
		return Who{}, p.ended(ctx, s)
	}
	if err != nil {
		return Who{}, fmt.Errorf("people: read the person: %w", err)
	}
	if !quiet && now.Sub(s.Seen) >= time.Minute {
		if err := p.o.Store.TouchSession(ctx, s.Hash, now, time.Time{}); errors.Is(err, fleet.ErrNotFound) {
			return Who{}, ErrSession // ended this moment
		} else if err != nil {
			return Who{}, fmt.Errorf("people: touch the session: %w", err)
		}
		s.Seen = now
	}
	return Who{Person: who, Session: s, From: from}, nil
}

func (p *People) ended(ctx context.Context, s fleet.Session) error {
	if err := p.o.Store.EndSession(ctx, s.Hash); err != nil {
		return fmt.Errorf("people: end the session: %w", err)
	}
	return ErrSession
}

// Logout ends the session. The address is where the browser goes to log out
// at the provider too; "" for nowhere.
func (p *People) Logout(ctx context.Context, w Who) (string, error) {
	if err := p.o.Store.EndSession(ctx, w.Session.Hash); err != nil {
		return "", fmt.Errorf("people: end the session: %w", err)
	}
	if err := p.did(ctx, w, w.Person.Structure, "logout", ""); err != nil {
		return "", err
	}
	if p.provider == nil || len(w.Session.Hint) == 0 {
		return "", nil
	}
	hint, err := p.seal.open(forHint, w.Person.ID, w.Session.Hint)
	if err != nil {
		return "", nil // sealed with a key that was changed: only ours ends
	}
	return p.provider.Logout(ctx, string(hint)), nil
}

// LogoutAll ends all sessions of somebody, this one too.
func (p *People) LogoutAll(ctx context.Context, w Who) error {
	if err := p.o.Store.EndSessions(ctx, w.Person.ID); err != nil {
		return fmt.Errorf("people: end the sessions: %w", err)
	}
	return p.did(ctx, w, w.Person.Structure, "logout", "all")
}

// renew gives a session a new cookie and a fresh proof: whoever saw the old
// cookie gets nothing of what it may do now.
func (p *People) renew(ctx context.Context, w Who, m fleet.Method) (Login, error) {
	now := p.o.Now().UTC()
	cookie, old := secret(), w.Session.Hash
	w.Session.Hash, w.Session.Seen, w.Session.Proved, w.Session.Method = hash(cookie), now, now, m
	if err := p.o.Store.AddSession(ctx, w.Session); err != nil {
		return Login{}, fmt.Errorf("people: renew the session: %w", err)
	}
	if err := p.o.Store.EndSession(ctx, old); err != nil {
		return Login{}, fmt.Errorf("people: end the old session: %w", err)
	}
	if err := p.did(ctx, w, w.Person.Structure, "proof", string(m)); err != nil {
		return Login{}, errors.Join(err, p.o.Store.EndSession(context.WithoutCancel(ctx), w.Session.Hash))
	}
	return Login{Who: w, Cookie: cookie}, nil
}

// mayAddKey: a new credential needs a fresh proof, or a login just now, which
// may be by a recovery code.
func (p *People) mayAddKey(w Who) error {
	if p.Fresh(w) || within(w.Session.Created, p.o.Now(), p.o.Fresh) {
		return nil
	}
	return ErrProof
}
