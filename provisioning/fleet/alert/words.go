package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning/fleet"
)

// Say is a problem in French, as receptionists read it, and what to do.
func Say(a fleet.Alert) (problem, gesture string) {
	switch a.Name {
	case Offline:
		return "ne répond plus", "Vérifiez qu’elle est allumée et que le réseau fonctionne."
	case Help:
		return "quelqu’un attend de l’aide", "Allez voir la personne devant la borne."
	case Copied:
		return "deux appareils parlent sous son nom", "Prévenez l’administrateur : son identité est à renouveler."
	}
	for _, w := range []struct {
		code             kiosk.Code
		problem, gesture string
	}{
		{kiosk.CodePaperJam, "papier coincé", "Ouvrez l’appareil et retirez la feuille sans la déchirer."},
		{kiosk.CodeCoverOpen, "capot ouvert", "Refermez le capot."},
		{kiosk.CodePaperEmpty, "plus de papier", "Remettez du papier."},
		{kiosk.CodePaperLow, "bientôt plus de papier", "Préparez du papier."},
		{kiosk.CodeMarkerEmpty, "plus de toner ni d’encre", "Changez la cartouche."},
		{kiosk.CodeMarkerLow, "bientôt plus de toner ni d’encre", "Préparez une cartouche."},
		{kiosk.CodeCutterError, "le coupe-papier des reçus est bloqué", "Ouvrez l’imprimante à reçus et dégagez le papier."},
		{kiosk.CodeOverheated, "un appareil a trop chaud", "Laissez-le refroidir, il repart seul."},
		{kiosk.CodeUnplugged, "un appareil est débranché", "Vérifiez ses câbles et qu’il est allumé."},
		{kiosk.CodeNotResponding, "un appareil ne répond plus", "Éteignez-le et rallumez-le."},
		{kiosk.CodePowerCycle, "un appareil est bloqué", "Éteignez-le et rallumez-le."},
		{kiosk.CodeDevicePaused, "un appareil est en pause", "Regardez ce qu’il affiche."},
		{kiosk.CodeNoNetwork, "pas d’internet", "Vérifiez le réseau du lieu."},
		{kiosk.CodeBrowserBroken, "les sites ne s’ouvrent plus", "Redémarrez la borne depuis la console."},
	} {
		if w.code == a.Code {
			return w.problem, w.gesture
		}
	}
	return "un défaut", "Prévenez la personne qui s’occupe de la borne."
}

// message is what is told, before it is known to whom.
type message struct{ id, subject, text, json string }

// place is a structure as messages speak of it.
type place struct {
	s       fleet.Structure
	zone    *time.Location
	kiosks  map[string]fleet.Kiosk
	console string
	say     func(fleet.Alert) (string, string)
}

// callBody is the body of a webhook's call.
type callBody struct {
	Kind      string        `json:"kind"` // "problem", "solved", "digest", "try"
	Structure named         `json:"structure"`
	Problem   *problemBody  `json:"problem,omitempty"`
	Day       string        `json:"day,omitempty"`    // of a digest
	Kiosks    int           `json:"kiosks,omitempty"` // of a digest
	Open      []problemBody `json:"open,omitempty"`   // of a digest
	Solved    []problemBody `json:"solved,omitempty"` // of a digest: in the last 24 h
	Text      string        `json:"text"`
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type problemBody struct {
	ID    string     `json:"id"`
	Kiosk named      `json:"kiosk"`
	Name  string     `json:"name"`
	Code  string     `json:"code,omitempty"`
	Since time.Time  `json:"since"`
	Ended *time.Time `json:"ended,omitempty"`
}

func (p place) body(o fleet.Alert) problemBody {
	b := problemBody{ID: o.ID, Kiosk: named{o.Kiosk, p.label(o.Kiosk)}, Name: o.Name, Code: string(o.Code), Since: o.Since}
	if !o.Ended.IsZero() {
		b.Ended = &o.Ended
	}
	return b
}

func (p place) label(id string) string {
	if k := p.kiosks[id]; k.Label != "" {
		return k.Label
	}
	return id
}

func (p place) finish(id, subject, text string, b callBody) message {
	if p.console != "" {
		text += "\n" + p.console + "\n"
	}
	b.Structure, b.Text = named{p.s.ID, p.s.Name}, text
	j, err := json.Marshal(b)
	if err != nil {
		j = []byte("{}") // these types always marshal
	}
	return message{id: id, subject: subject, text: text, json: string(j)}
}

func (p place) problem(o fleet.Alert) message {
	what, gesture := p.say(o)
	b := p.body(o)
	return p.finish("problem-"+o.ID, p.label(o.Kiosk)+" : "+what,
		fmt.Sprintf("%s — %s : %s.\nDepuis %s.\n\n%s\n", p.s.Name, p.label(o.Kiosk), what, p.clock(o.Since), gesture), callBody{Kind: "problem", Problem: &b})
}

func (p place) solved(o fleet.Alert) message {
	what, _ := p.say(o)
	b := p.body(o)
	return p.finish("solved-"+o.ID, "Réglé — "+p.label(o.Kiosk)+" : "+what,
		fmt.Sprintf("%s — %s : c’est réglé (%s).\nDe %s à %s.\n", p.s.Name, p.label(o.Kiosk), what, p.clock(o.Since), p.clock(o.Ended)), callBody{Kind: "solved", Problem: &b})
}

// digest is one sentence, then what is wrong, then what was.
// trial is a message that says that it is only one.
func (p place) trial(now time.Time) message {
	return p.finish("try-"+newID(), "Essai — "+p.s.Name,
		fmt.Sprintf("%s : ceci est un essai, envoyé à %s. Tout va bien : vous recevrez ici les alertes des bornes.\n", p.s.Name, p.clock(now)), callBody{Kind: "try"})
}

func (p place) digest(day string, recent []fleet.Alert, now time.Time) message {
	b := callBody{Kind: "digest", Day: day}
	var open, solved []string
	bad := map[string]bool{}
	for _, o := range slices.Backward(recent) { // oldest first
		what, gesture := p.say(o)
		switch {
		case o.Ended.IsZero():
			bad[o.Kiosk] = true
			open, b.Open = append(open, fmt.Sprintf("- %s : %s, depuis %s. %s", p.label(o.Kiosk), what, p.clock(o.Since), gesture)), append(b.Open, p.body(o))
		case now.Sub(o.Ended) < 24*time.Hour:
			solved, b.Solved = append(solved, fmt.Sprintf("- %s : %s, de %s à %s.", p.label(o.Kiosk), what, p.clock(o.Since), p.clock(o.Ended))), append(b.Solved, p.body(o))
		}
	}
	for _, k := range p.kiosks {
		if k.Revoked.IsZero() {
			b.Kiosks++
		}
	}
	first := sentence(b.Kiosks, len(bad))
	text := first + "\n"
	if len(open) > 0 {
		text += "\nÀ faire :\n" + strings.Join(open, "\n") + "\n"
	}
	if len(solved) > 0 {
		text += "\nRéglé depuis hier :\n" + strings.Join(solved, "\n") + "\n"
	}
	return p.finish("digest-"+p.s.ID+"-"+day, p.s.Name+" : "+strings.TrimSuffix(first, "."), text, b)
}

func sentence(kiosks, bad int) string {
	switch {
	case kiosks == 0:
		return "Aucune borne n’est installée."
	case bad == 0 && kiosks == 1:
		return "Votre borne fonctionne."
	case bad == 0:
		return fmt.Sprintf("Vos %d bornes fonctionnent.", kiosks)
	case kiosks == 1:
		return "Votre borne a besoin de vous."
	case bad == 1:
		return fmt.Sprintf("Une borne sur %d a besoin de vous.", kiosks)
	}
	return fmt.Sprintf("%d bornes sur %d ont besoin de vous.", bad, kiosks)
}

// clock is a time as people say it.
func (p place) clock(t time.Time) string { return t.In(p.zone).Format("02/01 15:04") }

// quiet says whether the hours are. From later than To goes over midnight.
func (p place) quiet(t time.Time) bool {
	from, to := p.s.Alerts.QuietFrom, p.s.Alerts.QuietTo
	local := t.In(p.zone)
	m := local.Hour()*60 + local.Minute()
	if from <= to {
		return from <= m && m < to
	}
	return m >= from || m < to
}

// loud is t, or the end of the quiet hours that it is in.
func (p place) loud(t time.Time) time.Time {
	if !p.quiet(t) {
		return t
	}
	l, to := t.In(p.zone), p.s.Alerts.QuietTo
	end := time.Date(l.Year(), l.Month(), l.Day(), to/60, to%60, 0, 0, p.zone)
	if !end.After(t) {
		end = time.Date(l.Year(), l.Month(), l.Day()+1, to/60, to%60, 0, 0, p.zone)
	}
	return end
}

// zone is a structure's; an unknown one is Paris.
func zone(name string) *time.Location {
	if name != "" {
		if z, err := time.LoadLocation(name); err == nil {
			return z
		}
	}
	return paris()
}

// paris is where kiosks are that say nothing else; UTC on a machine that does
// not know it.
func paris() *time.Location {
	z, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.UTC
	}
	return z
}

// short is a few letters for a long text.
func short(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:6])
}
