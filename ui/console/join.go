package console

import (
	"errors"
	"net/http"
	"net/url"
)

func (s *Server) showRecovery(w http.ResponseWriter, r *request, codes []string) error {
	v := recoveryView{Codes: codes, To: "/"}
	return s.render(w, r, http.StatusOK, "recovery", layout{Title: r.l.T("recovery", "title"), Body: v, Page: "/"})
}

func (s *Server) join(w http.ResponseWriter, r *request) error {
	return s.showJoin(w, r, http.StatusOK, "join", joinView{})
}

func (s *Server) showJoin(w http.ResponseWriter, r *request, status int, page string, v joinView) error {
	v.Token = r.PathValue("token")
	j, err := s.logins.Joining(r.Context(), v.Token, r.from)
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrNotFound) {
		s.problem(w, r, http.StatusNotFound, "invitation")
		return nil
	}
	if err != nil {
		return err
	}
	v.Joining = j
	if v.Secret.URI != "" {
		if v.QR, err = drawQR(v.Secret.URI); err != nil {
			return err
		}
	}
	return s.render(w, r, status, page, layout{Title: r.l.T("join", "title"), Body: v, Page: JoinPath + url.PathEscape(v.Token)})
}

func (s *Server) joined(w http.ResponseWriter, r *request) error {
	e, err := s.logins.FinishJoin(r.Context(), r.PathValue("token"), ceremony(w, r), answerOf(r), keyName(r), r.from)
	if err != nil {
		wrong := why(r, err, "wrong_key")
		if wrong == "" {
			return err
		}
		return s.showJoin(w, r, http.StatusForbidden, "join", joinView{Wrong: wrong})
	}
	s.enter(w, r, e)
	return s.showRecovery(w, r, e.Recovery)
}

// keyName is how the person calls a new passkey.
func keyName(r *request) string {
	name := []rune(oneLine(r.PostForm.Get("name")))
	return string(name[:min(60, len(name))])
}

func (s *Server) joinPassword(w http.ResponseWriter, r *request) error {
	secret, err := s.logins.BeginPassword(r.Context(), r.PathValue("token"), r.from)
	if err != nil {
		return err
	}
	return s.showJoin(w, r, http.StatusOK, "joinpassword", s.secretStep(w, secret))
}

// secretStep keeps the state of a new password; its secret is shown again by
// every answer until it has worked.
func (s *Server) secretStep(w http.ResponseWriter, secret Secret) joinView {
	setState(w, secret.State)
	return joinView{Secret: secret}
}

func (s *Server) joinedPassword(w http.ResponseWriter, r *request) error {
	f, state := r.PostForm, stateOf(r.Request)
	again := joinView{Secret: Secret{URI: f.Get("uri"), Key: f.Get("key"), State: state}}
	switch {
	case len([]rune(f.Get("password"))) < minPassword:
		again.Wrong = r.l.N("join", "short", minPassword)
	case f.Get("password") != f.Get("again"):
		again.Wrong = r.l.T("join", "differ")
	}
	if again.Wrong != "" {
		return s.showJoin(w, r, http.StatusBadRequest, "joinpassword", again)
	}
	e, err := s.logins.FinishPassword(r.Context(), r.PathValue("token"), state, f.Get("password"), digits(f.Get("code")), r.from)
	if err != nil {
		if again.Wrong = why(r, err, "wrong_code"); errors.Is(err, ErrInvalid) {
			again.Wrong = r.l.T("join", "weak")
		}
		if again.Wrong == "" {
			return err
		}
		return s.showJoin(w, r, http.StatusForbidden, "joinpassword", again)
	}
	s.enter(w, r, e)
	return s.showRecovery(w, r, e.Recovery)
}
