package main

import (
	_ "embed"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"pointnum/cmd/internal/fleetserver"
	"pointnum/kiosk"
	"pointnum/kiosk/yamlfile"
	"pointnum/provisioning/fleet/alert"
	"pointnum/provisioning/fleet/people/openid"
	"pointnum/provisioning/fleet/store"
	"pointnum/provisioning/update"
	"pointnum/ui/console"
)

// defaultConfig is where fleetd looks for its configuration.
const defaultConfig = "/etc/pointnum/fleetd.yaml"

//go:embed example.yaml
var example string

// config is what the file says.
type config struct {
	URL      string
	Listen   string
	Cert     string // "" where a proxy in front has it
	Key      string
	Proxy    bool
	Metrics  string
	Dir      string
	Database string
	NATS     []string
	Cluster  cluster
	Relay    string
	Mail     *alert.Mailer
	Provider *openid.Provider
	Sign     string
	Support  kiosk.Contact
	Keep     store.Retention
	Backup   fleetserver.Backup
	// Of the releases: their folder, "" for one in Dir, and the file of the
	// keys that sign them, "" for the package's.
	ReleaseDir, ReleaseKeys string
}

// cluster is an embedded NATS that is one node of several.
type cluster struct {
	Name, Listen string
	Routes       []string
	Cert, Key    string
	CA           string
}

func loadFile(path string) (*config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	return load(f, filepath.Base(path))
}

// load reads a configuration; the error is yamlfile.Problems, each with its
// line and what to do.
func load(r io.Reader, name string) (*config, error) {
	doc := yamlfile.Read(r, name)
	c := &config{Listen: ":443", Metrics: "127.0.0.1:9100", Dir: "/var/lib/fleetd"}
	c.read(doc.Root())
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *config) read(v yamlfile.Value) {
	m := v.Map("url", "listen", "tls", "proxy", "metrics", "dir", "database", "nats", "cluster", "relay", "mail", "provider", "support", "keep", "backup", "releases")
	c.URL = address(m.Need("url"))
	text(m.Opt("listen"), &c.Listen)
	t := m.Opt("tls").Map("certificate", "key")
	text(t.Opt("certificate"), &c.Cert)
	text(t.Opt("key"), &c.Key)
	if p := m.Opt("proxy"); p.IsSet() {
		c.Proxy = p.OneOf("oui", "non") == "oui"
	}
	if (c.Cert == "") != (c.Key == "") {
		m.Opt("tls").Fail("il faut les deux : « certificate » et « key »")
	}
	if v := m.Need("url"); c.Cert == "" && !c.Proxy && v.IsSet() {
		v.Fail("il manque le certificat (« tls: »), ou « proxy: oui » si un serveur devant celui-ci l’a")
	}
	if p := m.Opt("metrics"); p.IsSet() {
		c.Metrics = p.Text()
		if host, _, err := net.SplitHostPort(c.Metrics); c.Metrics != "" && (err != nil || host == "" || host == "0.0.0.0" || host == "::") {
			p.Fail("écrivez une adresse que le dehors n’atteint pas, par exemple 127.0.0.1:9100")
		}
	}
	text(m.Opt("dir"), &c.Dir)
	text(m.Opt("database"), &c.Database)
	if n := m.Opt("nats"); n.IsSet() {
		c.NATS = n.Texts()
	}
	c.cluster(m.Opt("cluster"))
	if r := m.Opt("relay"); r.IsSet() && r.Text() != "" {
		c.Relay = address(r)
	}
	c.mail(m.Opt("mail"))
	c.provider(m.Opt("provider"))
	s := m.Opt("support").Map("name", "phone", "what")
	text(s.Opt("name"), &c.Support.Name)
	text(s.Opt("phone"), &c.Support.Phone)
	text(s.Opt("what"), &c.Support.What)
	c.keep(m.Opt("keep"))
	r := m.Opt("releases").Map("dir", "keys")
	text(r.Opt("dir"), &c.ReleaseDir)
	text(r.Opt("keys"), &c.ReleaseKeys)
	if k := r.Opt("keys"); k.IsSet() && c.ReleaseKeys != "" {
		if _, err := update.LoadKeys(c.ReleaseKeys); err != nil {
			k.Fail("ce fichier ne peut pas être lu, ou n’est pas une liste de clés, une par ligne")
		}
	}
	b := m.Opt("backup").Map("dir", "every", "keep")
	text(b.Opt("dir"), &c.Backup.Dir)
	if e := b.Opt("every"); e.IsSet() {
		c.Backup.Every = e.Duration(time.Hour, 30*24*time.Hour)
	}
	if k := b.Opt("keep"); k.IsSet() {
		c.Backup.Keep = k.Int(1, 1000)
	}
}

func text(v yamlfile.Value, into *string) {
	if v.IsSet() {
		*into = v.Text()
	}
}

// address is "https://host", and nothing behind.
func address(v yamlfile.Value) string {
	if !v.IsSet() {
		return ""
	}
	u, err := url.Parse(v.Text())
	if err != nil || u.Scheme != "https" || u.Host == "" || *u != (url.URL{Scheme: u.Scheme, Host: u.Host}) {
		v.Fail("« %s » n’est pas une adresse : écrivez par exemple https://bornes.exemple.fr, sans rien derrière", v.Text())
	}
	return v.Text()
}

// secretOf reads a secret from a file of its own: this one is shown to people.
func secretOf(v yamlfile.Value) string {
	if !v.IsSet() || v.Text() == "" {
		return ""
	}
	b, err := os.ReadFile(v.Text())
	if err != nil {
		v.Fail("ce fichier ne peut pas être lu")
	}
	return strings.TrimRight(string(b), "\r\n")
}

func (c *config) cluster(v yamlfile.Value) {
	m := v.Map("name", "listen", "routes", "certificate", "key", "ca")
	text(m.Opt("name"), &c.Cluster.Name)
	text(m.Opt("listen"), &c.Cluster.Listen)
	if r := m.Opt("routes"); r.IsSet() {
		c.Cluster.Routes = r.Texts()
	}
	text(m.Opt("certificate"), &c.Cluster.Cert)
	text(m.Opt("key"), &c.Cluster.Key)
	text(m.Opt("ca"), &c.Cluster.CA)
	if c.Cluster.Listen != "" && len(c.NATS) > 0 {
		v.Fail("« nats: » et « cluster: » ne vont pas ensemble")
	}
}

func (c *config) mail(v yamlfile.Value) {
	m := v.Map("server", "security", "user", "password_file", "from")
	if s := m.Opt("server"); !s.IsSet() || s.Text() == "" {
		return
	}
	mail := &alert.Mailer{Server: m.Opt("server").Text(), Name: "Bornes"}
	text(m.Opt("user"), &mail.User)
	text(m.Opt("from"), &mail.From)
	if s := m.Opt("security"); s.IsSet() {
		mail.Security = alert.Security(s.OneOf("starttls", "tls", "plain"))
	}
	mail.Password = secretOf(m.Opt("password_file"))
	if err := mail.Check(); err != nil {
		v.Fail("%s", err)
	}
	c.Mail = mail
}

func (c *config) provider(v yamlfile.Value) {
	m := v.Map("name", "issuer", "client", "secret_file", "acr", "scopes")
	if i := m.Opt("issuer"); !i.IsSet() || i.Text() == "" {
		return
	}
	c.Sign = "ProConnect"
	text(m.Opt("name"), &c.Sign)
	p := &openid.Provider{Issuer: m.Opt("issuer").Text(), ClientID: m.Need("client").Text(), Secret: secretOf(m.Need("secret_file")),
		Redirect: c.URL + console.ProviderPath, AfterLogout: c.URL + "/"}
	if a := m.Opt("acr"); a.IsSet() {
		p.ACR = a.Texts()
	}
	if a := m.Opt("scopes"); a.IsSet() && len(a.Texts()) > 0 {
		p.Scopes = a.Texts()
	}
	c.Provider = p
}

// keep reads how long things are kept; what is not said is the store's
// default, with its reason there.
func (c *config) keep(v yamlfile.Value) {
	m := v.Map("events", "slots", "days", "commands", "alerts", "audit")
	const most = 10 * 365 * 24 * time.Hour
	for key, into := range map[string]*time.Duration{
		"events": &c.Keep.Events, "slots": &c.Keep.Slots, "days": &c.Keep.Days,
		"commands": &c.Keep.Commands, "alerts": &c.Keep.Alerts, "audit": &c.Keep.Audit,
	} {
		if d := m.Opt(key); d.IsSet() {
			*into = time.Duration(d.Int(1, int(most/(24*time.Hour)))) * 24 * time.Hour
		}
	}
}
