package ui

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
	"pointnum/ui/i18n"
)

// browseView is a portal in use: its bar, and the questions over its page. No
// address is in it but the host, which the visitor must see.
type browseView struct {
	Portal  string `json:"portal"`
	Host    string `json:"host"`
	Loading bool   `json:"loading"`
	Mailbox bool   `json:"mailbox"` // in front
	Tabs    int    `json:"tabs"`
	Back    bool   `json:"back"`
	Waiting bool   `json:"waiting"`
	Typing  string `json:"typing"`
	Papers  string `json:"papers"` // the button to them
	To      string `json:"to"`     // the screen it leads to
	Banner  string `json:"banner"` // above the other screens; "" on its own
	Asked   bool   `json:"asked"`  // a field waits for a paper

	Stopped   string `json:"stopped"`   // why a page was not shown
	Reload    bool   `json:"reload"`    // trying it again makes sense
	Elsewhere string `json:"elsewhere"` // the portal that a refused page is of
	Plain     bool   `json:"plain"`     // nothing to do about it but to read it
	Restarted int    `json:"restarted"`
	Attached  int    `json:"attached"` // how often papers were given
	Lighter   bool   `json:"lighter"`

	Tray  *trayView  `json:"tray"`
	Taken *takenView `json:"taken"`
	PDF   string     `json:"pdf"`   // the format that a refused paper can be made of instead; "" none
	Image string     `json:"image"` // the same, of pictures
}

// trayView is the question which paper a field gets.
type trayView struct {
	Takes  string      `json:"takes"`
	Papers []paperView `json:"papers"`
}

// paperView is a document of the visit as the tray shows it.
type paperView struct {
	ID      string `json:"id"`
	Picture string `json:"picture"` // of its first page; "" while it has none
	Turn    int    `json:"turn"`
	Ready   bool   `json:"ready"`
	Name    string `json:"name"`
	Pages   string `json:"pages"`
	Fit     string `json:"fit"` // whether it fits, or what is done first
	Fits    bool   `json:"fits"`
	Given   string `json:"given"` // "" when this portal does not have it
}

// takenView is a document that a portal gave.
type takenView struct {
	Paper paperView  `json:"paper"`
	Print actionView `json:"print"`
	Save  actionView `json:"save"`
	Phone actionView `json:"phone"`
}

// browseOf puts the portal in use in words; nil when none is.
func (s *Server) browseOf(l *i18n.Language, st *session.State) *browseView {
	b := st.Browse
	if b == nil {
		return nil
	}
	official := s.official(b.Portal)
	papers := 0
	for _, d := range st.Documents {
		if len(d.Pages) > 0 {
			papers++
		}
	}
	v := &browseView{
		Portal: official, Host: b.Host, Loading: b.Loading, Mailbox: b.BrowserState.Mailbox, Tabs: b.Tabs, Back: b.CanBack,
		Waiting: b.Waiting, Typing: string(b.Typing), Restarted: b.Restarted, Lighter: b.Lighter,
		Papers: l.T("browse", "papers", "n", strconv.Itoa(papers)), To: string(papersScreen(st)),
		Asked:   b.Choice != nil,
		Stopped: s.stopText(l, b), Elsewhere: b.Elsewhere, Reload: b.Stopped == kiosk.StopNetwork || b.Stopped == kiosk.StopCrash,
	}
	v.Plain = !v.Reload && v.Elsewhere == ""
	switch {
	case st.Screen == session.ScreenBrowse:
	case v.Asked:
		v.Banner = l.T("browse", "waits", "portal", official)
	default:
		v.Banner = l.T("browse", "open", "portal", official)
	}
	for _, d := range st.Documents {
		v.Attached += len(d.Attached)
	}
	switch b.Asking {
	case session.AskFile:
		v.Tray = s.trayOf(l, st)
	case session.AskTaken:
		v.Taken = s.takenOf(l, st)
	case session.AskRefused:
		v.PDF, v.Image = others(b)
	}
	return v
}

// official is a portal's own name; its id when the catalogue lost it.
func (s *Server) official(id string) string {
	if p, ok := s.catalogue.Portal(id); ok {
		return p.Official
	}
	return id
}

// papersScreen is where a visitor finds their papers.
func papersScreen(st *session.State) session.Screen {
	switch d := st.Doc(); {
	case d == nil || len(d.Pages) == 0:
		return session.ScreenScan
	case d.Result == nil:
		return session.ScreenReview
	default:
		return session.ScreenResult
	}
}

func (s *Server) stopText(l *i18n.Language, b *session.Browse) string {
	if b.Elsewhere != "" {
		name, _, _ := strings.Cut(s.official(b.Elsewhere), " (") // there is one line
		return l.T("browse", "stop_elsewhere", "portal", soft(name))
	}
	switch b.Stopped {
	case "":
		return ""
	case kiosk.StopScheme:
		return l.T("browse", "stop_scheme")
	case kiosk.StopNetwork:
		return l.T("browse", "stop_network")
	case kiosk.StopCrash:
		return l.T("browse", "stop_crash")
	default:
		return l.T("browse", "stop_foreign")
	}
}

func (s *Server) trayOf(l *i18n.Language, st *session.State) *trayView {
	b := st.Browse
	what := l.T("file", "pdf")
	if b.Target.Format != kiosk.FormatPDF {
		what = l.T("file", "image")
	}
	v := &trayView{Takes: l.T("file", "takes_unknown", "what", what), Papers: []paperView{}}
	if b.Known && b.Target.MaxBytes > 0 {
		v.Takes = l.T("file", "takes", "what", what, "limit", l.Size(b.Target.MaxBytes))
	}
	for i := range st.Documents {
		if len(st.Documents[i].Pages) > 0 {
			v.Papers = append(v.Papers, s.paperOf(l, b, i, &st.Documents[i]))
		}
	}
	return v
}

// paperOf is one document as it stands to the field that asks.
func (s *Server) paperOf(l *i18n.Language, b *session.Browse, n int, d *session.Document) paperView {
	first := d.Pages[0]
	v := paperView{
		ID: d.ID, Picture: first.Picture, Turn: first.Turn,
		Ready: !slices.ContainsFunc(d.Pages, func(p session.Page) bool { return !p.Ready }),
		Name:  l.T("file", "paper", "n", strconv.Itoa(n+1)),
		Pages: l.N("result", "pages", len(d.Pages)), Fit: l.T("file", "prepare"),
	}
	if k, ok := s.catalogue.Kind(d.Kind); ok {
		v.Name = k.Official
	} else if d.From != "" {
		v.Name = l.T("file", "from", "portal", s.official(d.From))
	}
	if r := d.Result; r != nil && r.Format == b.Target.Format {
		// MaxBytes is for one file, and has to be stayed below.
		size := r.Bytes / int64(max(1, r.Files))
		v.Fits = r.Files <= max(1, b.Target.MaxFiles) && (b.Target.MaxBytes == 0 || size < b.Target.MaxBytes)
		v.Fit = l.T("file", "lighter")
		if v.Fits {
			v.Fit = l.T("file", "fits")
		}
	}
	if _, ok := givenTo(d, b.Portal); ok {
		v.Given = l.T("file", "given")
	}
	return v
}

// givenTo is the last time that a document was given to a portal.
func givenTo(d *session.Document, portal string) (session.Attached, bool) {
	for _, a := range slices.Backward(d.Attached) {
		if a.Portal == portal {
			return a, true
		}
	}
	return session.Attached{}, false
}

// takenOf shows the newest document that a portal gave: it is the current one.
func (s *Server) takenOf(l *i18n.Language, st *session.State) *takenView {
	d := st.Doc()
	if d == nil || len(d.Pages) == 0 {
		return nil
	}
	v := &takenView{Paper: s.paperOf(l, st.Browse, st.Current, d)}
	onKey, printed, onPhone := false, false, false
	if d.Result != nil {
		onKey, printed, onPhone = len(d.Result.OnKey) > 0, d.Result.Printed, d.Result.OnPhone
	}
	v.Phone = phoned(l, st, onPhone)
	v.Print = deliver(l, st.Printer, printed, "print", "printed", "print_how")
	v.Save = deliver(l, st.Key, onKey, "save", "saved", "save_how")
	if v.Save.Show && !st.Key.Ready {
		v.Save.OK = true
		if !onKey {
			v.Save.How = l.T("result", "save_absent")
		}
	}
	return v
}

// others are the formats that a refused paper can be made of: one of pages,
// one of pictures.
func others(b *session.Browse) (pdf, image string) {
	for _, f := range b.Others {
		switch f {
		case kiosk.FormatPDF:
			pdf = string(f)
		case kiosk.FormatJPEG, kiosk.FormatPNG:
			image = cmp.Or(image, string(f))
		}
	}
	return pdf, image
}

// asks names the section of a question over a portal's page; "" when nothing
// is asked.
func asks(a session.Ask) string {
	if a == session.AskNothing {
		return ""
	}
	return "ask-" + string(a)
}
