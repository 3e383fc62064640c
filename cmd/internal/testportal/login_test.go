package testportal_test

import (
	"testing"

	"pointnum/cmd/internal/testportal"
)

func TestLogin(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	t.Run("a mailed code lets in, once", func(t *testing.T) {
		v := newVisitor(t, p)
		v.logIn()
		wants(t, v.post(portalURL+"/connexion/code", "code", p.Code()), 403, "/connexion/code", "Demandez d’abord un code")
	})
	t.Run("a wrong code is refused, the right one still works", func(t *testing.T) {
		v := newVisitor(t, p)
		v.post(portalURL+"/connexion", "adresse", testportal.MailUser)
		wrong := "000000"
		if p.Code() == wrong {
			wrong = "000001"
		}
		wants(t, v.post(portalURL+"/connexion/code", "code", wrong), 403, "/connexion/code", "n’est pas le bon")
		wants(t, v.post(portalURL+"/connexion/code", "code", p.Code()[:3]+" "+p.Code()[3:]), 200, "/espace", "data-logged-in")
	})
	t.Run("five wrong codes end the try", func(t *testing.T) {
		v := newVisitor(t, p)
		v.post(portalURL+"/connexion", "adresse", testportal.MailUser)
		var last page
		for range 5 {
			last = v.post(portalURL+"/connexion/code", "code", "x")
		}
		wants(t, last, 403, "/connexion/code", "Trop d’essais")
		wants(t, v.post(portalURL+"/connexion/code", "code", p.Code()), 403, "/connexion/code", "Demandez d’abord un code")
	})
	t.Run("an unknown address is refused", func(t *testing.T) {
		wants(t, newVisitor(t, p).post(portalURL+"/connexion", "adresse", "x@example.org"), 422, "/connexion", "n’est pas connue")
	})
	t.Run("the webmail refuses a wrong password", func(t *testing.T) {
		wants(t, newVisitor(t, p).post(p.MailAddress()+"entrer", "adresse", testportal.MailUser, "mot-de-passe", "x"), 403, "/entrer", "n’est pas le bon")
	})
	t.Run("pages of the space send strangers to the login", func(t *testing.T) {
		wants(t, newVisitor(t, p).get(portalURL+"/espace"), 200, "/connexion", "Se connecter")
	})
	t.Run("leaving ends the session", func(t *testing.T) {
		v := newVisitor(t, p)
		v.logIn()
		v.post(portalURL + "/deconnexion")
		wants(t, v.get(portalURL+"/espace"), 200, "/connexion", "Se connecter")
	})
}

func TestLoginByIdentityProvider(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{})
	v := newVisitor(t, p)
	there := v.get(portalURL + "/connexion/identite")
	wants(t, there, 200, "/autoriser", "Assurance Maladie")
	if there.url.Host != testportal.HostIdentity {
		t.Fatalf("got to %s", there.url.Host)
	}
	state := there.url.Query().Get("etat")
	account := "https://" + testportal.HostIdentity + "/compte"
	wants(t, v.post(account, "etat", state, "identifiant", testportal.IdentityUser, "mot-de-passe", "x"), 403, "/compte", "n’est pas le bon")
	back := v.post(account, "etat", state, "identifiant", testportal.IdentityUser, "mot-de-passe", testportal.IdentityPassword)
	wants(t, back, 200, "/espace", "data-logged-in")
	wants(t, newVisitor(t, p).get(portalURL+"/connexion/retour?etat="+state+"&code=x"), 403, "/connexion/retour", "Recommencez")
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	p := start(t, testportal.Options{CodeTime: 1})
	v := newVisitor(t, p)
	v.post(portalURL+"/connexion", "adresse", testportal.MailUser)
	wants(t, v.post(portalURL+"/connexion/code", "code", p.Code()), 403, "/connexion/code", "n’est plus valable")
}
