package engine_test

import (
	"testing"
	"time"

	"pointnum/provisioning"
	"pointnum/provisioning/fleet"
)

// A server has queued a command and was ended before it sent it: the kiosk,
// which is connected to another one, is told when that one is asked to.
func TestAKioskIsRemindedOfWhatWaits(t *testing.T) {
	s := newSite(t, nil)
	b := s.enrol("mairie", "Hall")
	l := b.connect(t)
	got := make(chan provisioning.Command, 10)
	l.obey(t, b, got, provisioning.StatusDone)
	l.hello(t, b)
	now := time.Now()
	c := provisioning.Command{ID: "left", Structure: "mairie", Kiosk: b.Kiosk, Kind: provisioning.CommandRecheck, Issued: now.Unix(), Expires: now.Add(time.Hour).Unix()}
	signed, err := s.ring.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.store.Queue(t.Context(), everything, fleet.Queued{Command: c}, signed); err != nil {
		t.Fatal(err)
	}
	if err := s.engine.Remind(t.Context(), "mairie", b.Kiosk); err != nil {
		t.Fatal(err)
	}
	if told := <-got; told.ID != "left" {
		t.Errorf("told %+v", told)
	}
	eventually(t, "end of the command", func() bool { return s.status(b, "left") == fleet.QueueStatus(provisioning.StatusDone) })
	if err := s.engine.Remind(t.Context(), "mairie", b.Kiosk); err != nil || len(got) != 0 {
		t.Errorf("told again: %d, %v", len(got), err)
	}
}
