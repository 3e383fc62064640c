// Package dnssd finds what announces itself in the local network: DNS-Based
// Service Discovery (RFC 6763) over multicast DNS (RFC 6762), asking only.
// It works beside a multicast DNS daemon of the machine and without one.
package dnssd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Service is one announced service. All of it is a stranger's word, but
// bounded: texts are without control characters.
type Service struct {
	Type  string // "_ipp._tcp"
	Name  string // as its owner called it: "Imprimante de l’accueil"
	Host  string // "printer.local"
	Port  uint16
	Text  map[string]string // keys are lower case
	Addrs []netip.Addr      // of the network that it was heard in, IPv4 first; at least one
}

// Interfaces returns those to ask: all that are up and not a line between two
// ends, the machine's own loopback too, where ipp-usb announces.
func Interfaces() ([]net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("dnssd: %w", err)
	}
	return slices.DeleteFunc(all, func(i net.Interface) bool {
		return i.Flags&net.FlagUp == 0 || i.Flags&net.FlagPointToPoint != 0 || i.Flags&(net.FlagMulticast|net.FlagLoopback) == 0
	}), nil
}

// Times of asking again (RFC 6762, 5.2: a second at least between two equal
// questions). In between only what is missing is asked for.
const (
	askPause  = 300 * time.Millisecond
	asksEqual = 4 // every so many pauses the same is asked again
)

// Browse asks for services of some types ("_ipp._tcp") until ctx ends and
// returns those that are known completely by then, sorted by type and name.
// An address is believed only when it is of the network that told it, so that
// nobody can have us ask a machine elsewhere. The error is that of no
// interface being usable; ctx's end is none.
func Browse(ctx context.Context, interfaces []net.Interface, types []string) ([]Service, error) {
	k := newKnown(types)
	var work sync.WaitGroup
	var errs []error
	var asking int
	for _, i := range interfaces {
		for _, open := range []func(net.Interface) (*group, error){open4, openPlain, open6} {
			g, err := open(i)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			asking++
			work.Go(func() { k.hear(g) })
			work.Go(func() {
				k.ask(ctx, g)
				_ = g.conn.Close() // ends hear
			})
		}
	}
	work.Wait()
	if asking == 0 {
		return nil, errors.Join(append([]error{errors.New("dnssd: no network to ask in")}, errs...)...)
	}
	return k.services(), nil
}

// ask sends the questions of the moment until ctx ends.
func (k *known) ask(ctx context.Context, g *group) {
	t := time.NewTicker(askPause)
	defer t.Stop()
	for n := 0; ; n++ {
		if q := k.questions(n%asksEqual == 0); len(q) > 0 {
			_, _ = g.conn.WriteTo(ask(q), g.to) // a network that went away is asked again
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// hear takes what is said in a network until its socket is closed.
func (k *known) hear(g *group) {
	b := make([]byte, maxMessage)
	for faults := 0; faults < maxFaults; {
		n, from, err := g.conn.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			faults++
			continue
		}
		if from, ok := from.(*net.UDPAddr); ok && (g.own || g.near(from.AddrPort().Addr())) {
			records, _ := parse(b[:n]) // of a damaged message, what came before
			k.take(g, records)
		}
	}
}

// Limits of what is kept: a noisy or hostile network fills no memory.
const (
	maxServices = 64 // of a type
	maxHosts    = 128
	maxAddrs    = 8
	maxText     = 64 // entries of a TXT record
	maxFaults   = 64 // of a socket
)

// known is what was heard so far. Names are folded.
type known struct {
	mu    sync.Mutex
	types map[name]string
	found map[name]map[name]name // by type: instances, with their name as written
	where map[name]record        // SRV by instance
	text  map[name][]string      // TXT by instance
	addrs map[name][]netip.Addr  // by host
}

func newKnown(types []string) *known {
	k := &known{types: map[name]string{}, found: map[name]map[name]name{}, where: map[name]record{},
		text: map[name][]string{}, addrs: map[name][]netip.Addr{}}
	for _, t := range types {
		n := nameOf(t + ".local").fold()
		k.types[n], k.found[n] = t, map[name]name{}
	}
	return k
}

// take keeps what is wanted of a message. Its order does not matter: services
// first, then where they are, then the addresses.
func (k *known) take(g *group, records []record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range records {
		k.takeService(r)
	}
	for _, r := range records {
		k.takeDetails(r)
	}
	for _, r := range records {
		host := r.name.fold()
		if !r.addr.IsValid() || !g.near(r.addr) || !k.isHost(host) {
			continue
		}
		list := slices.DeleteFunc(k.addrs[host], func(a netip.Addr) bool { return a == r.addr })
		if !r.gone && len(list) < maxAddrs && (len(k.addrs) < maxHosts || k.addrs[host] != nil) {
			list = append(list, r.addr)
		}
		k.addrs[host] = list
	}
}

func (k *known) takeService(r record) {
	list := k.found[r.name.fold()]
	if r.typ != typePTR || list == nil || !strings.HasSuffix(string(r.target.fold()), "\x00"+string(r.name.fold())) {
		return
	}
	if r.gone {
		delete(list, r.target.fold())
	} else if len(list) < maxServices {
		list[r.target.fold()] = r.target
	}
}

func (k *known) takeDetails(r record) {
	instance := r.name.fold()
	if !k.isInstance(instance) || r.gone {
		return
	}
	switch r.typ {
	case typeSRV:
		k.where[instance] = r
	case typeTXT:
		k.text[instance] = r.text[:min(len(r.text), maxText)]
	}
}

func (k *known) isInstance(n name) bool {
	for _, list := range k.found {
		if _, ok := list[n]; ok {
			return true
		}
	}
	return false
}

func (k *known) isHost(n name) bool {
	for _, r := range k.where {
		if r.target.fold() == n {
			return true
		}
	}
	return false
}

// questions are what is not known yet, and what services there are if all is
// to be asked.
func (k *known) questions(all bool) []question {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []question
	if all {
		for _, t := range slices.Sorted(maps.Keys(k.types)) {
			list = append(list, question{t, typePTR})
		}
	}
	for _, instances := range k.found {
		for n, written := range instances {
			srv, there := k.where[n]
			if !there {
				list = append(list, question{written, typeSRV})
			} else if len(k.addrs[srv.target.fold()]) == 0 {
				list = append(list, question{srv.target, typeA}, question{srv.target, typeAAAA})
			}
			if _, there := k.text[n]; !there {
				list = append(list, question{written, typeTXT})
			}
		}
	}
	return list
}

// services are those of which all is known; one without a TXT record says
// nothing of itself and is left out (RFC 6763, 6: it must have one).
func (k *known) services() []Service {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []Service
	for t, instances := range k.found {
		for n, written := range instances {
			srv, there := k.where[n]
			text, told := k.text[n]
			addrs := slices.Clone(k.addrs[srv.target.fold()])
			if !there || !told || srv.port == 0 || len(addrs) == 0 {
				continue
			}
			slices.SortFunc(addrs, nearest)
			label, _, _ := strings.Cut(string(written), "\x00")
			list = append(list, Service{Type: k.types[t], Name: printable(label), Host: srv.target.dotted(),
				Port: srv.port, Text: pairs(text), Addrs: addrs})
		}
	}
	slices.SortFunc(list, func(a, b Service) int {
		return strings.Compare(a.Type+"\x00"+a.Name, b.Type+"\x00"+b.Name)
	})
	return list
}

// nearest puts IPv4 first: every program can write it. Link-local IPv6, which
// is nothing without its interface, is last.
func nearest(a, b netip.Addr) int {
	weight := func(x netip.Addr) int {
		switch {
		case x.Is4() && !x.IsLinkLocalUnicast():
			return 0
		case x.IsLinkLocalUnicast() && x.Is6():
			return 3
		case x.Is6():
			return 2
		}
		return 1
	}
	if d := weight(a) - weight(b); d != 0 {
		return d
	}
	return a.Compare(b)
}

// pairs reads a TXT record (RFC 6763, 6.3 and 6.4): the first of a key counts.
func pairs(text []string) map[string]string {
	m := map[string]string{}
	for _, s := range text {
		key, value, _ := strings.Cut(s, "=")
		key = strings.ToLower(key)
		if _, twice := m[key]; key != "" && !twice {
			m[key] = printable(value)
		}
	}
	return m
}

// printable keeps what may be shown and logged.
func printable(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' || r >= 0x80 && r < 0xA0 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "")))
}
