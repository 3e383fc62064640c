package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"pointnum/provisioning/fleet"
)

// AddSession keeps a login; fleet.ErrNotFound when the person is not there.
func (s *Store) AddSession(ctx context.Context, n fleet.Session) error {
	return changeOne(ctx, s.write, `INSERT INTO session (hash, person, created, seen, expires, proved, method, address, hint)
		SELECT $1, id, $3, $4, $5, $6, $7, $8, $9 FROM person WHERE id = $2`,
		n.Hash, n.Person, micro(n.Created), micro(n.Seen), micro(n.Expires), micro(n.Proved), string(n.Method), n.From, blob(n.Hint))
}

// Session is the one of that hash, expired ones too until they are pruned.
func (s *Store) Session(ctx context.Context, hash string) (fleet.Session, error) {
	return one(ctx, s.reads, func(row scanner) (fleet.Session, error) {
		var (
			n                              fleet.Session
			created, seen, expires, proved int64
		)
		err := row.Scan(&n.Hash, &n.Person, &created, &seen, &expires, &proved, &n.Method, &n.From, &n.Hint)
		n.Created, n.Seen, n.Expires, n.Proved = moment(created), moment(seen), moment(expires), moment(proved)
		if len(n.Hint) == 0 {
			n.Hint = nil
		}
		return n, err
	}, "SELECT hash, person, created, seen, expires, proved, method, address, hint FROM session WHERE hash = $1", hash)
}

// TouchSession moves Seen and Proved; a zero time leaves its field alone.
func (s *Store) TouchSession(ctx context.Context, hash string, seen, proved time.Time) error {
	return changeOne(ctx, s.write, "UPDATE session SET seen = CASE WHEN CAST($1 AS BIGINT) = 0 THEN seen ELSE $1 END, proved = CASE WHEN CAST($2 AS BIGINT) = 0 THEN proved ELSE $2 END WHERE hash = $3",
		micro(seen), micro(proved), hash)
}

// EndSession ends one; no error when it has ended.
func (s *Store) EndSession(ctx context.Context, hash string) error {
	_, err := change(ctx, s.write, "DELETE FROM session WHERE hash = $1", hash)
	return err
}

// EndSessions ends all of a person's.
func (s *Store) EndSessions(ctx context.Context, person string) error {
	_, err := change(ctx, s.write, "DELETE FROM session WHERE person = $1", person)
	return err
}

const invitationColumns = "SELECT hash, structure, email, name, role, person, password, by_person, created, expires, used FROM invitation "

func scanInvitation(row scanner) (fleet.Invitation, error) {
	var (
		i                                fleet.Invitation
		password, created, expires, used int64
	)
	err := row.Scan(&i.Hash, &i.Structure, &i.Email, &i.Name, &i.Role, &i.Person, &password, &i.By, &created, &expires, &used)
	i.Password, i.Created, i.Expires, i.Used = password != 0, moment(created), moment(expires), moment(used)
	return i, err
}

// AddInvitation keeps one; several for one address may be open. Errors as
// AddPerson for the structure and the role.
func (s *Store) AddInvitation(ctx context.Context, i fleet.Invitation) error {
	if !fits(fleet.Person{Structure: i.Structure, Role: i.Role}) {
		return fleet.ErrForbidden
	}
	return changeOne(ctx, s.write, `INSERT INTO invitation (hash, structure, email, name, role, person, password, by_person, created, expires, used)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE $2 = '' OR EXISTS (SELECT 1 FROM structure WHERE id = $2)`,
		i.Hash, i.Structure, strings.ToLower(i.Email), i.Name, string(i.Role), i.Person, flag(i.Password), i.By, micro(i.Created), micro(i.Expires), micro(i.Used))
}

// Invitation is the one of that hash, used and expired ones too until they are
// pruned.
func (s *Store) Invitation(ctx context.Context, hash string) (fleet.Invitation, error) {
	return one(ctx, s.reads, scanInvitation, invitationColumns+"WHERE hash = $1", hash)
}

// Invitations are those of the scope that are neither used nor expired at that
// time, oldest first.
func (s *Store) Invitations(ctx context.Context, sc fleet.Scope, at time.Time) ([]fleet.Invitation, error) {
	return list(ctx, s.reads, scanInvitation, scoped(invitationColumns+"WHERE used = 0 AND expires > $1 AND SCOPE ORDER BY created, hash", "structure", 2), inScope(sc, micro(at))...)
}

// UseInvitation marks it used and keeps what it brought, in one transaction.
// fleet.ErrCode when it is used or was expired at that time or is not there;
// fleet.ErrExists as AddPerson and AddPasskey; fleet.ErrForbidden when the
// person is not whom it invited: somebody new, or somebody it does not name,
// comes with its structure and role.
func (s *Store) UseInvitation(ctx context.Context, hash string, at time.Time, j fleet.Joined) error {
	return s.transaction(ctx, func(tx *sql.Tx) error {
		i, err := one(ctx, tx, scanInvitation, `UPDATE invitation SET used = $1 WHERE hash = $2 AND used = 0 AND expires > $1
			RETURNING hash, structure, email, name, role, person, password, by_person, created, expires, used`, micro(at), hash)
		if errors.Is(err, fleet.ErrNotFound) {
			return fleet.ErrCode
		}
		if err != nil || j.Person.ID == "" {
			return err
		}
		if i.Person != "" && i.Person != j.Person.ID || i.Person == "" && (i.Structure != j.Person.Structure || i.Role != j.Person.Role) {
			return fleet.ErrForbidden
		}
		return s.join(ctx, tx, j)
	})
}

func (s *Store) join(ctx context.Context, tx *sql.Tx, j fleet.Joined) error {
	err := s.savePerson(ctx, tx, fleet.Scope{All: true}, j.Person)
	if errors.Is(err, fleet.ErrNotFound) {
		err = s.addPerson(ctx, tx, j.Person)
	}
	if err != nil {
		return err
	}
	if j.Passkey != nil {
		k := *j.Passkey
		k.Person = j.Person.ID
		if err := s.addPasskey(ctx, tx, k); err != nil {
			return err
		}
	}
	if j.Password != nil {
		p := *j.Password
		p.Person = j.Person.ID
		if err := s.setPassword(ctx, tx, p); err != nil {
			return err
		}
	}
	if j.Recovery == nil {
		return nil
	}
	return setRecovery(ctx, tx, j.Person.ID, j.Recovery)
}

// Spend remembers until then that a one-time thing was used; fleet.ErrCode
// when it was already. It works once on all servers together.
func (s *Store) Spend(ctx context.Context, hash string, until time.Time) error {
	n, err := change(ctx, s.write, "INSERT INTO spent (hash, until) VALUES ($1, $2) ON CONFLICT DO NOTHING", hash, micro(until))
	if err == nil && n == 0 {
		return fleet.ErrCode
	}
	return err
}
