package discover

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"pointnum/kiosk"
	"pointnum/kiosk/discover/dnssd"
)

// pathWord is what a device's path may look like; what is announced goes into
// a configuration and is asked.
var pathWord = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`)

// announced makes an address of what a device announced. It is by number: a
// ".local" name is found only where a multicast DNS daemon runs.
func (f Finder) announced(s dnssd.Service) (candidate, bool) {
	i := slices.IndexFunc(s.Addrs, func(a netip.Addr) bool { return a.Is4() || !a.IsLinkLocalUnicast() })
	if i < 0 {
		return candidate{}, false
	}
	addr := s.Addrs[i]
	host := net.JoinHostPort(addr.String(), strconv.Itoa(int(s.Port)))
	c := candidate{rank: rankPlain, told: kiosk.Info{Make: s.Text["usb_mfg"], Model: s.Text["usb_mdl"]}}
	c.Where = "réseau " + addr.String()
	if addr.IsLoopback() && slices.Contains(f.USBPorts, int(s.Port)) {
		c.rank, c.Where = rankUSB, "USB" // ipp-usb announces too
	}
	if ty := s.Text["ty"]; ty != "" {
		c.told.Make, c.told.Model = "", ty
	}
	scheme, path, driver := "", "", ""
	switch s.Type {
	case "_uscan._tcp", "_uscans._tcp":
		scheme, path, driver = "http", or(s.Text["rs"], "eSCL"), "escl"
	case "_ipp._tcp", "_ipps._tcp":
		scheme, path, driver = "ipp", or(s.Text["rp"], "ipp/print"), "ipp"
	default:
		return candidate{}, false
	}
	if strings.HasSuffix(s.Type, "s._tcp") {
		scheme += "s"
		c.pinned = true
		c.rank = min(c.rank, rankTLS)
	}
	path = strings.Trim(path, "/")
	if len(path) > 128 || !pathWord.MatchString(path) || s.Port == 0 {
		return candidate{}, false
	}
	c.Spec = kiosk.Spec{Driver: driver, URI: scheme + "://" + host + "/" + path}
	kind := string(kindOf(driver))
	for _, a := range s.Addrs {
		// A print server has many printers at one address, and a printer's two
		// ways are at two ports.
		if !a.IsLoopback() {
			c.keys = append(c.keys, "address "+kind+" "+a.String()+" "+strings.ToLower(path))
		}
	}
	if id := plain(s.Text["uuid"]); len(id) == 32 {
		c.keys = append(c.keys, "serial "+kind+" "+id)
	}
	return c, true
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// printable leaves out what could hide or turn what is around it.
func printable(r rune) bool { return unicode.IsPrint(r) && !unicode.Is(unicode.Cf, r) }

// certificate returns the fingerprint of the certificate that a device shows
// now: devices sign theirs themselves, so that the first one seen is trusted,
// with the technician in front of the device.
func certificate(ctx context.Context, uri string) (string, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", fmt.Errorf("discover: %w", err)
	}
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, ServerName: u.Hostname()}}
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return "", fmt.Errorf("discover: %w", err)
	}
	defer conn.Close()
	t, ok := conn.(*tls.Conn)
	if !ok || len(t.ConnectionState().PeerCertificates) == 0 {
		return "", errors.New("discover: no certificate")
	}
	sum := sha256.Sum256(t.ConnectionState().PeerCertificates[0].Raw)
	return hex.EncodeToString(sum[:]), nil
}
