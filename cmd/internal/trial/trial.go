// Package trial makes the test portal one of the portals that an agent knows:
// for the demonstration, the browser tests and the measurements.
package trial

import (
	"fmt"

	"pointnum/cmd/internal/agent"
	"pointnum/cmd/internal/testportal"
	"pointnum/kiosk"
	"pointnum/kiosk/portal"
)

// ID is the portal's and the mailbox's.
const ID = "essai"

// Browser is for an agent that shall know a test portal which runs at an
// address of loopback with a certificate (Portal.Addr and SPKI), in this
// process or in another.
func Browser(at, spki string) agent.BrowserOptions {
	local := map[string]string{}
	for _, host := range []string{testportal.HostPortal, testportal.HostSameSite, testportal.HostOther,
		testportal.HostIdentity, testportal.HostMail, testportal.HostForeign} {
		local[host] = at
	}
	return agent.BrowserOptions{
		Local: local,
		Args:  []string{"--ignore-certificate-errors-spki-list=" + spki},
		Portals: []portal.Portal{{
			ID: ID, Official: "Portail d’essai", Picture: "globe", Address: "https://" + testportal.HostPortal + "/",
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
			ID: ID, Official: "Courrier d’essai", Picture: "envelope",
			Address: "https://" + testportal.HostMail + "/", Hosts: []string{testportal.HostMail},
		}},
	}
}
