package alert_test

import (
	"context"
	"crypto/tls"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"pointnum/provisioning/fleet"
	"pointnum/provisioning/fleet/alert"
)

func mailer(s *sink, trusting *tls.Config) *alert.Mailer {
	return &alert.Mailer{Server: s.l.Addr().String(), From: "Bornes de l’été <bornes@example.fr>", TLS: trusting}
}

func TestAMailArrivesAsItWasWritten(t *testing.T) {
	conf, trusting := certificate(t)
	subject := "Hall d’accueil : plus de papier — où est le toner ? Réserve du deuxième étage, armoire à gauche"
	text := "Bonjour,\n\nŒuf é.\n.\n..\nFrom here\n" + strings.Repeat("long ", 300) + "\n"
	for name, c := range map[string]struct {
		s    func(*sink)
		m    func(*alert.Mailer)
		want string
	}{
		"STARTTLS":        {func(*sink) {}, func(*alert.Mailer) {}, ""},
		"TLS":             {func(s *sink) { s.implicit = true }, func(m *alert.Mailer) { m.Security = alert.Implicit }, ""},
		"plain":           {func(s *sink) { s.noTLS = true }, func(m *alert.Mailer) { m.Security = alert.Plain }, ""},
		"with a password": {func(*sink) {}, func(m *alert.Mailer) { m.User, m.Password = "u", "pässword" }, "PLAIN |u|pässword"},
		"with AUTH LOGIN": {func(s *sink) { s.auth = "LOGIN" }, func(m *alert.Mailer) { m.User, m.Password = "u", "p" }, "LOGIN u p"},
		"hung up at QUIT": {func(s *sink) { s.cut = "QUIT" }, func(*alert.Mailer) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t, conf, c.s)
			m := mailer(s, trusting)
			c.m(m)
			if err := m.Send(t.Context(), "Léa <lea@example.org>", subject, text, "solved-1", "problem-1"); err != nil {
				t.Fatal(err)
			}
			until(t, "the mail", func() bool { return len(s.got()) == 1 })
			rcpt, raw, _ := strings.Cut(s.got()[0], "\r\n")
			if rcpt != "RCPT TO:<lea@example.org>" {
				t.Error(rcpt)
			}
			got, err := mail.ReadMessage(strings.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			dec := mime.WordDecoder{}
			if h, err := dec.DecodeHeader(got.Header.Get("Subject")); err != nil || h != subject {
				t.Errorf("subject %q, %v", h, err)
			}
			if from, err := got.Header.AddressList("From"); err != nil || from[0].Name != "Bornes de l’été" {
				t.Error(from, err)
			}
			if h := got.Header; h.Get("Message-ID") != "<solved-1@example.fr>" || h.Get("In-Reply-To") != "<problem-1@example.fr>" || h.Get("Auto-Submitted") != "auto-generated" {
				t.Error(h)
			}
			body, err := io.ReadAll(quotedprintable.NewReader(got.Body))
			if err != nil || strings.TrimRight(string(body), "\r\n") != strings.TrimRight(strings.ReplaceAll(text, "\n", "\r\n"), "\r\n") {
				t.Errorf("%q, %v", body, err)
			}
			for line := range strings.SplitSeq(raw, "\r\n") {
				if len(line) > 78 {
					t.Errorf("a line of %d bytes", len(line))
				}
			}
			if c.want != "" && (len(s.logins) != 1 || s.logins[0] != c.want) {
				t.Errorf("logged in as %q", s.logins)
			}
		})
	}
}

func TestAMailDoesNotGoWhereItShouldNot(t *testing.T) {
	conf, trusting := certificate(t)
	for name, c := range map[string]struct {
		s  func(*sink)
		m  func(*alert.Mailer)
		to string
	}{
		"to a server without TLS":        {func(s *sink) { s.noTLS = true }, func(*alert.Mailer) {}, "a@example.org"},
		"to a server with another name":  {func(*sink) {}, func(m *alert.Mailer) { m.TLS = trusting.Clone(); m.TLS.ServerName = "mail.example.net" }, "a@example.org"},
		"to a server nobody vouches for": {func(*sink) {}, func(m *alert.Mailer) { m.TLS = nil }, "a@example.org"},
		"to several":                     {func(*sink) {}, func(*alert.Mailer) {}, "a@example.org, b@example.org"},
		"to a header":                    {func(*sink) {}, func(*alert.Mailer) {}, "a@example.org\r\nBcc: b@example.org"},
		"refused":                        {func(s *sink) { s.answer["RCPT"] = "550 no such user" }, func(*alert.Mailer) {}, "a@example.org"},
		"later":                          {func(s *sink) { s.answer["DATA"] = "451 later" }, func(*alert.Mailer) {}, "a@example.org"},
		"cut in the middle":              {func(s *sink) { s.cut = "BODY" }, func(*alert.Mailer) {}, "a@example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t, conf, c.s)
			m := mailer(s, trusting)
			c.m(m)
			if err := m.Send(t.Context(), c.to, "a\r\nBcc: b@example.org", "b", "1", ""); err == nil {
				t.Error("it went")
			}
			if got := s.got(); len(got) != 0 {
				t.Errorf("it went: %q", got)
			}
		})
	}
	t.Run("a server that says nothing is left", func(t *testing.T) {
		stall := make(chan struct{})
		s := newSink(t, conf, func(s *sink) { s.stall = stall })
		defer close(stall)
		ctx, cancel := context.WithCancel(t.Context())
		defer time.AfterFunc(200*time.Millisecond, cancel).Stop()
		if err := mailer(s, trusting).Send(ctx, "a@example.org", "a", "b", "1", ""); err == nil {
			t.Error("it went")
		}
	})
}

func TestSettingsOfMailAreChecked(t *testing.T) {
	good := alert.Mailer{Server: "smtp.example.fr:587", From: "Bornes <bornes@example.fr>"}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*alert.Mailer){
		func(m *alert.Mailer) { m.Server = "smtp.example.fr" },
		func(m *alert.Mailer) { m.From = "bornes" },
		func(m *alert.Mailer) { m.Security = "ssl" },
		func(m *alert.Mailer) { m.Security = alert.Plain }, // over a network
	} {
		bad := good
		change(&bad)
		if err := bad.Check(); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

func TestASubjectMakesNoHeader(t *testing.T) {
	conf, trusting := certificate(t)
	s := newSink(t, conf)
	if err := mailer(s, trusting).Send(t.Context(), "a@example.org", "Hall\r\nBcc: b@example.org", "b", "1", ""); err != nil {
		t.Fatal(err)
	}
	until(t, "the mail", func() bool { return len(s.got()) == 1 })
	if got := s.got()[0]; strings.Contains(got, "\nBcc") {
		t.Error(got)
	}
}

func TestAnInvitationIsWritten(t *testing.T) {
	conf, trusting := certificate(t)
	s := newSink(t, conf)
	i := fleet.Invitation{Hash: strings.Repeat("ab", 32), Email: "luc@example.org", Name: "Luc", Expires: time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC)}
	if err := mailer(s, trusting).Invite(t.Context(), i, "https://bornes.example/join/TOKEN"); err != nil {
		t.Fatal(err)
	}
	until(t, "the mail", func() bool { return len(s.got()) == 1 })
	_, raw, _ := strings.Cut(s.got()[0], "\r\n")
	got, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(quotedprintable.NewReader(got.Body))
	if !strings.Contains(string(body), "https://bornes.example/join/TOKEN\r\n") || !strings.Contains(string(body), "25/11/2026 à 15:00") {
		t.Errorf("%s", body)
	}
}
