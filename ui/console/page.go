package console

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"pointnum/kiosk/portal"
	"pointnum/ui/i18n"
)

// page is one page's template in one language.
type page struct{ t *template.Template }

// pageNames are the pages; each is templates/NAME.html in layout.html.
var pageNames = []string{
	"problem", "login", "prove", "join", "joinpassword", "recovery", "account", "structures", "home", "kiosk",
	"confirm", "usage", "settings", "people", "codes", "newcode", "invited", "alerts", "secret", "audit", "leaving",
	"updates", "plan",
}

// layout is what every page has.
type layout struct {
	L         *i18n.Language
	Others    []*i18n.Language
	In        bool
	Who       Who
	Role      string
	CSRF      string
	Page      string // address, for forms that come back to it
	Title     string
	Note      *note
	Structure Named
	Nav       []link
	Live      bool   // shows what changes
	Calls     string // where the calls are, for pages that do not show them
	Body      any
}

// link is one entry of the navigation.
type link struct {
	Name, Picture, To string
	Here              bool
}

// note is what has just happened, or went wrong.
type note struct {
	Text string
	Bad  bool
}

func (s *Server) parsePages() error {
	s.pages = map[string]map[string]*page{}
	for _, tag := range s.texts.Tags() {
		l := s.texts.Language(tag)
		base, err := template.New("layout.html").Funcs(s.functions(l)).ParseFS(templates, "templates/layout.html", "templates/parts.html")
		if err != nil {
			return fmt.Errorf("console: templates: %w", err)
		}
		s.pages[tag] = map[string]*page{}
		for _, name := range pageNames {
			t, err := base.Clone()
			if err == nil {
				t, err = t.ParseFS(templates, "templates/"+name+".html")
			}
			if err != nil {
				return fmt.Errorf("console: template %s: %w", name, err)
			}
			s.pages[tag][name] = &page{t}
		}
	}
	return nil
}

// functions are those of the templates.
func (s *Server) functions(l *i18n.Language) template.FuncMap {
	return template.FuncMap{
		"t":       l.T,
		"n":       func(screen, id string, n int, values ...string) string { return l.N(screen, id, n, values...) },
		"in":      func(t portal.Text) string { return t.In(l.Tag) },
		"picture": s.picture,
		"static":  s.staticURL,
		"role":    func(r Role) string { return l.T("role", string(r)) },
		"does":    func(r Role) string { return l.T("role_does", string(r)) },
		"tel":     func(phone string) template.URL { return template.URL("tel:" + digits(phone)) },
		"pick":    moodPicture,
		"add":     func(a, b int) int { return a + b },
		"number":  func(n int64) string { return number(l, n) },
	}
}

// digits are those of a telephone number: what is dialled.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, phone)
}

// number writes a number with a thin space between thousands, as both
// languages' readers understand.
func number(l *i18n.Language, n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + l.T("number", "thousands") + s[i:]
	}
	return s
}

// render shows a page. What goes wrong here is our own fault.
func (s *Server) render(w http.ResponseWriter, r *request, status int, name string, v layout) error {
	v.L, v.In, v.Who, v.CSRF = r.l, r.in, r.who, r.csrf
	if v.Page == "" {
		v.Page = r.URL.RequestURI()
	}
	if r.Method == http.MethodPost && v.Page == r.URL.RequestURI() {
		v.Page = local(r.PostForm.Get("page"))
	}
	if r.in {
		v.Role = r.l.T("role", string(r.who.Role))
	}
	for _, tag := range s.texts.Tags() {
		if tag != r.l.Tag {
			v.Others = append(v.Others, s.texts.Language(tag))
		}
	}
	if v.Note == nil {
		v.Note = noteOf(r.l, r.URL.Query().Get("note"))
	}
	if v.Structure.ID != "" && !v.Live && r.who.May(MayHelp) {
		v.Calls = "/s/" + v.Structure.ID
	}
	var out bytes.Buffer
	if err := s.pages[r.l.Tag][name].t.Execute(&out, v); err != nil {
		return fmt.Errorf("console: page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", r.l.Tag)
	w.Header().Add("Vary", "Cookie, Accept-Language")
	w.WriteHeader(status)
	_, err := w.Write(out.Bytes())
	if err != nil {
		return nil // it went away
	}
	return nil
}

// problem shows a page that only says what went wrong and what to do.
func (s *Server) problem(w http.ResponseWriter, r *request, status int, what string) {
	if r.l == nil {
		r.l = s.language(r.Request, "")
	}
	v := layout{Title: r.l.T("problem", what), Body: r.l.T("problem_do", what)}
	if err := s.render(w, r, status, "problem", v); err != nil {
		s.log.Error("page failed", "err", err)
		http.Error(w, http.StatusText(status), status)
	}
}

// goodNotes and badNotes are the words that an address may bring; each is a
// text of "note".
var (
	goodNotes = []string{
		"coming", "ended", "checking", "message_sent", "message_gone", "paused", "resumed", "restarting", "rebooting",
		"testing", "renamed", "revoked", "saved", "role", "disabled", "enabled", "confirmed", "withdrawn", "key_added",
		"key_gone", "proved", "tried", "added", "bye", "started", "rollout_paused", "rollout_resumed", "rollout_stopped",
		"pilot", "pilot_gone",
	}
	badNotes = []string{"taken", "empty", "invalid", "conflict", "last", "changed"}
)

func noteOf(l *i18n.Language, word string) *note {
	switch {
	case slices.Contains(goodNotes, word):
		return &note{Text: l.T("note", word)}
	case slices.Contains(badNotes, word):
		return &note{Text: l.T("note", word), Bad: true}
	}
	return nil
}

// toNote goes to a page of ours and says there what has happened.
func toNote(w http.ResponseWriter, r *request, path, word string) error {
	http.Redirect(w, r.Request, path+"?note="+url.QueryEscape(word), http.StatusSeeOther)
	return nil
}

// language finds the language of a page: chosen, the person's, the browser's,
// French.
func (s *Server) language(r *http.Request, person string) *i18n.Language {
	if tag := cookie(r, cookieLanguage); s.texts.Has(tag) {
		return s.texts.Language(tag)
	}
	if person != "" {
		return s.texts.Language(person)
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return s.texts.Language(i18n.Source)
	}
	for _, w := range wanted {
		base, _ := w.Base()
		if s.texts.Has(base.String()) {
			return s.texts.Language(base.String())
		}
	}
	return s.texts.Language(i18n.Source)
}

// frame is the layout of a page of a structure.
func (s *Server) frame(r *request, structure Named, here string) layout {
	v := layout{Structure: structure}
	base := "/s/" + structure.ID
	for _, e := range []struct {
		word, picture, to string
		right             Right
	}{
		{"kiosks", "house", base, MaySee},
		{"usage", "chart", base + "/usage", MayExport},
		{"settings", "gear", base + "/settings", MaySettings},
		{"people", "users-three", base + "/people", MayPeople},
		{"codes", "qr-code", base + "/codes", MayCode},
		{"alerts", "bell-ringing", base + "/alerts", MayAlerts},
		{"audit", "clock-counter-clockwise", base + "/audit", MayAudit},
	} {
		if r.who.May(e.right) {
			v.Nav = append(v.Nav, link{Name: r.l.T("nav", e.word), Picture: e.picture, To: e.to, Here: e.word == here})
		}
	}
	if here != "kiosks" && here != "" {
		v.Title = r.l.T("nav", here)
	}
	return v
}
