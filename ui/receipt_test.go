package ui_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
	"pointnum/kiosk/session"
	"pointnum/ui"
)

var noon = time.Date(2026, 11, 21, 12, 5, 0, 0, time.UTC)

// lines are what a receipt says, one after the other.
func lines(r kiosk.Receipt) string {
	var b strings.Builder
	for _, i := range r.Items {
		switch {
		case i.Rule:
			b.WriteString("----")
		case i.QR != "":
			b.WriteString("QR " + i.QR)
		case i.Pair != [2]string{}:
			b.WriteString(i.Pair[0] + " | " + i.Pair[1])
		default:
			b.WriteString(i.Text)
		}
		b.WriteByte('\n')
	}
	return strings.ReplaceAll(b.String(), "\u00a0", " ")
}

func delivered() session.State {
	return visit(session.ScreenResult, func(st *session.State) {
		d := finished(true)
		d.Result.Name = "secret-name.pdf"
		d.Result.OnKey, d.Result.Printed, d.Result.Delivered = []string{"secret-name (2).pdf"}, true, true
		st.Documents = []session.Document{d, {ID: "d2", Pages: pages(1)}}
		st.Visit = "secret-visit"
	})
}

func TestReceiptTellsEverything(t *testing.T) {
	c := portal.Default()
	got := lines(ui.Receipt(c, place, delivered(), noon))
	for _, want := range []string{
		place.Name, "12 rue des Écoles", "59000 Lille", place.Phone, "vendredi, 9 h – 12 h", "Votre reçu", "samedi 21 novembre 2026, 12 h 05",
		c.Kinds[0].Official, "Pour | " + c.Portals[0].Official, "Pages | 3", "Taille | 0,8 Mo", "Copié sur votre clé USB", "Imprimé",
		"Papier 2", "Pas encore préparé", "À faire", "numéro de confirmation", "Nous n’avons rien gardé.", "QR ",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "secret") {
		t.Errorf("the receipt says too much:\n%s", got)
	}
}

func TestReceiptTellsWhatSitesWereGiven(t *testing.T) {
	c := portal.Default()
	st := delivered()
	st.Documents[0].Attached = attached()
	st.Documents[0].Result.OnKey, st.Documents[0].Result.Printed, st.Documents[0].Result.Delivered = nil, false, false
	st.Documents[1].From = c.Portals[1].ID
	got := lines(ui.Receipt(c, place, st, noon))
	for _, want := range []string{
		"- Donné au site " + c.Portals[0].Official + ", 12 h 05", "- Donné par le site " + c.Portals[1].Official, "numéro de confirmation",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	// What was given is neither lost nor still to be sent.
	for _, bad := range []string{"Pas copié", "Envoyez le document", "secret"} {
		if strings.Contains(got, bad) {
			t.Errorf("%q in\n%s", bad, got)
		}
	}
	// Another paper for the same site is.
	other := finished(true)
	other.ID = "d3"
	st.Documents = append(st.Documents, other)
	if got := lines(ui.Receipt(c, place, st, noon)); !strings.Contains(got, "Envoyez le document") {
		t.Errorf("the second paper is not to be sent in\n%s", got)
	}
}

func TestReceiptIsInTheVisitorsLanguage(t *testing.T) {
	c := portal.Default()
	st := delivered()
	st.Lang = "ar"
	r := ui.Receipt(c, place, st, noon)
	if r.Lang != "ar" || !r.RTL {
		t.Errorf("got %q, right to left %t", r.Lang, r.RTL)
	}
	got := lines(r)
	for _, want := range []string{"إيصالكم", c.Kinds[0].Official, c.Kinds[0].Gloss.In("ar"), "21", "2026"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.ContainsAny(got, "\u2066\u2067\u2068\u2069") {
		t.Error("invisible signs reach the printer")
	}
	if strings.ContainsAny(got, "٠١٢٣٤٥٦٧٨٩") {
		t.Error("digits are not Latin")
	}
}

func TestReceiptItemsAreOneThingEach(t *testing.T) {
	for _, st := range []session.State{delivered(), {Lang: "fr"}, {Lang: "ar", Documents: []session.Document{{}}}} {
		r := ui.Receipt(portal.Default(), place, st, noon)
		for n, i := range r.Items {
			set := 0
			for _, is := range []bool{i.Text != "", i.Pair != [2]string{}, i.QR != "", i.Rule} {
				if is {
					set++
				}
			}
			if set > 1 {
				t.Errorf("item %d: %+v", n, i)
			}
			if len(i.QR) > 150 {
				t.Errorf("a QR code of %d bytes", len(i.QR))
			}
		}
		if !slices.ContainsFunc(r.Items, func(i kiosk.ReceiptItem) bool { return i.Large }) {
			t.Error("no title")
		}
	}
}

func TestFileNamesArePlain(t *testing.T) {
	c := portal.Default()
	for _, k := range c.Kinds {
		name := ui.FileName(c, session.State{Documents: []session.Document{{Kind: k.ID}}})
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			t.Errorf("%s: %q", k.Official, name)
		}
	}
	custom := &portal.Catalogue{Kinds: []portal.Kind{{ID: "x", Official: "Avis d’imposition (œuvre) N° 2"}}}
	for id, want := range map[string]string{"x": "avis-d-imposition-oeuvre-n-2", "none": "document"} {
		if got := ui.FileName(custom, session.State{Documents: []session.Document{{Kind: id}}}); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := ui.FileName(c, session.State{}); got != "document" {
		t.Errorf("nothing to name: %q", got)
	}
}
