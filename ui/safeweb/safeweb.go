// Package safeweb is the protection around every mux of the project: who may
// ask (hosts, origins), how much, and what a page may do afterwards.
//
// Three attacks shape it. A portal's page that calls the kiosk's own address:
// refused by Origin and Sec-Fetch-Site. The same through a name that points at
// 127.0.0.1 (DNS rebinding), where Origin and Host agree: refused by the list
// of hosts. A text of a visitor that turns into a script: there is no inline
// code, and Trusted Types refuse to make any.
package safeweb

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// CSP is the policy of every answer. 'self' covers the socket, too (CSP 3).
const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"font-src 'self'; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// The limits of Server and Protect.
const (
	MaxBody           = 64 << 10 // bytes of a request's body, unless Options say otherwise
	maxHeader         = 16 << 10
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
)

// permissions switches off what no page of ours uses.
const permissions = "accelerometer=(), camera=(), display-capture=(), fullscreen=(), " +
	"geolocation=(), gyroscope=(), hid=(), microphone=(), midi=(), payment=(), serial=(), usb=()"

// Options say what Protect lets through.
type Options struct {
	// Hosts are the values of the Host header that are ours, with the port
	// where there is one: "127.0.0.1:8080". Any other is answered with 421.
	// An empty list lets nothing through.
	Hosts []string
	// MaxBody is the largest body in bytes; 0 is MaxBody. A handler that takes
	// more (an upload) has a mux of its own.
	MaxBody int64
	// Siblings lets pages of this host's other ports, or names beside it, lead
	// here: a whole page that is asked for with GET. The kiosk's fault screen
	// and the agent's screen lead to each other.
	Siblings bool
	// HSTS tells browsers to come back with TLS only; for servers behind it.
	HSTS bool
	Log  *slog.Logger // nil logs nothing
}

// Protect wraps a handler: it checks the host, the origin and the size of each
// request before next sees it, and sets the headers of each answer. next may
// replace Cache-Control for files that hold nothing of a visitor.
func Protect(o Options, next http.Handler) http.Handler {
	if o.MaxBody == 0 {
		o.MaxBody = MaxBody
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header(), o.HSTS)
		if !slices.Contains(o.Hosts, r.Host) {
			o.refuse(w, http.StatusMisdirectedRequest, "request for a foreign host refused")
			return
		}
		if !sameSite(r) && !(o.Siblings && fromSibling(r)) {
			o.refuse(w, http.StatusForbidden, "request of another site refused")
			return
		}
		if err := cross.Check(r); err != nil {
			o.refuse(w, http.StatusForbidden, "request of another origin refused")
			return
		}
		if isUpgrade(r) && !SameOrigin(r) {
			o.refuse(w, http.StatusForbidden, "socket of another origin refused")
			return
		}
		if r.ContentLength > o.MaxBody {
			o.refuse(w, http.StatusRequestEntityTooLarge, "request with too large a body refused")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, o.MaxBody)
		next.ServeHTTP(w, r)
	})
}

// refuse answers with the status only: whoever gets it is not a visitor.
func (o Options) refuse(w http.ResponseWriter, status int, why string) {
	o.Log.Warn(why, "status", status)
	http.Error(w, http.StatusText(status), status)
}

func setHeaders(h http.Header, hsts bool) {
	h.Set("Content-Security-Policy", CSP)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Origin-Agent-Cluster", "?1")
	h.Set("Permissions-Policy", permissions)
	h.Set("Cache-Control", "no-store")
	if hsts {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// sameSite reads what the browser itself says of the request. Only a visitor's
// own navigation ("none") and our own pages may ask; a client that is no
// browser does not send the header.
func sameSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return true
	default:
		return false
	}
}

// fromSibling is a page that another port's page leads to.
func fromSibling(r *http.Request) bool {
	h := r.Header
	return h.Get("Sec-Fetch-Site") == "same-site" && h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document" &&
		r.Method == http.MethodGet
}

func isUpgrade(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// SameOrigin is true when a request says that it comes from a page of this
// very host; a missing Origin is not enough. It is the CheckOrigin of sockets:
// their handshake is a GET, which http.CrossOriginProtection lets pass.
func SameOrigin(r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) != 1 {
		return false
	}
	u, err := url.Parse(origins[0])
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return false
	}
	return u.Host == r.Host && u.Path == "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// Server returns a server with time limits on everything a client can draw
// out. Sockets leave them behind when they are taken over, and set their own.
func Server(h http.Handler, log *slog.Logger) *http.Server {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
	}
	if log != nil {
		s.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	}
	return s
}

// Hosts gives the Host values of a listener on the loopback address: with its
// port, by number and by name.
func Hosts(addr net.Addr) ([]string, error) {
	a, ok := addr.(*net.TCPAddr)
	if !ok || !a.IP.IsLoopback() {
		return nil, errors.New("safeweb: not a loopback address")
	}
	_, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return nil, err
	}
	return []string{a.String(), net.JoinHostPort("localhost", port)}, nil
}
