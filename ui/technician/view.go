package technician

import (
	"html/template"
	"net/url"
	"slices"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/i18n"
)

// asks are what points of the menu ask, each a page.
var asks = []string{"update", "stick", "setup", "power", "erase"}

// working are the phases beside which a person waits.
var working = []Phase{PhaseFetching, PhaseInstalling, PhaseTrying}

// view is what the templates see.
type view struct {
	State
	L      *i18n.Language
	In     bool // the menu is open for this browser
	Ask    string
	Key    string
	Base   string
	Idle   int // seconds untouched, then the page leaves; 0 never
	Word   string
	Pad    []string
	Digits int

	// Of the code's page.
	Stand Stand
	Note  string // what keeps out, or how the last code was

	Bad     bool // what was typed is not possible
	Working bool // an update that is waited for
	Sticks  []Stick
	Stick   *Stick // the one that is asked about
	Again   bool   // the kiosk came back from its version before
	Rows    []row
}

// row is a problem in words.
type row struct {
	Problem
	What, Do string
}

// codeLeft refuses a version that the kiosk has come back from.
const codeLeft kiosk.Code = "update_left"

// codeDigits is how many a code has.
const codeDigits = 8

// view works out what a page shows.
func (s *Server) view(st State, in bool, at *url.URL, l *i18n.Language) view {
	v := view{State: st, L: l, In: in, Base: Base, Word: Word, Digits: codeDigits}
	if !in {
		v.Idle, v.Pad, v.Stand = codeFor, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "0"}, s.desk.Stand()
		s.mu.Lock()
		wrong := s.wrong
		s.mu.Unlock()
		switch {
		case v.Stand.None:
			v.Note = l.T("technique", "code_none")
		case v.Stand.Closed > 0:
			v.Note = l.N("technique", "code_closed", int((v.Stand.Closed+time.Minute-1)/time.Minute))
		case wrong:
			v.Note = l.N("technique", "code_wrong", v.Stand.Left)
		}
		return v
	}
	if st.Task == "" && len(at.Path) > len(Base) {
		v.Ask = at.Path[len(Base)+1:]
	}
	q := at.Query()
	v.Bad, v.Working = q.Has("bad"), slices.Contains(working, st.Update.Phase)
	switch v.Ask {
	case "":
		for _, p := range st.Problems {
			f := l.Fault(p.Code, p.Kind)
			v.Rows = append(v.Rows, row{p, f.What, f.Do})
		}
	case "update", "stick":
		v.Sticks, v.Again = s.desk.Sticks(), st.Fault != nil && st.Fault.Code == codeLeft
		if at := slices.IndexFunc(v.Sticks, func(k Stick) bool { return k.Folder == q.Get("folder") }); at >= 0 {
			v.Stick = &v.Sticks[at]
		}
	}
	return v
}

// functions are those of the templates.
func (s *Server) functions(l *i18n.Language) template.FuncMap {
	return template.FuncMap{
		"t":       l.T,
		"picture": func(name string) string { return s.assets.Picture(staticPath, name) },
		"static":  func(name string) string { return s.assets.URL(staticPath, name) },
		"link":    func(x Link) string { return l.T("technique_link", string(x)) },
		"phase":   func(x Phase, version string) string { return l.T("technique_phase", string(x), "version", version) },
		"task":    func(x Task) string { return l.T("technique_task", string(x)) },
		"taskDo":  func(x Task) string { return l.T("technique_task", string(x)+".do") },
		"stands":  func(version string) string { return l.T("technique", "stands", "version", version) },
		"runs":    func(version string) string { return l.T("technique", "runs", "version", version) },
		"onStick": func(version string) string { return l.T("technique", "on_stick", "version", version) },
		"install": func(version string) string { return l.T("technique", "stick_title", "version", version) },
		"keyPictures": func() []string {
			return []string{"backspace", "arrow-elbow-down-left", "arrow-line-right", "arrow-left", "arrow-right", "arrow-fat-up"}
		},
	}
}
