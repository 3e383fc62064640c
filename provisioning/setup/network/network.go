// Package network applies what setup decides about a kiosk's network: the
// agent's side (Client, a setup.Machine but for what asks devices) and root's
// side (Root and Clock), which answers the steward's requests.
//
// Root's side takes what it is asked for a stranger's word. Nothing of a
// request becomes a path, a command or a line of a file as it came: addresses
// are parsed and written anew, a network's name is written in hex where it is
// not plain, a password is escaped. Nothing of it is logged.
package network

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"pointnum/kiosk"
	"pointnum/provisioning/setup"
)

// Names of the steward's sockets.
const (
	StewardNetwork = "network"
	StewardClock   = "clock"
)

// Codes of what can be wrong with a network, beside kiosk.CodeNoNetwork: the
// new settings did not come up in time, and those from before hold again.
const (
	CodeWiFiPassword kiosk.Code = "wifi_password" // the network refused it
	CodeWiFiAbsent   kiosk.Code = "wifi_absent"   // no such network in reach
	CodeWiFiOpen     kiosk.Code = "wifi_open"     // without a password anybody near hears the papers
	CodeNoRadio      kiosk.Code = "wifi_no_radio" // the machine has no Wi-Fi
)

// Change is what the network is to be: the part of setup.Network that is
// root's.
type Change struct {
	WiFi    *setup.WiFiChoice `json:"wifi,omitempty"`    // nil: by cable
	Address *setup.Static     `json:"address,omitempty"` // nil: DHCP
}

// Request is one request to root: "wifi" looks which networks are in reach,
// "apply" has Network be used.
type Request struct {
	Do      string  `json:"do"`
	Network *Change `json:"network,omitempty"`
}

// Bounds of a request.
const (
	maxDNS  = 3 // what a resolver asks
	maxSSID = 32
)

// DecodeRequest reads and checks a request. The error is kiosk.CodeBadRequest,
// or CodeWiFiOpen, and repeats nothing of it.
func DecodeRequest(raw []byte) (Request, error) {
	var r Request
	if err := decode(raw, &r); err != nil {
		return Request{}, err
	}
	switch {
	case r.Do == "wifi" && r.Network == nil:
		return r, nil
	case r.Do == "apply" && r.Network != nil:
		_, err := r.Network.files(Root{})
		return r, err
	}
	return Request{}, refuse("no such request")
}

// decode reads one strict JSON value.
func decode(raw []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return refuse("not a request") // err may repeat a password
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refuse("more than a request")
	}
	return nil
}

func refuse(why string) error {
	return &kiosk.Error{Code: kiosk.CodeBadRequest, Op: "network", Err: errors.New(why)}
}

// address is a Static understood.
type address struct {
	own     netip.Prefix
	gateway netip.Addr
	dns     []netip.Addr
}

// parse reads an address as a place's network manager gives it.
func parse(s *setup.Static) (address, error) {
	own, err := netip.ParsePrefix(s.Address)
	if err != nil || !usable(own.Addr()) || own.Bits() < 8 || own.IsSingleIP() || own.Addr() == own.Masked().Addr() {
		return address{}, refuse("not an address with its network's length")
	}
	a := address{own: own}
	a.gateway, err = netip.ParseAddr(s.Gateway)
	if err != nil || !usable(a.gateway) || !own.Contains(a.gateway) || a.gateway == own.Addr() {
		return address{}, refuse("not a gateway of that network")
	}
	if len(s.DNS) > maxDNS {
		return address{}, refuse("too many DNS servers")
	}
	for _, text := range s.DNS {
		d, err := netip.ParseAddr(text)
		if err != nil || !usable(d) {
			return address{}, refuse("not the address of a DNS server")
		}
		a.dns = append(a.dns, d)
	}
	return a, nil
}

// usable leaves out what can be no machine's address.
func usable(a netip.Addr) bool {
	return a.IsValid() && a.Zone() == "" && !a.Is4In6() && !a.IsUnspecified() && !a.IsMulticast() && !a.IsLoopback() &&
		!a.IsLinkLocalUnicast() && a != netip.AddrFrom4([4]byte{255, 255, 255, 255})
}

var (
	plainSSID = regexp.MustCompile(`^[A-Za-z0-9 _-]+$`)
	rawKey    = regexp.MustCompile(`^[0-9A-Fa-f]{64}$`)
)

// profile is the name and the text of iwd's file for a network (iwd.network(5)).
func profile(w *setup.WiFiChoice) (string, string, error) {
	if w.SSID == "" || len(w.SSID) > maxSSID || !utf8.ValidString(w.SSID) || strings.ContainsFunc(w.SSID, unicode.IsControl) {
		return "", "", refuse("not the name of a network")
	}
	if w.Password == "" {
		return "", "", &kiosk.Error{Code: CodeWiFiOpen, Op: "network"}
	}
	var b strings.Builder
	b.WriteString("[Security]\n")
	switch {
	case rawKey.MatchString(w.Password):
		fmt.Fprintf(&b, "PreSharedKey=%s\n", strings.ToLower(w.Password))
	case len(w.Password) >= 8 && len(w.Password) <= 63 && !strings.ContainsFunc(w.Password, func(r rune) bool { return r < ' ' || r > '~' }):
		fmt.Fprintf(&b, "Passphrase=%s\n", escape(w.Password))
	default:
		return "", "", refuse("not a password of a network")
	}
	b.WriteString("\n[Settings]\nAutoConnect=true\n")
	if w.Hidden {
		b.WriteString("Hidden=true\n")
	}
	name := w.SSID
	if !plainSSID.MatchString(name) {
		name = fmt.Sprintf("=%x", w.SSID)
	}
	return name + ".psk", b.String(), nil
}

// escape writes a text as iwd's files have it: the spaces at its beginning
// would be lost, and a backslash begins an escape.
func escape(s string) string {
	rest := strings.TrimLeft(s, " ")
	return strings.Repeat(`\s`, len(s)-len(rest)) + strings.ReplaceAll(rest, `\`, `\\`)
}

// Names of our files of systemd-networkd. They are before a distribution's.
const (
	wiredFile = "10-pointnum-wired.network"
	wifiFile  = "10-pointnum-wifi.network"
)

// files are what a change stands for.
type files struct {
	networkd map[string]string // by name
	profile  string            // name of iwd's file; "" none
	secret   string            // its text
	wifi     bool              // by which kind of link the kiosk is to be reached
	own      netip.Prefix      // its address; zero for DHCP
}

// files checks a change and writes it.
func (c *Change) files(r Root) (files, error) {
	var a *address
	f := files{wifi: c.WiFi != nil}
	if c.Address != nil {
		parsed, err := parse(c.Address)
		if err != nil {
			return files{}, err
		}
		a, f.own = &parsed, parsed.own
	}
	if c.WiFi != nil {
		var err error
		if f.profile, f.secret, err = profile(c.WiFi); err != nil {
			return files{}, err
		}
	}
	// A cable that is plugged in later is used too, and goes first.
	wired, radio := a, (*address)(nil)
	if f.wifi {
		wired, radio = nil, a
	}
	f.networkd = map[string]string{
		wiredFile: unit(or(r.Cables, "Type=ether\nKind=!*"), wired, 100, ""),
		wifiFile:  unit(or(r.Radios, "Type=wlan"), radio, 600, "IgnoreCarrierLoss=5s\n"),
	}
	return f, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// unit writes a file of systemd-networkd (systemd.network(5)). The kiosk tells
// a network nothing of itself but its hardware address.
func unit(match string, a *address, metric int, also string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Written by kioskctl network: changes are lost.\n[Match]\n%s\n\n[Link]\nRequiredForOnline=no\n\n[Network]\n%s", match, also)
	if a == nil {
		b.WriteString("DHCP=yes\nIPv6PrivacyExtensions=yes\n")
	} else {
		fmt.Fprintf(&b, "Address=%s\n", a.own)
		for _, d := range a.dns {
			fmt.Fprintf(&b, "DNS=%s\n", d)
		}
	}
	b.WriteString("LLMNR=no\nMulticastDNS=no\n")
	if a == nil {
		fmt.Fprintf(&b, "\n[DHCPv4]\nSendHostname=no\nClientIdentifier=mac\nUseDomains=no\nRouteMetric=%d\n\n[IPv6AcceptRA]\nRouteMetric=%d\n", metric, metric)
	} else {
		fmt.Fprintf(&b, "\n[Route]\nGateway=%s\nMetric=%d\n", a.gateway, metric)
	}
	return b.String()
}
