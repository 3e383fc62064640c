package testportal

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxTries is how often a code may be typed wrong.
const maxTries = 5

// The cookies. The prefix binds them to one host over TLS (RFC 6265bis,
// 4.1.3.2).
const (
	cookieLogin   = "__Host-connexion" // a login under way
	cookieSession = "__Host-session"
)

// login is one under way: a code was mailed, or the identity provider asked.
type login struct {
	mail  string
	code  string
	until time.Time
	tries int
}

// visit is one login that worked.
type visit struct {
	mail string
	seen time.Time
	file caseFile
}

func setCookie(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func dropCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{Name: name, Path: "/", Secure: true, HttpOnly: true, MaxAge: -1})
}

func cookie(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return "" // the only error is that there is none
	}
	return c.Value
}

func (p *Portal) loginPages(m *http.ServeMux) {
	m.HandleFunc("GET /connexion", func(w http.ResponseWriter, r *http.Request) {
		p.showLogin(w, r, http.StatusOK, "", r.URL.Query().Has("expire"))
	})
	m.HandleFunc("POST /connexion", p.mailCode)
	m.HandleFunc("GET /connexion/code", func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, http.StatusOK, "code", "Votre code", "")
	})
	m.HandleFunc("POST /connexion/code", p.checkCode)
	m.HandleFunc("GET /connexion/identite", p.askIdentity)
	m.HandleFunc("GET /connexion/retour", p.identityAnswer)
	m.HandleFunc("POST /deconnexion", p.logOut)
	m.HandleFunc("GET /session", p.sessionLeft)
	m.HandleFunc("POST /session", p.sessionLonger)
	m.HandleFunc("GET /espace", p.loggedIn(p.page("espace", "Mon espace")))
}

func (p *Portal) showLogin(w http.ResponseWriter, r *http.Request, status int, refusal string, expired bool) {
	p.show(w, r, status, "connexion", "Se connecter", struct {
		Refusal string
		Expired bool
		User    string
	}{refusal, expired, MailUser})
}

// mailCode begins a login: six digits go to the webmail.
func (p *Portal) mailCode(w http.ResponseWriter, r *http.Request) {
	address := strings.ToLower(strings.TrimSpace(r.PostFormValue("adresse")))
	if !strings.HasSuffix(address, "@"+HostMail) || len(address) > 100 {
		p.showLogin(w, r, http.StatusUnprocessableEntity, "Cette adresse n’est pas connue. Elle finit par @"+HostMail+".", false)
		return
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		http.Error(w, "Une erreur est survenue.", http.StatusInternalServerError)
		return
	}
	code, id, now := fmt.Sprintf("%06d", n), rand.Text(), time.Now()
	p.mu.Lock()
	delete(p.logins, cookie(r, cookieLogin)) // the code before is void
	p.logins[id] = &login{mail: address, code: code, until: now.Add(p.o.CodeTime)}
	p.lastCode = code
	p.mails[address] = append(p.mails[address], mail{
		From: "Portail des aides", Subject: "Votre code de connexion", At: now,
		Text: fmt.Sprintf("Bonjour,\n\nVotre code est : %s\n\nIl est valable %s. Ne le donnez à personne.", code, spoken(p.o.CodeTime)),
	})
	p.mu.Unlock()
	setCookie(w, cookieLogin, id)
	http.Redirect(w, r, "/connexion/code", http.StatusSeeOther)
}

// spoken is a time as a letter says it.
func spoken(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d secondes", int(d.Seconds()))
	}
	return fmt.Sprintf("%d minutes", int(d.Minutes()))
}

func (p *Portal) checkCode(w http.ResponseWriter, r *http.Request) {
	typed := strings.Join(strings.Fields(r.PostFormValue("code")), "")
	address, refusal := p.tryCode(cookie(r, cookieLogin), typed)
	if refusal != "" {
		p.show(w, r, http.StatusForbidden, "code", "Votre code", refusal)
		return
	}
	p.logIn(w, address)
	http.Redirect(w, r, "/espace", http.StatusSeeOther)
}

// tryCode returns whose code it is, or why it is refused.
func (p *Portal) tryCode(id, typed string) (address, refusal string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.logins[id]
	switch {
	case l == nil || l.code == "":
		return "", "Demandez d’abord un code."
	case time.Now().After(l.until):
		delete(p.logins, id)
		return "", "Ce code n’est plus valable. Demandez un nouveau code."
	case subtle.ConstantTimeCompare([]byte(typed), []byte(l.code)) == 0:
		if l.tries++; l.tries >= maxTries {
			delete(p.logins, id)
			return "", "Trop d’essais. Demandez un nouveau code."
		}
		return "", "Ce code n’est pas le bon."
	}
	delete(p.logins, id)
	return l.mail, ""
}

func (p *Portal) logIn(w http.ResponseWriter, address string) {
	id := rand.Text()
	p.mu.Lock()
	p.visits[id] = &visit{mail: address, seen: time.Now()}
	p.mu.Unlock()
	setCookie(w, cookieSession, id)
	dropCookie(w, cookieLogin)
}

func (p *Portal) logOut(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	delete(p.visits, cookie(r, cookieSession))
	p.mu.Unlock()
	dropCookie(w, cookieSession)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// visitOf returns the visit of a request, nil when there is none or it was
// idle too long. The caller holds mu.
func (p *Portal) visitOf(r *http.Request) *visit {
	id := cookie(r, cookieSession)
	v := p.visits[id]
	if v != nil && time.Since(v.seen) > p.o.SessionTime {
		delete(p.visits, id)
		return nil
	}
	return v
}

// who returns the visitor of a request and how many seconds the session has
// left. To show a page makes the session longer.
func (p *Portal) who(r *http.Request) (address string, left int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	v := p.visitOf(r)
	if v == nil {
		return "", 0
	}
	v.seen = time.Now()
	return v.mail, int(p.o.SessionTime.Seconds())
}

// loggedIn lets visitors with a session in and sends others to the login.
func (p *Portal) loggedIn(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if address, _ := p.who(r); address == "" {
			to := "/connexion"
			if cookie(r, cookieSession) != "" {
				to += "?expire"
			}
			dropCookie(w, cookieSession)
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		h(w, r)
	}
}

// sessionLeft answers the seconds left, 0 when it has ended, without making the
// session longer.
func (p *Portal) sessionLeft(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	v := p.visitOf(r)
	left := 0
	if v != nil {
		left = int(math.Ceil((p.o.SessionTime - time.Since(v.seen)).Seconds()))
	}
	p.mu.Unlock()
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprint(w, left)
}

func (p *Portal) sessionLonger(w http.ResponseWriter, r *http.Request) {
	_, left := p.who(r)
	fmt.Fprint(w, left)
}

// askIdentity sends the visitor to the identity provider, as OpenID Connect
// does: with a state that must come back.
func (p *Portal) askIdentity(w http.ResponseWriter, r *http.Request) {
	id := rand.Text()
	p.mu.Lock()
	p.logins[id] = &login{until: time.Now().Add(p.o.CodeTime)}
	p.mu.Unlock()
	setCookie(w, cookieLogin, id)
	to := url.URL{Scheme: "https", Host: HostIdentity, Path: "/autoriser", RawQuery: url.Values{"etat": {id}}.Encode()}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// identityAnswer is where the provider sends the visitor back to, with a code
// that is good once.
func (p *Portal) identityAnswer(w http.ResponseWriter, r *http.Request) {
	state, code := r.URL.Query().Get("etat"), r.URL.Query().Get("code")
	p.mu.Lock()
	granted, ok := p.grants[code]
	delete(p.grants, code)
	l := p.logins[state]
	delete(p.logins, state)
	p.mu.Unlock()
	if !ok || granted != state || l == nil || state != cookie(r, cookieLogin) || time.Now().After(l.until) {
		p.showLogin(w, r, http.StatusForbidden, "La connexion n’a pas marché. Recommencez.", false)
		return
	}
	p.logIn(w, MailUser)
	http.Redirect(w, r, "/espace", http.StatusSeeOther)
}

// identitySite is connexion.test.
func (p *Portal) identitySite() http.Handler {
	type data struct{ State, Refusal, User, Password string }
	m := http.NewServeMux()
	p.files(m)
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, p.Address(), http.StatusSeeOther)
	})
	m.HandleFunc("GET /autoriser", func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, http.StatusOK, "fournisseurs", "Choisissez un compte", data{State: r.URL.Query().Get("etat")})
	})
	m.HandleFunc("GET /compte", func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, http.StatusOK, "compte", "Votre compte", data{r.URL.Query().Get("etat"), "", IdentityUser, IdentityPassword})
	})
	m.HandleFunc("POST /compte", func(w http.ResponseWriter, r *http.Request) {
		state := r.PostFormValue("etat")
		if r.PostFormValue("identifiant") != IdentityUser || r.PostFormValue("mot-de-passe") != IdentityPassword {
			p.show(w, r, http.StatusForbidden, "compte", "Votre compte", data{state, "L’identifiant ou le mot de passe n’est pas le bon.", IdentityUser, IdentityPassword})
			return
		}
		code := rand.Text()
		p.mu.Lock()
		p.grants[code] = state
		p.mu.Unlock()
		back := url.URL{Scheme: "https", Host: HostPortal, Path: "/connexion/retour", RawQuery: url.Values{"etat": {state}, "code": {code}}.Encode()}
		http.Redirect(w, r, back.String(), http.StatusSeeOther)
	})
	return m
}
