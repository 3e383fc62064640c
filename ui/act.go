package ui

import (
	"encoding/json"
	"mime"
	"net/http"

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
		return plainAction(name)
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

// serveAct hands an action over. The answers have no body: what an action
// did, and what went wrong with it, is in the state.
//
//	204  handed over
//	400  not a request of ours; 404 no such action; 415 not JSON
//	409  the screen was out of date, nothing was changed
//	500  our own fault
func (s *Server) serveAct(w http.ResponseWriter, r *http.Request) {
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
	if q.Lang != "" && s.pages[q.Lang] == nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	err := s.engine.Do(r.Context(), a)
	switch kiosk.CodeOf(err) {
	case kiosk.CodeBadRequest:
		w.WriteHeader(http.StatusConflict)
	case kiosk.CodeInternal:
		s.log.Error("action not taken", "action", name, "err", err)
		w.WriteHeader(http.StatusInternalServerError)
	default: // taken, or stopped by a fault that the state shows
		w.WriteHeader(http.StatusNoContent)
	}
}
