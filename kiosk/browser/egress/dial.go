package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// errNotPublic is the refusal of an address that is not of the public web.
var errNotPublic = errors.New("egress: not a public address")

// reserved are the blocks of 2000::/3 and of IPv4 that are not of the public
// web and that netip has no method for (IANA special-purpose registries).
var reserved = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
	"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// The IPv6 addresses of the public web, and those that lead to IPv4 where a
// network has nothing else (RFC 6052): their last four bytes are judged.
var (
	global = netip.MustParsePrefix("2000::/3")
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Public says whether an address is one of the public web: not loopback,
// private, link-local (the metadata of clouds is there), multicast, reserved,
// or another way of writing one of these.
func Public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	if a.Is4In6() {
		a = a.Unmap()
	}
	if nat64.Contains(a) {
		b := a.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if a.Is6() && !global.Contains(a) || a.IsUnspecified() || a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsMulticast() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// checkedDial dials public addresses of other machines only. The check stands
// between the name server's answer and the connection, so that what was
// checked is what is dialled.
func checkedDial(r *net.Resolver) func(context.Context, string, string) (net.Conn, error) {
	d := net.Dialer{Resolver: r, ControlContext: func(_ context.Context, _, addr string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(addr)
		if err != nil || !Public(to.Addr()) {
			return errNotPublic
		}
		own, err := net.InterfaceAddrs()
		if err != nil {
			return fmt.Errorf("egress: own addresses: %w", err)
		}
		for _, a := range own {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(to.Addr().AsSlice()) {
				return errNotPublic
			}
		}
		return nil
	}}
	return d.DialContext
}
