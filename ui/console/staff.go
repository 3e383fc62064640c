package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"pointnum/kiosk"
)

// peopleView is who works at a structure.
type peopleView struct {
	People  []personView
	Invited []invitedView
	Roles   []Role
	Mail    bool
}

type personView struct {
	Person
	Roles []Role // that may be given to them
}

type invitedView struct {
	Invitation
	Until string
}

// linkView is an invitation that was just made.
type linkView struct {
	Email, Link string
	QR          *qrView
	Back        string
}

// codesView are the codes for new kiosks.
type codesView struct {
	Codes  []codeView
	Kiosks []Named
}

type codeView struct {
	Label, Replaces, By, Made, Status string
	Used, Over                        bool
}

// newCodeView is a code that is shown once.
type newCodeView struct {
	Label, Text, Until, Back string
	QR                       *qrView
}

// auditView is the log of who did what.
type auditView struct {
	Lines []auditRow
	Older string
	CSV   string
}

type auditRow struct {
	When, Name, From, Kiosk, What, Detail string
	OK                                    bool
}

func (s *Server) staffRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /s/{structure}/people", s.private(s.people))
	mux.HandleFunc("POST /s/{structure}/people", s.private(s.invite))
	mux.HandleFunc("GET /s/{structure}/people/{person}/disable", s.private(s.askDisable))
	mux.HandleFunc("POST /s/{structure}/people/{person}/{what}", s.private(s.changePerson))
	mux.HandleFunc("GET /s/{structure}/codes", s.private(s.codes))
	mux.HandleFunc("POST /s/{structure}/codes", s.private(s.newCode))
	mux.HandleFunc("GET /s/{structure}/audit", s.private(s.audit))
	mux.HandleFunc("GET /s/{structure}/audit.csv", s.private(s.auditCSV))
}

func peoplePath(structure string) string { return "/s/" + url.PathEscape(structure) + "/people" }

func (s *Server) people(w http.ResponseWriter, r *request) error {
	team, err := s.fleet.People(r.Context(), r.who, r.PathValue("structure"))
	if err != nil {
		return err
	}
	v := peopleView{Roles: team.Roles, Mail: team.Mail}
	for _, p := range team.People {
		pv := personView{Person: p, Roles: team.Roles}
		if !slices.Contains(pv.Roles, p.Role) {
			pv.Roles = nil // of somebody above
		}
		v.People = append(v.People, pv)
	}
	for _, i := range team.Invited {
		v.Invited = append(v.Invited, invitedView{i, s.when(r.l, i.Expires)})
	}
	f := s.frame(r, Named{r.PathValue("structure"), team.Name}, "people")
	f.Body = v
	return s.render(w, r, http.StatusOK, "people", f)
}

func (s *Server) invite(w http.ResponseWriter, r *request) error {
	structure := r.PathValue("structure")
	i := Invite{
		Name: oneLine(r.PostForm.Get("name")), Email: strings.ToLower(oneLine(r.PostForm.Get("email"))),
		Role: Role(r.PostForm.Get("role")), Password: r.PostForm.Has("password"),
	}
	if i.Name == "" || kiosk.CheckLine(i.Name) != nil || !validEmail(i.Email) || i.Role == "" {
		return toNote(w, r, peoplePath(structure), "invalid")
	}
	made, err := s.fleet.Invite(r.Context(), r.who, structure, i)
	if errors.Is(err, ErrConflict) {
		return toNote(w, r, peoplePath(structure), "conflict")
	}
	if err != nil {
		return err
	}
	return s.showInvited(w, r, made)
}

func (s *Server) showInvited(w http.ResponseWriter, r *request, made Invited) error {
	structure := r.PathValue("structure")
	v := linkView{Email: made.Email, Link: made.Link, Back: peoplePath(structure)}
	if made.Link != "" {
		var err error
		if v.QR, err = drawQR(made.Link); err != nil {
			return err
		}
	}
	f := s.frame(r, Named{ID: structure}, "people")
	f.Body, f.Page = v, v.Back
	return s.render(w, r, http.StatusOK, "invited", f)
}

// find is a person of the structure, as who asks sees them.
func (s *Server) find(r *request) (Team, Person, error) {
	team, err := s.fleet.People(r.Context(), r.who, r.PathValue("structure"))
	if err != nil {
		return Team{}, Person{}, err
	}
	for _, p := range team.People {
		if p.ID == r.PathValue("person") {
			return team, p, nil
		}
	}
	return Team{}, Person{}, ErrNotFound
}

func (s *Server) askDisable(w http.ResponseWriter, r *request) error {
	team, p, err := s.find(r)
	if err != nil {
		return err
	}
	back := peoplePath(r.PathValue("structure"))
	f := s.frame(r, Named{r.PathValue("structure"), team.Name}, "people")
	v := confirmView{
		Title: r.l.T("ask", "disable", "name", p.Name), Text: r.l.T("ask_text", "disable"), Yes: r.l.T("ask_yes", "disable"),
		Picture: "lock-key", To: back + "/" + url.PathEscape(p.ID) + "/disable", Back: back,
	}
	f.Title, f.Body = v.Title, v
	return s.render(w, r, http.StatusOK, "confirm", f)
}

func (s *Server) changePerson(w http.ResponseWriter, r *request) error {
	ctx, id := r.Context(), r.PathValue("person")
	var err error
	word := ""
	switch r.PathValue("what") {
	case "role":
		word, err = "role", s.fleet.SetRole(ctx, r.who, id, Role(r.PostForm.Get("role")))
	case "disable":
		word, err = "disabled", s.fleet.Disable(ctx, r.who, id, true)
	case "enable":
		word, err = "enabled", s.fleet.Disable(ctx, r.who, id, false)
	case "confirm":
		word, err = "confirmed", s.fleet.Confirm(ctx, r.who, id)
	case "withdraw": // person is the invitation
		word, err = "withdrawn", s.fleet.Withdraw(ctx, r.who, id)
	case "reinvite":
		made, err := s.fleet.Reinvite(ctx, r.who, id)
		if err != nil {
			return err
		}
		return s.showInvited(w, r, made)
	default:
		return ErrNotFound
	}
	if errors.Is(err, ErrInvalid) {
		word, err = "last", nil
	}
	if err != nil {
		return err
	}
	return toNote(w, r, peoplePath(r.PathValue("structure")), word)
}

func (s *Server) codes(w http.ResponseWriter, r *request) error {
	structure := r.PathValue("structure")
	codes, err := s.fleet.Codes(r.Context(), r.who, structure)
	if err != nil {
		return err
	}
	h, err := s.fleet.Home(r.Context(), r.who, structure)
	if err != nil {
		return err
	}
	v := codesView{}
	for _, c := range codes {
		cv := codeView{Label: c.Label, Replaces: c.Replaces, By: c.By, Made: s.when(r.l, c.Created)}
		switch {
		case !c.Used.IsZero():
			cv.Used, cv.Status = true, r.l.T("codes", "used", "when", s.when(r.l, c.Used))
		case c.Expires.Before(s.now()):
			cv.Over, cv.Status = true, r.l.T("codes", "over")
		default:
			cv.Status = r.l.T("codes", "until", "when", s.when(r.l, c.Expires))
		}
		v.Codes = append(v.Codes, cv)
	}
	for _, c := range h.Cards {
		v.Kiosks = append(v.Kiosks, Named{c.ID, c.Label})
	}
	f := s.frame(r, Named{structure, h.Structure.Name}, "codes")
	f.Body = v
	return s.render(w, r, http.StatusOK, "codes", f)
}

func (s *Server) newCode(w http.ResponseWriter, r *request) error {
	structure := r.PathValue("structure")
	back := "/s/" + url.PathEscape(structure) + "/codes"
	label := oneLine(r.PostForm.Get("label"))
	if label == "" || kiosk.CheckLine(label) != nil {
		return toNote(w, r, back, "empty")
	}
	c, err := s.fleet.NewCode(r.Context(), r.who, structure, label, r.PostForm.Get("replaces"))
	if err != nil {
		return err
	}
	v := newCodeView{Label: label, Text: c.Text, Until: s.when(r.l, c.Expires), Back: back}
	if v.QR, err = drawQR(c.Text); err != nil {
		return err
	}
	f := s.frame(r, Named{ID: structure}, "codes")
	f.Body, f.Page = v, back
	return s.render(w, r, http.StatusOK, "newcode", f)
}

func (s *Server) audit(w http.ResponseWriter, r *request) error {
	structure := r.PathValue("structure")
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64) // 0 is the newest
	list, err := s.fleet.Audit(r.Context(), r.who, structure, max(0, before), pageSize, false)
	if err != nil {
		return err
	}
	base := "/s/" + url.PathEscape(structure) + "/audit"
	v := auditView{CSV: base + ".csv"}
	for _, a := range list {
		v.Lines = append(v.Lines, auditRow{
			When: s.when(r.l, a.At), Name: a.Name, From: a.From, Kiosk: a.Kiosk, What: actionName(r, a.Action), Detail: a.Detail, OK: a.OK,
		})
	}
	if len(list) == pageSize {
		v.Older = base + "?before=" + strconv.FormatInt(list[len(list)-1].N, 10)
	}
	f := s.frame(r, Named{ID: structure}, "audit")
	f.Body = v
	return s.render(w, r, http.StatusOK, "audit", f)
}

// actionName is the text of an action, or the action's own word.
func actionName(r *request, action string) string {
	id := strings.NewReplacer("/", "_", "-", "_").Replace(action)
	if text := r.l.T("action", id); text != id {
		return text
	}
	return action
}

// The log leaves in pieces, and not without an end.
const (
	auditPiece = 500
	maxAudit   = 100_000
)

func (s *Server) auditCSV(w http.ResponseWriter, r *request) error {
	structure, l := r.PathValue("structure"), r.l
	lines := [][]string{{
		l.T("audit", "n"), l.T("audit", "when"), l.T("audit", "who"), l.T("audit", "from"), l.T("audit", "kiosk"),
		l.T("audit", "action"), l.T("audit", "detail"), l.T("audit", "result"),
	}}
	before := int64(0)
	for len(lines) < maxAudit {
		list, err := s.fleet.Audit(r.Context(), r.who, structure, before, auditPiece, before == 0)
		if err != nil {
			return err
		}
		for _, a := range list {
			result := l.T("audit", "ok")
			if !a.OK {
				result = l.T("audit", "refused")
			}
			lines = append(lines, []string{
				strconv.FormatInt(a.N, 10), a.At.UTC().Format(time.RFC3339), a.Name, a.From, a.Kiosk, a.Action, a.Detail, result,
			})
			before = a.N
		}
		if len(list) < auditPiece || before <= 1 {
			break
		}
	}
	return sendCSV(w, "audit-"+s.now().In(s.zone).Format(dayFormat)+".csv", lines)
}
