package kiosk_test

import (
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
)

func TestOpeningHours(t *testing.T) {
	s := kiosk.Settings{Opening: []kiosk.Opening{{Day: time.Monday, From: 9 * 60, To: 12 * 60}, {Day: time.Monday, From: 14 * 60, To: 17 * 60}}}
	for at, want := range map[string]bool{
		"2026-11-23 08:59": false, "2026-11-23 09:00": true, "2026-11-23 11:59": true, "2026-11-23 12:00": false,
		"2026-11-23 14:30": true, "2026-11-24 10:00": false,
	} {
		when, err := time.Parse("2006-01-02 15:04", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.OpenAt(when); got != want {
			t.Errorf("%s: got %v", at, got)
		}
	}
	if !(kiosk.Settings{}).OpenAt(time.Now()) {
		t.Error("a place without hours is closed")
	}
}

func TestSettingsThatAKioskCannotShowAreRefused(t *testing.T) {
	good := kiosk.Settings{Place: kiosk.Place{Name: "Centre social des Tilleuls — مركز"}, Contacts: []kiosk.Contact{{Name: "Accueil"}}}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, s := range map[string]kiosk.Settings{
		"a line that is too long":          {Place: kiosk.Place{Name: strings.Repeat("a", kiosk.MaxLine+1)}},
		"a line break":                     {Contacts: []kiosk.Contact{{Name: "a\nb"}}},
		"a mark that turns text around":    {Checklists: []kiosk.Checklist{{Title: "a\u202eb"}}},
		"bytes that are no text":           {Portals: []string{"\xff"}},
		"hours that end before they begin": {Opening: []kiosk.Opening{{From: 600, To: 600}}},
		"a quota below nothing":            {Quota: kiosk.Quota{Sides: -1}},
	} {
		if s.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
