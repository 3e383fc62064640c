package dnssd_test

import (
	"context"
	"encoding/binary"
	"io"
	"log"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/mdns"

	"pointnum/kiosk/discover/dnssd"
)

// loopback is the machine's own network: nobody else hears these tests.
func loopback(t testing.TB) net.Interface {
	t.Helper()
	i, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	return *i
}

// announce has a responder of another make announce a service.
func announce(t testing.TB, name, service, host string, port int, ips []net.IP, text ...string) {
	t.Helper()
	zone, err := mdns.NewMDNSService(name, service, "", host, port, ips, text)
	if err != nil {
		t.Fatal(err)
	}
	i := loopback(t)
	s, err := mdns.NewServer(&mdns.Config{Zone: zone, Iface: &i, Logger: log.New(io.Discard, "", 0)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown() })
}

func browse(t testing.TB, d time.Duration, types ...string) []dnssd.Service {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	found, err := dnssd.Browse(ctx, []net.Interface{loopback(t)}, types)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// find browses, longer each time, until a number of services is there.
func find(t testing.TB, n int, types ...string) []dnssd.Service {
	t.Helper()
	var found []dnssd.Service
	for d := 700 * time.Millisecond; d < 30*time.Second; d *= 2 {
		if found = browse(t, d, types...); len(found) == n {
			return found
		}
	}
	t.Fatalf("found %+v, want %d", found, n)
	return nil
}

func TestBrowseFindsWhatIsAnnounced(t *testing.T) {
	announce(t, "Imprimante 4\\.5 de l’accueil", "_pnt1._tcp", "printer-a.local.", 631, []net.IP{net.IPv4(127, 0, 0, 1)},
		"txtvers=1", "ty=Acme Laser\x1b[31m", "RP=ipp/print", "rp=other", "", "=x")
	announce(t, "Other", "_pnt2._tcp", "printer-b.local.", 80, []net.IP{net.IPv4(127, 0, 0, 2), net.IPv4(192, 0, 2, 7)}, "a=b")
	found := find(t, 2, "_pnt2._tcp", "_pnt1._tcp")
	a, b := found[0], found[1]
	if a.Type != "_pnt1._tcp" || a.Name != "Imprimante 4.5 de l’accueil" || a.Host != "printer-a.local" || a.Port != 631 {
		t.Errorf("found %+v", a)
	}
	if a.Text["rp"] != "ipp/print" || a.Text["ty"] != "Acme Laser[31m" || len(a.Text) != 3 {
		t.Errorf("texts %q", a.Text)
	}
	if want := netip.MustParseAddr("127.0.0.2"); len(b.Addrs) != 1 || b.Addrs[0] != want {
		t.Errorf("an address of another network is believed: %v", b.Addrs)
	}
	if none := browse(t, 700*time.Millisecond, "_pnt3._tcp"); len(none) != 0 {
		t.Errorf("found what nobody announced: %+v", none)
	}
}

func TestWithoutANetworkThereIsAnError(t *testing.T) {
	if _, err := dnssd.Browse(t.Context(), nil, []string{"_ipp._tcp"}); err == nil {
		t.Error("no error")
	}
	if all, err := dnssd.Interfaces(); err != nil || len(all) == 0 || all[0].Name == "" {
		t.Errorf("interfaces %v, %v", all, err)
	}
}

// shout says a message to everybody in the loopback's network.
func shout(t testing.TB, messages ...[]byte) {
	t.Helper()
	c, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: 5353})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range messages {
		_, _ = c.Write(m)
	}
}

// reply makes an answer of a record: the name, its type, its data.
func reply(name string, typ uint16, data []byte) []byte {
	b := []byte{0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	b = append(b, wire(name)...)
	b = binary.BigEndian.AppendUint16(b, typ)
	b = append(b, 0x80, 1, 0, 0, 0, 120)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

func wire(name string) []byte {
	var b []byte
	for _, label := range strings.Split(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

func TestHostileAnswersDoNoHarm(t *testing.T) {
	announce(t, "Good", "_pnt4._tcp", "good.local.", 631, []net.IP{net.IPv4(127, 0, 0, 1)}, "a=b")
	stop := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		loop := append([]byte{0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0}, 0xC0, 12, 0, 12, 0, 1, 0, 0, 0, 1, 0, 0)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
			many := string(rune('a'+n%26)) + strings.Repeat("x", n%40)
			shout(t, loop, loop[:15], nil, []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
				reply("_pnt4._tcp.local", 12, wire(many+"._pnt4._tcp.local")),
				reply("_pnt4._tcp.local", 12, wire("elsewhere.example.org")),
				reply("Good._pnt4._tcp.local", 1, []byte{127, 0, 0, 1}),
				reply("good.local", 1, []byte{169, 254, 169, 254}),
				reply("good.local", 1, []byte{1, 2, 3}))
		}
	}()
	found := find(t, 1, "_pnt4._tcp")
	close(stop)
	<-over
	if found[0].Name != "Good" || found[0].Port != 631 || len(found[0].Addrs) != 1 || found[0].Addrs[0].String() != "127.0.0.1" {
		t.Errorf("found %+v", found)
	}
}
