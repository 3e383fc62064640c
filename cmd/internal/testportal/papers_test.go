package testportal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/cmd/internal/testportal"
)

func TestCaseInSteps(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	v := newVisitor(t, p)
	v.logIn()
	wants(t, v.get(portalURL+"/dossier/4"), 200, "/dossier/1", "Étape 1 sur 4")
	wants(t, v.post(portalURL+"/dossier/1"), 422, "/dossier/1", "Choisissez une demande")
	wants(t, v.post(portalURL+"/dossier/1", "demande", "Aide au logement"), 200, "/dossier/2", "Étape 2 sur 4")
	wants(t, v.post(portalURL+"/dossier/2", "rue", "1 rue de l’Essai", "code-postal", "75", "ville", "Exempleville"), 422, "/dossier/2", "5 chiffres")
	wants(t, v.post(portalURL+"/dossier/2", "rue", "1 rue de l’Essai", "code-postal", "75001", "ville", "Exempleville"), 200, "/dossier/3", "Étape 3 sur 4")
	v.get(p.MailAddress()) // a second tab, elsewhere
	wants(t, v.get(portalURL+"/dossier"), 200, "/dossier/3", "Étape 3 sur 4")
	wants(t, v.get(portalURL+"/dossier/2"), 200, "/dossier/2", `value="1 rue de l’Essai"`)
	paper := pdfOf(t, v, 4000)
	wants(t, v.upload(portalURL+"/dossier/3", file{"a.txt", "text/plain", []byte("x")}), 422, "/dossier/3", "Format non accepté")
	sum := sha256.Sum256(paper)
	wants(t, v.upload(portalURL+"/dossier/3", file{"a.pdf", "application/pdf", paper}), 200, "/dossier/4", hex.EncodeToString(sum[:]))
	wants(t, v.post(portalURL+"/dossier/4"), 422, "/dossier/4", "Cochez la case")
	number := "2026-" + strings.ToUpper(hex.EncodeToString(sum[:4]))
	wants(t, v.post(portalURL+"/dossier/4", "accord", "oui"), 200, "/dossier/recu", number)
	checkPDF(t, v.get(portalURL+"/dossier/recu.pdf"), "attachment", "Récépissé "+number+".pdf")
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{SessionTime: 2 * time.Second})
	v := newVisitor(t, p)
	v.logIn()
	wants(t, v.post(portalURL+"/dossier/1", "demande", "Aide au logement"), 200, "/dossier/2", `data-session="2"`)
	if left := v.get(portalURL + "/session").body; left != "2" && left != "1" {
		t.Errorf("got %q seconds left", left)
	}
	deadline := time.Now().Add(10 * time.Second)
	for v.get(portalURL+"/session").body != "0" {
		if time.Now().After(deadline) {
			t.Fatal("asking how long the session lasts keeps it alive")
		}
		time.Sleep(100 * time.Millisecond) // pacing
	}
	wants(t, v.get(portalURL+"/dossier"), 200, "/connexion", "Votre session a expiré")
	v.logIn()
	wants(t, v.get(portalURL+"/dossier"), 200, "/dossier/1", "Étape 1 sur 4")
}

func checkPDF(t *testing.T, got page, how, name string) {
	t.Helper()
	if got.status != 200 || got.header.Get("Content-Type") != "application/pdf" {
		t.Fatalf("got %d, %s", got.status, got.header.Get("Content-Type"))
	}
	disposition, params, err := mime.ParseMediaType(got.header.Get("Content-Disposition"))
	if err != nil || disposition != how || params["filename"] != name {
		t.Errorf("got %q, %q, %v; want %q, %q", disposition, params["filename"], err, how, name)
	}
	at := filepath.Join(t.TempDir(), "paper.pdf")
	if err := os.WriteFile(at, []byte(got.body), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "qpdf", "--check", at).CombinedOutput(); err != nil {
		t.Errorf("qpdf: %v\n%s", err, out)
	}
}

func TestPapersAreValid(t *testing.T) {
	t.Parallel()
	v := newVisitor(t, start(t, testportal.Options{}))
	for id, name := range map[string]string{"attestation": "Attestation de paiement.pdf", "avis": "avis-de-situation_été_2026.pdf", "formulaire": "Formulaire n°11423.pdf"} {
		t.Run(id, func(t *testing.T) {
			checkPDF(t, v.get(portalURL+"/documents/"+id), "inline", name)
			checkPDF(t, v.get(portalURL+"/documents/"+id+"?telecharger"), "attachment", name)
			checkPDF(t, v.post(portalURL+"/documents/"+id), "attachment", name)
		})
	}
}
