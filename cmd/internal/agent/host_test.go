package agent

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/session"
	"pointnum/provisioning"
)

func TestWhatTheHostDecidedIsThereAfterARestart(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	h := openHosted(dir, log)
	now := time.Date(2026, 11, 23, 12, 30, 0, 0, time.Local) // a Monday
	err := h.change(func(d *decided) {
		d.Paused, d.Message, d.Until = "Panne", "Fermé demain", now.Add(time.Hour).Unix()
		d.Settings = &kiosk.Settings{Revision: 3, Quota: kiosk.Quota{Sides: 10}, Opening: []kiosk.Opening{{Day: time.Monday, From: 540, To: 720}}}
	})
	if err != nil {
		t.Fatal(err)
	}
	h = openHosted(dir, log)
	want := session.Host{Paused: "Panne", Message: "Fermé demain", Closed: true, Sides: 10}
	if got := h.load().at(now); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := h.load().at(now.Add(2 * time.Hour)); got.Message != "" {
		t.Errorf("a message that has ended is shown: %q", got.Message)
	}
	if err := os.WriteFile(filepath.Join(dir, "host.json"), []byte(`{"settings":{"revision":-1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := openHosted(dir, log).load(); got != (decided{}) {
		t.Errorf("a broken file: %+v", got)
	}
	if err := os.Remove(h.path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(h.path, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := openHosted(dir, log).load(); got != (decided{}) {
		t.Errorf("a file that can't be read: %+v", got)
	}
}

func TestTheHostsPlaceStandsOverTheFiles(t *testing.T) {
	c := config.Default()
	c.Place = config.Place{Name: "Mairie", Phone: "01"}
	p := placeOf(c, &kiosk.Settings{Place: kiosk.Place{Name: "Mairie de Vif", Address: []string{"a", "b"}}, Portals: []string{"caf"}})
	if p.Name != "Mairie de Vif" || p.Phone != "01" || p.Address != "a\nb" || len(p.Portals) != 1 {
		t.Errorf("got %+v", p)
	}
}

func TestOnlyCountersLeaveTheKiosk(t *testing.T) {
	for _, e := range []session.Event{
		{Kind: session.EventStarted},
		{Kind: session.EventEnded, Reason: session.ReasonLeft, Lang: "fr", Delivered: true, Took: 90 * time.Second},
		{Kind: session.EventEnded, Reason: session.ReasonStale},
		{Kind: session.EventScanned, Count: 3}, {Kind: session.EventImported, Count: 1}, {Kind: session.EventTaken, Count: 2},
		{Kind: session.EventConverted, Count: 3, Paper: "rent"}, {Kind: session.EventPortal, Portal: "caf"},
		{Kind: session.EventAttached, Portal: "caf", Count: 1}, {Kind: session.EventSaved, Count: 1}, {Kind: session.EventPhoned, Count: 1},
		{Kind: session.EventPrinted, Count: 2}, {Kind: session.EventReceipt, Count: 1}, {Kind: session.EventHelp},
		{Kind: session.EventFault, Code: kiosk.CodePaperJam}, {Kind: session.EventPresence, Count: 1}, {Kind: session.EventTamper, Count: 1},
		{Kind: session.EventWiped}, {Kind: session.EventRestored, Count: 3},
	} {
		for name := range counters(e) {
			if !provisioning.ValidCounter(name) {
				t.Errorf("%s: %q is no counter", e.Kind, name)
			}
		}
	}
	ended := counters(session.Event{Kind: session.EventEnded, Delivered: true, Lang: "ar", Took: 61 * time.Second})
	if ended["end/delivered"] != 1 || ended["language/ar"] != 1 || ended["minutes"] != 2 {
		t.Errorf("got %v", ended)
	}
}
