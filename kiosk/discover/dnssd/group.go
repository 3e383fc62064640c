package dnssd

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// port is that of multicast DNS.
const port = 5353

// group is a socket that asks in one network. Those of open4 and open6 hear
// the multicast group; they are bound to its address, so that what is sent to
// the machine itself stays with the daemon that may run beside us. That of
// openPlain hears what is sent to it: some devices answer the asker only, as
// a plain resolver expects (RFC 6762, 6.7).
type group struct {
	conn net.PacketConn
	to   *net.UDPAddr
	nets []netip.Prefix // of the interface
	own  bool           // the machine's own: it speaks there with any of its addresses
}

// near says whether an address is of this network.
func (g *group) near(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(g.nets, func(p netip.Prefix) bool { return p.Contains(a) })
}

// networks are an interface's own.
func networks(i net.Interface) ([]netip.Prefix, error) {
	addrs, err := i.Addrs()
	if err != nil {
		return nil, fmt.Errorf("dnssd: %s: %w", i.Name, err)
	}
	var list []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p)
		}
	}
	return list, nil
}

func address4() netip.Addr { return netip.AddrFrom4([4]byte{224, 0, 0, 251}) }

func open4(i net.Interface) (*group, error) {
	return open(i, address4(), unix.AF_INET, func(fd int) error {
		mreq := &unix.IPMreqn{Multiaddr: address4().As4(), Ifindex: int32(i.Index)}
		if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, mreq); err != nil {
			return err
		}
		// Without this, what others joined in other networks is heard too.
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0); err != nil {
			return err
		}
		if err := leaveBy(fd, i); err != nil {
			return err
		}
		return unix.Bind(fd, &unix.SockaddrInet4{Port: port, Addr: address4().As4()})
	})
}

func openPlain(i net.Interface) (*group, error) {
	return open(i, address4(), unix.AF_INET, func(fd int) error {
		if err := leaveBy(fd, i); err != nil {
			return err
		}
		nets, err := networks(i)
		if err != nil {
			return err
		}
		own := &unix.SockaddrInet4{}
		if n := slices.IndexFunc(nets, func(p netip.Prefix) bool { return p.Addr().Is4() }); n >= 0 {
			own.Addr = nets[n].Addr().As4()
		}
		return unix.Bind(fd, own)
	})
}

// leaveBy has what is sent to a group leave by an interface.
func leaveBy(fd int, i net.Interface) error {
	if err := unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &unix.IPMreqn{Ifindex: int32(i.Index)}); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, 255)
}

func open6(i net.Interface) (*group, error) {
	to := netip.MustParseAddr("ff02::fb")
	return open(i, to, unix.AF_INET6, func(fd int) error {
		mreq := &unix.IPv6Mreq{Multiaddr: to.As16(), Interface: uint32(i.Index)}
		if err := unix.SetsockoptIPv6Mreq(fd, unix.IPPROTO_IPV6, unix.IPV6_JOIN_GROUP, mreq); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_IF, i.Index); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_MULTICAST_HOPS, 255); err != nil {
			return err
		}
		// The address has a scope: only its own interface is heard.
		return unix.Bind(fd, &unix.SockaddrInet6{Port: port, Addr: to.As16(), ZoneId: uint32(i.Index)})
	})
}

// open makes a socket of a family, which may share its port, and sets it up.
func open(i net.Interface, to netip.Addr, family int, set func(fd int) error) (*group, error) {
	nets, err := networks(i)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(nets, func(p netip.Prefix) bool { return p.Addr().Is4() == to.Is4() }) {
		return nil, fmt.Errorf("dnssd: %s: no address of the family", i.Name)
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("dnssd: %s: %w", i.Name, err)
	}
	f := os.NewFile(uintptr(fd), "mdns")
	defer f.Close() // conn is another descriptor of the same socket
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return nil, fmt.Errorf("dnssd: %s: %w", i.Name, err)
	}
	if err := set(fd); err != nil {
		return nil, fmt.Errorf("dnssd: %s: %w", i.Name, err)
	}
	conn, err := net.FilePacketConn(f)
	if err != nil {
		return nil, fmt.Errorf("dnssd: %s: %w", i.Name, err)
	}
	return &group{conn: conn, to: &net.UDPAddr{IP: to.AsSlice(), Port: port, Zone: zone(i, to)},
		nets: nets, own: i.Flags&net.FlagLoopback != 0}, nil
}

func zone(i net.Interface, to netip.Addr) string {
	if to.Is4() {
		return ""
	}
	return i.Name
}
