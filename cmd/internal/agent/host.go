package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/atomicfile"
	"pointnum/kiosk/config"
	"pointnum/kiosk/session"
	"pointnum/ui"
)

// decided is what the host has told the kiosk, as it is kept over restarts.
type decided struct {
	Settings *kiosk.Settings `json:"settings,omitempty"` // nil: never told any
	Paused   string          `json:"paused,omitempty"`
	Message  string          `json:"message,omitempty"`
	Until    int64           `json:"until,omitempty"` // of Message, s since 1970; 0 stays
}

// hosted keeps what the host has decided and has it shown.
type hosted struct {
	path string

	mu    sync.Mutex
	now   decided
	shown session.Host
	sure  bool // shown is what the visit was told
}

// openHosted reads what was decided before. A file that can't be read or makes
// no sense is as none: the host decides again, and the kiosk serves meanwhile.
func openHosted(dir string, log *slog.Logger) *hosted {
	h := &hosted{path: filepath.Join(dir, "host.json")}
	b, err := os.ReadFile(h.path)
	if errors.Is(err, fs.ErrNotExist) {
		return h
	}
	if err == nil {
		err = json.Unmarshal(b, &h.now)
	}
	if err == nil && h.now.Settings != nil {
		err = h.now.Settings.Check()
	}
	if err != nil {
		log.Warn("what the host decided can't be read", "err", err)
		h.now = decided{}
	}
	return h
}

// load is what is decided now.
func (h *hosted) load() decided {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

// change keeps a change on the disk before it counts.
func (h *hosted) change(f func(*decided)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := h.now
	f(&next)
	b, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("what the host decided: %w", err)
	}
	if err := atomicfile.Write(h.path, b, 0o600); err != nil {
		return fmt.Errorf("what the host decided: %w", err)
	}
	h.now = next
	return nil
}

// at is what visits are told at a time.
func (d decided) at(t time.Time) session.Host {
	v := session.Host{Paused: d.Paused, Message: d.Message}
	if d.Until != 0 && t.Unix() >= d.Until {
		v.Message = ""
	}
	if d.Settings != nil {
		v.Closed, v.Sides = !d.Settings.OpenAt(t), d.Settings.Quota.Sides
	}
	return v
}

// show tells the visit, where that has changed. Hours open and close and
// messages end by themselves, so it is called now and then.
func (h *hosted) show(ctx context.Context, e *session.Engine) error {
	want := h.load().at(time.Now())
	h.mu.Lock()
	same := h.sure && h.shown == want
	h.mu.Unlock()
	if same {
		return nil
	}
	if err := e.SetHost(ctx, want); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shown, h.sure = want, true
	return nil
}

// placeOf is where the kiosk stands: what the host says, and the kiosk's own
// file for what it does not.
func placeOf(c *config.Config, s *kiosk.Settings) ui.Place {
	p := Place(c)
	if s == nil {
		return p
	}
	for _, part := range []struct {
		into *string
		text string
	}{
		{&p.Name, s.Place.Name},
		{&p.Address, strings.Join(s.Place.Address, "\n")},
		{&p.Phone, s.Place.Phone},
		{&p.Hours, strings.Join(s.Place.Hours, "\n")},
	} {
		if part.text != "" {
			*part.into = part.text
		}
	}
	p.Contacts, p.Checklists, p.Portals = s.Contacts, s.Checklists, s.Portals
	return p
}
