package escpos

import (
	"fmt"
	"strings"

	"pointnum/kiosk"
)

// Answers sorts what a printer says. The kinds of answers are told apart by
// fixed bits only, so a byte is believed only where it can be what was asked
// for; everything else is dropped. The zero Answers is ready for use.
type Answers struct {
	asb  [4]byte // the automatic report being read
	n    int     // how much of it was read
	name []byte  // the GS I answer being read
	text bool    // one is being read
}

// Answer is one thing a printer said.
type Answer struct {
	Kind AnswerKind
	Byte byte    // of Realtime and Paper
	ASB  [4]byte // of Report
	Name string  // of Name
}

// AnswerKind says what an Answer is.
type AnswerKind int

// The kinds of answers.
const (
	Realtime AnswerKind = iota + 1 // to DLE EOT
	Paper                          // to GS r
	Report                         // automatic status back (GS a)
	Name                           // to GS I
)

// maxName is the longest answer to GS I that is kept.
const maxName = 80

// Feed takes bytes of the printer and returns the answers they complete.
func (a *Answers) Feed(b []byte) []Answer {
	var out []Answer
	for _, c := range b {
		if got, ok := a.feed(c); ok {
			out = append(out, got)
		}
	}
	return out
}

func (a *Answers) feed(c byte) (Answer, bool) {
	switch {
	case a.text:
		if c != 0 && len(a.name) < maxName {
			a.name = append(a.name, c)
			return Answer{}, false
		}
		name := string(a.name)
		a.text, a.name = false, nil
		return Answer{Kind: Name, Name: printable(name)}, true
	case c&0x93 == 0x12: // a real-time answer may come inside a report
		return Answer{Kind: Realtime, Byte: c}, true
	case c&0x93 == 0x10:
		a.asb, a.n = [4]byte{c}, 1
		return Answer{}, false
	case c&0x90 == 0 && a.n > 0:
		a.asb[a.n] = c
		a.n++
		if a.n < len(a.asb) {
			return Answer{}, false
		}
		a.n = 0
		return Answer{Kind: Report, ASB: a.asb}, true
	case c&0x90 == 0:
		return Answer{Kind: Paper, Byte: c}, true
	case c == '_': // heads the answers to GS I 65 to 69, which end with NUL
		a.text, a.n = true, 0
		return Answer{}, false
	}
	a.n = 0
	return Answer{}, false
}

// printable keeps what may be logged of a printer's name.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s))
}

// State is what is known of a printer's health.
type State struct {
	Known         bool // false when the printer never said anything
	Offline       bool
	CoverOpen     bool
	PaperOut      bool
	PaperLow      bool
	CutterError   bool
	Unrecoverable bool // has to be switched off
	Overheated    bool // recovers by itself
	Error         bool // some error it does not name
	Raw           []byte
}

// Realtime adds the answer to DLE EOT n (1 to 4) to the state.
func (s *State) Realtime(n int, b byte) {
	s.Known = true
	s.Raw = append(s.Raw, b)
	switch n {
	case 1:
		s.Offline = b&0x08 != 0
	case 2:
		s.CoverOpen = b&0x04 != 0
		s.PaperOut = s.PaperOut || b&0x20 != 0
		s.Error = b&0x40 != 0
	case 3:
		s.CutterError = b&0x08 != 0
		s.Unrecoverable = b&0x20 != 0
		s.Overheated = b&0x40 != 0
	case 4:
		s.PaperLow = b&0x0c != 0
		s.PaperOut = s.PaperOut || b&0x60 != 0
	}
}

// ReportState returns the state an automatic report (GS a) tells.
func ReportState(b [4]byte) State {
	return State{
		Known:         true,
		Offline:       b[0]&0x08 != 0,
		CoverOpen:     b[0]&0x20 != 0,
		CutterError:   b[1]&0x08 != 0,
		Unrecoverable: b[1]&0x20 != 0,
		Overheated:    b[1]&0x40 != 0,
		PaperLow:      b[2]&0x03 != 0,
		PaperOut:      b[2]&0x0c != 0,
		Raw:           b[:],
	}
}

// Blocking returns what keeps the printer from printing, the worst first.
func (s State) Blocking() []kiosk.Code {
	var codes []kiosk.Code
	for _, c := range []struct {
		on   bool
		code kiosk.Code
	}{
		{s.Unrecoverable, kiosk.CodePowerCycle},
		{s.CutterError, kiosk.CodeCutterError},
		{s.CoverOpen, kiosk.CodeCoverOpen},
		{s.PaperOut, kiosk.CodePaperEmpty},
		{s.Overheated, kiosk.CodeOverheated},
	} {
		if c.on {
			codes = append(codes, c.code)
		}
	}
	if len(codes) == 0 && (s.Offline || s.Error) {
		codes = append(codes, kiosk.CodeDevicePaused)
	}
	return codes
}

// Status returns the state in the kiosk's words. A printer that never answers
// is taken to be ready: nobody can know better.
func (s State) Status() kiosk.Status {
	blocking := s.Blocking()
	st := kiosk.Status{Ready: len(blocking) == 0, Conditions: blocking}
	if s.PaperLow && !s.PaperOut {
		st.Conditions = append(st.Conditions, kiosk.CodePaperLow)
	}
	if s.Known {
		st.Detail = fmt.Sprintf("status % x", s.Raw)
	} else {
		st.Detail = "state unknown: the printer does not answer"
	}
	return st
}
