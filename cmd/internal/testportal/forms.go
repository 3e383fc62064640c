package testportal

import (
	"bytes"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Form is one way to ask for a file. Its markup is in web/formulaires.html
// under its ID: how and where it says its limit differs in each, as it does
// on real portals.
//
// In a page, [data-trigger="ID"] is what a visitor touches (or the zone where
// files are dropped), [data-send="ID"] the button to touch next when Button is
// set, and [data-result="ID"] says the portal's answer: data-accepted is "yes"
// or "no"; with "yes", data-sha256, data-bytes and data-type say of what.
type Form struct {
	ID       string
	Title    string
	Limit    string   // as the page says it; "" when it says nothing
	Max      int64    // bytes the portal takes, whatever the page says
	Formats  []string // media types it takes, by content
	MaxFiles int      // 1 or more
	Folder   bool     // webkitdirectory
	Drop     bool     // by dropping only
	Button   bool     // nothing is sent before a button is touched
	Plain    bool     // no space and no accent in the file's name
}

// The sizes are decimal: the stricter reading of "Mo".
const (
	ko = 1_000
	mo = 1_000_000
)

const (
	typePDF  = "application/pdf"
	typeJPEG = "image/jpeg"
	typePNG  = "image/png"
)

// Forms lists the forms of /formulaires, in the page's order. The strict
// page has one more, StrictForm.
func Forms() []Form {
	pdf, photo := []string{typePDF}, []string{typeJPEG, typePNG}
	all := []string{typePDF, typeJPEG, typePNG}
	return []Form{
		{ID: "plain", Title: "Justificatif de domicile", Limit: "Taille maximale : 500 Ko. Formats acceptés : PDF, JPG, PNG.", Max: 500 * ko, Formats: all, MaxFiles: 1, Button: true},
		{ID: "label", Title: "Attestation de loyer", Limit: "Ajouter mon attestation de loyer (PDF, max 5 Mo)", Max: 5 * mo, Formats: pdf, MaxFiles: 1, Button: true},
		{ID: "accept", Title: "Avis d’imposition", Limit: "2 Mo maximum par fichier", Max: 2 * mo, Formats: pdf, MaxFiles: 1, Button: true},
		{ID: "photo", Title: "Photo d’identité", Limit: "Formats : JPG ou PNG – 300 Ko max.", Max: 300 * ko, Formats: photo, MaxFiles: 1, Button: true},
		{ID: "multiple", Title: "Bulletins de salaire", Limit: "2 Mo maximum par fichier", Max: 2 * mo, Formats: all, MaxFiles: 3, Button: true},
		{ID: "shadow", Title: "RIB", Limit: "Taille max. : 1 Mo. Format PDF ou JPEG.", Max: 1 * mo, Formats: []string{typePDF, typeJPEG}, MaxFiles: 1},
		{ID: "hidden", Title: "Pièce d’identité", Limit: "max. 10 MB", Max: 10 * mo, Formats: all, MaxFiles: 1},
		{ID: "delayed", Title: "Certificat de scolarité", Limit: "Taille limite : 1,5 Mo (PDF).", Max: 1500 * ko, Formats: pdf, MaxFiles: 1},
		{ID: "picker", Title: "Acte de naissance", Limit: "Poids maximum du document : 800 Ko", Max: 800 * ko, Formats: all, MaxFiles: 1},
		{ID: "detached", Title: "Livret de famille", Limit: "Fichier PDF de 3 Mo maximum", Max: 3 * mo, Formats: pdf, MaxFiles: 1},
		{ID: "drop", Title: "Autres papiers", Limit: "PDF, JPG ou PNG, 4 Mo max par fichier", Max: 4 * mo, Formats: all, MaxFiles: 5, Drop: true},
		{ID: "folder", Title: "Tous les papiers d’un dossier", Limit: "5 Mo maximum par fichier, 20 fichiers au plus", Max: 5 * mo, Formats: all, MaxFiles: 20, Folder: true},
		{ID: "fsaccess", Title: "Courrier reçu", Limit: "Max 2 Mo – PDF uniquement", Max: 2 * mo, Formats: pdf, MaxFiles: 1},
		{ID: "arabic", Title: "وثيقة الإقامة", Limit: "الحجم الأقصى للملف: 1 ميغابايت. الصيغ المقبولة: PDF و JPG.", Max: 1 * mo, Formats: []string{typePDF, typeJPEG}, MaxFiles: 1, Button: true},
		{ID: "english", Title: "Proof of residence", Limit: "Maximum file size: 700 KB. Accepted formats: PDF, JPEG.", Max: 700 * ko, Formats: []string{typePDF, typeJPEG}, MaxFiles: 1, Button: true},
		{ID: "checked", Title: "Titre de séjour", Limit: "Taille maximale autorisée : 600 Ko (PDF ou JPG)", Max: 600 * ko, Formats: []string{typePDF, typeJPEG}, MaxFiles: 1, Button: true},
		{ID: "silent", Title: "Certificat médical", Max: 1 * mo, Formats: pdf, MaxFiles: 1, Button: true},
		{ID: "wrong", Title: "Attestation employeur", Limit: "max 5 Mo", Max: 1 * mo, Formats: all, MaxFiles: 1, Button: true},
		{ID: "named", Title: "Facture", Limit: "Taille maximale : 2 Mo. Le nom du fichier ne doit contenir ni espace ni accent.", Max: 2 * mo, Formats: all, MaxFiles: 1, Button: true, Plain: true},
	}
}

// StrictForm is the form of /strict, a page under a strict policy.
func StrictForm() Form {
	return Form{ID: "strict", Title: "Justificatif de domicile", Limit: "Taille maximale : 500 Ko. Format accepté : PDF.", Max: 500 * ko, Formats: []string{typePDF}, MaxFiles: 1}
}

// caseForms are those of the third step of the form in steps.
func caseForms() []Form {
	return []Form{
		{ID: "dossier", Title: "Justificatif de domicile", Limit: "Taille maximale : 500 Ko. Formats acceptés : PDF, JPG, PNG.", Max: 500 * ko, Formats: []string{typePDF, typeJPEG, typePNG}, MaxFiles: 1, Button: true},
	}
}

func formByID(id string) (Form, bool) {
	all := slices.Concat(Forms(), caseForms(), []Form{StrictForm()})
	i := slices.IndexFunc(all, func(f Form) bool { return f.ID == id })
	if i < 0 {
		return Form{}, false
	}
	return all[i], true
}

// check returns why a file is refused, in the portal's words, with the status
// of the answer; "" when it is accepted.
func (f Form) check(name string, data []byte) (string, int) {
	switch {
	case len(data) == 0:
		return "Le fichier est vide.", http.StatusBadRequest
	case int64(len(data)) > f.Max:
		return "Le fichier est trop volumineux. Taille maximale : " + size(f.Max) + ".", http.StatusRequestEntityTooLarge
	case !slices.Contains(f.Formats, sniff(data)), !slices.Contains(f.extensions(), strings.ToLower(path.Ext(name))):
		return "Format non accepté. Formats acceptés : " + f.formatNames() + ".", http.StatusUnsupportedMediaType
	case sniff(data) == typePDF && !bytes.Contains(data[max(0, len(data)-1024):], []byte("%%EOF")):
		// As strict as portals that put uploaded PDFs together.
		return "Le document est abîmé ou incomplet.", http.StatusUnprocessableEntity
	case f.Plain && strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII || unicode.IsSpace(r) }):
		return "Le nom du fichier contient un espace ou un accent.", http.StatusUnprocessableEntity
	}
	return "", http.StatusOK
}

// extensions are those of the formats' file names.
func (f Form) extensions() []string {
	var out []string
	for _, t := range f.Formats {
		switch t {
		case typePDF:
			out = append(out, ".pdf")
		case typeJPEG:
			out = append(out, ".jpg", ".jpeg")
		case typePNG:
			out = append(out, ".png")
		}
	}
	return out
}

func (f Form) formatNames() string {
	var names []string
	for _, t := range f.Formats {
		names = append(names, formatName(t))
	}
	return strings.Join(names, ", ")
}

func formatName(mediaType string) string {
	switch mediaType {
	case typePDF:
		return "PDF"
	case typeJPEG:
		return "JPG"
	case typePNG:
		return "PNG"
	}
	return mediaType
}

// sniff is the media type by content.
func sniff(data []byte) string {
	t, _, _ := strings.Cut(http.DetectContentType(data), ";")
	return t
}

// size writes bytes as portals do.
func size(n int64) string {
	if n < mo {
		return fmt.Sprintf("%d Ko", n/ko)
	}
	return strings.Replace(strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/mo), ".0"), ".", ",", 1) + " Mo"
}
