package ui

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"
	"unicode"

	"pointnum/kiosk/portal"
	"pointnum/ui/i18n"
	"pointnum/ui/technician"
)

//go:embed templates/*.html
var templates embed.FS

// staticPath is where the files of package assets are served.
const staticPath = "/static/"

// page is the whole page in one language. It changes with the place alone:
// what changes in a visit is in the views.
type page struct {
	lang string
	sum  string // of its content
	html []byte
}

// pageData is what the templates see.
type pageData struct {
	L         *i18n.Language
	Languages []*i18n.Language
	Place     Place
	Portals   []portal.Portal // those that are offered
	Sum       string          // of the page
	Fault     string          // see Options
	Door      string          // of the technician; "" none
	Catalogue *portal.Catalogue
}

// parsePages makes the page of every language.
func (s *Server) parsePages(place Place) (map[string]*page, error) {
	pages := map[string]*page{}
	var offered []*i18n.Language
	for _, tag := range s.tags {
		offered = append(offered, s.texts.Language(tag))
	}
	for _, l := range offered {
		t, err := template.New("page.html").Funcs(s.functions(l)).ParseFS(templates, "templates/*.html")
		if err != nil {
			return nil, fmt.Errorf("ui: templates: %w", err)
		}
		d := pageData{L: l, Languages: offered, Place: place, Portals: s.offered(place), Catalogue: s.catalogue, Fault: s.fault}
		if s.technician != nil {
			d.Door = technician.Base
		}
		p := &page{lang: l.Tag}
		// The second time with the sum of the first: the page knows which one it is.
		for range 2 {
			var out bytes.Buffer
			if err := t.Execute(&out, d); err != nil {
				return nil, fmt.Errorf("ui: page in %s: %w", l.Tag, err)
			}
			if d.Sum == "" {
				sum := sha256.Sum256(out.Bytes())
				d.Sum = hex.EncodeToString(sum[:8])
			}
			p.sum, p.html = d.Sum, out.Bytes()
		}
		pages[l.Tag] = p
	}
	return pages, nil
}

// offered are the portals that a place offers.
func (s *Server) offered(place Place) []portal.Portal {
	if len(place.Portals) == 0 {
		return s.catalogue.Portals
	}
	var out []portal.Portal
	for _, id := range place.Portals {
		if p, ok := s.catalogue.Portal(id); ok {
			out = append(out, *p)
		}
	}
	return out
}

// functions are those of the templates.
func (s *Server) functions(l *i18n.Language) template.FuncMap {
	return template.FuncMap{
		"t":       l.T,
		"in":      func(t portal.Text) string { return t.In(l.Tag) },
		"picture": func(name string) string { return s.assets.Picture(staticPath, name) },
		"soft":    soft,
		"letters": letters,
		// Those on the keys of keyboard.js.
		"keyPictures": func() []string {
			return []string{"backspace", "arrow-elbow-down-left", "arrow-line-right", "arrow-left", "arrow-right", "arrow-fat-up"}
		},
		"static": func(name string) string { return s.assets.URL(staticPath, name) },
	}
}

// soft lets a long address break after its dots and hyphens: it puts spaces of
// no width there.
func soft(name string) string {
	return strings.NewReplacer(".", ".\u200b", "-", "-\u200b").Replace(name)
}

// letters are the first two of a name, "Gm" of Gmail: they tell apart what has
// no picture of its own.
func letters(name string) string {
	word := []rune(strings.Map(func(c rune) rune {
		if unicode.IsLetter(c) || c == ' ' {
			return c
		}
		return -1
	}, name))
	if len(word) == 0 {
		return ""
	}
	word[0] = unicode.ToUpper(word[0])
	return string(word[:min(2, len(word))])
}
