package engine

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"

	"github.com/nats-io/nats.go"
)

// Why something is refused, as in provisioning.Ack.
const (
	whyLater   = "later"
	whyInvalid = "invalid"
)

// answer replies to a request, if it is one.
func (e *Engine) answer(m *nats.Msg, v any) {
	b, err := json.Marshal(v)
	if err != nil || m.Reply == "" {
		return
	}
	if err := m.Respond(b); err != nil {
		e.log.Warn("a kiosk gets no answer", "error", err)
	}
}

func (e *Engine) onEvents(m *nats.Msg) {
	structure, id, ok := provisioning.Who(m.Subject)
	if !ok {
		return
	}
	e.crew.do(func(ctx context.Context) {
		evs, err := provisioning.DecodeEvents(m.Data)
		if err != nil {
			e.answer(m, provisioning.Ack{Why: whyInvalid})
			return
		}
		e.answer(m, e.ingest(ctx, structure, id, evs))
	})
}

// ingest stores events; what it returns is true on the disk.
func (e *Engine) ingest(ctx context.Context, structure, id string, evs []provisioning.Event) provisioning.Ack {
	ctx, cancel := context.WithTimeout(ctx, sqlTime)
	defer cancel()
	begin := time.Now()
	fresh, err := e.store.Ingest(ctx, structure, id, evs)
	switch {
	case errors.Is(err, provisioning.ErrInvalid):
		return provisioning.Ack{Why: whyInvalid}
	case err != nil:
		e.log.Warn("events are not stored", "kiosk", id, "error", err)
		e.metrics.refused.Inc()
		return provisioning.Ack{Why: whyLater}
	}
	e.metrics.commit.Observe(time.Since(begin).Seconds())
	e.metrics.duplicates.Add(float64(len(evs) - fresh))
	return provisioning.Ack{OK: true}
}

// Fresh takes the events that were stored for the first time, and tells
// consoles. It is for the store to call after each commit: see
// store.Options.Fresh. It does not wait for anything.
func (e *Engine) Fresh(structure, kiosk string, evs []provisioning.Event) {
	now := e.o.Now()
	said := map[string]bool{}
	say := func(what string) {
		if !said[what] {
			said[what] = true
			e.change(structure, kiosk, what)
		}
	}
	for _, ev := range evs {
		e.metrics.events.WithLabelValues(string(ev.Kind)).Inc()
		e.metrics.age.Observe(max(0, now.Sub(ev.Time()).Seconds()))
		switch ev.Kind {
		case provisioning.EventCounts:
			say("counts")
		case provisioning.EventState:
			say("state")
			if ev.State.Help != 0 {
				say("help")
			}
		case provisioning.EventResult:
			e.metrics.commands.WithLabelValues("late", string(ev.Result.Status)).Inc()
			say("command")
		}
	}
}

// beatOf is a beat that one server passes on to all, for a kiosk that told it
// by other ways than its own subject.
type beatOf struct {
	Structure string            `json:"structure"`
	Kiosk     string            `json:"kiosk"`
	Beat      provisioning.Beat `json:"beat"`
	Version   string            `json:"version,omitempty"` // of the agent
	// Sync names the POST /sync with which it came: no server takes that
	// again. "" for a hello.
	Sync string `json:"sync,omitempty"`
}

func (e *Engine) onBeat(m *nats.Msg) {
	structure, id, ok := provisioning.Who(m.Subject)
	if !ok {
		return
	}
	if b, err := provisioning.DecodeBeat(m.Data); err == nil {
		e.beat(beatOf{Structure: structure, Kiosk: id, Beat: b})
	}
}

func (e *Engine) onPassed(m *nats.Msg) {
	var b beatOf
	if json.Unmarshal(m.Data, &b) != nil {
		return
	}
	if b.Sync != "" {
		e.replays.first(b.Sync, e.o.Now())
	}
	e.beat(b)
}

func (e *Engine) beat(b beatOf) {
	if e.presence.hear(b) {
		e.crew.do(func(ctx context.Context) { e.copied(ctx, b.Structure, b.Kiosk) })
	}
}

// pass tells all servers, this one too, of a kiosk's hello.
func (e *Engine) pass(k fleet.Kiosk, h provisioning.Hello, sync string) {
	data, err := json.Marshal(h.Beat)
	if err != nil {
		return
	}
	beat, err := provisioning.DecodeBeat(data) // a hello's is not checked whole
	if err != nil {
		return
	}
	b := beatOf{Structure: k.Structure, Kiosk: k.ID, Beat: beat, Sync: sync}
	if len(h.Version) <= maxVersion {
		b.Version = h.Version
	}
	if data, err = json.Marshal(b); err == nil {
		e.tell(subjectBeat, data)
	}
}

func (e *Engine) copied(ctx context.Context, structure, id string) {
	ctx, cancel := context.WithTimeout(ctx, sqlTime)
	defer cancel()
	now := e.o.Now()
	e.metrics.copies.Inc()
	e.log.Warn("two kiosks speak under one name", "structure", structure, "kiosk", id)
	if err := e.store.Copied(ctx, id, now); err != nil {
		e.log.Warn("a copy is not stored", "kiosk", id, "error", err)
	}
	e.change(structure, id, "state")
	if e.o.Copied != nil {
		e.o.Copied(structure, id, now)
	}
}

func (e *Engine) onHello(m *nats.Msg) {
	structure, id, ok := provisioning.Who(m.Subject)
	if !ok {
		return
	}
	e.crew.do(func(ctx context.Context) {
		h, err := provisioning.DecodeHello(m.Data)
		if err != nil {
			e.answer(m, provisioning.Ack{Why: whyInvalid})
			return
		}
		ctx, cancel := context.WithTimeout(ctx, sqlTime)
		defer cancel()
		k, err := e.kiosk(ctx, structure, id)
		if err == nil && e.presence.awaits(structure, id, k.NextKey) {
			e.keyUsed(ctx, id, k.NextKey)
		}
		var w provisioning.Welcome
		var later []provisioning.Signed
		if err == nil {
			w, later, err = e.welcome(ctx, k, h)
		}
		if err != nil {
			e.log.Warn("a kiosk is not welcomed", "kiosk", id, "error", err)
			e.answer(m, provisioning.Ack{Why: whyLater})
			return
		}
		e.pass(k, h, "")
		e.answer(m, w)
		for _, s := range later {
			e.send(structure, id, s)
		}
	})
}

// kiosk is one that may speak.
func (e *Engine) kiosk(ctx context.Context, structure, id string) (fleet.Kiosk, error) {
	k, err := e.store.Kiosk(ctx, fleet.Scope{Structure: structure}, id)
	if err == nil && !k.Revoked.IsZero() {
		err = fleet.ErrNotFound
	}
	return k, err
}

// maxWelcome is how many bytes of commands an answer carries; base64 makes
// them a third more.
const maxWelcome = provisioning.MaxMessage / 2

// welcome is the answer to a hello. later are commands for which it had no
// room.
func (e *Engine) welcome(ctx context.Context, k fleet.Kiosk, h provisioning.Hello) (w provisioning.Welcome, later []provisioning.Signed, err error) {
	pending, err := e.store.Pending(ctx, k.ID)
	if err != nil {
		return w, nil, err
	}
	if pending, err = e.catchUp(ctx, k, h.Settings, pending); err != nil {
		return w, nil, err
	}
	now := e.o.Now()
	w = provisioning.Welcome{
		Clock: now.UnixMicro(), Beat: int(e.o.Beat / time.Second), Backoff: int(e.o.Backoff / time.Second),
		// A kiosk that trusts none of our command keys learns them with a
		// new credential.
		Renew: now.Sub(k.Renewed) >= e.o.RenewAt || h.Key != "" && !e.signs(h.Key),
	}
	size := 0
	for i, s := range pending {
		if size += len(s.Body) + len(s.Signature); size > maxWelcome && i > 0 {
			later = pending[i:]
			break
		}
		w.Commands = append(w.Commands, s)
		// Before the answer: what the kiosk says of it comes after.
		if id := commandID(s); id != "" {
			if err := e.store.SetCommand(ctx, k.ID, id, fleet.Sent, ""); err != nil {
				return w, nil, err
			}
		}
	}
	if len(w.Commands) > 0 {
		e.change(k.Structure, k.ID, "command")
	}
	return w, later, nil
}

func (e *Engine) signs(key string) bool {
	for _, k := range e.ring.CommandKeys() {
		if k == key {
			return true
		}
	}
	return false
}

// catchUp adds the structure's settings where a kiosk has older ones and none
// are on their way: it is new, or it was away for longer than commands last.
func (e *Engine) catchUp(ctx context.Context, k fleet.Kiosk, revision int64, pending []provisioning.Signed) ([]provisioning.Signed, error) {
	st, err := e.store.Structure(ctx, fleet.Scope{Structure: k.Structure}, k.Structure)
	if err != nil || st.Settings.Revision <= revision {
		return pending, err
	}
	for _, s := range pending {
		if c, err := readCommand(s); err == nil && c.Settings != nil && c.Settings.Revision >= st.Settings.Revision {
			return pending, nil
		}
	}
	if !e.presence.catchUp(k.Structure, k.ID) {
		return pending, nil
	}
	_, s, err := e.queue(ctx, fleet.Scope{Structure: k.Structure}, "", k, provisioning.Command{Kind: provisioning.CommandSettings, Settings: &st.Settings})
	if err != nil {
		return pending, err
	}
	return append(pending, s), nil
}

func (e *Engine) onRenew(m *nats.Msg) {
	structure, id, ok := provisioning.Who(m.Subject)
	if !ok {
		return
	}
	e.crew.do(func(ctx context.Context) {
		var ask provisioning.RenewAsk
		if len(m.Data) > maxAsk || json.Unmarshal(m.Data, &ask) != nil {
			e.answer(m, provisioning.Ack{Why: whyInvalid})
			return
		}
		ctx, cancel := context.WithTimeout(ctx, sqlTime)
		defer cancel()
		k, err := e.kiosk(ctx, structure, id)
		if err != nil {
			e.answer(m, provisioning.Ack{Why: whyLater})
			return
		}
		c, why := e.renew(ctx, k, ask)
		if why != "" {
			e.answer(m, provisioning.Ack{Why: why})
			return
		}
		e.answer(m, c)
	})
}

func (e *Engine) onConnect(m *nats.Msg) {
	structure, id, key, c, ok := e.sysEvent(m)
	if ok && e.presence.connected(structure, id, key, c) {
		e.crew.do(func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, sqlTime)
			defer cancel()
			e.keyUsed(ctx, id, key)
		})
	}
}

func (e *Engine) onDisconnect(m *nats.Msg) {
	if _, id, _, c, ok := e.sysEvent(m); ok {
		e.presence.disconnected(id, c)
	}
}

// sysEvent reads what a NATS server tells of a kiosk's connection. The token
// in it is that with which it logged in.
func (e *Engine) sysEvent(m *nats.Msg) (structure, id, key string, c conn, ok bool) {
	var v struct {
		Server struct {
			ID string `json:"id"`
		} `json:"server"`
		Client struct {
			ID  uint64 `json:"id"`
			JWT string `json:"jwt"`
		} `json:"client"`
	}
	if json.Unmarshal(m.Data, &v) != nil {
		return "", "", "", conn{}, false
	}
	b, err := e.ring.Read(v.Client.JWT)
	if err != nil {
		return "", "", "", conn{}, false // a server of the fleet
	}
	return b.Structure, b.Kiosk, b.Key, conn{v.Server.ID, v.Client.ID}, true
}
