// Package setup is a kiosk's first start: it finds the network, sets the
// clock right, gets the kiosk its identity, names its devices, tests all of
// it, and writes the configuration that the agent then runs with. A
// technician answers what a file on the KIOSK-CONF partition does not say.
package setup

import (
	"context"
	"time"

	"pointnum/kiosk"
)

// Machine is what setup needs of the machine. Its methods may be called from
// any goroutine, and end early when their ctx does. Errors are *kiosk.Error
// where a code says what a technician can do.
type Machine interface {
	// Links returns the network's interfaces; no error when there is none.
	Links(ctx context.Context) ([]Link, error)
	// WiFi looks which networks are in reach, the strongest first, each name
	// once; nil without a radio. It takes some seconds.
	WiFi(ctx context.Context) ([]AccessPoint, error)
	// Apply has the network be as n says from now on and after each start, and
	// returns once it is in use. Applying the same again is no error.
	Apply(ctx context.Context, n Network) error
	// Reach tries how far the kiosk comes. server is the supervision's https
	// address; "" asks for the way out only, for a kiosk that works alone.
	Reach(ctx context.Context, server string) Reach
	// SetClock sets the machine's clock and the one that runs when it is off.
	SetClock(ctx context.Context, t time.Time) error
	// Find looks for devices that can be used, plugged in or in the network.
	// The specs are complete but for ID, which is "".
	Find(ctx context.Context) ([]Found, error)
	// TPM says whether the machine has one that can keep a secret.
	TPM(ctx context.Context) (bool, error)
}

// Router is a Machine that can be told of the way out alone, with the links as
// they are: after a start, when the Wi-Fi's password is the machine's only.
type Router interface {
	// Route goes through a proxy, "" none, and trusts certificates, nil none.
	Route(proxy string, ca []byte) error
}

// LinkKind is the kind of a network interface.
type LinkKind string

// The kinds of links.
const (
	LinkWired LinkKind = "wired"
	LinkWiFi  LinkKind = "wifi"
)

// Link is a network interface.
type Link struct {
	Name    string // "enp1s0"
	Kind    LinkKind
	Up      bool   // a cable is plugged in, or a network joined
	Address string // "192.168.1.20/24"; "" none yet
}

// AccessPoint is a Wi-Fi network in reach.
type AccessPoint struct {
	SSID    string
	Signal  int // 0 to 100
	Secured bool
}

// Network is how the kiosk reaches the others.
type Network struct {
	WiFi    *WiFiChoice `json:"wifi,omitempty"`    // nil: by cable
	Address *Static     `json:"address,omitempty"` // nil: the network gives one (DHCP)
	Proxy   string      `json:"proxy,omitempty"`   // "http://[name:password@]host:port"; "" none
	CA      []byte      `json:"ca,omitempty"`      // PEM certificates to trust beside the system's
}

// WiFiChoice is a Wi-Fi network and the way in.
type WiFiChoice struct {
	SSID     string `json:"ssid"`
	Password string `json:"password,omitempty"` // "" for an open network
	Hidden   bool   `json:"hidden,omitempty"`   // it does not tell its name
}

// Static is an address that the place's network manager gave.
type Static struct {
	Address string   `json:"address"` // "192.168.1.20/24"
	Gateway string   `json:"gateway"`
	DNS     []string `json:"dns,omitempty"`
}

// Reach is how far the kiosk comes: each step is true only after the one
// before it.
type Reach struct {
	Link    bool // an interface is up
	Address bool // it has an address
	DNS     bool // names are found (or the proxy finds them)
	Server  bool // the supervision answers; without one, the internet does
	// Skew is the machine's clock less the right one, from the server's or an
	// NTP answer; zero when SkewKnown is false. It is known even when a
	// certificate was refused.
	Skew      time.Duration
	SkewKnown bool
	// Code says what is wrong, "" nothing: kiosk.CodeNoNetwork, or one of
	// package provisioning/link/route (proxy_error, server_certificate,
	// clock_wrong…).
	Code   kiosk.Code
	Detail string // for the technician's log; one line
}

// Found is a device that can be used.
type Found struct {
	Spec  kiosk.Spec
	Model string // maker and model, as shown; "" unknown
	Where string // "USB", "réseau", "port série"
	Kind  kiosk.Kind
}
