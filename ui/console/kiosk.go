package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/i18n"
)

// kioskView is one kiosk's page.
type kioskView struct {
	cardView
	May       map[string]bool
	Until     string // proposed end of a message, "15:04"
	Said      []string
	Pauses    []string
	Busy      bool // a visit goes on
	Off       bool
	Supplies  []supplyView
	Commands  []commandView
	Pilot     bool
	Updated   bool // from here
	Enrolled  string
	Settings  string
	Wiped     string
	Refused   []string
	Support   kiosk.Contact
	Typed     string // a message that is looked at, or was not right
	IsPaused  bool
	IsRevoked string
}

type supplyView struct {
	Name, Device, Picture string
	Percent               int
	Known, Low            bool
	Text                  string
}

type commandView struct {
	When, By, What, Text, Status, Mood, Picture string
}

// ready are the sentences that can be chosen, by their names in the texts.
var (
	readyMessages = []string{"soon", "queue", "closing", "help"}
	readyPauses   = []string{"paper", "repair", "cleaning", "event"}
)

func (s *Server) kiosk(w http.ResponseWriter, r *request) error {
	d, err := s.fleet.Kiosk(r.Context(), r.who, r.PathValue("kiosk"))
	if err != nil {
		return err
	}
	return s.showKiosk(w, r, d, "", nil)
}

func (s *Server) showKiosk(w http.ResponseWriter, r *request, d Detail, typed string, n *note) error {
	l := r.l
	v := kioskView{
		cardView: s.card(l, d.Card), May: mayMap(r.who), Busy: d.Use == UseBusy, Off: d.Use == UseOff || d.Use == UseNew,
		Pilot: d.Pilot, Updated: d.Update != nil, Refused: d.Refused, Support: s.support, Typed: typed, IsPaused: d.Paused != "",
		Until: s.now().In(s.zone).Add(time.Hour).Format("15:04"),
	}
	for _, id := range readyMessages {
		v.Said = append(v.Said, l.T("said", id))
	}
	for _, id := range readyPauses {
		v.Pauses = append(v.Pauses, l.T("pause", id))
	}
	for _, p := range d.Supplies {
		v.Supplies = append(v.Supplies, supplyOf(l, p))
	}
	for _, c := range d.Commands {
		v.Commands = append(v.Commands, s.commandOf(l, c))
	}
	if !d.Enrolled.IsZero() {
		v.Enrolled = s.day(l, d.Enrolled)
	}
	v.Settings = l.T("kiosk", "settings_here")
	if !d.SettingsSent {
		v.Settings = l.T("kiosk", "settings_wait")
	}
	if d.Wiped != nil {
		v.Wiped = l.T("kiosk", "wiped")
		if !*d.Wiped {
			v.Wiped = l.T("kiosk", "wiped_not")
		}
	}
	if !d.Revoked.IsZero() {
		v.IsRevoked, v.May, v.Fix = s.day(l, d.Revoked), nil, false
	}
	f := s.frame(r, Named{d.Structure, d.StructureName}, "")
	f.Title, f.Body, f.Live, f.Note = v.Label, v, true, n
	f.Page = "/kiosks/" + url.PathEscape(d.ID)
	status := http.StatusOK
	if n != nil && n.Bad {
		status = http.StatusBadRequest
	}
	return s.render(w, r, status, "kiosk", f)
}

func supplyOf(l *i18n.Language, p Supply) supplyView {
	const low = 15
	v := supplyView{
		Name: p.Name, Device: capital(l.T("device", string(p.Kind))), Picture: i18n.Picture("", p.Kind),
		Percent: p.Percent, Known: p.Percent >= 0, Low: p.Percent >= 0 && p.Percent <= low,
	}
	switch {
	case !v.Known:
		v.Text = l.T("supply", "unknown")
	case v.Low:
		v.Text = l.N("supply", "low", p.Percent)
	default:
		v.Text = l.N("supply", "left", p.Percent)
	}
	return v
}

func (s *Server) commandOf(l *i18n.Language, c Command) commandView {
	v := commandView{
		When: s.when(l, c.At), By: c.By, What: l.T("order", string(c.Kind)), Text: c.Text,
		Status: l.T("status", string(c.Status)), Mood: moodBusy, Picture: "hourglass",
	}
	if c.Kind == OrderMessage && c.Text == "" {
		v.What = l.T("order", "message_gone")
	}
	switch c.Status {
	case StatusDone:
		v.Mood, v.Picture = moodGood, "check"
	case StatusFailed, StatusExpired, StatusRefused:
		v.Mood, v.Picture = moodBad, "warning"
	}
	if c.Status == StatusFailed && c.Code != "" {
		v.Status = l.T("status", "failed_why", "why", troubleOf(l, Trouble{Code: c.Code}).What)
	}
	return v
}

// asks are what has a page of its own to be confirmed on.
var asks = []string{"restart", "reboot", "revoke", "self_test"}

// confirmView is that page.
type confirmView struct {
	Title, Text, Wait, Yes string
	Picture                string
	To, Back               string
	Hidden                 []Named // names and values that go along
}

func (s *Server) ask(w http.ResponseWriter, r *request) error {
	what := r.PathValue("what")
	if !slices.Contains(asks, what) {
		return ErrNotFound
	}
	d, err := s.fleet.Kiosk(r.Context(), r.who, r.PathValue("kiosk"))
	if err != nil {
		return err
	}
	at := "/kiosks/" + url.PathEscape(d.ID)
	v := confirmView{
		Title: r.l.T("ask", what, "label", d.Label), Text: r.l.T("ask_text", what), Yes: r.l.T("ask_yes", what),
		Picture: "power", To: at + "/" + what, Back: at,
	}
	switch {
	case what == "revoke":
		v.Picture = "trash"
	case d.Use == UseBusy:
		v.Wait = r.l.T("ask", "busy")
	case d.Use == UseOff:
		v.Wait = r.l.T("ask", "off")
	}
	f := s.frame(r, Named{d.Structure, d.StructureName}, "")
	f.Title, f.Body = v.Title, v
	return s.render(w, r, http.StatusOK, "confirm", f)
}

// act does what a form asks for. Fleet checks who may.
func (s *Server) act(w http.ResponseWriter, r *request) error {
	ctx, id, f := r.Context(), r.PathValue("kiosk"), r.PostForm
	back, word := local(f.Get("page")), ""
	var err error
	switch what := r.PathValue("what"); what {
	case "take":
		word, err = "coming", s.fleet.TakeCall(ctx, r.who, id, f.Get("call"))
		if errors.Is(err, ErrConflict) {
			word, err = "taken", nil
		}
	case "end":
		word, err = "ended", s.fleet.EndCall(ctx, r.who, id, f.Get("call"))
	case "fixed":
		word, err = "checking", s.fleet.Order(ctx, r.who, id, Order{Kind: OrderFixed})
	case "message", "pause":
		return s.say(w, r, OrderKind(what))
	case "clear":
		word, err = "message_gone", s.fleet.Order(ctx, r.who, id, Order{Kind: OrderMessage})
	case "resume":
		word, err = "resumed", s.fleet.Order(ctx, r.who, id, Order{Kind: OrderResume})
	case "restart":
		word, err = "restarting", s.fleet.Order(ctx, r.who, id, Order{Kind: OrderRestart})
	case "reboot":
		word, err = "rebooting", s.fleet.Order(ctx, r.who, id, Order{Kind: OrderReboot})
	case "self_test":
		word, err = "testing", s.fleet.Order(ctx, r.who, id, Order{Kind: OrderSelfTest})
	case "rename":
		label := oneLine(f.Get("label"))
		if label == "" || kiosk.CheckLine(label) != nil {
			return toNote(w, r, kioskPath(id), "empty")
		}
		word, err = "renamed", s.fleet.Rename(ctx, r.who, id, label)
	case "pilot", "pilot_gone":
		word, err = what, s.fleet.Pilot(ctx, r.who, id, what == "pilot")
	case "revoke":
		back, word, err = "/", "revoked", s.fleet.Revoke(ctx, r.who, id)
	default:
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	if slices.Contains(asks, r.PathValue("what")) && word != "revoked" || back == "/" && word != "revoked" {
		back = kioskPath(id)
	}
	return toNote(w, r, withoutQuery(back), word)
}

func kioskPath(id string) string { return "/kiosks/" + url.PathEscape(id) }

// withoutQuery takes away what an address said the last time.
func withoutQuery(to string) string {
	path, _, _ := strings.Cut(to, "?")
	return path
}

// say puts a sentence on a kiosk's screen: a message, or why it is paused.
func (s *Server) say(w http.ResponseWriter, r *request, kind OrderKind) error {
	d, err := s.fleet.Kiosk(r.Context(), r.who, r.PathValue("kiosk"))
	if err != nil {
		return err
	}
	text := oneLine(r.PostForm.Get("own"))
	if text == "" {
		text = oneLine(r.PostForm.Get("text"))
	}
	if r.PostForm.Has("look") && kiosk.CheckLine(text) == nil {
		return s.showKiosk(w, r, d, text, nil)
	}
	if text == "" || kiosk.CheckLine(text) != nil {
		return s.showKiosk(w, r, d, text, &note{Text: r.l.T("note", "empty"), Bad: true})
	}
	o := Order{Kind: kind, Text: text}
	word := "paused"
	if kind == OrderMessage {
		word = "message_sent"
		if o.Until, err = s.until(r.PostForm.Get("until")); err != nil {
			return s.showKiosk(w, r, d, text, &note{Text: r.l.T("note", "invalid"), Bad: true})
		}
	}
	if err := s.fleet.Order(r.Context(), r.who, d.ID, o); err != nil {
		return err
	}
	return toNote(w, r, kioskPath(d.ID), word)
}

// until reads the time of a day, today's or, once past, tomorrow's.
func (s *Server) until(v string) (time.Time, error) {
	minutes, err := parseClock(v)
	if err != nil {
		return time.Time{}, err
	}
	now := s.now().In(s.zone)
	t := time.Date(now.Year(), now.Month(), now.Day(), minutes/60, minutes%60, 0, 0, s.zone)
	if !t.After(now) {
		t = time.Date(now.Year(), now.Month(), now.Day()+1, minutes/60, minutes%60, 0, 0, s.zone)
	}
	return t, nil
}

// parseClock reads "15:04" as minutes after midnight.
func parseClock(v string) (int, error) {
	t, err := time.Parse("15:04", v)
	if err != nil {
		return 0, ErrInvalid
	}
	return t.Hour()*60 + t.Minute(), nil
}

// oneLine is what somebody typed into a field, without spaces around.
func oneLine(v string) string { return strings.TrimSpace(v) }
