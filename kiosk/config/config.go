// Package config is a kiosk's configuration: one YAML file, written once by
// the technician. Every key has a default and is explained in Example; an
// unknown key is a mistake, and every mistake is told with its line and what
// to write instead.
package config

import (
	_ "embed"
	"time"

	"pointnum/kiosk"
)

// DefaultPath is where kioskd looks for its configuration.
const DefaultPath = "/etc/pointnum/kiosk.yaml"

// Config is everything a kiosk is told. It is not changed after it was
// loaded.
type Config struct {
	Place     Place
	Listen    string   // host:port of the screen's own server; always on loopback
	Spool     string   // folder of the visit's pages; has to be memory-backed
	Control   string   // path of the technician's socket
	Idle      Idle     // when a visit ends by itself
	Languages []string // BCP 47, in the order of the screen's buttons; the first is the default
	Portals   []string // IDs of the catalogue's portals, in the screen's order; empty for all
	Catalogue string   // path of the place's own catalogue; "" for the one that comes with the program
	// Words are languages, as tesseract names them, in which pages are read
	// so that the text of PDFs can be searched and read aloud; none when empty.
	Words   []string
	Voice   bool // screens and portals' pages can be read aloud, where there is a sound device
	Browser Browser
	Phone   Phone
	Fleet   Fleet
	Devices []kiosk.Spec

	where map[string]string // "file:line" by key
}

// Place is where the kiosk stands: shown on the screen and on receipts.
type Place struct {
	Name    string
	Address []string // lines
	Phone   string   // of the people who can help
	Hours   []string // lines
}

// Idle says when a visit that nobody touches ends. Someone who needs more
// time can put it off by one touch, as often as they like (EN 301 549,
// 11.2.2.1).
type Idle struct {
	Warn  time.Duration // without a touch until the warning shows
	Leave time.Duration // the warning's length, at least 20 s
}

// Browser says how portals are opened in the kiosk.
type Browser struct {
	On       bool     // portals can be opened; all else works without
	Path     string   // program; "" is chromium from PATH
	User     string   // the unix user it runs as; "" is the agent's own
	Headless bool     // without a window: for tests
	Hosts    []string // that every portal may use beside the catalogue's
	Proxy    bool     // it reaches nothing but through the agent's list of hosts
}

// Phone says how visitors' phones reach the kiosk.
type Phone struct {
	Relay string // "https://host" of the relay; "" without
}

// Fleet says how the kiosk tells its host how it is.
type Fleet struct {
	Server string // "https://host" of the supervision; "" without
	Proxy  string // "http://[user:password@]host:port" to reach it through; "" directly
	CA     string // path of PEM certificates to trust beside the system's; "" none
	// Dir is the folder of the kiosk's identity, of what waits to be sent and
	// of what the host decided. Nothing of a visit is ever in it.
	Dir string
}

// Default returns what holds for the keys that a file does not have.
func Default() *Config {
	return &Config{
		Place:     Place{Name: "Point numérique"},
		Listen:    "127.0.0.1:8088",
		Spool:     "/run/pointnum/spool",
		Control:   "/run/pointnum/control.sock",
		Idle:      Idle{Warn: 2 * time.Minute, Leave: time.Minute},
		Languages: []string{"fr", "ar", "en"},
		Voice:     true,
		Browser:   Browser{On: true, Proxy: true},
		Fleet:     Fleet{Dir: "/var/lib/pointnum"},
		where:     map[string]string{},
	}
}

//go:embed example.yaml
var example string

// Example returns a whole configuration with every key explained, in French.
// It loads as it is.
func Example() string { return example }

// Where says where the file sets something, as "file:line", so that a mistake
// found later (a driver that does not exist, a portal that is not in the
// catalogue) can be told with its line. Keys are those of the file ("listen",
// "catalogue"), "portals.ID" for a portal and "devices.ID" for a device. It
// is "" for what the file does not set.
func (c *Config) Where(key string) string { return c.where[key] }
