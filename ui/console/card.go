package console

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/i18n"
)

// cardView is a kiosk in words and pictures.
type cardView struct {
	ID, Label, Number string
	Mood              string // "good", "busy", "call", "low", "bad", "off": the look, never the only sign
	Word              string // "libre"
	Picture           string
	More              string // a second line: "depuis 8 h 12"
	Gestures          []gesture
	Call              *callView
	Message, Paused   string
	Fix               bool // "C'est fait" makes sense
	Checking          bool // somebody said so
	Version, Update   string
}

// gesture is the next thing to do with one's hands.
type gesture struct {
	What, Do       string
	Picture, Badge string
	Support        bool // not for hands: call the support
}

// callView is somebody who waits.
type callView struct {
	Kiosk, Label, ID string
	Since            string
	ISO              string
	Taken            string
	Mine             bool
}

// The moods, the most pressing first.
const (
	moodCall = "call"
	moodBad  = "bad"
	moodLow  = "low"
	moodOff  = "off"
	moodBusy = "busy"
	moodGood = "good"
)

// moodPicture is the picture of the first page's sentence.
func moodPicture(mood string) string {
	switch mood {
	case moodCall:
		return "bell-ringing"
	case moodBad, moodLow:
		return "warning"
	case moodOff:
		return "power"
	}
	return "check"
}

func (s *Server) card(l *i18n.Language, c Card) cardView {
	v := cardView{ID: c.ID, Label: c.Label, Number: c.Number, Message: c.Message, Paused: c.Paused, Version: c.Version, Update: updateOf(l, c.Update)}
	if v.Label == "" {
		v.Label = c.ID
	}
	for _, t := range c.Troubles {
		v.Gestures = append(v.Gestures, troubleOf(l, t))
		v.Fix = v.Fix || t.Kind != "" && !t.Checking
		v.Checking = v.Checking || t.Checking
	}
	if c.Copied {
		v.Gestures = append(v.Gestures, gesture{What: l.T("trouble", "copied.word"), Do: l.T("trouble", "copied.do"), Picture: "sensors", Badge: "files", Support: true})
	}
	v.Mood, v.Picture, v.Word = s.mood(l, c, v.Gestures)
	if len(v.Gestures) > 0 && v.Word == capital(v.Gestures[0].What) {
		v.Gestures[0].What = "" // said already
	}
	switch {
	case c.Call != nil && c.Call.Taken != "":
		v.More = l.T("card", "comes", "name", c.Call.Taken)
	case c.Call != nil:
		v.More = s.since(l, c.Call.Since)
	case c.Use == UseOff && !c.Since.IsZero():
		v.More = s.since(l, c.Since)
	case c.Use != UseOff && !c.Unused.IsZero():
		v.More = l.T("card", "unused", "since", s.sinceDay(l, c.Unused))
	}
	if c.Use == UseOff || c.Use == UseNew {
		v.Gestures = append(v.Gestures, gesture{Do: l.T("card", string(c.Use)+"_do"), Picture: "power"})
		v.Fix = false
	}
	if c.Call != nil {
		v.Call = s.call(l, c)
	}
	return v
}

// mood says how a kiosk is: what is most pressing of it.
func (s *Server) mood(l *i18n.Language, c Card, g []gesture) (mood, picture, word string) {
	switch {
	case c.Call != nil:
		return moodCall, "hand-waving", l.T("use", "help")
	case c.Use == UseOff:
		return moodOff, "power", l.T("use", "off")
	case c.Use == UseNew:
		return moodOff, "hourglass", l.T("use", "new")
	case c.Use == UseBroken || c.Copied:
		return moodBad, "wrench", l.T("use", "broken")
	case c.Use == UsePaused:
		return moodLow, "pause", l.T("use", "paused")
	case len(c.Troubles) > 0 && lasting(c.Troubles[0].Code):
		return moodLow, g[0].Picture, capital(g[0].What)
	case len(c.Troubles) > 0:
		return moodBad, "warning", capital(g[0].What)
	case c.Use == UseBusy:
		return moodBusy, "user", l.T("use", "busy")
	case c.Use == UseClosed:
		return moodBusy, "moon", l.T("use", "closed")
	}
	return moodGood, "check", l.T("use", "free")
}

// lasting says that the kiosk still works with a trouble.
func lasting(c kiosk.Code) bool {
	return c == kiosk.CodePaperLow || c == kiosk.CodeMarkerLow || c == kiosk.CodeOverheated || c == kiosk.CodeDeviceBusy
}

// troubleOf puts a trouble into words: what is wrong and what to do.
func troubleOf(l *i18n.Language, t Trouble) gesture {
	g := gesture{Picture: i18n.Picture(t.Code, t.Kind), Badge: i18n.Badge(t.Code), Support: t.Kind == ""}
	device := l.T("device", string(t.Kind))
	if t.Kind == "" {
		device = l.T("device", "kiosk")
	}
	for _, id := range []string{t.Name, string(t.Code) + "." + string(t.Kind), string(t.Code), string(kiosk.CodeInternal)} {
		if what := l.T("trouble", id+".word", "device", device); what != id+".word" {
			g.What, g.Do = what, l.T("trouble", id+".do", "device", device)
			break
		}
	}
	return g
}

func (s *Server) call(l *i18n.Language, c Card) *callView {
	return &callView{
		Kiosk: c.ID, Label: c.Label, ID: c.Call.ID, Since: s.since(l, c.Call.Since),
		ISO: c.Call.Since.UTC().Format(time.RFC3339), Taken: c.Call.Taken, Mine: c.Call.Mine,
	}
}

// sentence says in one sentence how all kiosks are. calls come first, then
// what does not work, what soon will not, what is off.
func (s *Server) sentence(l *i18n.Language, cards []cardView) (text, mood string) {
	if len(cards) == 0 {
		return l.T("sentence", "none"), moodOff
	}
	for _, mood := range []string{moodCall, moodBad, moodLow, moodOff} {
		var in []cardView
		for _, c := range cards {
			if c.Mood == mood {
				in = append(in, c)
			}
		}
		switch {
		case len(in) == 0:
			continue
		case len(in) > 1:
			return l.N("sentence", mood, len(in), "labels", labels(l, in)), mood
		case mood == moodCall && in[0].Call.Taken != "":
			return l.T("sentence", "coming", "label", in[0].Label, "name", in[0].Call.Taken), mood
		case mood == moodCall:
			return l.T("sentence", "one_call", "label", in[0].Label), mood
		}
		word := lower(in[0].Word)
		if in[0].More != "" {
			word += " " + in[0].More
		}
		return l.T("sentence", "one", "label", in[0].Label, "word", word), mood
	}
	return l.N("sentence", "good", len(cards)), moodGood
}

// labels names some kiosks: "Hall, Étage…".
func labels(l *i18n.Language, cards []cardView) string {
	const most = 4
	var names []string
	for _, c := range cards[:min(most, len(cards))] {
		names = append(names, c.Label)
	}
	text := strings.Join(names, ", ")
	if len(cards) > most {
		text += l.T("sentence", "more")
	}
	return text
}

func capital(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return strings.ToUpper(string(r[0])) + string(r[1:])
}

func lower(s string) string {
	r := []rune(s)
	if len(r) == 0 {
		return s
	}
	return strings.ToLower(string(r[0])) + string(r[1:])
}

// clock gives the time of a day: "8 h 12".
func (s *Server) clock(l *i18n.Language, t time.Time) string {
	t = t.In(s.zone)
	return l.T("date", "time", "hour", strconv.Itoa(t.Hour()), "minute", fmt.Sprintf("%02d", t.Minute()))
}

// daysAgo counts midnights.
func (s *Server) daysAgo(t time.Time) int {
	day := func(t time.Time) time.Time {
		t = t.In(s.zone)
		return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, time.UTC)
	}
	return int(day(s.now()).Sub(day(t)) / (24 * time.Hour))
}

// since says since when, as people say it: "depuis 8 h 12", "depuis lundi".
func (s *Server) since(l *i18n.Language, t time.Time) string {
	switch days := s.daysAgo(t); {
	case days <= 0:
		return l.T("date", "since", "when", s.clock(l, t))
	case days == 1:
		return l.T("date", "since_yesterday", "when", s.clock(l, t))
	}
	return s.sinceDay(l, t)
}

func (s *Server) sinceDay(l *i18n.Language, t time.Time) string {
	if days := s.daysAgo(t); days > 0 && days < 7 {
		return l.T("date", "since", "when", l.T("date", strings.ToLower(t.In(s.zone).Weekday().String())))
	}
	return l.T("date", "since_day", "day", s.day(l, t))
}

// day gives a day: "3 novembre 2026".
func (s *Server) day(l *i18n.Language, t time.Time) string { return dayIn(l, t.In(s.zone)) }

func dayIn(l *i18n.Language, t time.Time) string {
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 {
		day = l.T("date", "first")
	}
	return l.T("date", "day", "day", day, "month", l.T("date", strings.ToLower(t.Month().String())), "year", strconv.Itoa(t.Year()))
}

// when gives a day and a time.
func (s *Server) when(l *i18n.Language, t time.Time) string {
	switch s.daysAgo(t) {
	case 0:
		return l.T("date", "today", "when", s.clock(l, t))
	case 1:
		return l.T("date", "yesterday", "when", s.clock(l, t))
	}
	return l.T("date", "on", "day", s.day(l, t), "when", s.clock(l, t))
}
