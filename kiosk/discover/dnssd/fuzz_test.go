package dnssd_test

import (
	"strings"
	"testing"

	"pointnum/kiosk/discover/dnssd"
)

func FuzzHear(f *testing.F) {
	f.Add(reply("_ipp._tcp.local", 12, wire("x._ipp._tcp.local")),
		reply("x._ipp._tcp.local", 33, append([]byte{0, 0, 0, 0, 2, 119}, wire("h.local")...)),
		reply("x._ipp._tcp.local", 16, []byte("\x03a=b")))
	f.Add([]byte{}, []byte{0}, []byte{0xC0, 0})
	f.Fuzz(func(t *testing.T, a, b, c []byte) {
		address := reply("h.local", 1, []byte{127, 0, 0, 1})
		for _, s := range dnssd.Hear("127.0.0.1/8", []string{"_ipp._tcp"}, a, b, c, address) {
			if s.Type != "_ipp._tcp" || s.Port == 0 || len(s.Addrs) == 0 || strings.ContainsFunc(s.Name, func(r rune) bool { return r < ' ' }) {
				t.Errorf("believed %+v", s)
			}
		}
	})
}
