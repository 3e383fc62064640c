// Package phone is the kiosk's side of "from my phone": papers come from a
// visitor's phone, and documents go to it, through a relay that can't read
// them (provisioning/relay).
//
// A key pair is made for each QR code and forgotten with its link. The code
// says the relay's address and, behind "#", the session's name, the kiosk's
// public key (P-256, uncompressed) and the visitor's language:
//
//	https://host/d#SESSION.KEY.LANG
//
// The phone answers with a public key of its own. Both derive, by ECDH and
// HKDF-SHA-256 with both public keys as salt, one AES-256-GCM key for each
// direction. The kiosk's first message is 16 random bytes; of the secret and
// these come the four digits that the visitor compares: a relay or a
// bystander who put themselves between the two could not choose them.
//
// frame.go says how a message is sealed, message.go what it may say.
package phone

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"pointnum/kiosk"
)

// The limits of a link. The phone's page knows the first two.
const (
	// MaxTotal is what may come from a phone, and what may go to it, in bytes.
	MaxTotal = 100e6
	// MaxFiles may be offered in a link.
	MaxFiles = 60
	// rotation is how long a QR code is shown; it stays good as long again,
	// for those who have just read it.
	rotation = time.Minute
	// quiet is how long a transfer may stand still.
	quiet = 60 * time.Second
	// farewell is how long the relay keeps the last word for a phone that was
	// sent away.
	farewell = 10 * time.Second
	// again is between two tries to reach the relay.
	again = 2 * time.Second
	// pageGood is how long the relay's page counts as looked at.
	pageGood = time.Hour
)

var _ kiosk.Phone = (*Relay)(nil)

// Options are what a Relay needs. Address must be set.
type Options struct {
	Address string // of the relay, without a path: "https://host"
	// Files and Digest are the phone's page as this kiosk knows it: paths at
	// the relay, and the SHA-256, in hexadecimal, of what they give one after
	// the other. The kiosk shows no code while the relay serves another page;
	// without Files it does not look.
	Files  []string
	Digest string
	// Rotation is how long a QR code is shown; a minute when 0. For tests.
	Rotation time.Duration
	Client   *http.Client // nil is a plain one
	Log      *slog.Logger // nil logs nothing
}

// Relay reaches phones through a relay. It may be used from any goroutine.
type Relay struct {
	o    Options
	api  *api
	mu   sync.Mutex
	seen time.Time // the page was the one we know
}

// New makes a Relay; it does not reach for the network yet.
func New(o Options) (*Relay, error) {
	u, err := url.Parse(o.Address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("phone: the relay's address must be https://host")
	}
	if o.Rotation == 0 {
		o.Rotation = rotation
	}
	if o.Client == nil {
		o.Client = &http.Client{}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Address = u.Scheme + "://" + u.Host
	return &Relay{o: o, api: &api{base: o.Address, client: o.Client}}, nil
}

// Open begins to invite a phone; see kiosk.Phone.
func (r *Relay) Open(_ context.Context, o kiosk.PhoneOptions) (kiosk.PhoneLink, error) {
	if o.Follow == nil {
		o.Follow = func(kiosk.PhoneState) {}
	}
	l := &link{r: r, o: o, offers: map[uint32]*offer{}}
	l.ctx, l.end = context.WithCancel(context.Background())
	l.work.Go(l.run)
	return l, nil
}

// pageKnown says whether the relay serves the page that this kiosk knows. It
// looks once an hour.
func (r *Relay) pageKnown(ctx context.Context) error {
	if len(r.o.Files) == 0 {
		return nil
	}
	r.mu.Lock()
	good := !r.seen.IsZero() && time.Since(r.seen) < pageGood
	r.mu.Unlock()
	if good {
		return nil
	}
	sum, err := r.api.digest(ctx, r.o.Files)
	if err != nil {
		return err
	}
	if sum != r.o.Digest {
		r.o.Log.Error("the relay's page for phones is not the one this kiosk knows")
		return &kiosk.Error{Code: kiosk.CodeOutOfOrder, Op: "phone: page"}
	}
	r.mu.Lock()
	r.seen = time.Now()
	r.mu.Unlock()
	return nil
}
