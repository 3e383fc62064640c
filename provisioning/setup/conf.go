package setup

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"pointnum/kiosk"
	"pointnum/kiosk/config"
	"pointnum/kiosk/yamlfile"
	"pointnum/provisioning/technician"
)

// ConfName is the technician's file on the KIOSK-CONF partition, which any PC
// can write.
const ConfName = "borne.txt"

// maxConf and maxCA bound in bytes what is read of that partition.
const (
	maxConf = 64 << 10
	maxCA   = 256 << 10
)

// Conf is what a technician's file says. What it does not say is asked on the
// screen.
type Conf struct {
	Language string // BCP 47; "" to be asked
	Place    config.Place
	Network  Network // CA is read from the file beside it
	CAName   string  // of that file; "" none
	Server   string  // "https://host" of the supervision
	Code     string  // one-time; "" once it was used
	Alone    bool    // no supervision is wanted
	// Technician is the code of the technician's menu; "" to have one made, or
	// once it was taken over.
	Technician technician.Code
}

//go:embed borne.txt
var confExample string

// ConfExample is a whole file with every key explained, in French. It loads as
// it is.
func ConfExample() string { return confExample }

// LoadConf reads the file in the folder dir, and the certificate that it
// names. It is fs.ErrNotExist without such a file, and yamlfile.Problems, with
// lines, when something in it is not right.
func LoadConf(dir string) (*Conf, error) {
	raw, err := readSome(filepath.Join(dir, ConfName), maxConf)
	if err != nil {
		return nil, err
	}
	c, err := ReadConf(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if c.CAName != "" {
		if c.Network.CA, err = LoadCA(dir, c.CAName); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// LoadCA reads a certificate that lies beside the technician's file.
func LoadCA(dir, name string) ([]byte, error) {
	raw, err := readSome(filepath.Join(dir, filepath.Base(name)), maxCA)
	if err == nil && !bytes.Contains(raw, []byte("-----BEGIN CERTIFICATE-----")) {
		err = errors.New("no PEM certificate in it")
	}
	if err != nil {
		return nil, yamlfile.Problems{{File: filepath.Base(name), Line: 1, Text: fmt.Sprintf("ce certificat ne peut pas être lu (%v) : il faut un fichier PEM à côté de %s", err, ConfName)}}
	}
	return raw, nil
}

func readSome(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	if int64(len(raw)) > most {
		return nil, fmt.Errorf("setup: %s: %w", filepath.Base(path), fs.ErrInvalid)
	}
	return raw, nil
}

var (
	codeLetters = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z -]{3,38}[0-9A-Za-z]$`)
	confLang    = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$`)
)

// byteOrderMark is what Windows' editor puts before a text.
var byteOrderMark = []byte("\xef\xbb\xbf")

// ReadConf reads a technician's file: YAML as kiosk.yaml is, with a byte order
// mark and lines that end as Windows has them, or not. The error is
// yamlfile.Problems.
func ReadConf(r io.Reader) (*Conf, error) {
	raw, err := io.ReadAll(io.LimitReader(r, yamlfile.MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("setup: %w", err)
	}
	doc := yamlfile.Read(bytes.NewReader(bytes.TrimPrefix(raw, byteOrderMark)), ConfName)
	c := &Conf{}
	m := doc.Root().Map("language", "place", "network", "fleet", "technique")
	if v := m.Opt("language"); v.Text() != "" {
		if c.Language = v.Text(); !confLang.MatchString(c.Language) {
			v.Fail("« %s » n’est pas une langue : écrivez par exemple fr, ar ou en", c.Language)
		}
	}
	c.place(m.Opt("place"))
	c.network(m.Opt("network"))
	c.fleet(m.Opt("fleet"))
	if t := m.Opt("technique"); t.IsSet() {
		c.technique(t)
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Conf) place(v yamlfile.Value) {
	if !v.IsSet() {
		return
	}
	m := v.Map("name", "address", "phone", "hours")
	c.Place = config.Place{Name: line(m.Opt("name")), Address: m.Opt("address").Texts(), Phone: line(m.Opt("phone")), Hours: m.Opt("hours").Texts()}
}

func (c *Conf) technique(v yamlfile.Value) {
	code := v.Map("code").Opt("code")
	if code.Text() == "" {
		return
	}
	var ok bool
	if c.Technician, ok = technician.Parse(code.Text()); !ok {
		code.Fail("le code technique a %d chiffres, entre guillemets : \"4821 7350\"", technician.Digits)
	}
}

// line reads a word that stands on one line.
func line(v yamlfile.Value) string {
	s := v.Text()
	if s != "" && (kiosk.CheckLine(s) != nil || len(s) > kiosk.MaxLine) {
		v.Fail("il faut ici une seule ligne, de %d caractères au plus", kiosk.MaxLine)
		return ""
	}
	return s
}

func (c *Conf) network(v yamlfile.Value) {
	m := v.Map("wifi", "address", "gateway", "dns", "proxy", "ca")
	if v := m.Opt("wifi"); v.IsSet() {
		c.wifi(v)
	}
	c.static(m)
	if v := m.Opt("proxy"); v.Text() != "" {
		c.Network.Proxy = v.Text()
		if !ProxyAddress(c.Network.Proxy) {
			v.Fail("ce n’est pas l’adresse d’un proxy : écrivez par exemple http://proxy.exemple.fr:3128, ou http://compte:motdepasse@proxy.exemple.fr:3128")
		}
	}
	if v := m.Opt("ca"); v.Text() != "" {
		c.CAName = v.Text()
		if filepath.Base(c.CAName) != c.CAName || strings.ContainsAny(c.CAName, `\/`) || c.CAName == "." || c.CAName == ".." {
			v.Fail("« %s » n’est pas le nom d’un fichier posé à côté de %s", c.CAName, ConfName)
			c.CAName = ""
		}
	}
}

func (c *Conf) wifi(v yamlfile.Value) {
	w := v.Map("name", "password", "hidden")
	c.Network.WiFi = &WiFiChoice{SSID: w.Need("name").Text(), Password: w.Opt("password").Text()}
	if h := w.Opt("hidden"); h.IsSet() {
		c.Network.WiFi.Hidden = h.OneOf("oui", "non") == "oui"
	}
	if n := len(c.Network.WiFi.SSID); n > 32 {
		v.Fail("le nom du Wi-Fi est trop long : 32 caractères au plus")
	}
	// IEEE 802.11i: 8 to 63 characters, or none.
	if n := len(c.Network.WiFi.Password); n != 0 && (n < 8 || n > 63) {
		w.Opt("password").Fail("le mot de passe d’un Wi-Fi a de 8 à 63 caractères")
	}
}

func (c *Conf) static(m yamlfile.Map) {
	v := m.Opt("address")
	if !v.IsSet() {
		for _, key := range []string{"gateway", "dns"} {
			if o := m.Opt(key); o.IsSet() {
				o.Fail("« %s » ne va pas sans « address »", key)
			}
		}
		return
	}
	s := &Static{Address: v.Text(), Gateway: m.Need("gateway").Text(), DNS: m.Opt("dns").Texts()}
	c.Network.Address = s
	if _, err := netip.ParsePrefix(s.Address); err != nil {
		v.Fail("« %s » n’est pas une adresse avec son masque : écrivez par exemple 192.168.1.20/24", s.Address)
	}
	if _, err := netip.ParseAddr(s.Gateway); err != nil && s.Gateway != "" {
		m.Opt("gateway").Fail("« %s » n’est pas l’adresse d’une passerelle : écrivez par exemple 192.168.1.1", s.Gateway)
	}
	for _, one := range m.Opt("dns").List() {
		if _, err := netip.ParseAddr(one.Text()); err != nil {
			one.Fail("« %s » n’est pas l’adresse d’un serveur de noms : écrivez par exemple 192.168.1.1", one.Text())
		}
	}
}

// ProxyAddress says whether a text can be Network.Proxy.
func ProxyAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "http" && u.Hostname() != "" && u.Port() != "" && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && kiosk.CheckLine(s) == nil
}

func (c *Conf) fleet(v yamlfile.Value) {
	m := v.Map("server", "code", "alone")
	if v := m.Opt("server"); v.Text() != "" {
		if c.Server = v.Text(); !config.ServerAddress(c.Server) {
			v.Fail("« %s » n’est pas l’adresse d’une supervision : écrivez par exemple https://bornes.exemple.fr, sans rien derrière", c.Server)
		}
	}
	if v := m.Opt("code"); v.Text() != "" {
		if c.Code = v.Text(); !codeLetters.MatchString(c.Code) {
			v.Fail("ce n’est pas un code : recopiez celui de la console, par exemple QRTV-6YYE-63PX")
		}
	}
	if v := m.Opt("alone"); v.IsSet() {
		c.Alone = v.OneOf("oui", "non") == "oui"
		if c.Alone && c.Code != "" {
			v.Fail("« alone: oui » ne va pas avec un code : gardez l’un des deux")
		}
	}
}
