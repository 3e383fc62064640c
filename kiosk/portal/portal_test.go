package portal_test

import (
	"slices"
	"strings"
	"testing"

	"pointnum/kiosk"
	"pointnum/kiosk/portal"
)

func TestEveryTextIsInFrenchArabicAndEnglish(t *testing.T) {
	c := portal.Default()
	check := func(where string, text portal.Text) {
		t.Helper()
		for _, lang := range []string{"fr", "ar", "en"} {
			if strings.TrimSpace(text[lang]) == "" {
				t.Errorf("%s: no text in %q", where, lang)
			}
		}
	}
	for _, k := range c.Kinds {
		check(k.ID, k.Gloss)
		for _, ch := range k.Checks {
			check(k.ID+" "+ch.ID, ch.Text)
		}
	}
	for _, s := range c.Services {
		check(s.ID, s.Gloss)
	}
	for _, p := range c.Portals {
		check(p.ID, p.Gloss)
		check(p.ID+" next", p.Next)
		for _, f := range p.Fields {
			check(p.ID+" "+f.ID, f.Name)
		}
	}
}

func TestTheCatalogueHasWhatVisitorsComeFor(t *testing.T) {
	c := portal.Default()
	for _, id := range []string{"caf", "ameli", "france-travail", "msa", "demarche-numerique", "dossierfacile", "ants", "anef", "impots",
		"logement-social", "mdph", "banque-de-france", "crous", "visale", "cheque-energie", "antai", "retraite", "autre"} {
		if _, ok := c.Portal(id); !ok {
			t.Errorf("no portal %q", id)
		}
	}
	for _, id := range []string{"identity", "residence_permit", "rib", "tax_notice", "payslip", "rent_certificate", "proof_of_address",
		"birth_certificate", "family_book", "medical", "employer_certificate", "school_certificate", "mail", "other"} {
		if k, ok := c.Kind(id); !ok || len(k.Checks) == 0 {
			t.Errorf("no kind %q with its checks", id)
		}
	}
}

func TestTarget(t *testing.T) {
	unknown := kiosk.Target{Format: kiosk.FormatPDF, AimBytes: 1_000_000, MaxBytes: 2_000_000, MaxFiles: 1}
	for _, c := range []struct {
		name, portal, kind string
		want               kiosk.Target
		known, ok          bool
	}{
		{"a limit nobody knows is a small PDF, not a rule", "caf", "tax_notice", unknown, false, true},
		{"formats without a size are not a rule either", "ants", "identity", unknown, false, true},
		{"a known limit is read strictly", "dossierfacile", "tax_notice", kiosk.Target{Format: kiosk.FormatPDF, AimBytes: 1_000_000, MaxBytes: 10_000_000, MaxFiles: 1}, true, true},
		{"an identity field refuses PDF and takes a picture a page", "demarche-numerique", "identity", kiosk.Target{Format: kiosk.FormatJPEG, AimBytes: 1_000_000, MaxBytes: 20_000_000, MaxFiles: 10}, true, true},
		{"another paper of the same portal takes PDF", "demarche-numerique", "payslip", kiosk.Target{Format: kiosk.FormatPDF, AimBytes: 1_000_000, MaxBytes: 200_000_000, MaxFiles: 1}, true, true},
		{"a portal that is not there", "nowhere", "rib", kiosk.Target{}, false, false},
		{"a kind that is not there", "caf", "nothing", kiosk.Target{}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, known, ok := portal.Default().Target(c.portal, c.kind)
			if got != c.want || known != c.known || ok != c.ok {
				t.Errorf("got %+v, known %v, ok %v", got, known, ok)
			}
		})
	}
}

func TestEveryPaperHasATargetOnEveryPortal(t *testing.T) {
	c := portal.Default()
	for _, p := range c.Portals {
		for _, k := range c.Kinds {
			got, known, ok := c.Target(p.ID, k.ID)
			if !ok || got.MaxBytes <= 0 || got.AimBytes > got.MaxBytes || got.MaxFiles < 1 {
				t.Errorf("%s, %s: got %+v, %v", p.ID, k.ID, got, ok)
			}
			if !known && got.MaxBytes > portal.UnknownMax {
				t.Errorf("%s, %s: %d bytes without a rule", p.ID, k.ID, got.MaxBytes)
			}
		}
	}
}

func TestASizeThatWeChoseCapsTheFileButIsNotARule(t *testing.T) {
	f := portal.Field{Formats: []kiosk.Format{kiosk.FormatPDF}, MaxBytes: 500_000, Confidence: portal.Deduced}
	want := kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 500_000, AimBytes: 500_000, MaxFiles: 1}
	if got := f.Target(); got != want || f.Known() {
		t.Errorf("got %+v, known %v", got, f.Known())
	}
	f.MaxBytes = 50_000_000
	if got := f.Target(); got.MaxBytes != portal.UnknownMax {
		t.Errorf("a guess of 50 Mo was believed: %+v", got)
	}
}

func TestTheTotalOfARequestCapsAFile(t *testing.T) {
	f := portal.Field{Formats: []kiosk.Format{kiosk.FormatPDF}, MaxBytes: 10_000_000, MaxTotal: 8_000_000, Confidence: portal.Verified}
	if got := f.Target(); got.MaxBytes != 8_000_000 {
		t.Errorf("got %+v", got)
	}
}

func TestATextFallsBackToItsLanguageThenToFrench(t *testing.T) {
	text := portal.Text{"fr": "oui", "pt": "sim"}
	for lang, want := range map[string]string{"fr": "oui", "pt": "sim", "pt-BR": "sim", "ar": "oui", "": "oui", "-": "oui"} {
		if got := text.In(lang); got != want {
			t.Errorf("%q: got %q, want %q", lang, got, want)
		}
	}
}

func TestDefaultsAreNotShared(t *testing.T) {
	a, b := portal.Default(), portal.Default()
	a.Portals[0].Fields[0].Formats[0] = kiosk.FormatPNG
	a.Kinds = slices.Delete(a.Kinds, 0, 1)
	if b.Portals[0].Fields[0].Formats[0] == kiosk.FormatPNG || len(a.Kinds) == len(b.Kinds) {
		t.Error("changing one catalogue changed another")
	}
}

func BenchmarkDefault(b *testing.B) {
	for b.Loop() {
		portal.Default()
	}
}
