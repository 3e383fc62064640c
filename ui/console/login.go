package console

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// loginView is the page where people log in.
type loginView struct {
	Ways
	Back  string
	Email string
	How   string // what was tried: "password" or "recovery"
	Wrong string
}

// proveView is the page where people show again who they are.
type proveView struct {
	Back     string
	Password bool
	Provider string // its name; "" when they came another way
	Wrong    string
}

// joinView is what somebody sees of their invitation.
type joinView struct {
	Joining
	Token  string
	Secret Secret
	QR     *qrView
	Wrong  string
}

// recoveryView are codes that are shown once.
type recoveryView struct {
	Codes []string
	To    string
}

// minPassword is how many characters a password has at least; Logins may ask
// for more.
const minPassword = 12

func (s *Server) loginRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /login", s.public(s.login))
	mux.HandleFunc("POST /login/passkey/begin", s.public(s.begin(func(r *request) (json.RawMessage, string, error) {
		return s.logins.BeginLogin(r.Context(), r.from)
	})))
	mux.HandleFunc("POST /login/passkey", s.public(s.loginPasskey))
	mux.HandleFunc("POST /login/password", s.public(s.loginPassword))
	mux.HandleFunc("POST /login/recovery", s.public(s.loginRecovery))
	mux.HandleFunc("POST /login/provider", s.public(s.toProvider))
	mux.HandleFunc("GET "+ProviderPath, s.public(s.fromProvider))
	mux.HandleFunc("GET /prove", s.private(s.prove))
	mux.HandleFunc("POST /prove/begin", s.private(s.begin(func(r *request) (json.RawMessage, string, error) {
		return s.logins.BeginProof(r.Context(), r.who)
	})))
	mux.HandleFunc("POST /prove", s.private(s.proved))
	mux.HandleFunc("POST /prove/provider", s.private(s.toProvider))
	mux.HandleFunc("POST /logout", s.private(s.logout))
	mux.HandleFunc("GET "+JoinPath+"{token}", s.public(s.join))
	mux.HandleFunc("POST "+JoinPath+"{token}/begin", s.public(s.begin(func(r *request) (json.RawMessage, string, error) {
		return s.logins.BeginJoin(r.Context(), r.PathValue("token"), r.from)
	})))
	mux.HandleFunc("POST "+JoinPath+"{token}", s.public(s.joined))
	mux.HandleFunc("POST "+JoinPath+"{token}/password", s.public(s.joinPassword))
	mux.HandleFunc("POST "+JoinPath+"{token}/password/done", s.public(s.joinedPassword))
}

// begin answers a script with the options of a ceremony; its state waits in a
// cookie that no script reads.
func (s *Server) begin(from func(*request) (json.RawMessage, string, error)) handler {
	return func(w http.ResponseWriter, r *request) error {
		options, state, err := from(r)
		if err != nil {
			return err
		}
		setState(w, state)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(options) // asked for again when it did not arrive
		return nil
	}
}

// ceremony is the state of the one that ends now: it is used once.
func ceremony(w http.ResponseWriter, r *request) string {
	state := stateOf(r.Request)
	setCookie(w, cookieCeremony, "", 0)
	return state
}

// answerOf is what the browser's authenticator said.
func answerOf(r *request) json.RawMessage {
	a := json.RawMessage(r.PostForm.Get("answer"))
	if !json.Valid(a) {
		return json.RawMessage("null")
	}
	return a
}

// why puts a login that failed into words; "" for what is not the person's.
func why(r *request, err error, what string) string {
	switch {
	case errors.Is(err, ErrTooMany):
		return r.l.T("login", "too_many")
	case errors.Is(err, ErrForbidden):
		return r.l.T("login", "wait")
	case errors.Is(err, ErrRefused), errors.Is(err, ErrNotFound), errors.Is(err, ErrInvalid), errors.Is(err, ErrConflict):
		return r.l.T("login", what)
	}
	return ""
}

func (s *Server) login(w http.ResponseWriter, r *request) error {
	back := local(r.URL.Query().Get("back"))
	if r.in && !r.who.Only {
		http.Redirect(w, r.Request, back, http.StatusSeeOther)
		return nil
	}
	return s.showLogin(w, r, http.StatusOK, loginView{Back: back})
}

func (s *Server) showLogin(w http.ResponseWriter, r *request, status int, v loginView) error {
	v.Ways = s.logins.Ways()
	v.Back = local(v.Back)
	return s.render(w, r, status, "login", layout{Title: r.l.T("login", "title"), Body: v, Page: "/login?back=" + queryEscape(v.Back)})
}

// entered ends a login: a new session, then where people wanted to go.
func (s *Server) entered(w http.ResponseWriter, r *request, e Entry, err error, v loginView, what string) error {
	v.Back = r.PostForm.Get("back")
	if err != nil {
		if v.Wrong = why(r, err, what); v.Wrong == "" {
			return err
		}
		status := http.StatusForbidden
		if errors.Is(err, ErrTooMany) {
			status = http.StatusTooManyRequests
		}
		return s.showLogin(w, r, status, v)
	}
	s.enter(w, r, e)
	if len(e.Recovery) > 0 {
		return s.showRecovery(w, r, e.Recovery)
	}
	http.Redirect(w, r.Request, local(v.Back), http.StatusSeeOther)
	return nil
}

func (s *Server) loginPasskey(w http.ResponseWriter, r *request) error {
	e, err := s.logins.FinishLogin(r.Context(), ceremony(w, r), answerOf(r), r.from)
	return s.entered(w, r, e, err, loginView{}, "wrong_passkey")
}

func (s *Server) loginPassword(w http.ResponseWriter, r *request) error {
	email := strings.ToLower(oneLine(r.PostForm.Get("email")))
	e, err := s.logins.PasswordLogin(r.Context(), email, r.PostForm.Get("password"), digits(r.PostForm.Get("code")), r.from)
	return s.entered(w, r, e, err, loginView{Email: email, How: "password"}, "wrong_password")
}

func (s *Server) loginRecovery(w http.ResponseWriter, r *request) error {
	email := strings.ToLower(oneLine(r.PostForm.Get("email")))
	e, err := s.logins.RecoveryLogin(r.Context(), email, oneLine(r.PostForm.Get("code")), r.from)
	return s.entered(w, r, e, err, loginView{Email: email, How: "recovery"}, "wrong_recovery")
}

// toProvider sends people to the provider, for a login or a proof.
func (s *Server) toProvider(w http.ResponseWriter, r *request) error {
	address, state, err := s.logins.BeginProvider(r.Context(), r.who, r.from)
	if err != nil {
		return err
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("console: the provider has no address")
	}
	setState(w, state)
	setCookie(w, cookieBack, url.QueryEscape(local(r.PostForm.Get("back"))), ceremonyLife)
	// Not a redirect: the policy's form-action holds for where a form's answer
	// leads to, too. The page that opens goes on by itself, or by its link.
	w.Header().Set("Refresh", "0; url="+address)
	v := layout{Title: r.l.T("login", "leaving"), Body: address}
	return s.render(w, r, http.StatusOK, "leaving", v)
}

func (s *Server) fromProvider(w http.ResponseWriter, r *request) error {
	back := "/"
	if v, err := url.QueryUnescape(cookie(r.Request, cookieBack)); err == nil {
		back = local(v)
	}
	setCookie(w, cookieBack, "", 0)
	e, err := s.logins.FinishProvider(r.Context(), ceremony(w, r), r.URL.Query(), r.from)
	if err != nil {
		wrong := why(r, err, "wrong_provider")
		if wrong == "" {
			return err
		}
		return s.showLogin(w, r, http.StatusForbidden, loginView{Back: back, Wrong: wrong})
	}
	s.enter(w, r, e)
	http.Redirect(w, r.Request, back, http.StatusSeeOther)
	return nil
}

func (s *Server) prove(w http.ResponseWriter, r *request) error {
	return s.showProve(w, r, http.StatusOK, proveView{Back: local(r.URL.Query().Get("back"))})
}

func (s *Server) showProve(w http.ResponseWriter, r *request, status int, v proveView) error {
	v.Password = r.who.Password
	if r.who.Provider {
		v.Provider = s.logins.Ways().Provider
	}
	f := layout{Title: r.l.T("prove", "title"), Body: v, Page: "/prove?back=" + queryEscape(v.Back)}
	return s.render(w, r, status, "prove", f)
}

func (s *Server) proved(w http.ResponseWriter, r *request) error {
	back := local(r.PostForm.Get("back"))
	var e Entry
	var err error
	if r.PostForm.Has("password") {
		e, err = s.logins.PasswordProof(r.Context(), r.who, r.token, r.PostForm.Get("password"), digits(r.PostForm.Get("code")))
	} else {
		e, err = s.logins.FinishProof(r.Context(), r.who, r.token, ceremony(w, r), answerOf(r))
	}
	if err != nil {
		wrong := why(r, err, "wrong_proof")
		if wrong == "" {
			return err
		}
		return s.showProve(w, r, http.StatusForbidden, proveView{Back: back, Wrong: wrong})
	}
	s.renew(w, r, e)
	path, query, has := strings.Cut(back, "?")
	if has && !strings.HasPrefix(query, "note=") {
		http.Redirect(w, r.Request, back, http.StatusSeeOther)
		return nil
	}
	return toNote(w, r, path, "proved")
}

func (s *Server) logout(w http.ResponseWriter, r *request) error {
	address, err := s.logins.Logout(r.Context(), r.token)
	if err != nil {
		return err
	}
	setCookie(w, cookieSession, "", 0)
	if u, err := url.Parse(address); err == nil && address != "" && (u.Scheme == "https" || u.Scheme == "http") {
		w.Header().Set("Refresh", "0; url="+address)
		r.in = false
		return s.render(w, r, http.StatusOK, "leaving", layout{Title: r.l.T("login", "leaving"), Body: address})
	}
	return toNote(w, r, "/login", "bye")
}
