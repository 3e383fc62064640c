package config

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/yamlfile"
)

// maxSocketPath is what a Unix socket's address holds on Linux, its closing
// zero byte left out, less the room for the name it has while it is made.
const maxSocketPath = 90

var (
	nameWord = regexp.MustCompile(`^[a-z][a-z0-9]*([_-][a-z0-9]+)*$`)
	userWord = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	hostWord = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$`)
	langWord = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// LoadFile reads a configuration; see Load.
func LoadFile(path string) (*Config, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	defer f.Close()
	return Load(f, filepath.Base(path))
}

// Load reads a configuration; name is for the messages. The error is
// yamlfile.Problems, with every mistake of the file, its line and what to do.
func Load(r io.Reader, name string) (*Config, error) {
	doc := yamlfile.Read(r, name)
	c := Default()
	c.read(doc.Root())
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) read(v yamlfile.Value) {
	m := v.Map("place", "listen", "spool", "control", "idle", "languages", "portals", "catalogue", "words", "voice", "browser", "phone", "fleet", "devices")
	for _, key := range m.Keys() {
		c.where[key] = m.Opt(key).Where()
	}
	c.place(m.Need("place"))
	if v := m.Opt("listen"); v.IsSet() {
		c.Listen = listen(v)
	}
	if v := m.Opt("spool"); v.IsSet() {
		c.Spool = absolute(v)
	}
	if v := m.Opt("control"); v.IsSet() {
		c.Control = absolute(v)
		if len(c.Control) > maxSocketPath {
			v.Fail("le chemin est trop long pour une prise Unix : %d caractères au plus", maxSocketPath)
		}
	}
	c.idle(m.Opt("idle"))
	c.languages(m.Opt("languages"))
	c.words(m.Opt("words"))
	c.portals(m.Opt("portals"))
	if v := m.Opt("catalogue"); v.IsSet() {
		c.Catalogue = absolute(v)
	}
	if v := m.Opt("voice"); v.IsSet() {
		c.Voice = v.OneOf("oui", "non") == "oui"
	}
	c.browser(m.Opt("browser"))
	c.phone(m.Opt("phone"))
	c.fleet(m.Opt("fleet"))
	c.devices(m.Opt("devices"))
}

func (c *Config) place(v yamlfile.Value) {
	m := v.Map("name", "address", "phone", "hours")
	c.Place = Place{
		Name:    m.Need("name").Text(),
		Address: m.Opt("address").Texts(),
		Phone:   m.Opt("phone").Text(),
		Hours:   m.Opt("hours").Texts(),
	}
}

func (c *Config) idle(v yamlfile.Value) {
	m := v.Map("warn", "leave")
	if v := m.Opt("warn"); v.IsSet() {
		c.Idle.Warn = v.Duration(20*time.Second, time.Hour)
	}
	if v := m.Opt("leave"); v.IsSet() {
		c.Idle.Leave = v.Duration(20*time.Second, 10*time.Minute)
	}
}

// words reads the languages of tesseract: three letters, perhaps with a script.
func (c *Config) words(v yamlfile.Value) {
	if !v.IsSet() {
		return
	}
	c.Words = v.Texts()
	for _, lang := range c.Words {
		if !tesseractName.MatchString(lang) {
			v.Fail("« %s » n’est pas une langue de tesseract : fra, eng, ara…", lang)
		}
	}
}

func (c *Config) browser(v yamlfile.Value) {
	m := v.Map("enabled", "path", "user", "headless", "hosts", "proxy")
	b := &c.Browser
	for key, to := range map[string]*bool{"enabled": &b.On, "headless": &b.Headless, "proxy": &b.Proxy} {
		if v := m.Opt(key); v.IsSet() {
			*to = v.OneOf("oui", "non") == "oui"
		}
	}
	if v := m.Opt("path"); v.IsSet() {
		b.Path = absolute(v)
	}
	if v := m.Opt("user"); v.IsSet() {
		b.User = v.Text()
		if !userWord.MatchString(b.User) {
			v.Fail("« %s » n’est pas un compte de la borne : écrivez son nom, par exemple pointnum-web", b.User)
		}
	}
	for _, one := range m.Opt("hosts").List() {
		host := one.Text()
		if !hostWord.MatchString(host) {
			one.Fail("« %s » n’est pas un nom de domaine : écrivez par exemple fichiers.caf.fr, sans https:// ni barre", host)
		}
		b.Hosts = append(b.Hosts, host)
	}
}

// phone reads the relay's address. Without TLS it is for trials on this
// machine: a phone's browser would refuse its cryptography.
func (c *Config) phone(v yamlfile.Value) {
	m := v.Map("relay")
	if v := m.Opt("relay"); v.IsSet() && v.Text() != "" {
		u, err := url.Parse(v.Text())
		local := err == nil && u.Scheme == "http" && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1")
		if err != nil || u.Scheme != "https" && !local || !bare(u) {
			v.Fail("« %s » n’est pas l’adresse d’un relais : écrivez par exemple https://telephone.exemple.fr, sans rien derrière", v.Text())
			return
		}
		c.Phone.Relay = v.Text()
	}
}

// bare says that an address is a scheme and a host, and nothing behind.
func bare(u *url.URL) bool { return u.Host != "" && *u == url.URL{Scheme: u.Scheme, Host: u.Host} }

// ServerAddress says whether a text can be Fleet.Server.
func ServerAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && bare(u)
}

// fleet reads how the supervision is reached. It never goes without TLS.
func (c *Config) fleet(v yamlfile.Value) {
	m := v.Map("server", "proxy", "ca", "dir")
	if v := m.Opt("server"); v.IsSet() && v.Text() != "" {
		if !ServerAddress(v.Text()) {
			v.Fail("« %s » n’est pas l’adresse d’une supervision : écrivez par exemple https://bornes.exemple.fr, sans rien derrière", v.Text())
		}
		c.Fleet.Server = v.Text()
	}
	if v := m.Opt("proxy"); v.IsSet() && v.Text() != "" {
		u, err := url.Parse(v.Text())
		if err != nil || u.Scheme != "http" || u.Port() == "" || u.Path != "" {
			v.Fail("ce n’est pas l’adresse d’un proxy : écrivez par exemple http://proxy.exemple.fr:3128, ou http://compte:motdepasse@proxy.exemple.fr:3128")
		}
		c.Fleet.Proxy = v.Text()
	}
	if v := m.Opt("ca"); v.IsSet() && v.Text() != "" {
		c.Fleet.CA = absolute(v)
	}
	if v := m.Opt("dir"); v.IsSet() {
		c.Fleet.Dir = absolute(v)
	}
}

var tesseractName = regexp.MustCompile(`^[a-z]{3}(_[a-z]{3,8})?$`)

func (c *Config) languages(v yamlfile.Value) {
	if !v.IsSet() {
		return
	}
	c.Languages = v.Texts()
	for _, lang := range c.Languages {
		if !langWord.MatchString(lang) {
			v.Fail("« %s » n’est pas une langue : écrivez par exemple fr, ar, en ou pt", lang)
		}
	}
	if len(c.Languages) == 0 {
		v.Fail("il faut au moins une langue : écrivez par exemple [fr, ar, en]")
	}
}

func (c *Config) portals(v yamlfile.Value) {
	c.Portals = v.Texts()
	for _, one := range v.List() {
		c.where["portals."+one.Text()] = one.Where()
	}
}

func (c *Config) devices(v yamlfile.Value) {
	for _, one := range v.List() {
		s := device(one)
		key := "devices." + string(s.ID)
		if first, taken := c.where[key]; taken && s.ID != "" {
			one.Fail("le nom « %s » est déjà celui d’un autre appareil (%s) : donnez un nom différent à chacun", s.ID, first)
		}
		c.where[key] = one.Where()
		c.Devices = append(c.Devices, s)
	}
}

func device(v yamlfile.Value) kiosk.Spec {
	m := v.Map("id", "driver", "uri", "options")
	s := kiosk.Spec{
		ID:      kiosk.DeviceID(name(m.Need("id"))),
		Driver:  name(m.Need("driver")),
		URI:     m.Opt("uri").Text(),
		Options: map[string]string{},
	}
	options := m.Opt("options").FreeMap()
	for _, key := range options.Keys() {
		s.Options[key] = options.Opt(key).Text()
	}
	return s
}

func name(v yamlfile.Value) string {
	s := v.Text()
	if s != "" && !nameWord.MatchString(s) {
		v.Fail("« %s » n’est pas un nom : écrivez des minuscules sans accent, des chiffres et des tirets", s)
	}
	return s
}

// listen accepts loopback only: the screen's pages are a visitor's papers,
// and nobody but the screen in front of them may ask for them.
func listen(v yamlfile.Value) string {
	host, port, err := net.SplitHostPort(v.Text())
	if err != nil {
		v.Fail("« %s » n’est pas une adresse : écrivez par exemple 127.0.0.1:8088", v.Text())
		return ""
	}
	if addr, err := netip.ParseAddr(host); err != nil || !addr.IsLoopback() {
		v.Fail("« %s » serait visible depuis le réseau : écrivez 127.0.0.1:%s", v.Text(), port)
		return ""
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		v.Fail("« %s » n’est pas un numéro de port : écrivez un nombre de 1 à 65535, par exemple 127.0.0.1:8088", port)
		return ""
	}
	return v.Text()
}

func absolute(v yamlfile.Value) string {
	s := v.Text()
	if !filepath.IsAbs(s) || filepath.Clean(s) != s {
		v.Fail("« %s » n’est pas un chemin complet : écrivez-le depuis « / », sans « .. » ni barre à la fin", s)
	}
	return s
}
