package alert

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"pointnum/provisioning/fleet"
)

// Security is how a mail server is spoken to.
type Security string

// The ways. The zero Security is Implicit on port 465 and StartTLS elsewhere.
const (
	StartTLS Security = "starttls" // or not at all
	Implicit Security = "tls"      // from the first byte
	Plain    Security = "plain"    // to a mail server on this machine
)

// mailTimeout is for one whole message.
const mailTimeout = 45 * time.Second

// Mailer sends e-mails through one mail server (RFC 5321, submission of
// RFC 6409). Its fields are not changed after first use.
type Mailer struct {
	Server   string // host:port
	Security Security
	User     string // "" for no login
	Password string
	From     string           // "Bornes <bornes@example.fr>"
	Host     string           // our own name, in EHLO and Message-ID; "" is the domain of From
	TLS      *tls.Config      // nil for the system's certificates
	Now      func() time.Time // nil is time.Now
	// Name is the service's, in invitations; "" is "Bornes".
	Name string
}

// errRefused says that trying again does not help.
var errRefused = errors.New("alert: refused for good")

// Check says what is wrong with the fields.
func (m *Mailer) Check() error {
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil {
		return fmt.Errorf("alert: the mail server: %w", err)
	}
	if ip := net.ParseIP(host); m.Security == Plain && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return errors.New("alert: plain mail is for a server on this machine: invitations hold secrets")
	}
	if _, err := mail.ParseAddress(m.From); err != nil {
		return fmt.Errorf("alert: the sender: %w", err)
	}
	if !slices.Contains([]Security{"", StartTLS, Implicit, Plain}, m.Security) {
		return fmt.Errorf("alert: %q is no security of mail", m.Security)
	}
	return nil
}

// Send sends a plain text to one address. id makes the Message-ID, so that a
// message that goes out twice is one where it arrives; reply is the id of the
// message that it answers, "" for none.
func (m *Mailer) Send(ctx context.Context, to, subject, text, id, reply string) error {
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	from, err := mail.ParseAddress(m.From)
	if err != nil {
		return fmt.Errorf("alert: the sender: %w", err)
	}
	rcpt, err := mail.ParseAddress(to)
	if err != nil {
		return fmt.Errorf("%w: the address", errRefused)
	}
	body, err := m.message(from, rcpt, subject, text, id, reply)
	if err != nil {
		return err
	}
	err = m.deliver(ctx, from.Address, rcpt.Address, body)
	if ctx.Err() != nil {
		return fmt.Errorf("alert: send a mail: %w", context.Cause(ctx))
	}
	if p, ok := errors.AsType[*textproto.Error](err); ok && p.Code >= 550 && p.Code < 560 {
		return fmt.Errorf("%w: the mail server answers %d", errRefused, p.Code)
	}
	if err != nil {
		return fmt.Errorf("alert: send a mail: %w", err)
	}
	return nil
}

func (m *Mailer) deliver(ctx context.Context, from, to string, body []byte) error {
	c, err := m.connect(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if m.User != "" {
		if err := c.Auth(m.auth(c)); err != nil {
			return err
		}
	}
	if err := c.Mail(from); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(body); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	// It is delivered; a server that hangs up now has it all the same.
	_ = c.Quit()
	return nil
}

// connect greets the server, over TLS unless it is Plain. The connection ends
// with ctx.
func (m *Mailer) connect(ctx context.Context) (*smtp.Client, error) {
	host, port, err := net.SplitHostPort(m.Server)
	if err != nil {
		return nil, err
	}
	conf := &tls.Config{}
	if m.TLS != nil {
		conf = m.TLS.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName = host
	}
	how := m.Security
	if how == "" && port == "465" {
		how = Implicit
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return nil, err
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
	}
	raw := conn
	context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Unix(1, 0)) })
	if how == Implicit {
		conn = tls.Client(conn, conf)
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if err := c.Hello(m.host()); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if how == Implicit || how == Plain {
		return c, nil
	}
	if ok, _ := c.Extension("STARTTLS"); !ok {
		return nil, errors.Join(errors.New("the mail server offers no STARTTLS"), c.Close())
	}
	if err := c.StartTLS(conf); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (m *Mailer) host() string {
	if m.Host != "" {
		return m.Host
	}
	if a, err := mail.ParseAddress(m.From); err == nil {
		return a.Address[strings.LastIndexByte(a.Address, '@')+1:]
	}
	return "localhost"
}

// auth is PLAIN, or LOGIN with servers that have nothing else.
func (m *Mailer) auth(c *smtp.Client) smtp.Auth {
	_, offered := c.Extension("AUTH")
	words := strings.Fields(strings.ToUpper(offered))
	host, _, _ := net.SplitHostPort(m.Server)
	if !slices.Contains(words, "PLAIN") && slices.Contains(words, "LOGIN") {
		return &login{m.User, m.Password}
	}
	return smtp.PlainAuth("", m.User, m.Password, host)
}

// login is AUTH LOGIN, which has no standard; two questions, two answers.
type login struct{ user, password string }

func (l *login) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS {
		return "", nil, errors.New("no password without TLS")
	}
	return "LOGIN", nil, nil
}

func (l *login) Next(question []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case strings.HasPrefix(strings.ToLower(string(question)), "user"):
		return []byte(l.user), nil
	}
	return []byte(l.password), nil
}

// message is one of RFC 5322 with a text of RFC 2045.
func (m *Mailer) message(from, to *mail.Address, subject, text, id, reply string) ([]byte, error) {
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	var b bytes.Buffer
	header := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	header("From", from.String())
	header("To", to.String())
	header("Subject", encoded(subject))
	header("Date", now().Format(time.RFC1123Z))
	header("Message-ID", m.messageID(id))
	if reply != "" {
		header("In-Reply-To", m.messageID(reply))
		header("References", m.messageID(reply))
	}
	header("Auto-Submitted", "auto-generated") // RFC 3834: no answer, please
	header("MIME-Version", "1.0")
	header("Content-Type", "text/plain; charset=utf-8")
	header("Content-Transfer-Encoding", "quoted-printable")
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	if _, err := q.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n"))); err != nil {
		return nil, fmt.Errorf("alert: write a mail: %w", err)
	}
	if err := q.Close(); err != nil {
		return nil, fmt.Errorf("alert: write a mail: %w", err)
	}
	b.WriteString("\r\n")
	return b.Bytes(), nil
}

// encoded is a header's text: as it is when it is short and plain, else in
// encoded words, each on a line of at most 76 bytes (RFC 2047 §2), the first
// behind the header's name.
func encoded(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= 60 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return s
	}
	var words []string
	for len(s) > 0 {
		n := min(39, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n--
		}
		words = append(words, "=?utf-8?b?"+base64.StdEncoding.EncodeToString([]byte(s[:n]))+"?=")
		s = s[n:]
	}
	return strings.Join(words, "\r\n ")
}

func (m *Mailer) messageID(id string) string { return "<" + id + "@" + m.host() + ">" }

// Invite sends the link of an invitation; it is people.Mail. The link is a
// secret and goes at once: it never lies in the outbox.
func (m *Mailer) Invite(ctx context.Context, i fleet.Invitation, link string) error {
	name := m.Name
	if name == "" {
		name = "Bornes"
	}
	what := "Vous êtes invité·e à suivre les bornes de votre structure."
	if i.Person != "" {
		what = "Voici un lien pour vous connecter à nouveau. Vos anciens moyens de connexion ne serviront plus."
	}
	text := "Bonjour " + i.Name + ",\n\n" + what + "\n\nOuvrez ce lien sur votre poste de travail :\n" + link +
		"\n\nIl fonctionne une seule fois, jusqu’au " + i.Expires.In(paris()).Format("02/01/2006 à 15:04") +
		".\nSi vous n’attendiez pas ce message, ne faites rien.\n"
	return m.Send(ctx, i.Email, name+" : votre invitation", text, "invitation-"+i.Hash[:min(16, len(i.Hash))], "")
}
