package console

import (
	"errors"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
)

// alertsView is the form of whom to tell.
type alertsView struct {
	Alerts
	EmailLines       string
	QuietFrom, Quiet string // times of quiet hours; "" for none
	Digest           string
	Wrong            []string
	Other            bool // somebody else has saved meanwhile
}

// secretView is a secret that is shown once.
type secretView struct{ Secret, Back string }

const maxEmails = 40

func (s *Server) alerts(w http.ResponseWriter, r *request) error {
	a, err := s.fleet.Alerts(r.Context(), r.who, r.PathValue("structure"))
	if err != nil {
		return err
	}
	return s.showAlerts(w, r, http.StatusOK, a.Name, alertsOf(a))
}

func alertsOf(a Alerts) alertsView {
	v := alertsView{Alerts: a, EmailLines: strings.Join(a.Emails, "\n")}
	if a.QuietFrom != a.QuietTo {
		v.QuietFrom, v.Quiet = clockOf(a.QuietFrom), clockOf(a.QuietTo)
	}
	if a.DigestAt >= 0 {
		v.Digest = clockOf(a.DigestAt)
	}
	return v
}

func (s *Server) showAlerts(w http.ResponseWriter, r *request, status int, name string, v alertsView) error {
	f := s.frame(r, Named{r.PathValue("structure"), name}, "alerts")
	f.Body = v
	return s.render(w, r, status, "alerts", f)
}

func (s *Server) saveAlerts(w http.ResponseWriter, r *request) error {
	structure := r.PathValue("structure")
	now, err := s.fleet.Alerts(r.Context(), r.who, structure)
	if err != nil {
		return err
	}
	a, wrong := readAlerts(r)
	v := alertsOf(a)
	v.HasSecret = now.HasSecret
	if len(wrong) > 0 {
		v.Wrong = wrong
		return s.showAlerts(w, r, http.StatusBadRequest, now.Name, v)
	}
	secret, err := s.fleet.SaveAlerts(r.Context(), r.who, structure, a)
	switch {
	case errors.Is(err, ErrConflict):
		if now, err = s.fleet.Alerts(r.Context(), r.who, structure); err != nil {
			return err
		}
		v.Other, v.Version = true, now.Version
		return s.showAlerts(w, r, http.StatusConflict, now.Name, v)
	case errors.Is(err, ErrInvalid):
		v.Wrong = []string{r.l.T("alerts", "wrong_webhook")}
		return s.showAlerts(w, r, http.StatusBadRequest, now.Name, v)
	case err != nil:
		return err
	}
	back := "/s/" + url.PathEscape(structure) + "/alerts"
	if secret != "" {
		f := s.frame(r, Named{structure, now.Name}, "alerts")
		f.Body, f.Page = secretView{secret, back}, back
		return s.render(w, r, http.StatusOK, "secret", f)
	}
	return toNote(w, r, back, "saved")
}

// readAlerts reads the form. wrong says in words what is not right.
func readAlerts(r *request) (a Alerts, wrong []string) {
	f := r.PostForm
	a = Alerts{Webhook: oneLine(f.Get("webhook")), NewSecret: f.Has("secret"), DigestAt: -1, Version: f.Get("version")}
	for _, line := range lines(f.Get("emails")) {
		email := strings.ToLower(line)
		if !validEmail(email) {
			wrong = append(wrong, r.l.T("alerts", "wrong_email", "email", line))
		}
		if !slices.Contains(a.Emails, email) {
			a.Emails = append(a.Emails, email)
		}
	}
	if len(a.Emails) > maxEmails {
		wrong = append(wrong, r.l.T("alerts", "wrong_many"))
	}
	if u, err := url.Parse(a.Webhook); a.Webhook != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil) {
		wrong = append(wrong, r.l.T("alerts", "wrong_webhook"))
	}
	from, to := f.Get("quiet-from"), f.Get("quiet-to")
	if from != "" || to != "" {
		var err1, err2 error
		a.QuietFrom, err1 = parseClock(from)
		a.QuietTo, err2 = parseClock(to)
		if err1 != nil || err2 != nil {
			wrong = append(wrong, r.l.T("alerts", "wrong_quiet"))
		}
	}
	if digest := f.Get("digest"); digest != "" {
		var err error
		if a.DigestAt, err = parseClock(digest); err != nil {
			wrong = append(wrong, r.l.T("alerts", "wrong_digest"))
		}
	}
	return a, wrong
}

// validEmail takes an address and nothing around it: it ends in the header of
// an e-mail.
func validEmail(v string) bool {
	a, err := mail.ParseAddress(v)
	return err == nil && a.Address == v && a.Name == "" && len(v) <= 254 && !strings.ContainsAny(v, "\r\n ,;<>\"")
}

func (s *Server) tryAlerts(w http.ResponseWriter, r *request) error {
	structure := r.PathValue("structure")
	if err := s.fleet.TryAlerts(r.Context(), r.who, structure); err != nil {
		return err
	}
	return toNote(w, r, "/s/"+url.PathEscape(structure)+"/alerts", "tried")
}
