// Package testportal is a public portal that does not exist: the sites on
// which the portal browser is tested and demonstrated. One listener on
// loopback serves several hosts with real TLS, told apart by their names:
//
//	portail.test        the portal: login, forms, papers, printing, escapes
//	depot.portail.test  a second host of the same site, for frames
//	pieces.autre.test   another site, for frames in a process of their own
//	connexion.test      an identity provider: redirect there and back
//	courrier.test       the webmail that gets the portal's codes
//	ailleurs.test       a host that must never be reached; it counts who does
//
// The first three have the upload forms of Forms, written in the ways portals
// write them, and check what they get by its content. The page of Escapes tries
// to leave. Nothing is written to a disk, but what visitors send stays in memory
// until Forget or Close: a proof that nothing is left must run the portal in
// another process.
package testportal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The hosts of the portal.
const (
	HostPortal   = "portail.test"       // the portal
	HostSameSite = "depot.portail.test" // frames and uploads of the same site
	HostOther    = "pieces.autre.test"  // frames of another site
	HostIdentity = "connexion.test"     // the identity provider
	HostMail     = "courrier.test"      // the webmail
	HostForeign  = "ailleurs.test"      // must never be reached
)

// The accounts, which the pages name too. Every other address at courrier.test
// also has a mailbox, with the same password.
const (
	MailUser         = "camille@courrier.test" // at the portal and the webmail
	MailPassword     = "bonjour-2026"
	IdentityUser     = "camille"
	IdentityPassword = "mot-de-passe-2026"
)

const (
	defaultSession = 15 * time.Minute
	defaultCode    = 10 * time.Minute
	closeTimeout   = time.Second // for requests under way, then they are cut
	maxKept        = 200         // uploads remembered
)

// Options say how a portal behaves. The zero value is one for demonstrations.
type Options struct {
	Log *slog.Logger // nil logs nothing
	// SessionTime is how long a login lasts without a request; 0 is 15 min.
	// Pages warn when a third of it is left, at most 2 min.
	SessionTime time.Duration
	CodeTime    time.Duration // how long a mailed code is good; 0 is 10 min
}

// Upload is one file the portal got, accepted or not.
type Upload struct {
	Form      string // Form.ID, or "dossier" for the form in steps
	Host      string // that was asked
	Name      string // as the browser sent it, without folders
	MediaType string // as the browser declared it
	Sniffed   string // media type by content
	Data      []byte
	Refusal   string // the portal's sentence; "" when it was accepted
}

// Portal is a running portal. Its methods may be called from any goroutine.
type Portal struct {
	o     Options
	cert  identity
	pages *pages
	sites map[string]http.Handler
	net   *network

	mu       sync.Mutex
	received []Upload
	foreign  map[string]int
	logins   map[string]*login // by the pending login's cookie
	grants   map[string]string // identity provider's one-time codes: state by code
	visits   map[string]*visit // by session cookie
	mails    map[string][]mail // by address
	boxes    map[string]string // addresses by the webmail's cookie
	lastCode string
	closed   bool // no request begins any more
	slow     int  // uploads to /lent that have begun
	painted  []time.Time

	done     chan struct{} // closed by Close
	handling sync.WaitGroup
	closing  sync.Once
	closeErr error
}

// Start makes the certificates, reads the pages and listens on a free port of
// loopback. The caller closes the portal.
func Start(o Options) (*Portal, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.SessionTime <= 0 {
		o.SessionTime = defaultSession
	}
	if o.CodeTime <= 0 {
		o.CodeTime = defaultCode
	}
	p := &Portal{o: o, done: make(chan struct{})}
	p.reset()
	var err error
	if p.cert, err = newIdentity(p.Hosts()); err != nil {
		return nil, fmt.Errorf("testportal: certificates: %w", err)
	}
	if p.pages, err = loadPages(); err != nil {
		return nil, fmt.Errorf("testportal: pages: %w", err)
	}
	p.sites = map[string]http.Handler{
		HostPortal:   p.portalSite(),
		HostSameSite: p.frameSite(),
		HostOther:    p.frameSite(),
		HostIdentity: p.identitySite(),
		HostMail:     p.mailSite(),
		HostForeign:  http.HandlerFunc(p.serveForeign),
	}
	if p.net, err = p.listen(); err != nil {
		return nil, fmt.Errorf("testportal: listen: %w", err)
	}
	o.Log.Info("test portal started", "listen", p.Addr())
	return p, nil
}

// reset forgets everybody. The caller holds mu or is alone.
func (p *Portal) reset() {
	for _, u := range p.received {
		clear(u.Data)
	}
	p.received = nil
	p.foreign = map[string]int{}
	p.logins, p.grants, p.visits = map[string]*login{}, map[string]string{}, map[string]*visit{}
	p.mails, p.boxes = map[string][]mail{}, map[string]string{}
	p.lastCode = ""
}

// Addr is where every host is dialled: "127.0.0.1:PORT". UDP packets to it are
// counted as foreign.
func (p *Portal) Addr() string { return p.net.tcp.Addr().String() }

// Hosts lists the names served, the foreign one last.
func (p *Portal) Hosts() []string {
	return []string{HostPortal, HostSameSite, HostOther, HostIdentity, HostMail, HostForeign}
}

// Address is the portal's home page.
func (p *Portal) Address() string { return "https://" + HostPortal + "/" }

// MailAddress is the webmail's home page.
func (p *Portal) MailAddress() string { return "https://" + HostMail + "/" }

// CA is the certificate authority, in PEM.
func (p *Portal) CA() []byte { return p.cert.ca }

// SPKI is the base64 of the SHA-256 of the certificate's key, for Chromium's
// --ignore-certificate-errors-spki-list.
func (p *Portal) SPKI() string { return p.cert.spki }

// BrowserFlags make Chromium find every host here, but loopback itself, and
// take the certificate. A browser behind a proxy needs the second one only:
// there the proxy dials Addr.
func (p *Portal) BrowserFlags() []string {
	return []string{
		"--host-resolver-rules=MAP * " + p.Addr() + ",EXCLUDE 127.0.0.1,EXCLUDE localhost",
		"--ignore-certificate-errors-spki-list=" + p.SPKI(),
	}
}

// Received returns the last 200 files the portal got, the oldest first. The
// caller must not change their Data.
func (p *Portal) Received() []Upload {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.received)
}

// Foreign counts what reached ailleurs.test since the start or Forget, by
// kind: "connection" is a TLS greeting, whether or not a request follows;
// "webrtc" and "quic" are packets. Requests are "plain" (without TLS),
// "preflight", "websocket", "eventsource", "prefetch", "ping", "report",
// "navigation", "post", "frame", "image", "script", "style", "font", "media",
// "worker", "manifest", "beacon", "fetch" or "other".
func (p *Portal) Foreign() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.foreign)
}

// Code is the last code mailed; "" when none was.
func (p *Portal) Code() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lastCode
}

// Forget erases what visitors left: files, mails, codes, logins and counts.
// The bytes of files are overwritten, also those that Received returned.
func (p *Portal) Forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reset()
}

// Close stops listening, gives requests under way a second, cuts the
// connections, waits for every request and forgets. It may be called twice.
func (p *Portal) Close() error {
	p.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		p.mu.Lock()
		p.closed = true
		close(p.done)
		p.mu.Unlock()
		p.closeErr = p.net.close(ctx)
		p.handling.Wait()
		p.Forget()
	})
	return p.closeErr
}

// count notes that something reached the foreign host.
func (p *Portal) count(kind string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.foreign[kind]++
}

// begin says whether a request may begin. It ends with handling.Done.
func (p *Portal) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.handling.Add(1)
	return true
}

// ServeHTTP picks the site by the name asked for.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !p.begin() {
		panic(http.ErrAbortHandler) // cuts the connection without a log line
	}
	defer p.handling.Done()
	site := p.sites[hostOf(r)]
	switch {
	case site == nil:
		http.Error(w, "Site inconnu.", http.StatusMisdirectedRequest)
	case r.TLS == nil && hostOf(r) != HostForeign:
		u := *r.URL
		u.Scheme, u.Host = "https", hostOf(r)
		http.Redirect(w, r, u.String(), http.StatusPermanentRedirect)
	default:
		site.ServeHTTP(w, r)
	}
}

// hostOf is the name asked for, without its port.
func hostOf(r *http.Request) string {
	if host, _, err := net.SplitHostPort(r.Host); err == nil {
		return host
	}
	return r.Host
}

// errNoPage tells a missing page from a broken one.
var errNoPage = errors.New("no such page")
