package egress_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"pointnum/kiosk/browser/egress"
	"pointnum/kiosk/portal"
)

func TestPublic(t *testing.T) {
	for addr, want := range map[string]bool{
		"8.8.8.8": true, "160.92.168.33": true, "2a01:cb00::1": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true, "64:ff9b::808:808": true,
		"127.0.0.1": false, "127.9.9.9": false, "::1": false, "::ffff:127.0.0.1": false, "64:ff9b::7f00:1": false, "::7f00:1": false,
		"0.0.0.0": false, "0.1.2.3": false, "::": false,
		"10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "fd00::1": false, "fec0::1": false, "::ffff:192.168.1.1": false,
		"169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, "fd00:ec2::254": false, "100.100.100.200": false,
		"224.0.0.1": false, "ff02::1": false, "255.255.255.255": false, "240.0.0.1": false,
		"192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false,
		"2001:db8::1": false, "2001::1": false, "2002:7f00:1::": false, "64:ff9b:1::1": false, "100::1": false,
	} {
		if got := egress.Public(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: got %v", addr, got)
		}
	}
	if egress.Public(netip.Addr{}) {
		t.Error("no address is a public one")
	}
}

// names is a name server whose every answer is this address. It counts.
func names(t *testing.T, answer netip.Addr) (*net.Resolver, *atomic.Int64) {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := &atomic.Int64{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buf := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			asked.Add(1)
			conn.WriteTo(dnsAnswer(buf[:n], answer), from) //nolint:errcheck // it is asked again
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}, asked
}

// dnsAnswer answers a question with one address (RFC 1035 §4.1), or with none
// when it asks for the other family.
func dnsAnswer(question []byte, a netip.Addr) []byte {
	end := 12
	for question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5
	kind := binary.BigEndian.Uint16(question[end-4:])
	out := append([]byte{}, question[:end]...)
	copy(out[2:], []byte{0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}) // an answer, no error; counts
	if a.Is4() && kind == 1 || a.Is6() && kind == 28 {
		raw := a.AsSlice()
		out[7] = 1
		out = append(out, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(raw)))
		out = append(out, raw...)
	}
	return out
}

// An allowed name whose owner lets it lead to the kiosk, to the house's
// network or to a cloud's metadata.
func TestANameThatLeadsInsideIsRefused(t *testing.T) {
	for _, addr := range []string{"127.0.0.1", "::1", "192.168.1.1", "169.254.169.254", "::ffff:10.0.0.1"} {
		t.Run(addr, func(t *testing.T) {
			resolver, asked := names(t, netip.MustParseAddr(addr))
			p := listen(t, egress.Options{Resolver: resolver})
			if _, status := ask(t, p, connect("portal.test:443")); status != 403 {
				t.Errorf("got %d", status)
			}
			if s := p.Stats(); s.Refused != 1 || s.Opened != 0 || asked.Load() == 0 {
				t.Errorf("%+v, asked %d times", s, asked.Load())
			}
		})
	}
	t.Run("nor when the list has it", func(t *testing.T) {
		p := listen(t, egress.Options{Allow: portal.Hosts{"localhost", "127.0.0.1"}.Allow})
		for _, host := range []string{"localhost:443", "127.0.0.1:443"} {
			if _, status := ask(t, p, connect(host)); status != 403 {
				t.Errorf("%s: got %d", host, status)
			}
		}
	})
}
