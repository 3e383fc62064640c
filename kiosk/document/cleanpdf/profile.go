package cleanpdf

import (
	"bytes"
	"encoding/binary"
)

// profile copies the profile of a colour space (ISO 32000-1, 8.6.5.5).
func (c *copier) profile(r ref, d dict) (dict, []byte, error) {
	out, err := c.listed(d, profile)
	if err != nil {
		return nil, nil, err
	}
	if c.steps.pictures {
		data, err := c.from.unpacked(r)
		if err != nil {
			return nil, nil, err
		}
		if small, ok := inward(data); ok {
			body, packed := c.out.flate(small)
			for key, v := range body {
				out[key] = v
			}
			return out, packed, nil
		}
	}
	return c.packed(r, d, out)
}

const (
	profileHead = 128 // bytes (ICC.1:2010, 7.2)
	profileRow  = 12  // of the table of tags
	mostTags    = 100
)

// inward cuts a printer's profile down to what turns its inks into colours to
// see. What turns colours into inks is nine tenths of it, and nobody needs it
// to show a page. What is left is an input profile (ICC.1:2010, 8.3.2) whose
// one table is that of relative colorimetry, the intent of PDF where a page
// says nothing else.
func inward(icc []byte) ([]byte, bool) {
	if len(icc) < profileHead+4 || string(icc[12:16]) != "prtr" || string(icc[36:40]) != "acsp" {
		return nil, false
	}
	n := binary.BigEndian.Uint32(icc[profileHead:])
	if n > mostTags || len(icc) < profileHead+4+int(n)*profileRow {
		return nil, false
	}
	tags := map[string][]byte{}
	for i := range int(n) {
		row := icc[profileHead+4+i*profileRow:][:profileRow]
		at, size := binary.BigEndian.Uint32(row[4:]), binary.BigEndian.Uint32(row[8:])
		if uint64(at)+uint64(size) > uint64(len(icc)) {
			return nil, false
		}
		tags[string(row[:4])] = icc[at:][:size]
	}
	if tags["A2B0"] == nil || tags["B2A0"] == nil || tags["wtpt"] == nil {
		return nil, false
	}
	if t := tags["A2B1"]; t != nil {
		tags["A2B0"] = t
	}
	return written(icc[:profileHead], tags, "desc", "cprt", "wtpt", "chad", "A2B0"), true
}

// written writes an input profile of some tags.
func written(head []byte, tags map[string][]byte, names ...string) []byte {
	var table, body []byte
	count := 0
	for _, t := range names {
		if tags[t] != nil {
			count++
		}
	}
	start := profileHead + 4 + count*profileRow
	for _, t := range names {
		if tags[t] == nil {
			continue
		}
		table = append(table, t...)
		table = binary.BigEndian.AppendUint32(table, uint32(start+len(body)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(tags[t])))
		body = append(body, tags[t]...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	out := bytes.Clone(head)
	copy(out[12:], "scnr")
	clear(out[84:100]) // the sum of its bytes
	binary.BigEndian.PutUint32(out, uint32(start+len(body)))
	out = binary.BigEndian.AppendUint32(out, uint32(count))
	return append(append(out, table...), body...)
}
