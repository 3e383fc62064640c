package testportal

import (
	"bytes"
	"crypto/rand"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed web
var web embed.FS

// pages are the templates: each file of web/ with the layout, and the markup
// of each form.
type pages struct {
	byName map[string]*template.Template
	forms  *template.Template
}

// view is what every page gets.
type view struct {
	Title string
	Mail  string // whom the session is of; "" without one
	Left  int    // seconds that the session lasts without a request
	Frame bool   // in a frame: without head and foot
	Nonce string // of the page's policy
	Site  string // the site's name, in the head
	Hosts hosts
	Data  any
}

// hosts are the sites that pages link to.
type hosts struct{ Portal, SameSite, Other, Identity, Mail, Foreign string }

func allHosts() hosts {
	at := func(host string) string { return "https://" + host }
	return hosts{at(HostPortal), at(HostSameSite), at(HostOther), at(HostIdentity), at(HostMail), at(HostForeign)}
}

func loadPages() (*pages, error) {
	g := &pages{byName: map[string]*template.Template{}}
	forms, err := template.ParseFS(web, "web/formulaires.html")
	if err != nil {
		return nil, err
	}
	g.forms = forms
	files, err := fs.Glob(web, "web/*.html")
	if err != nil {
		return nil, err
	}
	layout, err := template.New("layout").Funcs(template.FuncMap{"form": g.form}).ParseFS(web, "web/layout.html")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name == "layout" || name == "formulaires" {
			continue
		}
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(web, file)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		g.byName[name] = t
	}
	return g, nil
}

// form is the markup of one form, for templates.
func (g *pages) form(f Form) (template.HTML, error) {
	var b bytes.Buffer
	if err := g.forms.ExecuteTemplate(&b, "form-"+f.ID, f); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil // made by html/template just above
}

// show writes a page.
func (p *Portal) show(w http.ResponseWriter, r *http.Request, status int, name, title string, data any) {
	p.showView(w, r, status, name, view{Title: title, Data: data})
}

func (p *Portal) showView(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	v.Hosts = allHosts()
	v.Frame = v.Frame || r.Header.Get("Sec-Fetch-Dest") == "iframe"
	switch hostOf(r) {
	case HostMail:
		v.Site = "Courrier"
	case HostIdentity:
		v.Site = "Connexion"
	default:
		v.Site = "Portail des aides"
		v.Mail, v.Left = p.who(r)
	}
	var b bytes.Buffer
	t := p.pages.byName[name]
	err := errNoPage
	if t != nil {
		err = t.ExecuteTemplate(&b, "layout", v)
	}
	if err != nil {
		p.o.Log.Error("page not written", "page", name, "err", err)
		http.Error(w, "Une erreur est survenue.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the browser is gone when it fails
}

// page serves a page that needs no data.
func (p *Portal) page(name, title string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { p.show(w, r, http.StatusOK, name, title, nil) }
}

// files adds the style and the scripts to a site.
func (p *Portal) files(m *http.ServeMux) {
	for _, name := range []string{"style.css", "formulaires.js", "portail.js", "courrier.js", "evasions.js", "service.js", "traces.js"} {
		m.HandleFunc("GET /"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeFileFS(w, r, web, "web/"+name)
		})
	}
	m.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
}

// portalSite is portail.test.
func (p *Portal) portalSite() http.Handler {
	m := http.NewServeMux()
	p.files(m)
	p.formPages(m)
	p.loginPages(m)
	p.casePages(m)
	p.paperPages(m)
	m.HandleFunc("GET /{$}", p.page("accueil", "Accueil"))
	m.HandleFunc("GET /fenetres", p.page("fenetres", "Fenêtres"))
	m.HandleFunc("GET /fenetres/choix", p.page("choix", "Choisir une commune"))
	m.HandleFunc("GET /fenetres/seule", p.page("seule", "Fenêtre ouverte sans toucher"))
	m.HandleFunc("GET /imprimer", p.page("imprimer", "Imprimer"))
	m.HandleFunc("GET /imprimer/feuille", p.page("feuille", "Feuille à imprimer"))
	m.HandleFunc("GET /imprimer/auto", p.page("auto", "Impression automatique"))
	m.HandleFunc("GET /strict", p.strictPage)
	// Some portals turn away browsers that a program drives.
	m.HandleFunc("GET /robot", p.page("robot", "Vérification"))
	p.escapePages(m)
	p.faultPages(m)
	p.tracePages(m)
	p.measurePages(m)
	return m
}

// frameSite is a host whose pages are shown in frames of the portal.
func (p *Portal) frameSite() http.Handler {
	m := http.NewServeMux()
	p.files(m)
	p.formPages(m)
	m.HandleFunc("GET /{$}", p.page("accueil", "Accueil"))
	m.HandleFunc("GET /imprimer/feuille", p.page("feuille", "Feuille à imprimer"))
	p.paperPages(m)
	return m
}

// formPages are the forms, alone and together, and where they send to.
func (p *Portal) formPages(m *http.ServeMux) {
	type formsData struct{ Forms []Form }
	m.HandleFunc("GET /formulaires", func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, http.StatusOK, "envois", "Envoyer des papiers", formsData{Forms()})
	})
	m.HandleFunc("GET /formulaires/{form}", func(w http.ResponseWriter, r *http.Request) {
		f, ok := formByID(r.PathValue("form"))
		if !ok || f.ID == StrictForm().ID || f.ID == "dossier" {
			http.NotFound(w, r)
			return
		}
		p.show(w, r, http.StatusOK, "envois", f.Title, formsData{[]Form{f}})
	})
	m.HandleFunc("POST /envoi/{form}", p.handleUpload)
	m.HandleFunc("GET /cadres", func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, http.StatusOK, "cadres", "Envoyer dans un cadre", "")
	})
	m.HandleFunc("GET /cadres/{form}", func(w http.ResponseWriter, r *http.Request) {
		f, ok := formByID(r.PathValue("form"))
		if !ok {
			http.NotFound(w, r)
			return
		}
		p.show(w, r, http.StatusOK, "cadres", "Envoyer dans un cadre", "/"+f.ID)
	})
}

// strictPage is a form under a policy as strict as portals have them: no
// script but the page's own, no string that becomes code.
func (p *Portal) strictPage(w http.ResponseWriter, r *http.Request) {
	nonce := rand.Text()
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; style-src 'nonce-"+nonce+
		"'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "+
		"require-trusted-types-for 'script'; trusted-types 'none'")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	p.showView(w, r, http.StatusOK, "strict", view{Title: "Envoi protégé", Nonce: nonce, Data: StrictForm()})
}

// faultPages are a portal that does not work.
func (p *Portal) faultPages(m *http.ServeMux) {
	m.HandleFunc("GET /panne/erreur", func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, http.StatusInternalServerError, "panne", "Service indisponible", nil)
	})
	m.HandleFunc("GET /panne/boucle", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/panne/boucle", http.StatusFound)
	})
	// Never answers; the browser or Close ends it.
	m.HandleFunc("GET /panne/attente", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	m.HandleFunc("GET /panne/coupure", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}
