package alert_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// sink is a mail server that keeps what it gets, and can be turned to
// misbehave.
type sink struct {
	t    *testing.T
	l    net.Listener
	conf *tls.Config // the server's
	wg   sync.WaitGroup

	implicit bool              // TLS from the first byte
	noTLS    bool              // offers none
	auth     string            // what it offers: "PLAIN LOGIN"
	cut      string            // hangs up at this command
	answer   map[string]string // to a command instead of the right one
	stall    chan struct{}     // waits for it before it greets

	mu     sync.Mutex
	mails  []string // whole, with "RCPT …" above
	conns  []net.Conn
	logins []string
}

// certificate is one for 127.0.0.1 and how to trust it.
func certificate(t *testing.T) (server, trusting *tls.Config) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: pool}
}

func newSink(t *testing.T, conf *tls.Config, change ...func(*sink)) *sink {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &sink{t: t, l: l, conf: conf, auth: "PLAIN", answer: map[string]string{}}
	for _, f := range change {
		f(s)
	}
	s.wg.Go(s.accept)
	t.Cleanup(s.close)
	return s
}

func (s *sink) accept() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns = append(s.conns, c)
		s.mu.Unlock()
		s.wg.Go(func() {
			defer c.Close()
			s.serve(c)
		})
	}
}

func (s *sink) close() {
	_ = s.l.Close()
	s.mu.Lock()
	for _, c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *sink) got() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.mails...)
}

// serve speaks RFC 5321 as far as it is needed.
func (s *sink) serve(c net.Conn) {
	if s.stall != nil {
		<-s.stall
	}
	if s.implicit {
		c = tls.Server(c, s.conf)
	}
	r := bufio.NewReader(c)
	say := func(f string, a ...any) { fmt.Fprintf(c, f+"\r\n", a...) }
	say("220 sink")
	rcpt := ""
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, _, _ := strings.Cut(strings.ToUpper(line), " ")
		if verb == s.cut {
			return
		}
		s.mu.Lock()
		a, ok := s.answer[verb]
		s.mu.Unlock()
		if ok {
			say("%s", a)
			continue
		}
		switch verb {
		case "EHLO":
			_, secure := c.(*tls.Conn)
			say("250-sink")
			if !secure && !s.noTLS {
				say("250-STARTTLS")
			}
			if secure {
				say("250-AUTH %s", s.auth)
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go on")
			c = tls.Server(c, s.conf)
			r = bufio.NewReader(c)
		case "AUTH":
			s.login(line, r, say)
		case "RCPT":
			rcpt = line
			say("250 ok")
		case "DATA":
			say("354 go on")
			if !s.data(rcpt, r) {
				return
			}
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *sink) login(line string, r *bufio.Reader, say func(string, ...any)) {
	f := strings.Fields(line)
	words := f[2:]
	if f[1] == "LOGIN" {
		for _, q := range []string{"Username:", "Password:"} {
			say("334 %s", base64.StdEncoding.EncodeToString([]byte(q)))
			l, _ := r.ReadString('\n')
			words = append(words, strings.TrimSpace(l))
		}
	}
	plain := f[1]
	for _, w := range words {
		b, _ := base64.StdEncoding.DecodeString(w)
		plain += " " + string(b)
	}
	s.mu.Lock()
	s.logins = append(s.logins, strings.ReplaceAll(plain, "\x00", "|"))
	s.mu.Unlock()
	say("235 welcome")
}

func (s *sink) data(rcpt string, r *bufio.Reader) bool {
	var b strings.Builder
	b.WriteString(rcpt + "\r\n")
	for n := 0; ; n++ {
		line, err := r.ReadString('\n')
		if err != nil || s.cut == "BODY" && n > 3 {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	s.mu.Lock()
	s.mails = append(s.mails, b.String())
	s.mu.Unlock()
	return true
}

// until waits for a state.
func until(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for ", what)
		}
	}
}
