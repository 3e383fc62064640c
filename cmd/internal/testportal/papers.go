package testportal

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// paper is a PDF that the portal gives out.
type paper struct {
	file  string // its name, with the accents and spaces real ones have
	title string
	lines []string
	form  bool // has a field to fill in
}

func papersOnOffer() map[string]paper {
	return map[string]paper{
		"attestation": {file: "Attestation de paiement.pdf", title: "Attestation de paiement", lines: []string{
			"SPÉCIMEN : document d’essai, sans valeur.", "", "Nous attestons que Camille EXEMPLE", "perçoit l’aide au logement : 231,00 euros par mois.", "Fait pour servir et valoir ce que de droit."}},
		"avis": {file: "avis-de-situation_été_2026.pdf", title: "Avis de situation", lines: []string{
			"SPÉCIMEN : document d’essai, sans valeur.", "", "Situation de Camille EXEMPLE au 1er juin 2026.", "Demandes en cours : aucune."}},
		"formulaire": {file: "Formulaire n°11423.pdf", title: "Déclaration de situation", form: true, lines: []string{
			"SPÉCIMEN : document d’essai, sans valeur.", "", "Écrivez votre nom :"}},
	}
}

// paperPages give papers out in each way portals do.
func (p *Portal) paperPages(m *http.ServeMux) {
	m.HandleFunc("GET /documents", p.page("documents", "Mes documents"))
	m.HandleFunc("GET /documents/cadre", p.page("incruste", "Un document dans la page"))
	m.HandleFunc("GET /documents/{paper}", p.givePaper)
	m.HandleFunc("POST /documents/{paper}", p.givePaper)
	m.HandleFunc("GET /dossier/recu.pdf", p.loggedIn(func(w http.ResponseWriter, r *http.Request) {
		var c caseFile
		p.change(r, func(mine *caseFile) { c = *mine })
		if c.Number == "" {
			http.NotFound(w, r)
			return
		}
		give(w, paper{file: "Récépissé " + c.Number + ".pdf", title: "Récépissé de dépôt", lines: []string{
			"SPÉCIMEN : document d’essai, sans valeur.", "", "Demande : " + c.Kind, "Numéro : " + c.Number, "Document reçu : " + formatName(c.Paper.Type)}}, true)
	}))
}

// givePaper gives one out, ?telecharger as an attachment, else to be shown.
func (p *Portal) givePaper(w http.ResponseWriter, r *http.Request) {
	doc, ok := papersOnOffer()[r.PathValue("paper")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	give(w, doc, r.Method == http.MethodPost || r.URL.Query().Has("telecharger"))
}

func give(w http.ResponseWriter, doc paper, attached bool) {
	data := doc.pdf()
	how := "inline"
	if attached {
		how = "attachment"
	}
	// Both names, as RFC 6266, appendix D, says: old programs know the first.
	plain := strings.Map(func(r rune) rune {
		if r > 126 || r == '"' {
			return '_'
		}
		return r
	}, doc.file)
	w.Header().Set("Content-Disposition", fmt.Sprintf(`%s; filename="%s"; filename*=UTF-8''%s`, how, plain, url.PathEscape(doc.file)))
	w.Header().Set("Content-Type", typePDF)
	w.Header().Set("Content-Length", fmt.Sprint(len(data)))
	_, _ = w.Write(data) // the browser is gone when it fails
}

// pdf writes an A4 page of text (ISO 32000-1): real letters, not a picture, so
// that a test finds them again in what the kiosk prints.
func (d paper) pdf() []byte {
	var text strings.Builder
	fmt.Fprintf(&text, "BT /F1 20 Tf 60 770 Td (%s) Tj ET\n", pdfString(d.title))
	for i, line := range d.lines {
		fmt.Fprintf(&text, "BT /F1 12 Tf 60 %d Td (%s) Tj ET\n", 730-20*i, pdfString(line))
	}
	more, annots := "", ""
	objects := []string{
		"", // the catalogue, below
		"<</Type/Pages/Kids[3 0 R]/Count 1>>",
		"",
		"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
		fmt.Sprintf("<</Length %d>>\nstream\n%s\nendstream", text.Len(), text.String()),
	}
	if d.form {
		more = "/AcroForm<</Fields[6 0 R]/NeedAppearances true/DR<</Font<</F1 4 0 R>>>>/DA(/F1 12 Tf 0 g)>>"
		annots = "/Annots[6 0 R]"
		objects = append(objects, "<</Type/Annot/Subtype/Widget/FT/Tx/T(nom)/TU(Votre nom)/Rect[60 640 400 664]/F 4/P 3 0 R/DA(/F1 12 Tf 0 g)/MK<</BC[0]>>>>")
	}
	objects[0] = "<</Type/Catalog/Pages 2 0 R/Lang(fr)" + more + ">>"
	objects[2] = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 4 0 R>>>>/Contents 5 0 R" + annots + ">>"

	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, xref)
	return b.Bytes()
}

// pdfString is a text in WinAnsiEncoding, which is Windows 1252, between
// parentheses (7.3.4.2). What it can't say becomes a question mark.
func pdfString(s string) string {
	var b strings.Builder
	for _, r := range s {
		c, ok := charmap.Windows1252.EncodeRune(r)
		if !ok {
			c = '?'
		}
		if c == '(' || c == ')' || c == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}
