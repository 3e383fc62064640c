package dnssd

import "net/netip"

// Hear gives the services that messages tell of, heard in a network one after
// the other, and what would be asked next.
func Hear(network string, types []string, messages ...[]byte) []Service {
	g := &group{nets: []netip.Prefix{netip.MustParsePrefix(network)}}
	k := newKnown(types)
	for _, m := range messages {
		records, _ := parse(m)
		k.take(g, records)
		_ = ask(k.questions(true))
	}
	return k.services()
}
