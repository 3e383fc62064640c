package engine

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"

	"github.com/nats-io/nats.go"
)

// lifetime is how long a command waits for its kiosk, where whoever gives it
// does not say: what restarts something must not come as a surprise, settings
// must arrive.
func lifetime(k provisioning.CommandKind) time.Duration {
	switch k {
	case provisioning.CommandRestart, provisioning.CommandReboot, provisioning.CommandSelfTest, provisioning.CommandRecheck:
		return time.Hour
	case provisioning.CommandHelpTaken, provisioning.CommandHelpDone:
		return 15 * time.Minute
	case provisioning.CommandSettings:
		return 30 * 24 * time.Hour
	}
	return 24 * time.Hour
}

// Command tells a kiosk of the scope something. It fills in the structure,
// Issued, the ID where that is "" and Expires where that is 0; it signs and queues the
// command, and sends it when the kiosk is there. It returns when the command is
// queued: what becomes of it comes as changes. by is a person's ID, "" for the
// server itself. Errors: fleet.ErrNotFound, provisioning.ErrInvalid, the
// store's.
func (e *Engine) Command(ctx context.Context, sc fleet.Scope, by string, c provisioning.Command) (fleet.Queued, error) {
	k, err := e.store.Kiosk(ctx, sc, c.Kiosk)
	if err != nil {
		return fleet.Queued{}, fmt.Errorf("engine: command: %w", err)
	}
	if !k.Revoked.IsZero() {
		return fleet.Queued{}, fmt.Errorf("engine: command: %w", fleet.ErrNotFound)
	}
	q, s, err := e.queue(ctx, sc, by, k, c)
	if err != nil {
		return fleet.Queued{}, fmt.Errorf("engine: command: %w", err)
	}
	e.change(k.Structure, k.ID, "command")
	e.send(k.Structure, k.ID, s)
	return q, nil
}

func (e *Engine) queue(ctx context.Context, sc fleet.Scope, by string, k fleet.Kiosk, c provisioning.Command) (fleet.Queued, provisioning.Signed, error) {
	now := e.o.Now()
	c.Structure, c.Kiosk, c.Issued = k.Structure, k.ID, now.Unix()
	if c.ID == "" {
		c.ID = strings.ToLower(rand.Text())
	}
	if c.Expires == 0 {
		c.Expires = now.Add(lifetime(c.Kind)).Unix()
	}
	s, err := e.ring.Sign(c)
	if err != nil {
		return fleet.Queued{}, s, err
	}
	q := fleet.Queued{Command: c, By: by, Status: fleet.Waiting, Changed: now}
	if err := e.store.Queue(ctx, sc, q, s); err != nil {
		return fleet.Queued{}, s, err
	}
	e.metrics.commands.WithLabelValues(string(c.Kind), string(fleet.Waiting)).Inc()
	return q, s, nil
}

// send hands a command to a kiosk that is connected. For one that is not, it
// stays in the queue.
func (e *Engine) send(structure, id string, s provisioning.Signed) {
	e.crew.do(func(ctx context.Context) {
		c, err := readCommand(s)
		if err != nil {
			return
		}
		b, err := json.Marshal(s)
		if err != nil {
			return
		}
		begin := time.Now()
		ask, cancel := context.WithTimeout(ctx, commandTime)
		m, err := e.nc.RequestWithContext(ask, provisioning.Down(structure, id, provisioning.DownCmd), b)
		cancel()
		if errors.Is(err, nats.ErrNoResponders) {
			return // not there: it is told when it says hello
		}
		status, r := fleet.Sent, provisioning.Result{}
		if err == nil {
			if r, err = provisioning.DecodeResult(m.Data); err == nil && r.ID == c.ID {
				status = fleet.QueueStatus(r.Status)
				e.metrics.commandTime.Observe(time.Since(begin).Seconds())
			}
		}
		e.metrics.commands.WithLabelValues(string(c.Kind), string(status)).Inc()
		e.setCommand(ctx, structure, id, c.ID, status, r)
	})
}

// Remind sends a kiosk that is connected the commands that wait for it: a server
// may end between queueing one and sending it, and a kiosk that is connected to
// another one says no hello. A kiosk does each once, however often it comes.
func (e *Engine) Remind(ctx context.Context, structure, id string) error {
	pending, err := e.store.Pending(ctx, id)
	if err != nil {
		return fmt.Errorf("engine: remind: %w", err)
	}
	for _, s := range pending {
		e.send(structure, id, s)
	}
	return nil
}

func (e *Engine) setCommand(ctx context.Context, structure, id, command string, status fleet.QueueStatus, r provisioning.Result) {
	ctx, cancel := context.WithTimeout(ctx, sqlTime)
	defer cancel()
	if err := e.store.SetCommand(ctx, id, command, status, r.Code); err != nil {
		e.log.Warn("what became of a command is not stored", "kiosk", id, "command", command, "error", err)
		return
	}
	e.change(structure, id, "command")
}

// readCommand reads what this server has signed.
func readCommand(s provisioning.Signed) (provisioning.Command, error) {
	var c provisioning.Command
	err := json.Unmarshal(s.Body, &c)
	return c, err
}

func commandID(s provisioning.Signed) string {
	c, err := readCommand(s)
	if err != nil {
		return ""
	}
	return c.ID
}
