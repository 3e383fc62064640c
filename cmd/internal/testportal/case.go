package testportal

import (
	"fmt"
	"net/http"
	"strings"
)

// caseFile is the form in steps as far as the visitor came: kept with the
// session, so that a second tab does not lose it, and gone with it.
type caseFile struct {
	Kind                      string
	Street, Town, Postal, Tel string
	AddressDone               bool
	Paper                     receipt
	Number                    string // once it was sent
}

// caseKinds are the choices of the first step.
func caseKinds() []string {
	return []string{"Aide au logement", "Prime d’activité", "Revenu de solidarité active"}
}

func (p *Portal) casePages(m *http.ServeMux) {
	m.HandleFunc("GET /dossier", p.loggedIn(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/dossier/"+p.caseStep(r), http.StatusSeeOther)
	}))
	for step, handle := range map[string]func(*http.Request, *caseFile) string{"1": takeKind, "2": takeAddress, "4": takeSend} {
		m.HandleFunc("POST /dossier/"+step, p.loggedIn(func(w http.ResponseWriter, r *http.Request) {
			refusal := "Votre session a expiré."
			p.change(r, func(c *caseFile) { refusal = handle(r, c) })
			p.nextStep(w, r, step, refusal)
		}))
	}
	m.HandleFunc("POST /dossier/3", p.loggedIn(p.takePaper))
	m.HandleFunc("GET /dossier/{step}", p.loggedIn(func(w http.ResponseWriter, r *http.Request) {
		p.showStep(w, r, http.StatusOK, r.PathValue("step"), "")
	}))
}

// change hands the visitor's case to f.
func (p *Portal) change(r *http.Request, f func(*caseFile)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if v := p.visitOf(r); v != nil {
		f(&v.file)
	}
}

// caseStep is the first step that is not done.
func (p *Portal) caseStep(r *http.Request) string {
	step := "1"
	p.change(r, func(c *caseFile) {
		switch {
		case c.Number != "":
			step = "recu"
		case c.Paper.Accepted:
			step = "4"
		case c.AddressDone:
			step = "3"
		case c.Kind != "":
			step = "2"
		}
	})
	return step
}

func (p *Portal) nextStep(w http.ResponseWriter, r *http.Request, step, refusal string) {
	if refusal != "" {
		p.showStep(w, r, http.StatusUnprocessableEntity, step, refusal)
		return
	}
	next := map[string]string{"1": "2", "2": "3", "3": "4", "4": "recu"}[step]
	http.Redirect(w, r, "/dossier/"+next, http.StatusSeeOther)
}

func (p *Portal) showStep(w http.ResponseWriter, r *http.Request, status int, step, refusal string) {
	names := map[string]string{"1": "Votre demande", "2": "Votre adresse", "3": "Vos papiers", "4": "Vérifier et envoyer", "recu": "Demande envoyée"}
	if names[step] == "" {
		http.NotFound(w, r)
		return
	}
	reached := p.caseStep(r)
	if order := "1234recu"; strings.Index(order, step) > strings.Index(order, reached) {
		http.Redirect(w, r, "/dossier/"+reached, http.StatusSeeOther)
		return
	}
	data := struct {
		Step, Refusal string
		Kinds         []string
		Case          caseFile
		Form          Form
	}{Step: step, Refusal: refusal, Kinds: caseKinds(), Form: caseForms()[0]}
	p.change(r, func(c *caseFile) { data.Case = *c })
	p.show(w, r, status, "dossier", names[step], data)
}

func takeKind(r *http.Request, c *caseFile) string {
	kind := r.PostFormValue("demande")
	for _, k := range caseKinds() {
		if k == kind {
			c.Kind = kind
			return ""
		}
	}
	return "Choisissez une demande."
}

func takeAddress(r *http.Request, c *caseFile) string {
	value := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	c.Street, c.Postal, c.Town, c.Tel = value("rue"), value("code-postal"), value("ville"), value("telephone")
	c.AddressDone = false
	switch {
	case c.Street == "":
		return "Écrivez votre adresse."
	case len(c.Postal) != 5 || strings.Trim(c.Postal, "0123456789") != "":
		return "Le code postal a 5 chiffres."
	case c.Town == "":
		return "Écrivez votre ville."
	}
	c.AddressDone = true
	return ""
}

func (p *Portal) takePaper(w http.ResponseWriter, r *http.Request) {
	receipts, _, err := p.receive(w, r, caseForms()[0])
	if err != nil {
		p.o.Log.Debug("upload not read", "err", err)
		http.Error(w, "L’envoi a été interrompu.", http.StatusBadRequest)
		return
	}
	refusal := receipts[0].Sentence
	if receipts[0].Accepted {
		refusal = ""
		p.change(r, func(c *caseFile) { c.Paper = receipts[0] })
	}
	p.nextStep(w, r, "3", refusal)
}

// takeSend gives the case a number, made of the paper's digest so that a test
// can foretell it.
func takeSend(r *http.Request, c *caseFile) string {
	if !c.Paper.Accepted {
		return "Il manque un papier."
	}
	if r.PostFormValue("accord") == "" {
		return "Cochez la case : les renseignements sont exacts."
	}
	c.Number = fmt.Sprintf("2026-%s", strings.ToUpper(c.Paper.SHA256[:8]))
	return ""
}
