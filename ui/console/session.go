package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The cookies. __Host- keeps other hosts of the domain from setting them
// (RFC 6265bis, 4.1.3.2). Lax, not Strict: who follows the link of an e-mail
// is still logged in; no GET changes anything.
const (
	cookieSession  = "__Host-session"
	cookieForm     = "__Host-form" // binds forms while nobody is logged in
	cookieCeremony = "__Host-ceremony"
	cookieLanguage = "__Host-lang"
	cookieBack     = "__Host-back" // where to go after a provider
)

const (
	ceremonyLife = 10 * time.Minute
	languageLife = 365 * 24 * time.Hour
	maxCookie    = 4 << 10
)

func setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	age := int(life / time.Second)
	if value == "" {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age,
		Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// setState keeps the state of a ceremony, whatever bytes it has.
func setState(w http.ResponseWriter, state string) {
	setCookie(w, cookieCeremony, base64.RawURLEncoding.EncodeToString([]byte(state)), ceremonyLife)
}

// stateOf is that state; "" for none.
func stateOf(r *http.Request) string {
	state, err := base64.RawURLEncoding.DecodeString(cookie(r, cookieCeremony))
	if err != nil {
		return ""
	}
	return string(state)
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) > maxCookie {
		return ""
	}
	return c.Value
}

// known finds out who asks. The request is usable with an error, too.
func (s *Server) known(w http.ResponseWriter, hr *http.Request) (*request, error) {
	r := &request{Request: hr, from: s.from(hr)}
	if token := cookie(hr, cookieSession); token != "" {
		who, err := s.logins.Who(hr.Context(), token, r.from)
		switch {
		case err == nil:
			r.who, r.in, r.token = who, true, token
			if r.who.From == "" {
				r.who.From = r.from
			}
		case errors.Is(err, ErrRefused), errors.Is(err, ErrNotFound):
			setCookie(w, cookieSession, "", 0)
		default:
			r.l = s.language(hr, "")
			return r, err
		}
	}
	r.l = s.language(hr, r.who.Lang)
	secret := r.token
	if secret == "" {
		if secret = cookie(hr, cookieForm); secret == "" {
			secret = rand.Text()
			setCookie(w, cookieForm, secret, ceremonyLife*6)
		}
	}
	r.csrf = formToken(secret)
	return r, nil
}

// formToken is what forms of a session carry: whoever does not have the
// session's cookie cannot make it, and it does not tell the cookie.
func formToken(secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("pointnum console form 1"))
	return hex.EncodeToString(m.Sum(nil))
}

func sameToken(got, want string) bool {
	return want != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// enter begins the session of a login. One that the browser had before ends.
func (s *Server) enter(w http.ResponseWriter, r *request, e Entry) {
	if r.token != "" && r.token != e.Token {
		if _, err := s.logins.Logout(r.Context(), r.token); err != nil {
			s.log.Warn("former session not ended", "err", err)
		}
	}
	s.renew(w, r, e)
}

// renew sets the session's cookie after a login or a proof. What is shown
// after that carries the new session's token.
func (s *Server) renew(w http.ResponseWriter, r *request, e Entry) {
	if e.Token == "" {
		return
	}
	r.token, r.csrf = e.Token, formToken(e.Token)
	setCookie(w, cookieSession, e.Token, max(time.Second, e.Expires.Sub(s.now())))
	setCookie(w, cookieForm, "", 0)
	setCookie(w, cookieCeremony, "", 0)
}

// local is an address of the console that somebody wants to go to; the first
// page for anything else. An open redirect would lend our name to others.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") ||
		strings.HasPrefix(u.Path, "//") || strings.HasPrefix(u.Path, "/login") {
		return "/"
	}
	return to
}

func queryEscape(s string) string { return url.QueryEscape(s) }

// setLanguage keeps the language that somebody chose.
func (s *Server) setLanguage(w http.ResponseWriter, r *request) error {
	tag := r.PostForm.Get("lang")
	if !s.texts.Has(tag) {
		return ErrInvalid
	}
	setCookie(w, cookieLanguage, tag, languageLife)
	to := r.PostForm.Get("page")
	if strings.HasPrefix(to, "/login") {
		to = "/login"
	} else {
		to = local(to)
	}
	http.Redirect(w, r.Request, to, http.StatusSeeOther)
	return nil
}
