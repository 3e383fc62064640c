package store

import (
	"context"
	"database/sql"
	"strings"

	"pointnum/provisioning/fleet"
)

const personColumns = "SELECT id, structure, name, email, role, lang, created, disabled, issuer, subject, confirmed FROM person "

func scanPerson(row scanner) (fleet.Person, error) {
	var (
		p                            fleet.Person
		created, disabled, confirmed int64
	)
	err := row.Scan(&p.ID, &p.Structure, &p.Name, &p.Email, &p.Role, &p.Lang, &created, &disabled, &p.Issuer, &p.Subject, &confirmed)
	p.Created, p.Disabled, p.Confirmed = moment(created), moment(disabled), confirmed != 0
	return p, err
}

// AddPerson adds somebody. fleet.ErrExists when the ID, the e-mail address or
// the issuer with subject is somebody's already ("" is nobody's),
// fleet.ErrNotFound when the structure is not there, fleet.ErrForbidden for a
// role that is none, or that does not fit: fleet.RoleFleet is of no structure,
// all others are of one.
func (s *Store) AddPerson(ctx context.Context, p fleet.Person) error {
	return s.addPerson(ctx, s.write, p)
}

func (s *Store) addPerson(ctx context.Context, db runner, p fleet.Person) error {
	if !fits(p) {
		return fleet.ErrForbidden
	}
	created := micro(p.Created)
	if created == 0 {
		created = s.now()
	}
	return changeOne(ctx, db, `INSERT INTO person (id, structure, name, email, role, lang, created, disabled, issuer, subject, confirmed)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 WHERE $2 = '' OR EXISTS (SELECT 1 FROM structure WHERE id = $2)`,
		p.ID, p.Structure, p.Name, strings.ToLower(p.Email), string(p.Role), p.Lang, created, micro(p.Disabled), p.Issuer, p.Subject, flag(p.Confirmed))
}

// fits keeps the role that sees everything away from the people of a structure.
func fits(p fleet.Person) bool {
	return len(p.Role.Rights()) > 0 && (p.Role == fleet.RoleFleet) == (p.Structure == "")
}

// Person is the one of that ID.
func (s *Store) Person(ctx context.Context, id string) (fleet.Person, error) {
	return one(ctx, s.reads, scanPerson, personColumns+"WHERE id = $1", id)
}

// PersonByEmail is the one of that address; "" is nobody's.
func (s *Store) PersonByEmail(ctx context.Context, email string) (fleet.Person, error) {
	return one(ctx, s.reads, scanPerson, personColumns+"WHERE email = $1 AND email <> ''", strings.ToLower(email))
}

// PersonBySubject is the one a provider calls so; "" is nobody.
func (s *Store) PersonBySubject(ctx context.Context, issuer, subject string) (fleet.Person, error) {
	return one(ctx, s.reads, scanPerson, personColumns+"WHERE issuer = $1 AND subject = $2 AND subject <> ''", issuer, subject)
}

// People are those of the scope, by name.
func (s *Store) People(ctx context.Context, sc fleet.Scope) ([]fleet.Person, error) {
	return list(ctx, s.reads, scanPerson, scoped(personColumns+"WHERE SCOPE ORDER BY name, id", "structure", 1), inScope(sc)...)
}

// SavePerson saves all but the ID and Created. Both the old and the new
// structure must be in the scope, else fleet.ErrNotFound; other errors as
// AddPerson.
func (s *Store) SavePerson(ctx context.Context, sc fleet.Scope, p fleet.Person) error {
	return s.transaction(ctx, func(tx *sql.Tx) error { return s.savePerson(ctx, tx, sc, p) })
}

func (s *Store) savePerson(ctx context.Context, db runner, sc fleet.Scope, p fleet.Person) error {
	if !sc.Sees(p.Structure) {
		return fleet.ErrNotFound
	}
	if !fits(p) {
		return fleet.ErrForbidden
	}
	return changeOne(ctx, db, scoped(`UPDATE person SET structure = $1, name = $2, email = $3, role = $4, lang = $5, disabled = $6, issuer = $7, subject = $8, confirmed = $9
		WHERE id = $10 AND ($1 = '' OR EXISTS (SELECT 1 FROM structure WHERE id = $1)) AND SCOPE`, "structure", 11),
		inScope(sc, p.Structure, p.Name, strings.ToLower(p.Email), string(p.Role), p.Lang, micro(p.Disabled), p.Issuer, p.Subject, flag(p.Confirmed), p.ID)...)
}

const passkeyColumns = "SELECT id, person, name, data, created, used FROM passkey "

func scanPasskey(row scanner) (fleet.Passkey, error) {
	var (
		k             fleet.Passkey
		created, used int64
	)
	err := row.Scan(&k.ID, &k.Person, &k.Name, &k.Data, &created, &used)
	k.Created, k.Used = moment(created), moment(used)
	return k, err
}

// AddPasskey keeps a credential; fleet.ErrExists when it is anybody's already,
// fleet.ErrNotFound when the person is not there.
func (s *Store) AddPasskey(ctx context.Context, k fleet.Passkey) error {
	return s.addPasskey(ctx, s.write, k)
}

func (s *Store) addPasskey(ctx context.Context, db runner, k fleet.Passkey) error {
	created := micro(k.Created)
	if created == 0 {
		created = s.now()
	}
	return changeOne(ctx, db, "INSERT INTO passkey (id, person, name, data, created, used) SELECT $1, id, $3, $4, $5, $6 FROM person WHERE id = $2",
		blob(k.ID), k.Person, k.Name, blob(k.Data), created, micro(k.Used))
}

// Passkeys are a person's, oldest first.
func (s *Store) Passkeys(ctx context.Context, person string) ([]fleet.Passkey, error) {
	return list(ctx, s.reads, scanPasskey, passkeyColumns+"WHERE person = $1 ORDER BY created, id", person)
}

// PasskeyOwner is whose credential it is.
func (s *Store) PasskeyOwner(ctx context.Context, id []byte) (person string, err error) {
	k, err := one(ctx, s.reads, scanPasskey, passkeyColumns+"WHERE id = $1", blob(id))
	return k.Person, err
}

// SavePasskey saves Name, Data and Used of the person's passkey of that ID.
func (s *Store) SavePasskey(ctx context.Context, k fleet.Passkey) error {
	return changeOne(ctx, s.write, "UPDATE passkey SET name = $1, data = $2, used = $3 WHERE id = $4 AND person = $5",
		k.Name, blob(k.Data), micro(k.Used), blob(k.ID), k.Person)
}

// RemovePasskey is fleet.ErrNotFound when the person has no such passkey.
func (s *Store) RemovePasskey(ctx context.Context, person string, id []byte) error {
	return changeOne(ctx, s.write, "DELETE FROM passkey WHERE id = $1 AND person = $2", blob(id), person)
}

// SetRecovery replaces all recovery codes of a person.
func (s *Store) SetRecovery(ctx context.Context, person string, hashes []string) error {
	return s.transaction(ctx, func(tx *sql.Tx) error { return setRecovery(ctx, tx, person, hashes) })
}

func setRecovery(ctx context.Context, db runner, person string, hashes []string) error {
	if _, err := change(ctx, db, "DELETE FROM recovery WHERE person = $1", person); err != nil {
		return err
	}
	for _, h := range hashes {
		if err := changeOne(ctx, db, "INSERT INTO recovery (person, hash) SELECT id, $1 FROM person WHERE id = $2", h, person); err != nil {
			return err
		}
	}
	return nil
}

// UseRecovery takes one away; fleet.ErrCode when it is not there.
func (s *Store) UseRecovery(ctx context.Context, person, hash string) error {
	n, err := change(ctx, s.write, "DELETE FROM recovery WHERE person = $1 AND hash = $2", person, hash)
	if err == nil && n == 0 {
		return fleet.ErrCode
	}
	return err
}

// RecoveryLeft is how many recovery codes a person has.
func (s *Store) RecoveryLeft(ctx context.Context, person string) (int, error) {
	return one(ctx, s.reads, func(row scanner) (n int, err error) { err = row.Scan(&n); return n, err }, "SELECT COUNT(*) FROM recovery WHERE person = $1", person)
}

// SetPassword replaces a person's password and its one-time code.
func (s *Store) SetPassword(ctx context.Context, p fleet.Password) error {
	return s.setPassword(ctx, s.write, p)
}

func (s *Store) setPassword(ctx context.Context, db runner, p fleet.Password) error {
	changed := micro(p.Changed)
	if changed == 0 {
		changed = s.now()
	}
	return changeOne(ctx, db, `INSERT INTO password (person, hash, totp, changed) SELECT id, $2, $3, $4 FROM person WHERE id = $1
		ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, totp = excluded.totp, changed = excluded.changed`, p.Person, p.Hash, blob(p.TOTP), changed)
}

// Password is fleet.ErrNotFound for somebody without.
func (s *Store) Password(ctx context.Context, person string) (fleet.Password, error) {
	return one(ctx, s.reads, func(row scanner) (fleet.Password, error) {
		var (
			p       fleet.Password
			changed int64
		)
		err := row.Scan(&p.Person, &p.Hash, &p.TOTP, &changed)
		p.Changed = moment(changed)
		return p, err
	}, "SELECT person, hash, totp, changed FROM password WHERE person = $1", person)
}
