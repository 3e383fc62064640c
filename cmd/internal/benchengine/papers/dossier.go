package papers

import (
	"path/filepath"
	"regexp"
	"strings"
)

// isIdentity finds identity cards by their name.
var isIdentity = regexp.MustCompile(`(?i)\bcni\b|ident|passport|passeport|carte|card`)

// Dossier puts a file of many kinds together, as a family sends it: an
// identity card, a form of two pages, three typed pages, three receipts, two
// photos of letters and a letter by hand. ok is false when the folder has not
// enough of these.
func Dossier(docs []Document) (d Document, ok bool) {
	d = Document{Class: ScanColour, Lang: "fra"}
	add := func(from *Document, first, last int) {
		for i := first; i < last && i < len(from.Files); i++ {
			d.Files = append(d.Files, from.Files[i])
			d.Truth = append(d.Truth, from.Truth[i])
		}
	}
	pick := func(n int, fits func(*Document) bool, first, last int) {
		for i := range docs {
			if p := &docs[i]; n > 0 && picture(p) && fits(p) {
				add(p, first, last)
				n--
			}
		}
	}
	card := func(p *Document) bool { return p.Class == Photo && isIdentity.MatchString(filepath.Base(p.Files[0])) }
	pick(1, card, 0, 1)
	pick(1, func(p *Document) bool { return p.Form && len(p.Files) >= 2 }, 0, 2)
	pick(1, func(p *Document) bool { return p.Class == ScanColour && !p.Form && p.HasTruth() && len(p.Files) >= 4 }, 1, 4)
	pick(3, func(p *Document) bool { return p.Class == Receipt }, 0, 1)
	pick(2, func(p *Document) bool { return p.Class == Photo && !card(p) && p.Lang != "eng" }, 0, 1)
	pick(1, func(p *Document) bool { return p.Class == Handwriting }, 0, 1)
	d.Name = "dossier-12p"
	return d, len(d.Files) == 12
}

// picture says that a document is made of picture files that every program
// can wrap.
func picture(d *Document) bool {
	for _, f := range d.Files {
		switch strings.ToLower(filepath.Ext(f)) {
		case ".jpg", ".jpeg", ".png":
		default:
			return false
		}
	}
	return true
}
