package discover_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"pointnum/kiosk/discover"
	"pointnum/kiosk/discover/dnssd"
)

func FuzzAnnounced(f *testing.F) {
	f.Add("_ipp._tcp", "ipp/print", uint16(631), []byte{192, 0, 2, 1})
	f.Add("_uscans._tcp", "/eSCL/", uint16(443), []byte{127, 0, 0, 1})
	f.Add("_uscan._tcp", "@evil.example/../x?y#z", uint16(80), make([]byte, 16))
	f.Fuzz(func(t *testing.T, typ, path string, port uint16, addr []byte) {
		a, ok := netip.AddrFromSlice(addr)
		if !ok {
			return
		}
		s := dnssd.Service{Type: typ, Port: port, Addrs: []netip.Addr{a}, Text: map[string]string{"rs": path, "rp": path}}
		spec, ok := discover.Announced(s)
		if !ok {
			return
		}
		u, err := url.Parse(spec.URI)
		if err != nil || u.Hostname() != a.String() || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Contains(u.Path, "..") {
			t.Errorf("would ask %q", spec.URI)
		}
	})
}

func FuzzReceipt(f *testing.F) {
	f.Add("MFG:EPSON;CMD:ESC/POS;MDL:TM-T20III;", "04b8", "TM-T20III")
	f.Fuzz(func(t *testing.T, id, vendor, product string) {
		if receipt, sure := discover.Receipt(id, vendor, product); sure && !receipt {
			t.Error("surely none, and proposed")
		}
	})
}
