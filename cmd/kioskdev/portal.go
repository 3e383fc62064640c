package main

import (
	"fmt"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk"
	"pointnum/kiosk/portal"
)

// trial adds the test portal and its webmail to what the agent knows.
func trial(p *testportal.Portal) agent.BrowserOptions {
	local := map[string]string{}
	for _, host := range p.Hosts() {
		local[host] = p.Addr()
	}
	return agent.BrowserOptions{
		Local: local,
		Args:  []string{"--ignore-certificate-errors-spki-list=" + p.SPKI()},
		Portals: []portal.Portal{{
			ID: "essai", Official: "Portail d’essai", Picture: "globe", Address: p.Address(),
			Gloss: portal.Text{
				"fr": fmt.Sprintf("Un faux site pour apprendre : %s, mot de passe %s", testportal.MailUser, testportal.MailPassword),
				"en": fmt.Sprintf("A practice site: %s, password %s", testportal.MailUser, testportal.MailPassword),
				"ar": fmt.Sprintf("موقع للتدرّب: %s، كلمة السر %s", testportal.MailUser, testportal.MailPassword),
			},
			Hosts: []string{testportal.HostPortal, testportal.HostSameSite, testportal.HostOther, testportal.HostIdentity},
			Next: portal.Text{
				"fr": "Rien : ce site n’envoie vos papiers à personne.",
				"en": "Nothing: this site sends your papers to nobody.",
				"ar": "لا شيء: هذا الموقع لا يرسل أوراقك إلى أحد.",
			},
			Fields: []portal.Field{{
				ID: "other", Name: portal.Text{"fr": "Vos papiers"}, Formats: []kiosk.Format{kiosk.FormatPDF, kiosk.FormatJPEG},
				Source: "ce site", Confidence: portal.Unknown,
			}},
		}},
		Mailboxes: []portal.Mailbox{{
			ID: "essai", Official: "Courrier d’essai", Picture: "envelope",
			Address: p.MailAddress(), Hosts: []string{testportal.HostMail},
		}},
	}
}
