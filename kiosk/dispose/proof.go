package dispose

import (
	"fmt"
	"strings"
	"time"
)

// Proof says what was erased, for the structure's files. It holds nothing of
// a visitor.
type Proof struct {
	Words    int       `json:"words"`
	At       time.Time `json:"at"`
	Version  string    `json:"version"`           // of the program that erased
	Machine  string    `json:"machine"`           // make, model and serial number, as the firmware says
	Disk     string    `json:"disk,omitempty"`    // model and serial number, as the disk says
	Kiosk    string    `json:"kiosk,omitempty"`   // its ID at the supervision
	Revoked  bool      `json:"revoked"`           // the supervision refuses it from now on
	Why      string    `json:"why,omitempty"`     // not; French
	Regions  []Region  `json:"regions,omitempty"` // of the disk
	Files    int       `json:"files,omitempty"`   // erased one by one
	Whole    bool      `json:"whole"`             // the system, too
	Verdict  bool      `json:"verdict"`           // all of it was erased and read back
	Mistakes []string  `json:"mistakes,omitempty"`
}

// Text is the proof in French, to keep or to print.
func (p Proof) Text() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("PREUVE D’EFFACEMENT D’UNE BORNE")
	line("")
	line("Date          : %s", p.At.Format("02/01/2006 15:04:05 -07:00"))
	line("Machine       : %s", orNone(p.Machine))
	line("Disque        : %s", orNone(p.Disk))
	line("Borne         : %s", orNone(p.Kiosk))
	line("Programme     : %s", p.Version)
	switch {
	case p.Kiosk == "":
		line("Supervision   : la borne n’était pas inscrite")
	case p.Revoked:
		line("Supervision   : la borne y est révoquée")
	default:
		line("Supervision   : NON révoquée (%s). Révoquez-la dans la console.", p.Why)
	}
	line("")
	for _, r := range p.Regions {
		verdict := "effacé et relu"
		if !r.OK {
			verdict = "NON EFFACÉ"
		}
		line("%s : %s", r.Name, verdict)
		line("  %d octets mis à zéro, %d relus sur le disque", r.Bytes, r.Checked)
		line("  sha256 de ce qui a été relu   %s", r.SHA256)
		line("  sha256 d’autant de zéros      %s", r.Zeros)
	}
	if p.Files > 0 {
		line("%d fichiers recouverts de zéros et enlevés", p.Files)
	}
	for _, m := range p.Mistakes {
		line("FAUTE : %s", m)
	}
	line("")
	switch {
	case p.Verdict && p.Whole:
		line("VERDICT : tout le disque est effacé. La machine ne démarre plus sans nouvelle installation.")
	case p.Verdict && len(p.Regions) > 0:
		line("VERDICT : tout ce qui était propre à cette borne est effacé. Le système, sans donnée, reste.")
	case p.Verdict:
		line("VERDICT : les fichiers de la borne sont effacés. Le disque sert aussi à autre chose : pour le donner,")
		line("effacez-le en entier.")
	default:
		line("VERDICT : L’EFFACEMENT N’EST PAS PROUVÉ. Recommencez, ou détruisez le disque.")
	}
	return b.String()
}

func orNone(s string) string {
	if s == "" {
		return "inconnue"
	}
	return s
}
