package ui

import (
	"slices"
	"strconv"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
	"pointnum/ui/i18n"
)

type reviewView struct {
	Lead  string     `json:"lead"`
	Pages []pageView `json:"pages"`
	Undo  bool       `json:"undo"`
	Redo  bool       `json:"redo"`
	OK    bool       `json:"ok"`
}

type pageView struct {
	ID      string     `json:"id"`
	Picture string     `json:"picture"`
	N       int        `json:"n"`
	Turn    int        `json:"turn"`
	Ready   bool       `json:"ready"`
	Label   string     `json:"label"`
	Zoom    string     `json:"zoom"`
	View    string     `json:"view"`
	TurnBy  string     `json:"turnBy"`
	Earlier string     `json:"earlier"`
	Later   string     `json:"later"`
	Delete  string     `json:"delete"`
	Hint    string     `json:"hint"` // the first of Hints
	Hints   []hintView `json:"hints"`
	Last    bool       `json:"last"`
	Change  string     `json:"change"` // what the kiosk did to it; "" when there is no way back
	AsIs    bool       `json:"asIs"`
	Swap    string     `json:"swap"` // the button to its other version
}

// hintView is a doubt about a page, beside its large picture.
type hintView struct {
	Text  string     `json:"text"`
	Here  string     `json:"here"`  // the same, said of a frame around an area
	Areas []areaView `json:"areas"` // none when it is about the whole page
	Turn  bool       `json:"turn"`  // turning the page may help
}

// areaView is a part of a page as it stands on the screen, in thousandths.
type areaView struct {
	Left   int `json:"left"`
	Top    int `json:"top"`
	Width  int `json:"width"`
	Height int `json:"height"`
}

func reviewOf(l *i18n.Language, st *session.State) reviewView {
	v := reviewView{Undo: st.CanUndo, Redo: st.CanRedo, Lead: l.T("review", "empty"), Pages: []pageView{}}
	d := st.Doc()
	if d == nil || len(d.Pages) == 0 {
		return v
	}
	v.Lead = l.N("review", "lead", len(d.Pages))
	v.OK = !slices.ContainsFunc(d.Pages, func(p session.Page) bool { return !p.Ready })
	for i, p := range d.Pages {
		n := strconv.Itoa(i + 1)
		pv := pageView{
			ID: p.ID, Picture: p.Picture, N: i + 1, Turn: p.Turn, Ready: p.Ready, Last: i == len(d.Pages)-1,
			Label: l.T("review", "page", "n", n), Zoom: l.T("review", "zoom", "n", n),
			View: l.T("review", "view", "n", n), TurnBy: l.T("review", "turn_page", "n", n),
			Earlier: l.T("review", "earlier_page", "n", n), Later: l.T("review", "later_page", "n", n),
			Delete: l.T("review", "delete_page", "n", n), Hints: hintsOf(l, &p), AsIs: p.AsIs,
		}
		if len(pv.Hints) > 0 {
			pv.Hint = pv.Hints[0].Text
		}
		pv.Change, pv.Swap = changeOf(l, &p)
		v.Pages = append(v.Pages, pv)
	}
	return v
}

// hintsOf puts a page's findings in words, each verdict once, with all its
// places.
func hintsOf(l *i18n.Language, p *session.Page) []hintView {
	hints := make([]hintView, 0, len(p.Findings))
	at := make(map[kiosk.Verdict]int)
	for _, f := range p.Findings {
		i, known := at[f.Verdict]
		if !known {
			i = len(hints)
			at[f.Verdict] = i
			text := l.T("verdict", string(f.Verdict))
			hints = append(hints, hintView{Text: text, Here: l.T("review", "here", "hint", text),
				Areas: []areaView{}, Turn: f.Verdict == kiosk.VerdictTurned})
		}
		if a, ok := areaOf(f.Area, p.Turn); ok {
			hints[i].Areas = append(hints[i].Areas, a)
		}
	}
	return hints
}

// areaOf is where an area is once its page is turned clockwise; false for the
// whole page.
func areaOf(a kiosk.Area, turn int) (areaView, bool) {
	clip := func(v int) int { return min(max(v, 0), 1000) }
	a = kiosk.Area{X0: clip(a.X0), Y0: clip(a.Y0), X1: clip(a.X1), Y1: clip(a.Y1)}
	if a.X1 <= a.X0 || a.Y1 <= a.Y0 {
		return areaView{}, false
	}
	switch turn {
	case 90:
		a = kiosk.Area{X0: 1000 - a.Y1, Y0: a.X0, X1: 1000 - a.Y0, Y1: a.X1}
	case 180:
		a = kiosk.Area{X0: 1000 - a.X1, Y0: 1000 - a.Y1, X1: 1000 - a.X0, Y1: 1000 - a.Y0}
	case 270:
		a = kiosk.Area{X0: a.Y0, Y0: 1000 - a.X1, X1: a.Y1, Y1: 1000 - a.X0}
	}
	return areaView{Left: a.X0, Top: a.Y0, Width: a.X1 - a.X0, Height: a.Y1 - a.Y0}, true
}

// changeOf says what the kiosk did to a page on its way in, and names the
// button that takes it back or does it again. Both are empty for a page that
// has no other version.
func changeOf(l *i18n.Language, p *session.Page) (did, swap string) {
	if len(p.Changes) == 0 {
		return "", ""
	}
	flat := slices.Contains(p.Changes, kiosk.ChangeFlattened)
	cut := flat || slices.Contains(p.Changes, kiosk.ChangeCropped)
	straight := flat || slices.Contains(p.Changes, kiosk.ChangeStraightened) || slices.Contains(p.Changes, kiosk.ChangeTurned)
	switch {
	case p.AsIs && straight:
		return l.T("review", "as_it_came"), l.T("review", "straighten")
	case p.AsIs && cut:
		return l.T("review", "as_it_came"), l.T("review", "cut_edges")
	case p.AsIs:
		return l.T("review", "as_it_came"), l.T("review", "lighten")
	case straight && cut:
		did = l.T("review", "changed_both")
	case straight:
		did = l.T("review", "changed_straight")
	case cut:
		did = l.T("review", "changed_cut")
	default:
		did = l.T("review", "changed_light")
	}
	return did, l.T("review", "as_is")
}
