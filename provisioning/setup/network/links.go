package network

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"pointnum/provisioning/setup"
)

// Links returns the machine's cables and radios; sys is /sys. Bridges, tunnels
// and the like are none.
func Links(sys string) ([]setup.Link, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	var list []setup.Link
	for _, i := range all {
		dir := filepath.Join(sys, "class/net", i.Name)
		kind, ok := kindOf(dir, i)
		if !ok {
			continue
		}
		l := setup.Link{Name: i.Name, Kind: kind, Up: i.Flags&net.FlagUp != 0 && read(dir, "carrier") == "1"}
		if l.Up {
			l.Address = bestAddress(i)
		}
		list = append(list, l)
	}
	return list, nil
}

// kindOf reads what the kernel says of an interface.
func kindOf(dir string, i net.Interface) (setup.LinkKind, bool) {
	if i.Flags&(net.FlagLoopback|net.FlagPointToPoint) != 0 || read(dir, "type") != "1" { // ARPHRD_ETHER
		return "", false
	}
	for line := range strings.Lines(read(dir, "uevent")) {
		switch what, _ := strings.CutPrefix(strings.TrimSpace(line), "DEVTYPE="); what {
		case "wlan":
			return setup.LinkWiFi, true
		case "bridge", "vlan", "bond", "wwan", "vxlan", "wireguard", "macvlan":
			return "", false
		}
	}
	for _, soft := range []string{"tun_flags", "bridge", "bonding"} {
		if _, err := os.Stat(filepath.Join(dir, soft)); err == nil {
			return "", false
		}
	}
	return setup.LinkWired, i.Flags&net.FlagBroadcast != 0
}

func read(path ...string) string {
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// bestAddress is an IPv4 address, else a global IPv6 one; "" when a link has
// none but those it gives itself.
func bestAddress(i net.Interface) string {
	addrs, err := i.Addrs()
	if err != nil {
		return ""
	}
	best := ""
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || p.Addr().IsLinkLocalUnicast() {
			continue
		}
		if p.Addr().Is4() {
			return p.String()
		}
		if best == "" {
			best = p.String()
		}
	}
	return best
}
