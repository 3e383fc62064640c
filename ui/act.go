package ui

import (
	"cmp"
	"encoding/json"
	"errors"
	"image"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
)

// request is the body of POST /act/NAME; each action reads what it needs.
type request struct {
	Lang   string `json:"lang"`
	Screen string `json:"screen"`
	File   string `json:"file"`
	Page   string `json:"page"`
	To     int    `json:"to"`
	On     bool   `json:"on"`
	Portal string `json:"portal"`
	Kind   string `json:"kind"`

	Document string `json:"document"`
	Ask      string `json:"ask"`
	Format   string `json:"format"`
	Command  string `json:"command"`
	Mailbox  string `json:"mailbox"`
	Text     string `json:"text"`
	Key      string `json:"key"`
	Code     string `json:"code"`
	Rect     rect   `json:"rect"`
}

// rect is a part of the screen, in its pixels; all zero is none.
type rect struct {
	X0 int `json:"x0"`
	Y0 int `json:"y0"`
	X1 int `json:"x1"`
	Y1 int `json:"y1"`
}

// The bounds of what a request may say.
const (
	maxText   = 256    // letters typed at once
	maxRead   = 16_000 // bytes of our own screens, read aloud
	maxScreen = 10_000 // pixels of a screen's side
)

// allowed checks what the visit would take as it is. Names of pages, papers
// and portals are not among it: the visit knows which ones there are.
func (q *request) allowed(name string) bool {
	switch name {
	case "ask":
		return slices.Contains([]session.Ask{session.AskNothing, session.AskPrint, session.AskMailbox, session.AskRefused}, session.Ask(q.Ask))
	case "lighter":
		return slices.Contains([]kiosk.Format{"", kiosk.FormatPDF, kiosk.FormatJPEG, kiosk.FormatPNG}, kiosk.Format(q.Format))
	case "browser":
		return slices.Contains([]kiosk.BrowserCommand{
			kiosk.BrowserBack, kiosk.BrowserReload, kiosk.BrowserHome, kiosk.BrowserPortal,
			kiosk.BrowserMailbox, kiosk.BrowserLarger, kiosk.BrowserSmaller,
		}, kiosk.BrowserCommand(q.Command))
	case "type":
		// Decoding put U+FFFD where something was no letter.
		return q.Text != "" && utf8.RuneCountInString(q.Text) <= maxText &&
			!strings.ContainsFunc(q.Text, func(c rune) bool { return unicode.IsControl(c) || c == utf8.RuneError })
	case "read":
		return len(q.Text) <= maxRead && !strings.ContainsFunc(q.Text, func(c rune) bool { return unicode.IsControl(c) && c != '\n' })
	case "press":
		return slices.Contains([]string{"Backspace", "Enter", "Tab", "ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"}, q.Key)
	case "place":
		return q.Rect == rect{} || q.Rect.X0 >= 0 && q.Rect.Y0 >= 0 &&
			q.Rect.X0 < q.Rect.X1 && q.Rect.Y0 < q.Rect.Y1 && q.Rect.X1 <= maxScreen && q.Rect.Y1 <= maxScreen
	default:
		return true
	}
}

// action makes the session's action of a request; nil when there is none of
// that name.
func action(name string, q request) session.Action {
	switch name {
	case "start":
		return session.Start{Lang: q.Lang}
	case "language":
		return session.SetLanguage{Lang: q.Lang}
	case "go":
		return session.Go{Screen: session.Screen(q.Screen)}
	case "import":
		return session.Import{File: q.File}
	case "turn":
		return session.Turn{Page: q.Page}
	case "move":
		return session.Move{Page: q.Page, To: q.To}
	case "as-is":
		return session.AsIs{Page: q.Page, On: q.On}
	case "delete":
		return session.Delete{Page: q.Page}
	case "choose":
		return session.Choose{Portal: q.Portal, Kind: q.Kind}
	default:
		return cmp.Or(browserAction(name, q), phoneAction(name, q), plainAction(name))
	}
}

// browserAction makes the actions on a portal in use.
func browserAction(name string, q request) session.Action {
	switch name {
	case "open-portal":
		return session.OpenPortal{Portal: q.Portal}
	case "close-portal":
		return session.ClosePortal{}
	case "attach":
		return session.AttachDocument{Document: q.Document}
	case "refuse-choice":
		return session.RefuseChoice{}
	case "add-for-choice":
		return session.AddForChoice{}
	case "ask":
		return session.AskFor{Ask: session.Ask(q.Ask)}
	case "lighter":
		return session.Lighter{Format: kiosk.Format(q.Format)}
	case "browser":
		return session.BrowserDo{Command: kiosk.BrowserCommand(q.Command)}
	case "open-mailbox":
		return session.OpenMailbox{Mailbox: q.Mailbox}
	case "type":
		return session.TypeText{Text: q.Text}
	case "press":
		return session.PressKey{Key: q.Key}
	case "print-page":
		return session.PrintPage{}
	case "place":
		return session.PlaceBrowser{Rect: image.Rect(q.Rect.X0, q.Rect.Y0, q.Rect.X1, q.Rect.Y1)}
	case "read":
		return session.ReadAloud{Text: q.Text}
	case "wait-for-code":
		return session.WaitForCode{On: q.On}
	default:
		return nil
	}
}

// plainAction makes the actions that say everything by their name.
func plainAction(name string) session.Action {
	switch name {
	case "scan":
		return session.Scan{}
	case "list-key":
		return session.ListKey{}
	case "close-key":
		return session.CloseKey{}
	case "cancel":
		return session.Cancel{}
	case "retry":
		return session.Retry{}
	case "dismiss":
		return session.Dismiss{}
	case "undo":
		return session.Undo{}
	case "redo":
		return session.Redo{}
	case "add-document":
		return session.AddDocument{}
	case "save":
		return session.SaveToKey{}
	case "print":
		return session.Print{}
	case "receipt":
		return session.PrintReceipt{}
	case "call-help":
		return session.CallHelp{}
	case "end-help":
		return session.EndHelp{}
	case "still-here":
		return session.StillHere{}
	case "leave":
		return session.Leave{}
	default:
		return nil
	}
}

var errTyped = errors.New("ui: text not typed")

// serveAct hands an action over. The answers have no body: what an action
// did, and what went wrong with it, is in the state.
//
//	204  handed over
//	400  not a request of ours; 404 no such action; 415 not JSON
//	409  the screen was out of date, nothing was changed
//	500  our own fault
func (s *Server) serveAct(w http.ResponseWriter, r *http.Request) {
	if s.technician != nil && s.technician.Open() {
		w.WriteHeader(http.StatusConflict) // the technician's menu is on the screen
		return
	}
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	var q request
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	name := r.PathValue("name")
	a := action(name, q)
	if a == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if q.Lang != "" && !slices.Contains(s.tags, q.Lang) || !q.allowed(name) {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	err := s.engine.Do(r.Context(), a)
	switch kiosk.CodeOf(err) {
	case kiosk.CodeBadRequest:
		w.WriteHeader(http.StatusConflict)
	case kiosk.CodeInternal:
		if name == "type" || name == "read" {
			err = errTyped // nobody else's words come near what was typed
		}
		s.log.Error("action not taken", "action", name, "err", err)
		w.WriteHeader(http.StatusInternalServerError)
	default: // taken, or stopped by a fault that the state shows
		w.WriteHeader(http.StatusNoContent)
	}
}
