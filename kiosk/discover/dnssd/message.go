package dnssd

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
)

// Types of records (RFC 1035, 3596 and 2782).
const (
	typeA    = 1
	typePTR  = 12
	typeTXT  = 16
	typeAAAA = 28
	typeSRV  = 33
)

const (
	classIN    = 1
	cacheFlush = 1 << 15 // of a record's class (RFC 6762, 10.2)
	isResponse = 1 << 15 // of a header's flags
)

// Limits of what is read of one message. A device's own is below 2 kB.
const (
	maxMessage = 9000 // RFC 6762, 17
	maxRecords = 200
	maxName    = 255
)

var errMessage = errors.New("dnssd: not a DNS message")

// name is a domain name: its labels with a NUL between them. A label may hold
// dots ("HP 4.5"), no control character.
type name string

func nameOf(dotted string) name { return name(strings.ReplaceAll(dotted, ".", "\x00")) }

// fold is the name by which it is compared: DNS does without case.
func (n name) fold() name { return name(strings.ToLower(string(n))) }

// dotted is for names of hosts, whose labels have no dots.
func (n name) dotted() string { return strings.ReplaceAll(string(n), "\x00", ".") }

// record is a resource record of a type that is used.
type record struct {
	name   name
	typ    uint16
	gone   bool       // time to live 0: no longer so (RFC 6762, 10.1)
	target name       // PTR and SRV
	port   uint16     // SRV
	addr   netip.Addr // A and AAAA
	text   []string   // TXT
}

// parse reads the answers of a message and what comes with them; nothing of a
// question. Records after a damaged one are not read.
func parse(b []byte) ([]record, error) {
	if len(b) < 12 || len(b) > maxMessage {
		return nil, errMessage
	}
	if binary.BigEndian.Uint16(b[2:])&isResponse == 0 {
		return nil, nil
	}
	at := 12
	for range binary.BigEndian.Uint16(b[4:]) {
		_, next, err := readName(b, at)
		if err != nil || next+4 > len(b) {
			return nil, errMessage
		}
		at = next + 4
	}
	count := 0
	for i := 6; i < 12; i += 2 {
		count += int(binary.BigEndian.Uint16(b[i:]))
	}
	var all []record
	for range min(count, maxRecords) {
		r, next, err := readRecord(b, at)
		if err != nil {
			return all, err
		}
		if r.typ != 0 {
			all = append(all, r)
		}
		at = next
	}
	return all, nil
}

// readRecord reads one record; its typ is 0 when it is of no use.
func readRecord(b []byte, at int) (record, int, error) {
	n, at, err := readName(b, at)
	if err != nil || at+10 > len(b) {
		return record{}, 0, errMessage
	}
	r := record{name: n, typ: binary.BigEndian.Uint16(b[at:]), gone: binary.BigEndian.Uint32(b[at+4:]) == 0}
	class := binary.BigEndian.Uint16(b[at+2:])
	start := at + 10
	end := start + int(binary.BigEndian.Uint16(b[at+8:]))
	if end > len(b) {
		return record{}, 0, errMessage
	}
	if class&^cacheFlush != classIN || !r.read(b, start, end) {
		r.typ = 0
	}
	return r, end, nil
}

// read takes the record's data, b[start:end]; names in it may point back.
func (r *record) read(b []byte, start, end int) bool {
	var err error
	stop := end
	switch r.typ {
	case typeA, typeAAAA:
		var ok bool
		r.addr, ok = netip.AddrFromSlice(b[start:end])
		return ok && r.addr.Is4() == (r.typ == typeA)
	case typePTR:
		r.target, stop, err = readName(b, start)
	case typeSRV:
		if end-start < 7 {
			return false
		}
		r.port = binary.BigEndian.Uint16(b[start+4:])
		r.target, stop, err = readName(b, start+6)
	case typeTXT:
		for at := start; at < end; {
			next := at + 1 + int(b[at])
			if next > end {
				return false
			}
			r.text = append(r.text, string(b[at+1:next]))
			at = next
		}
	default:
		return false
	}
	return err == nil && stop == end
}

// readName reads a name and returns where what follows it begins. A pointer
// has to point before the name it is in (RFC 1035, 4.1.4), so it ends.
func readName(b []byte, at int) (name, int, error) {
	var labels []string
	after, before, size := -1, at, 0
	for {
		if at >= len(b) {
			return "", 0, errMessage
		}
		n := int(b[at])
		switch {
		case n == 0:
			if after < 0 {
				after = at + 1
			}
			return name(strings.Join(labels, "\x00")), after, nil
		case n&0xC0 == 0xC0:
			if at+2 > len(b) {
				return "", 0, errMessage
			}
			to := int(binary.BigEndian.Uint16(b[at:]) &^ 0xC000)
			if to >= before {
				return "", 0, errMessage
			}
			if after < 0 {
				after = at + 2
			}
			at, before = to, to
		case n&0xC0 != 0 || at+1+n > len(b):
			return "", 0, errMessage
		default:
			label := string(b[at+1 : at+1+n])
			size += n + 1
			if size > maxName || strings.ContainsFunc(label, func(r rune) bool { return r < ' ' || r == 0x7f }) {
				return "", 0, errMessage
			}
			labels = append(labels, label)
			at += 1 + n
		}
	}
}

// question asks for the records of a name.
type question struct {
	name name
	typ  uint16
}

// ask makes a message of questions; those that do not fit into a packet are
// left for the next time.
func ask(questions []question) []byte {
	const most = 1400 // bytes: no fragments on any network
	b := make([]byte, 12, most)
	count := uint16(0)
	for _, q := range questions {
		if len(b)+len(q.name)+6 > most {
			break
		}
		for label := range strings.SplitSeq(string(q.name), "\x00") {
			b = append(b, byte(len(label)))
			b = append(b, label...)
		}
		b = append(b, 0)
		b = binary.BigEndian.AppendUint16(b, q.typ)
		b = binary.BigEndian.AppendUint16(b, classIN)
		count++
	}
	binary.BigEndian.PutUint16(b[4:], count)
	return b
}
