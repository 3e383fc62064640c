package console

import (
	"net/http"
	"net/url"
)

// pageSize is how many structures, and lines of the log, a page has.
const pageSize = 50

// homeView is the first page.
type homeView struct {
	Sentence, Mood string
	Calls          []callView
	Cards          []cardView
	May            map[string]bool
	Checked        string // when this was true
}

// structuresView is the first page of those who see several structures.
type structuresView struct {
	Find  string
	Rows  []structureRow
	Next  string
	Add   bool
	Empty bool
}

type structureRow struct{ ID, Name, Sentence, Mood, Picture string }

func (s *Server) boardRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", s.private(s.first))
	mux.HandleFunc("GET /s/{structure}", s.private(s.home))
	mux.HandleFunc("POST /structures", s.private(s.addStructure))
	mux.HandleFunc("GET /live", s.private(s.live))
	mux.HandleFunc("GET /kiosks/{kiosk}", s.private(s.kiosk))
	mux.HandleFunc("GET /kiosks/{kiosk}/ask/{what}", s.private(s.ask))
	mux.HandleFunc("POST /kiosks/{kiosk}/{what}", s.private(s.act))
	mux.HandleFunc("GET /s/{structure}/usage", s.private(s.usage))
	mux.HandleFunc("GET /s/{structure}/usage.csv", s.private(s.usageCSV))
}

// first leads to the person's own structure, or shows all.
func (s *Server) first(w http.ResponseWriter, r *request) error {
	if r.who.Structure != "" {
		to := "/s/" + url.PathEscape(r.who.Structure)
		if noteOf(r.l, r.URL.Query().Get("note")) != nil {
			return toNote(w, r, to, r.URL.Query().Get("note"))
		}
		http.Redirect(w, r.Request, to, http.StatusSeeOther)
		return nil
	}
	find := oneLine(r.URL.Query().Get("find"))
	list, err := s.fleet.Structures(r.Context(), r.who, find, r.URL.Query().Get("after"), pageSize)
	if err != nil {
		return err
	}
	v := structuresView{Find: find, Add: r.who.May(MayStructure), Empty: len(list) == 0}
	for _, st := range list {
		v.Rows = append(v.Rows, s.structureRow(r, st))
	}
	if len(list) == pageSize {
		v.Next = "/?find=" + url.QueryEscape(find) + "&after=" + url.QueryEscape(list[len(list)-1].ID)
	}
	return s.render(w, r, http.StatusOK, "structures", layout{Title: r.l.T("structures", "title"), Body: v, Live: true, Nav: s.fleetNav(r, "structures")})
}

func (s *Server) structureRow(r *request, st Structure) structureRow {
	row := structureRow{ID: st.ID, Name: st.Name, Mood: moodGood, Picture: "check"}
	switch {
	case st.Calls > 0:
		row.Mood, row.Picture, row.Sentence = moodCall, "hand-waving", r.l.N("structures", "calls", st.Calls)
	case st.Troubles > 0:
		row.Mood, row.Picture, row.Sentence = moodBad, "warning", r.l.N("structures", "troubles", st.Troubles)
	case st.Kiosks == 0:
		row.Mood, row.Picture, row.Sentence = moodOff, "hourglass", r.l.T("structures", "none")
	default:
		row.Sentence = r.l.N("structures", "good", st.Kiosks)
	}
	return row
}

func (s *Server) addStructure(w http.ResponseWriter, r *request) error {
	name, siret := oneLine(r.PostForm.Get("name")), digits(r.PostForm.Get("siret"))
	if name == "" || siret != "" && len(siret) != 14 {
		return toNote(w, r, "/", "invalid")
	}
	id, err := s.fleet.AddStructure(r.Context(), r.who, name, siret)
	if err != nil {
		return err
	}
	return toNote(w, r, "/s/"+url.PathEscape(id), "added")
}

func (s *Server) home(w http.ResponseWriter, r *request) error {
	h, err := s.fleet.Home(r.Context(), r.who, r.PathValue("structure"))
	if err != nil {
		return err
	}
	v := homeView{May: mayMap(r.who), Checked: s.clock(r.l, s.now())}
	for _, c := range h.Cards {
		card := s.card(r.l, c)
		v.Cards = append(v.Cards, card)
		if card.Call != nil {
			v.Calls = append(v.Calls, *card.Call)
		}
	}
	v.Sentence, v.Mood = s.sentence(r.l, v.Cards)
	f := s.frame(r, Named{h.Structure.ID, h.Structure.Name}, "kiosks")
	f.Title, f.Body, f.Live = v.Sentence, v, true
	return s.render(w, r, http.StatusOK, "home", f)
}

// mayMap lets templates hide what a person may not do.
func mayMap(who Who) map[string]bool {
	m := map[string]bool{}
	for _, r := range who.Rights {
		m[string(r)] = true
	}
	return m
}
