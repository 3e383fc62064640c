package pdf

import (
	"bytes"
	"encoding/binary"
	"math"
)

// curvePoints is how many points the tone curve has; straight lines between
// so many are less than a tenth of a step of 1/255 off.
const curvePoints = 64

// profile is an ICC profile of the colour space of screens, sRGB (IEC
// 61966-2-1), in version 2.1 of the format (ICC.1:1998-09), which every
// program reads: a display described by its primaries and one tone curve.
func profile() []byte {
	curve := tag("curv", u32(curvePoints))
	for i := range curvePoints {
		curve = binary.BigEndian.AppendUint16(curve, uint16(math.Round(65535*linear(float64(i)/(curvePoints-1)))))
	}
	tags := []struct {
		names []string
		data  []byte
	}{
		// textDescriptionType: the text, then an empty one in Unicode and in
		// ScriptCode (6.5.17).
		{[]string{"desc"}, tag("desc", u32(5), []byte("sRGB\x00"), make([]byte, 4+4+2+1+67))},
		{[]string{"cprt"}, tag("text", []byte("CC0\x00"))},
		// The white and the primaries of sRGB as the D50 white of the
		// profile's connection space sees them (Bradford).
		{[]string{"wtpt"}, xyz(0.9642, 1, 0.8249)},
		{[]string{"rXYZ"}, xyz(0.43607, 0.22249, 0.01392)},
		{[]string{"gXYZ"}, xyz(0.38515, 0.71687, 0.09708)},
		{[]string{"bXYZ"}, xyz(0.14307, 0.06061, 0.71410)},
		{[]string{"rTRC", "gTRC", "bTRC"}, curve},
	}
	var table, data []byte
	count, start := 0, 128+4+9*12
	for _, t := range tags {
		for _, name := range t.names {
			count++
			table = append(table, name...)
			table = append(table, u32(start+len(data))...)
			table = append(table, u32(len(t.data))...)
		}
		data = append(data, t.data...)
		data = append(data, make([]byte, -len(data)&3)...)
	}
	return bytes.Join([][]byte{profileHeader(start + len(data)), u32(count), table, data}, nil)
}

// profileHeader is a header without maker, date and platform (6.1).
func profileHeader(size int) []byte {
	h := make([]byte, 128)
	copy(h, u32(size))
	copy(h[8:], "\x02\x10\x00\x00mntrRGB XYZ ")
	// A date has to be one: that of the standard.
	copy(h[24:], "\x07\xcf\x00\x0a\x00\x01\x00\x00\x00\x00\x00\x00")
	copy(h[36:], "acsp")
	copy(h[68:], xyz(0.9642, 1, 0.8249)[8:])
	return h
}

// linear is the light of a channel of sRGB, both as shares of 1.
func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func tag(kind string, parts ...[]byte) []byte {
	return append([]byte(kind+"\x00\x00\x00\x00"), bytes.Join(parts, nil)...)
}

func u32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

// xyz holds three s15Fixed16Numbers.
func xyz(v ...float64) []byte {
	b := tag("XYZ ")
	for _, x := range v {
		b = append(b, u32(int(math.Round(x*65536)))...)
	}
	return b
}
