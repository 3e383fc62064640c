package console

import (
	"encoding/json"
	"errors"
	"net/http"
)

// accountView is what a person logs in with.
type accountView struct {
	Keys     []accountKey
	Password bool
	Left     int
	Only     bool
	Few      bool // one passkey and no recovery code: easily locked out
	Wrong    string
}

type accountKey struct{ ID, Name, Made, Used string }

func (s *Server) accountRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /account", s.private(s.account))
	mux.HandleFunc("POST /account/key/begin", s.private(s.begin(func(r *request) (json.RawMessage, string, error) {
		return s.logins.BeginAdd(r.Context(), r.who)
	})))
	mux.HandleFunc("POST /account/key", s.private(s.addKey))
	mux.HandleFunc("POST /account/key/remove", s.private(s.removeKey))
	mux.HandleFunc("POST /account/recovery", s.private(s.newRecovery))
}

func (s *Server) account(w http.ResponseWriter, r *request) error {
	return s.showAccount(w, r, http.StatusOK, "")
}

func (s *Server) showAccount(w http.ResponseWriter, r *request, status int, wrong string) error {
	keys, err := s.logins.Keys(r.Context(), r.who)
	if err != nil {
		return err
	}
	v := accountView{Password: keys.Password, Left: keys.Recovery, Only: r.who.Only, Wrong: wrong}
	for _, k := range keys.Passkeys {
		a := accountKey{ID: k.ID, Name: k.Name, Made: s.day(r.l, k.Created)}
		if !k.Used.IsZero() {
			a.Used = s.when(r.l, k.Used)
		}
		v.Keys = append(v.Keys, a)
	}
	v.Few = len(keys.Passkeys) < 2 && keys.Recovery == 0 && !r.who.Provider
	f := layout{Title: r.l.T("account", "title"), Body: v, Page: "/account"}
	if r.who.Structure != "" && !r.who.Only {
		f = s.frame(r, Named{ID: r.who.Structure}, "")
		f.Title, f.Body, f.Page = r.l.T("account", "title"), v, "/account"
	}
	return s.render(w, r, status, "account", f)
}

func (s *Server) addKey(w http.ResponseWriter, r *request) error {
	e, err := s.logins.FinishAdd(r.Context(), r.who, r.token, ceremony(w, r), answerOf(r), keyName(r))
	if errors.Is(err, ErrStale) {
		return err
	}
	if err != nil {
		wrong := why(r, err, "wrong_key")
		if wrong == "" {
			return err
		}
		return s.showAccount(w, r, http.StatusForbidden, wrong)
	}
	s.renew(w, r, e)
	if len(e.Recovery) > 0 {
		return s.showRecovery(w, r, e.Recovery)
	}
	return toNote(w, r, "/account", "key_added")
}

func (s *Server) removeKey(w http.ResponseWriter, r *request) error {
	err := s.logins.RemoveKey(r.Context(), r.who, r.PostForm.Get("key"))
	if errors.Is(err, ErrInvalid) {
		return toNote(w, r, "/account", "last")
	}
	if err != nil {
		return err
	}
	return toNote(w, r, "/account", "key_gone")
}

func (s *Server) newRecovery(w http.ResponseWriter, r *request) error {
	codes, err := s.logins.NewRecovery(r.Context(), r.who)
	if err != nil {
		return err
	}
	return s.showRecovery(w, r, codes)
}
