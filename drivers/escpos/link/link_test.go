package link_test

import (
	"testing"

	"pointnum/drivers/escpos/link"
)

func TestParse(t *testing.T) {
	for uri, ok := range map[string]bool{
		"serial:/dev/ttyUSB0":                       true,
		"serial:/dev/ttyUSB0?baud=9600&flow=rtscts": true,
		"serial:///dev/ttyS0?flow=xonxoff":          true,
		"serial:/dev/ttyUSB0?baud=12345":            false,
		"serial:/dev/ttyUSB0?baud=fast":             false,
		"serial:/dev/ttyUSB0?flow=some":             false,
		"serial:/dev/ttyUSB0?parity=odd":            false,
		"serial:ttyUSB0":                            false,
		"usb:/dev/usb/lp0":                          true,
		"usb:lp0":                                   false,
		"tcp://192.0.2.7":                           true,
		"tcp://[2001:db8::1]:9100":                  true,
		"tcp:":                                      false,
		"":                                          false,
		"://":                                       false,
	} {
		if _, err := link.Parse(uri); (err == nil) != ok {
			t.Errorf("%q: %v", uri, err)
		}
	}
}

func TestParseDeviceID(t *testing.T) {
	for in, want := range map[string]link.Identity{
		"\x00\x26MFG:EPSON;CMD:ESC/POS;MDL:TM-T20III;":        {Make: "EPSON", Model: "TM-T20III"},
		"\xff\xffMANUFACTURER: A;MODEL:B ;SN:1\x002;\x00\x00": {Make: "A", Model: "B", Serial: "1"},
		"\x00":                        {},
		"":                            {},
		"\x00\x01x":                   {},
		"\x00\x10MDL:A\x01\x7f\xffB;": {Model: "AB"},
	} {
		if got := link.ParseDeviceID([]byte(in)); got != want {
			t.Errorf("%q: %+v, want %+v", in, got, want)
		}
	}
}

func FuzzParseDeviceID(f *testing.F) {
	f.Add([]byte("\x00\x26MFG:EPSON;CMD:ESC/POS;MDL:TM-T20III;SN:X;"))
	f.Add([]byte("\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, s := range []string{link.ParseDeviceID(b).Make, link.ParseDeviceID(b).Model, link.ParseDeviceID(b).Serial} {
			if len(s) > 64 {
				t.Fatalf("%d bytes", len(s))
			}
		}
	})
}
