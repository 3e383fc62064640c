package testportal

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const cookieMail = "__Host-boite"

// mail is a letter in the webmail.
type mail struct {
	From, Subject, Text string
	At                  time.Time
}

// mailSite is courrier.test: a login of its own, a list, a letter.
func (p *Portal) mailSite() http.Handler {
	m := http.NewServeMux()
	p.files(m)
	m.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if p.box(r) != "" {
			http.Redirect(w, r, "/boite", http.StatusSeeOther)
			return
		}
		p.showMailLogin(w, r, http.StatusOK, "")
	})
	m.HandleFunc("POST /entrer", p.openBox)
	m.HandleFunc("POST /sortir", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		delete(p.boxes, cookie(r, cookieMail))
		p.mu.Unlock()
		dropCookie(w, cookieMail)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	m.HandleFunc("GET /boite", p.withBox(p.showBox))
	m.HandleFunc("GET /boite/nombre", p.withBox(func(w http.ResponseWriter, _ *http.Request, address string) {
		fmt.Fprint(w, len(p.letters(address)))
	}))
	m.HandleFunc("GET /boite/{number}", p.withBox(p.showLetter))
	return m
}

func (p *Portal) showMailLogin(w http.ResponseWriter, r *http.Request, status int, refusal string) {
	p.show(w, r, status, "courrier", "Votre boîte aux lettres", struct{ Refusal, User, Password string }{refusal, MailUser, MailPassword})
}

func (p *Portal) openBox(w http.ResponseWriter, r *http.Request) {
	address := strings.ToLower(strings.TrimSpace(r.PostFormValue("adresse")))
	if !strings.HasSuffix(address, "@"+HostMail) || r.PostFormValue("mot-de-passe") != MailPassword {
		p.showMailLogin(w, r, http.StatusForbidden, "L’adresse ou le mot de passe n’est pas le bon.")
		return
	}
	id := rand.Text()
	p.mu.Lock()
	p.boxes[id] = address
	p.mu.Unlock()
	setCookie(w, cookieMail, id)
	http.Redirect(w, r, "/boite", http.StatusSeeOther)
}

// box is the address of the open mailbox of a request; "" when none is.
func (p *Portal) box(r *http.Request) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.boxes[cookie(r, cookieMail)]
}

func (p *Portal) withBox(h func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		address := p.box(r)
		if address == "" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		h(w, r, address)
	}
}

func (p *Portal) letters(address string) []mail {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.mails[address])
}

// showBox lists the letters, the newest first.
func (p *Portal) showBox(w http.ResponseWriter, r *http.Request, address string) {
	type line struct {
		Number        int
		From, Subject string
		At            string
	}
	letters := p.letters(address)
	data := struct {
		Address string
		Lines   []line
	}{Address: address}
	for i, l := range slices.Backward(letters) {
		data.Lines = append(data.Lines, line{i + 1, l.From, l.Subject, l.At.Format("15:04")})
	}
	p.show(w, r, http.StatusOK, "boite", "Mes messages", data)
}

func (p *Portal) showLetter(w http.ResponseWriter, r *http.Request, address string) {
	letters := p.letters(address)
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || n < 1 || n > len(letters) {
		http.NotFound(w, r)
		return
	}
	p.show(w, r, http.StatusOK, "message", letters[n-1].Subject, letters[n-1])
}
