package outbox

import (
	"context"
	"database/sql"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
)

// Command is what is remembered of a command, so that it is done once.
type Command struct {
	Kind    provisioning.CommandKind
	Expires int64 // s since 1970
	Tries   int   // how often it was begun
	Result  provisioning.Result
}

// Ended says whether it has come to its end, which is Result.
func (c Command) Ended() bool { return c.Result.Status != "" }

// Command is what is known of a command; the zero Command when nothing is.
func (b *Box) Command(id string) Command {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cmds[id]
}

// Begun are the IDs of commands that were begun and did not end: the agent
// went down meanwhile.
func (b *Box) Begun() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []string
	for id, c := range b.cmds {
		if !c.Ended() {
			ids = append(ids, id)
		}
	}
	return ids
}

// Begin notes that a command is about to be done. It is on the disk when the
// error is nil.
func (b *Box) Begin(ctx context.Context, c provisioning.Command) error {
	b.mu.Lock()
	r := b.cmds[c.ID]
	r.Kind, r.Expires, r.Tries = c.Kind, c.Expires, r.Tries+1
	b.remember(c.ID, r)
	b.mu.Unlock()
	return b.Flush(ctx)
}

// End notes how a command ended and puts the event that tells it, both in one
// step. Errors are those of Flush.
func (b *Box) End(ctx context.Context, kind provisioning.CommandKind, expires int64, r provisioning.Result) error {
	b.mu.Lock()
	c := b.cmds[r.ID]
	c.Kind, c.Expires, c.Result = kind, expires, r
	b.remember(r.ID, c)
	b.put(provisioning.Event{Kind: provisioning.EventResult, Result: &r})
	b.mu.Unlock()
	b.kick()
	return b.Flush(ctx)
}

func (b *Box) remember(id string, c Command) {
	b.cmds[id] = c
	b.pending.cmds[id] = c
}

// forgetAfter is how long after its expiry a command is remembered: clocks
// are set back sometimes.
const forgetAfter = 48 * time.Hour

// Prune forgets commands that have expired. It does nothing as long as the
// time is not known.
func (b *Box) Prune(ctx context.Context) error {
	now, known := b.Now()
	if !known {
		return nil
	}
	before := now.Add(-forgetAfter).Unix()
	b.mu.Lock()
	n := len(b.cmds)
	for id, c := range b.cmds {
		if c.Expires < before {
			delete(b.cmds, id)
		}
	}
	n -= len(b.cmds)
	b.mu.Unlock()
	if n == 0 {
		return nil
	}
	b.disk.Lock()
	defer b.disk.Unlock()
	if err := b.ready(ctx); err != nil {
		return err
	}
	if _, err := b.db.ExecContext(ctx, `DELETE FROM cmd WHERE expires<?`, before); err != nil {
		return b.failed(err)
	}
	return nil
}

func commands(ctx context.Context, tx *sql.Tx) (map[string]Command, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, kind, expires, tries, status, code FROM cmd`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	cmds := map[string]Command{}
	for rows.Next() {
		var id, kind, status, code string
		var c Command
		if err := rows.Scan(&id, &kind, &c.Expires, &c.Tries, &status, &code); err != nil {
			return nil, err
		}
		c.Kind = provisioning.CommandKind(kind)
		if status != "" {
			c.Result = provisioning.Result{ID: id, Status: provisioning.Status(status), Code: kiosk.Code(code)}
		}
		cmds[id] = c
	}
	return cmds, rows.Err()
}
