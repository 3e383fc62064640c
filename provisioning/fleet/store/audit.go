package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"pointnum/provisioning/fleet"
)

const auditColumns = "SELECT n, at, person, name, structure, kiosk, action, detail, address, ok, hash FROM audit "

func scanAudit(row scanner) (fleet.Audit, error) {
	var (
		a      fleet.Audit
		at, ok int64
	)
	err := row.Scan(&a.N, &at, &a.Person, &a.Name, &a.Structure, &a.Kiosk, &a.Action, &a.Detail, &a.From, &ok, &a.Hash)
	a.At, a.OK = moment(at), ok != 0
	return a, err
}

// link is the hash of a line behind the one before, hex: the SHA-256 of that
// one's hash, a line feed, and the line as a JSON array of its fields in the
// order of fleet.Audit, with its time in µs.
func link(before string, a fleet.Audit) (string, error) {
	line, err := json.Marshal([]any{a.N, micro(a.At), a.Person, a.Name, a.Structure, a.Kiosk, a.Action, a.Detail, a.From, a.OK})
	sum := sha256.Sum256(append([]byte(before+"\n"), line...))
	return hex.EncodeToString(sum[:]), err
}

// Audit adds a line. N and Hash are made here, and At if it is zero.
func (s *Store) Audit(ctx context.Context, a fleet.Audit) error {
	if a.At.IsZero() {
		a.At = s.o.Now()
	}
	a.At = moment(micro(a.At))
	for _, text := range []*string{&a.Person, &a.Name, &a.Structure, &a.Kiosk, &a.Action, &a.Detail, &a.From} {
		*text = plain(*text)
	}
	return s.transaction(ctx, func(tx *sql.Tx) error {
		if err := alone(ctx, tx, s.dialect.auditing); err != nil {
			return err
		}
		last, err := one(ctx, tx, scanHead, `SELECT n, hash FROM audit UNION ALL SELECT n, hash FROM audit_anchor ORDER BY n DESC LIMIT 1`)
		if err != nil {
			return err
		}
		line := a
		line.N = last.N + 1
		if line.Hash, err = link(last.Hash, line); err != nil {
			return err
		}
		_, err = change(ctx, tx, `INSERT INTO audit (n, at, person, name, structure, kiosk, action, detail, address, ok, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
			line.N, micro(line.At), line.Person, line.Name, line.Structure, line.Kiosk, line.Action, line.Detail, line.From, flag(line.OK), line.Hash)
		return err
	})
}

func scanHead(row scanner) (a fleet.Audit, err error) { return a, row.Scan(&a.N, &a.Hash) }

// plain is a text that both databases take and that comes back as it was
// hashed: a line that cannot be written would stop what it tells of.
func plain(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?")
}

// Audits are up to limit lines of the scope, newest first, with N less than
// before; 0 for the newest.
func (s *Store) Audits(ctx context.Context, sc fleet.Scope, before int64, limit int) ([]fleet.Audit, error) {
	return list(ctx, s.reads, scanAudit, scoped(auditColumns+"WHERE (CAST($1 AS BIGINT) = 0 OR n < $1) AND SCOPE ORDER BY n DESC LIMIT $4", "structure", 2), append(inScope(sc, before), limit)...)
}

// AuditError says which line of the audit is not what was written.
type AuditError struct {
	N   int64
	Why string
}

// Error is one line for people.
func (e *AuditError) Error() string { return fmt.Sprintf("store: audit: line %d: %s", e.N, e.Why) }

// CheckAudit verifies every line that is kept against the one before, from the
// anchor that Prune left; lines is how many are right. The error is an
// *AuditError when one is not. It cannot see that the newest lines are missing
// or that somebody who writes into the database made the whole chain anew:
// whoever wants that keeps the newest hash elsewhere.
func (s *Store) CheckAudit(ctx context.Context) (lines int64, err error) {
	tx, err := s.snapshot(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	last, err := one(ctx, tx, scanHead, "SELECT n, hash FROM audit_anchor WHERE id = 1")
	if err != nil {
		return 0, err
	}
	rows, err := tx.QueryContext(ctx, auditColumns+"WHERE n > $1 ORDER BY n", last.N)
	if err != nil {
		return 0, wrap(err)
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scanAudit(rows)
		if err != nil {
			return lines, wrap(err)
		}
		hash, err := link(last.Hash, a)
		switch {
		case err != nil:
			return lines, err
		case a.N != last.N+1:
			return lines, &AuditError{last.N + 1, "is missing"}
		case a.Hash != hash:
			return lines, &AuditError{a.N, "was changed"}
		}
		last = a
		lines++
	}
	return lines, wrap(rows.Err())
}

// snapshot is a transaction that reads one state of the database.
func (s *Store) snapshot(ctx context.Context) (*sql.Tx, error) {
	var o *sql.TxOptions // SQLite's are snapshots anyway
	if s.dialect.name == "postgres" {
		o = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	tx, err := s.read.BeginTx(ctx, o)
	return tx, wrap(err)
}
