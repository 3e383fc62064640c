package console

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/ui/i18n"
)

// settingsView is the form of what a place decides.
type settingsView struct {
	Settings kiosk.Settings
	Address  string // lines
	Hours    string // lines
	Days     []dayForm
	Contacts []kiosk.Contact
	Lists    []listForm
	Portals  []portalForm
	Sides    string
	Changed  string // who saved them, and when
	Waiting  string // kiosks that do not have them yet
	Wrong    []string
	Differ   []string // what somebody else changed
	Preview  *previewView
}

// dayForm is a day of the week with at least two spans: most places close at
// noon.
type dayForm struct {
	Day   int
	Name  string
	Spans []spanForm
}

type spanForm struct{ From, To string }

type listForm struct{ Title, Items string }

type portalForm struct {
	ID, Name string
	Gloss    portal.Text
	Picture  string
	Shown    bool
	Order    int
}

// previewView is what visitors would see.
type previewView struct {
	Place    kiosk.Place
	Open     string
	Portals  []portalForm
	Contacts []kiosk.Contact
	Lists    []kiosk.Checklist
	Sides    string
}

// week is in the order in which people write their hours.
var week = []time.Weekday{
	time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday,
}

// spare is how many empty lines a form offers.
const spare = 2

func (s *Server) placeRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /s/{structure}/settings", s.private(s.settings))
	mux.HandleFunc("POST /s/{structure}/settings", s.private(s.saveSettings))
	mux.HandleFunc("GET /s/{structure}/alerts", s.private(s.alerts))
	mux.HandleFunc("POST /s/{structure}/alerts", s.private(s.saveAlerts))
	mux.HandleFunc("POST /s/{structure}/alerts/try", s.private(s.tryAlerts))
}

func (s *Server) settings(w http.ResponseWriter, r *request) error {
	set, err := s.fleet.Settings(r.Context(), r.who, r.PathValue("structure"))
	if err != nil {
		return err
	}
	return s.showSettings(w, r, http.StatusOK, set, s.settingsOf(r.l, set.Current))
}

func (s *Server) showSettings(w http.ResponseWriter, r *request, status int, set Settings, v settingsView) error {
	if !set.At.IsZero() {
		v.Changed = r.l.T("settings", "changed", "name", set.By, "when", s.when(r.l, set.At))
	}
	if len(set.Waiting) > 0 {
		v.Waiting = r.l.T("settings", "waiting", "labels", strings.Join(set.Waiting, ", "))
	}
	f := s.frame(r, Named{r.PathValue("structure"), set.Name}, "settings")
	f.Body = v
	return s.render(w, r, status, "settings", f)
}

func (s *Server) settingsOf(l *i18n.Language, k kiosk.Settings) settingsView {
	v := settingsView{
		Settings: k, Address: strings.Join(k.Place.Address, "\n"), Hours: strings.Join(k.Place.Hours, "\n"),
		Contacts: append(slices.Clone(k.Contacts), make([]kiosk.Contact, spare)...),
	}
	for _, day := range week {
		d := dayForm{Day: int(day), Name: capital(l.T("date", strings.ToLower(day.String())))}
		for _, o := range k.Opening {
			if o.Day == day {
				d.Spans = append(d.Spans, spanForm{From: clockOf(o.From), To: clockOf(o.To)})
			}
		}
		for len(d.Spans) < spare {
			d.Spans = append(d.Spans, spanForm{})
		}
		v.Days = append(v.Days, d)
	}
	for _, c := range k.Checklists {
		v.Lists = append(v.Lists, listForm{Title: c.Title, Items: strings.Join(c.Items, "\n")})
	}
	v.Lists = append(v.Lists, listForm{})
	if k.Quota.Sides > 0 {
		v.Sides = strconv.Itoa(k.Quota.Sides)
	}
	v.Portals = s.portalForms(k.Portals)
	return v
}

// portalForms are all portals, those that are shown first and in their order.
func (s *Server) portalForms(shown []string) []portalForm {
	var out []portalForm
	for _, id := range shown {
		if p, ok := s.catalogue.Portal(id); ok {
			out = append(out, portalForm{ID: p.ID, Name: p.Official, Gloss: p.Gloss, Picture: p.Picture, Shown: true})
		}
	}
	for _, p := range s.catalogue.Portals {
		if !slices.Contains(shown, p.ID) {
			out = append(out, portalForm{ID: p.ID, Name: p.Official, Gloss: p.Gloss, Picture: p.Picture, Shown: len(shown) == 0})
		}
	}
	for i := range out {
		out[i].Order = i + 1
	}
	return out
}

// clockOf writes minutes after midnight as a time field does; 24 h is the end
// of the day, which such a field cannot say.
func clockOf(m int) string {
	m = min(m, 24*60-1)
	return fmt.Sprintf("%02d:%02d", m/60, m%60)
}

func (s *Server) saveSettings(w http.ResponseWriter, r *request) error {
	structure := r.PathValue("structure")
	set, err := s.fleet.Settings(r.Context(), r.who, structure)
	if err != nil {
		return err
	}
	k, wrong := s.readSettings(r.l, r.PostForm)
	v := s.settingsOf(r.l, k)
	if len(wrong) == 0 {
		if err := k.Check(); err != nil {
			wrong = []string{r.l.T("settings", "wrong_long")}
		}
	}
	if len(wrong) > 0 {
		v.Wrong = wrong
		return s.showSettings(w, r, http.StatusBadRequest, set, v)
	}
	if r.PostForm.Has("look") {
		v.Preview = s.preview(r.l, k)
		return s.showSettings(w, r, http.StatusOK, set, v)
	}
	_, err = s.fleet.SaveSettings(r.Context(), r.who, structure, k)
	if errors.Is(err, ErrConflict) {
		return s.conflict(w, r, k)
	}
	if err != nil {
		return err
	}
	return toNote(w, r, "/s/"+url.PathEscape(structure)+"/settings", "saved")
}

// conflict shows what somebody else has saved meanwhile. What was typed stays
// in the form; saving it again replaces theirs.
func (s *Server) conflict(w http.ResponseWriter, r *request, k kiosk.Settings) error {
	set, err := s.fleet.Settings(r.Context(), r.who, r.PathValue("structure"))
	if err != nil {
		return err
	}
	k.Revision = set.Current.Revision
	v := s.settingsOf(r.l, k)
	for _, part := range []struct {
		word         string
		mine, theirs any
	}{
		{"place", k.Place, set.Current.Place}, {"opening", k.Opening, set.Current.Opening},
		{"contacts", k.Contacts, set.Current.Contacts}, {"lists", k.Checklists, set.Current.Checklists},
		{"quota", k.Quota, set.Current.Quota}, {"portals", k.Portals, set.Current.Portals},
	} {
		if fmt.Sprint(part.mine) != fmt.Sprint(part.theirs) && !reflect.DeepEqual(part.mine, part.theirs) {
			v.Differ = append(v.Differ, r.l.T("settings", part.word))
		}
	}
	if len(v.Differ) == 0 {
		v.Differ = []string{r.l.T("settings", "nothing")}
	}
	return s.showSettings(w, r, http.StatusConflict, set, v)
}

func (s *Server) preview(l *i18n.Language, k kiosk.Settings) *previewView {
	v := &previewView{Place: k.Place, Contacts: k.Contacts, Lists: k.Checklists}
	v.Open = l.T("settings", "open_now")
	if !k.OpenAt(s.now().In(s.zone)) {
		v.Open = l.T("settings", "closed_now")
	}
	if k.Quota.Sides > 0 {
		v.Sides = l.N("settings", "sides_n", k.Quota.Sides)
	}
	for _, p := range s.portalForms(k.Portals) {
		if p.Shown {
			v.Portals = append(v.Portals, p)
		}
	}
	return v
}

// readSettings reads the form. wrong says in words what is not right.
func (s *Server) readSettings(l *i18n.Language, f url.Values) (k kiosk.Settings, wrong []string) {
	k.Revision, _ = strconv.ParseInt(f.Get("revision"), 10, 64) // 0 is a conflict
	k.Place = kiosk.Place{
		Name: oneLine(f.Get("name")), Address: lines(f.Get("address")), Phone: oneLine(f.Get("phone")), Hours: lines(f.Get("hours")),
	}
	for _, day := range week {
		for span := range kiosk.MaxLines {
			key := fmt.Sprintf("%d-%d", day, span)
			o, ok, err := readSpan(day, f.Get("from-"+key), f.Get("to-"+key))
			if err != nil {
				wrong = append(wrong, l.T("settings", "wrong_hours", "day", l.T("date", strings.ToLower(day.String()))))
			} else if ok {
				k.Opening = append(k.Opening, o)
			}
		}
	}
	names, phones, whats := f["contact-name"], f["contact-phone"], f["contact-what"]
	for i := range min(len(names), len(phones), len(whats)) {
		c := kiosk.Contact{Name: oneLine(names[i]), Phone: oneLine(phones[i]), What: oneLine(whats[i])}
		if c != (kiosk.Contact{}) {
			k.Contacts = append(k.Contacts, c)
		}
	}
	titles, items := f["list-title"], f["list-items"]
	for i := range min(len(titles), len(items)) {
		c := kiosk.Checklist{Title: oneLine(titles[i]), Items: lines(items[i])}
		if c.Title != "" || len(c.Items) > 0 {
			k.Checklists = append(k.Checklists, c)
		}
	}
	if sides := oneLine(f.Get("sides")); sides != "" {
		n, err := strconv.Atoi(sides)
		if err != nil || n < 0 || n > 10000 {
			wrong = append(wrong, l.T("settings", "wrong_sides"))
		} else {
			k.Quota.Sides = n
		}
	}
	k.Portals = s.readPortals(f)
	return k, wrong
}

func readSpan(day time.Weekday, from, to string) (o kiosk.Opening, ok bool, err error) {
	if from == "" && to == "" {
		return o, false, nil
	}
	o.Day = day
	if o.From, err = parseClock(from); err != nil {
		return o, false, err
	}
	if o.To, err = parseClock(to); err != nil {
		return o, false, err
	}
	if o.To == 24*60-1 {
		o.To = 24 * 60
	}
	if o.From >= o.To {
		return o, false, ErrInvalid
	}
	return o, true, nil
}

// readPortals reads which portals are shown and in which order; all of them in
// the catalogue's order are written as none, so that new ones appear.
func (s *Server) readPortals(f url.Values) []string {
	type chosen struct {
		id    string
		order int
	}
	var in []chosen
	for _, id := range f["portal"] {
		if _, ok := s.catalogue.Portal(id); ok {
			order, err := strconv.Atoi(f.Get("order-" + id))
			if err != nil {
				order = len(s.catalogue.Portals)
			}
			in = append(in, chosen{id, order})
		}
	}
	slices.SortStableFunc(in, func(a, b chosen) int { return a.order - b.order })
	var ids, all []string
	for _, c := range in {
		ids = append(ids, c.id)
	}
	for _, p := range s.catalogue.Portals {
		all = append(all, p.ID)
	}
	if slices.Equal(ids, all) {
		return nil
	}
	return ids
}

// lines splits what was typed into a field of several lines.
func lines(v string) []string {
	var out []string
	for line := range strings.Lines(strings.ReplaceAll(v, "\r", "\n")) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}
