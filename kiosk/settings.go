package kiosk

import (
	"errors"
	"fmt"
	"time"
	"unicode"
	"unicode/utf8"
)

// Settings are what a host structure decides for its kiosks, in place of what
// the kiosk's own file says. The zero value changes nothing.
type Settings struct {
	// Revision grows with every change; 0 for a kiosk that was never told any.
	Revision int64 `json:"revision"`
	Place    Place `json:"place"`
	// Opening says when the place is open, in its local time; always when
	// empty.
	Opening  []Opening `json:"opening,omitempty"`
	Quota    Quota     `json:"quota"`
	Contacts []Contact `json:"contacts,omitempty"`
	// Checklists say which papers a démarche (a procedure at an office) needs.
	Checklists []Checklist `json:"checklists,omitempty"`
	// Portals are the IDs of the catalogue's portals that are shown, in their
	// order; empty for all.
	Portals []string `json:"portals,omitempty"`
}

// Place is where a kiosk stands, as visitors read it on screens and receipts.
type Place struct {
	Name    string   `json:"name"`
	Address []string `json:"address,omitempty"` // lines
	Phone   string   `json:"phone,omitempty"`   // of the people who can help
	Hours   []string `json:"hours,omitempty"`   // lines
}

// Opening is one span of opening hours.
type Opening struct {
	Day  time.Weekday `json:"day"`
	From int          `json:"from"` // minutes after midnight
	To   int          `json:"to"`   // minutes after midnight, after From
}

// Quota bounds what one visit takes. 0 is no bound.
type Quota struct {
	Sides int `json:"sides,omitempty"` // printed sides
}

// Contact is somebody who can help.
type Contact struct {
	Name  string `json:"name"`
	Phone string `json:"phone,omitempty"`
	What  string `json:"what,omitempty"` // what for, in one line
}

// Checklist is the papers that a démarche needs.
type Checklist struct {
	Title string   `json:"title"`
	Items []string `json:"items"`
}

// The limits of Settings.
const (
	MaxLine  = 200 // characters of one line
	MaxLines = 40  // of one list
)

// Check says what is wrong with settings; nil when a kiosk can take them.
func (s Settings) Check() error {
	lines := [][]string{{s.Place.Name, s.Place.Phone}, s.Place.Address, s.Place.Hours, s.Portals}
	for _, c := range s.Contacts {
		lines = append(lines, []string{c.Name, c.Phone, c.What})
	}
	for _, c := range s.Checklists {
		lines = append(lines, []string{c.Title}, c.Items)
	}
	for _, list := range lines {
		if err := checkLines(list); err != nil {
			return err
		}
	}
	if len(s.Contacts) > MaxLines || len(s.Checklists) > MaxLines || len(s.Opening) > MaxLines {
		return fmt.Errorf("settings: more than %d entries", MaxLines)
	}
	for _, o := range s.Opening {
		if o.Day < time.Sunday || o.Day > time.Saturday || o.From < 0 || o.From >= o.To || o.To > 24*60 {
			return errors.New("settings: opening hours that end before they begin")
		}
	}
	if s.Quota.Sides < 0 || s.Revision < 0 {
		return errors.New("settings: a negative number")
	}
	return nil
}

func checkLines(list []string) error {
	if len(list) > MaxLines {
		return fmt.Errorf("settings: more than %d lines", MaxLines)
	}
	for _, l := range list {
		if err := CheckLine(l); err != nil {
			return err
		}
	}
	return nil
}

// CheckLine says what is wrong with one line of text that people wrote for a
// screen: longer than MaxLine characters, not UTF-8, or control characters.
func CheckLine(s string) error {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > MaxLine {
		return fmt.Errorf("settings: a line of more than %d characters", MaxLine)
	}
	for _, r := range s {
		// Marks that turn the direction of text could hide what it says.
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return errors.New("settings: a control character in a line")
		}
	}
	return nil
}

// OpenAt says whether the place is open at a local time.
func (s Settings) OpenAt(t time.Time) bool {
	if len(s.Opening) == 0 {
		return true
	}
	minute := t.Hour()*60 + t.Minute()
	for _, o := range s.Opening {
		if o.Day == t.Weekday() && o.From <= minute && minute < o.To {
			return true
		}
	}
	return false
}
