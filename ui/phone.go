package ui

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/boombuler/barcode/qr"

	"pointnum/kiosk"
	"pointnum/kiosk/session"
	"pointnum/ui/i18n"
)

// phoneView is the visitor's phone while its screen is shown. What the QR code
// says is in its picture only.
type phoneView struct {
	QR      string `json:"qr"` // its picture; "" while there is none
	Code    string `json:"code"`
	Trouble string `json:"trouble"` // why there is no code, or a code again
	Giving  bool   `json:"giving"`  // a document goes to it
	Added   string `json:"added"`   // how many of its files were taken; "" none
}

// phoneOf puts the phone in words; nil while its screen is not shown.
func (s *Server) phoneOf(l *i18n.Language, st *session.State) *phoneView {
	p := st.Phone
	if p == nil {
		return nil
	}
	v := &phoneView{Code: p.Code, Giving: p.Giving, Trouble: phoneTrouble(l, p.Trouble)}
	if p.Address != "" {
		v.QR = "/phone-code/" + codeName(p.Address)
	}
	if p.Added > 0 {
		v.Added = l.N("phone", "added", p.Added)
	}
	return v
}

func phoneTrouble(l *i18n.Language, c kiosk.Code) string {
	switch c {
	case "":
		return ""
	case kiosk.CodePhoneLost:
		return l.T("phone", "lost")
	case kiosk.CodeNoNetwork:
		return l.T("phone", "no_network")
	default:
		return l.T("phone", "not_here")
	}
}

// phoneSection is the part of the page that shows how far the phone is.
func phoneSection(p *session.Phone) string {
	switch {
	case p.Accepted:
		return "phone-ready"
	case p.Code != "":
		return "phone-code"
	default:
		return "phone"
	}
}

// phoned is the button that sends a document to the phone.
func phoned(l *i18n.Language, st *session.State, done bool) actionView {
	return deliver(l, session.Slot{Present: st.Phones, Ready: true}, done, "phone", "phoned", "phone_how")
}

// phoneAction makes the actions on the visitor's phone.
func phoneAction(name string, q request) session.Action {
	switch name {
	case "open-phone":
		return session.OpenPhone{}
	case "send-to-phone":
		return session.SendToPhone{}
	case "accept-phone":
		return session.AcceptPhone{Code: q.Code}
	case "other-phone":
		return session.OtherPhone{}
	case "close-phone":
		return session.ClosePhone{}
	default:
		return nil
	}
}

// codeName names the picture of a QR code, and does not tell what it says.
func codeName(address string) string {
	sum := sha256.Sum256([]byte(address))
	return hex.EncodeToString(sum[:8])
}

// servePhoneCode shows the QR code of the moment.
func (s *Server) servePhoneCode(w http.ResponseWriter, r *http.Request) {
	st, _ := s.engine.State().Load()
	if st.Phone == nil || st.Phone.Address == "" || codeName(st.Phone.Address) != r.PathValue("id") {
		http.NotFound(w, r)
		return
	}
	svg, err := drawCode(st.Phone.Address)
	if err != nil {
		s.log.Error("code for phones not drawn")
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/svg+xml")
	if _, err := w.Write(svg); err != nil {
		s.log.Debug("code for phones not sent", "err", err)
	}
}

// quietZone is the white around a QR code, in modules (ISO/IEC 18004, 9.1).
const quietZone = 4

// drawCode draws a QR code: one path, a step for each run of dark modules.
func drawCode(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("ui: code: %w", err)
	}
	size := code.Bounds().Dx()
	dark := func(x, y int) bool {
		if x >= size {
			return false
		}
		r, _, _, _ := code.At(x, y).RGBA()
		return r == 0
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %[1]d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%[1]dv%[1]dH0z"/><path d="`, size+2*quietZone)
	for y := range size {
		for x := 0; x < size; x++ {
			from := x
			for dark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%[3]dz", from+quietZone, y+quietZone, x-from)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes(), nil
}
