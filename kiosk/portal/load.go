package portal

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"pointnum/kiosk"
	"pointnum/kiosk/yamlfile"
)

//go:embed catalogue.yaml
var embedded string

// Default returns the catalogue that comes with the program.
func Default() *Catalogue {
	c, err := Load(strings.NewReader(embedded), "catalogue.yaml")
	if err != nil {
		panic("portal: the embedded catalogue does not load: " + err.Error())
	}
	return c
}

// LoadFile reads a place's own catalogue; see Load.
func LoadFile(path string) (*Catalogue, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("portal: catalogue: %w", err)
	}
	defer f.Close()
	return Load(f, filepath.Base(path))
}

// Load reads a catalogue; name is for the messages. The error is
// yamlfile.Problems, with every mistake of the file, its line and what to do.
func Load(r io.Reader, name string) (*Catalogue, error) {
	doc := yamlfile.Read(r, name)
	l := loader{checks: map[string]Check{}, kinds: map[string]bool{}, services: map[string]bool{}}
	c := l.catalogue(doc.Root())
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

var (
	idWord   = regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`)
	dateWord = regexp.MustCompile(`^20\d\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?$`)
	langWord = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
	hostWord = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)
	phone    = regexp.MustCompile(`^[0-9+][0-9 ]{2,19}$`)
)

// loader is one reading of a catalogue: what was defined so far.
type loader struct {
	checks   map[string]Check
	kinds    map[string]bool
	services map[string]bool
}

func (l *loader) catalogue(v yamlfile.Value) *Catalogue {
	m := v.Map("updated", "checks", "kinds", "services", "mailboxes", "portals")
	c := &Catalogue{Updated: date(m.Need("updated"))}
	ids := map[string]bool{}
	for _, one := range m.Opt("checks").List() {
		check := l.check(one, ids)
		l.checks[check.ID] = check
	}
	for _, one := range needed(m, "kinds") {
		c.Kinds = append(c.Kinds, l.kind(one))
	}
	for _, one := range m.Opt("services").List() {
		c.Services = append(c.Services, l.service(one))
	}
	ids = map[string]bool{}
	for _, one := range m.Opt("mailboxes").List() {
		c.Mailboxes = append(c.Mailboxes, l.mailbox(one, ids))
	}
	ids = map[string]bool{}
	for _, one := range needed(m, "portals") {
		c.Portals = append(c.Portals, l.portal(one, ids))
	}
	return c
}

// needed reads a list that has to have an element: a screen without a choice
// is a dead end.
func needed(m yamlfile.Map, key string) []yamlfile.Value {
	v := m.Need(key)
	list := v.List()
	if list != nil && len(list) == 0 {
		v.Fail("la liste « %s: » est vide : ajoutez au moins un élément", key)
	}
	return list
}

func (l *loader) check(v yamlfile.Value, ids map[string]bool) Check {
	m := v.Map("id", "text", "picture")
	return Check{ID: id(m.Need("id"), ids), Text: text(m.Need("text")), Picture: picture(m.Need("picture"))}
}

func (l *loader) kind(v yamlfile.Value) Kind {
	m := v.Map("id", "official", "gloss", "picture", "checks")
	k := Kind{
		ID:       id(m.Need("id"), l.kinds),
		Official: m.Need("official").Text(),
		Gloss:    text(m.Need("gloss")),
		Picture:  picture(m.Need("picture")),
	}
	for _, name := range m.Opt("checks").Texts() {
		check, ok := l.checks[name]
		if !ok {
			m.Opt("checks").Fail("le contrôle « %s » n’existe pas : ajoutez-le sous « checks: » ou enlevez-le d’ici", name)
			continue
		}
		k.Checks = append(k.Checks, check)
	}
	return k
}

func (l *loader) portal(v yamlfile.Value, ids map[string]bool) Portal {
	m := v.Map("id", "official", "gloss", "picture", "address", "hosts", "with", "source", "checked", "confidence", "next", "phone", "fields")
	p := Portal{
		ID:       id(m.Need("id"), ids),
		Official: m.Need("official").Text(),
		Gloss:    text(m.Need("gloss")),
		Picture:  picture(m.Need("picture")),
		Next:     text(m.Need("next")),
		Phone:    m.Opt("phone").Text(),
	}
	l.web(&p, m)
	if p.Phone != "" && !phone.MatchString(p.Phone) {
		m.Opt("phone").Fail("« %s » n’est pas un numéro : écrivez par exemple 32 30, ou enlevez la ligne", p.Phone)
	}
	l.fields(&p, m.Need("fields"))
	return p
}

// fields reads a portal's fields and checks that every kind of paper has
// exactly one.
func (l *loader) fields(p *Portal, v yamlfile.Value) {
	ids, taken, others := map[string]bool{}, map[string]bool{}, 0
	for _, one := range v.List() {
		f := l.field(one, ids)
		if len(f.Kinds) == 0 {
			others++
		}
		for _, k := range f.Kinds {
			if taken[k] {
				one.Fail("le papier « %s » est déjà dans un autre champ de ce portail : gardez-le dans un seul", k)
			}
			taken[k] = true
		}
		p.Fields = append(p.Fields, f)
	}
	if v.IsSet() && others != 1 {
		v.Fail("il faut exactement un champ sans « kinds: », pour tous les autres papiers ; il y en a %d", others)
	}
}

func (l *loader) field(v yamlfile.Value, ids map[string]bool) Field {
	m := v.Map("id", "name", "kinds", "formats", "max", "max_files", "max_total", "source", "checked", "confidence")
	f := Field{
		ID:         id(m.Need("id"), ids),
		Name:       text(m.Need("name")),
		Kinds:      m.Opt("kinds").Texts(),
		MaxFiles:   m.Opt("max_files").Int(1, 100),
		Source:     m.Need("source").Text(),
		Checked:    date(m.Opt("checked")),
		Confidence: Confidence(m.Need("confidence").OneOf("V", "S", "D", "U")),
	}
	for _, k := range f.Kinds {
		if !l.kinds[k] {
			m.Opt("kinds").Fail("le papier « %s » n’existe pas : ajoutez-le sous « kinds: » en haut, ou corrigez-le ici", k)
		}
	}
	f.Formats = formats(m.Need("formats"))
	f.MaxBytes = size(m.Need("max"))
	f.MaxTotal = m.Opt("max_total").Bytes()
	if f.MaxBytes > 0 && f.Confidence == Unknown {
		m.Need("max").Fail("une taille de confiance U ne peut pas être donnée : écrivez « max: inconnu », ou D si c’est votre choix")
	}
	if f.Confidence == Verified && f.Checked == "" {
		m.Need("confidence").Fail("une règle vérifiée (V) a une date : ajoutez « checked: 2026-11-21 » (le jour où vous l’avez lue)")
	}
	return f
}

// size reads a limit; "inconnu" is 0. The word has to be written, so that a
// forgotten limit is not taken for one that nobody knows.
func size(v yamlfile.Value) int64 {
	if v.Text() == "inconnu" {
		return 0
	}
	n := v.Bytes()
	if n > 0 && n < 50_000 {
		v.Fail("« %s » est trop petit pour une page lisible : écrivez au moins 50 ko, ou « inconnu »", v.Text())
	}
	return n
}

func formats(v yamlfile.Value) []kiosk.Format {
	var out []kiosk.Format
	for _, one := range v.List() {
		f := kiosk.Format(one.OneOf(string(kiosk.FormatPDF), string(kiosk.FormatJPEG), string(kiosk.FormatPNG)))
		if slices.Contains(out, f) {
			one.Fail("« %s » est déjà dans la liste : enlevez-le", f)
		}
		out = append(out, f)
	}
	if v.IsSet() && len(out) == 0 {
		v.Fail("il faut au moins un format : pdf, jpeg ou png")
	}
	return out
}

func id(v yamlfile.Value, taken map[string]bool) string {
	s := v.Text()
	switch {
	case s == "":
	case !idWord.MatchString(s):
		v.Fail("« %s » n’est pas un identifiant : écrivez des minuscules sans accent, des chiffres et des tirets", s)
	case taken[s]:
		v.Fail("l’identifiant « %s » est déjà pris : choisissez-en un autre", s)
	}
	taken[s] = true
	return s
}

func text(v yamlfile.Value) Text {
	if !v.IsSet() {
		return nil
	}
	m := v.FreeMap()
	t := Text(m.Texts())
	for _, lang := range m.Keys() {
		if !langWord.MatchString(lang) {
			m.Opt(lang).Fail("« %s » n’est pas une langue : écrivez par exemple fr, ar, en ou pt", lang)
		} else if t[lang] == "" {
			m.Opt(lang).Fail("le texte « %s » est vide : écrivez-le ou enlevez la ligne", lang)
		}
	}
	if _, ok := t["fr"]; !ok {
		v.Fail("il manque le texte en français : ajoutez une ligne « fr: … »")
	}
	return t
}

func date(v yamlfile.Value) string {
	s := v.Text()
	if s != "" && !dateWord.MatchString(s) {
		v.Fail("« %s » n’est pas une date : écrivez année-mois-jour, par exemple 2026-11-21", s)
	}
	return s
}

func picture(v yamlfile.Value) string {
	s := v.Text()
	if s != "" && !idWord.MatchString(s) {
		v.Fail("« %s » n’est pas un nom d’image : écrivez par exemple file-text", s)
	}
	return s
}
