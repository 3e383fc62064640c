// Package firewall writes what a kiosk may say and hear on networks, as a
// ruleset for nft(8), from its configuration.
//
// The kernel knows addresses and users, not names: the visitors' browser and
// the kiosk's own screen reach this machine alone. Of the hosts that the
// browser asks for, it is the agent that lets those of the catalogue through
// (package egress).
package firewall

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"pointnum/kiosk/config"
)

// Users are the accounts that rules are about, by number.
type Users struct {
	Agent  int // kioskd
	Web    int // the visitors' browser
	Screen int // the X server and the kiosk's own screen
}

// KioskUsers are the numbers that the packages give.
var KioskUsers = Users{Agent: 970, Web: 971, Screen: 972}

// lan are the addresses that a house's own devices have: where a device may be
// whose configuration gives a name instead of an address.
var lan = map[string]string{
	"ip":  "{ 10.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 }",
	"ip6": "{ fe80::/10, fc00::/7 }",
}

// Rules returns the ruleset: a table of its own that takes the place of the
// one before, in one step.
func Rules(c *config.Config, u Users) string { return rules(c, u, false) }

// Setup returns the ruleset of a kiosk that is being set up, when nobody has
// said yet where its supervision and its devices are: the agent may call
// anybody over TCP. There is no visitor then.
func Setup(c *config.Config, u Users) string { return rules(c, u, true) }

func rules(c *config.Config, u Users, setup bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, head, u.Web, u.Screen)
	if setup {
		fmt.Fprintf(&b, "\t\tmeta skuid %d meta l4proto tcp accept\n", u.Agent)
	}
	for _, line := range devices(c) {
		fmt.Fprintf(&b, "\t\tmeta skuid %d %s accept\n", u.Agent, line)
	}
	fmt.Fprintf(&b, "\t\tmeta skuid { 0, %d } tcp dport { %s } accept\n", u.Agent, join(ports(c)))
	fmt.Fprintf(&b, tail, u.Agent)
	return b.String()
}

const head = `table inet pointnum
delete table inet pointnum
table inet pointnum {
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state established,related accept
		ct state invalid drop
		icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
		icmp type echo-request limit rate 5/second accept
		icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert, mld-listener-query } accept
		icmpv6 type echo-request limit rate 5/second accept
		udp sport 67 udp dport 68 accept
		ip6 saddr fe80::/10 udp dport 546 accept
		udp dport 5353 accept
		udp sport 5353 udp dport >= 1024 accept
		counter
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain output {
		type filter hook output priority filter; policy drop;
		oif "lo" accept
		meta skuid { %d, %d } counter reject
		ct state established,related accept
		icmp type { echo-request, destination-unreachable } accept
		icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, mld-listener-report, mld2-listener-report, echo-request, destination-unreachable } accept
		ip protocol igmp accept
		udp sport 68 udp dport 67 accept
		udp sport 546 udp dport 547 accept
		udp dport { 53, 5353 } accept
		tcp dport 53 accept
`

const tail = `		meta skuid != %d udp dport 123 accept
		counter reject
	}
}
`

// ports are those of the web, and of what the configuration names there.
func ports(c *config.Config) []int {
	all := []int{443}
	for _, a := range []string{c.Fleet.Server, c.Fleet.Proxy, c.Phone.Relay} {
		all = append(all, port(a))
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return slices.DeleteFunc(all, func(p int) bool { return p == 0 })
}

// port is the port of a web address; 0 when it is none.
func port(address string) int {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return 0
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return int(n)
	}
	return map[string]int{"https": 443, "ipps": 631, "ipp": 631, "http": 80}[u.Scheme]
}

// devices are the ways to the devices of the network.
func devices(c *config.Config) []string {
	var lines []string
	for _, d := range c.Devices {
		u, err := url.Parse(d.URI)
		if err != nil || u.Host == "" {
			continue // of this machine
		}
		p := port(d.URI)
		if p == 0 {
			continue
		}
		a, err := netip.ParseAddr(u.Hostname())
		switch {
		case err != nil:
			for _, family := range []string{"ip", "ip6"} {
				lines = append(lines, fmt.Sprintf("%s daddr %s tcp dport %d", family, lan[family], p))
			}
		case a.IsLoopback():
		case a.Unmap().Is4():
			lines = append(lines, fmt.Sprintf("ip daddr %s tcp dport %d", a.Unmap(), p))
		default:
			lines = append(lines, fmt.Sprintf("ip6 daddr %s tcp dport %d", a.WithZone(""), p))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}

func join(n []int) string {
	var s []string
	for _, one := range n {
		s = append(s, strconv.Itoa(one))
	}
	return strings.Join(s, ", ")
}
