package escpos_test

import (
	"slices"
	"testing"

	"pointnum/drivers/escpos"
	"pointnum/kiosk"
)

func TestState(t *testing.T) {
	for _, c := range []struct {
		name  string
		bytes [4]byte // answers to DLE EOT 1 to 4
		ready bool
		want  []kiosk.Code
	}{
		{"all is well", [4]byte{0x12, 0x12, 0x12, 0x12}, true, nil},
		{"the drawer's pin is no fault", [4]byte{0x16, 0x12, 0x12, 0x12}, true, nil},
		{"the feed button is no fault", [4]byte{0x12, 0x1a, 0x12, 0x12}, true, nil},
		{"soon out of paper", [4]byte{0x12, 0x12, 0x12, 0x1e}, true, []kiosk.Code{kiosk.CodePaperLow}},
		{"out of paper", [4]byte{0x1a, 0x32, 0x12, 0x7e}, false, []kiosk.Code{kiosk.CodePaperEmpty}},
		{"out of paper without a near-end sensor", [4]byte{0x1a, 0x32, 0x12, 0x72}, false, []kiosk.Code{kiosk.CodePaperEmpty}},
		{"cover open and no paper", [4]byte{0x1a, 0x36, 0x12, 0x72}, false, []kiosk.Code{kiosk.CodeCoverOpen, kiosk.CodePaperEmpty}},
		{"cutter", [4]byte{0x1a, 0x52, 0x1a, 0x12}, false, []kiosk.Code{kiosk.CodeCutterError}},
		{"hot head", [4]byte{0x1a, 0x52, 0x52, 0x12}, false, []kiosk.Code{kiosk.CodeOverheated}},
		{"broken", [4]byte{0x1a, 0x52, 0x32, 0x12}, false, []kiosk.Code{kiosk.CodePowerCycle}},
		{"off-line and says not why", [4]byte{0x1a, 0x12, 0x12, 0x12}, false, []kiosk.Code{kiosk.CodeDevicePaused}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s escpos.State
			for i, b := range c.bytes {
				s.Realtime(i+1, b)
			}
			st := s.Status()
			if st.Ready != c.ready || !slices.Equal(st.Conditions, c.want) {
				t.Errorf("got %+v", st)
			}
		})
	}
}

func TestReportState(t *testing.T) {
	for b, want := range map[[4]byte][]kiosk.Code{
		{0x10, 0, 0, 0}:       nil,
		{0x14, 0, 0, 0x0f}:    nil,
		{0x38, 0, 0, 0}:       {kiosk.CodeCoverOpen},
		{0x18, 0, 0x0f, 0}:    {kiosk.CodePaperEmpty},
		{0x18, 0x08, 0, 0}:    {kiosk.CodeCutterError},
		{0x18, 0x40, 0, 0}:    {kiosk.CodeOverheated},
		{0x18, 0x20, 0, 0}:    {kiosk.CodePowerCycle},
		{0x10, 0, 0x03, 0x0f}: {kiosk.CodePaperLow},
	} {
		if got := escpos.ReportState(b).Status().Conditions; !slices.Equal(got, want) {
			t.Errorf("% x: %v, want %v", b, got, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name string
		in   string
		want []escpos.Answer
	}{
		{"an answer to DLE EOT", "\x12", []escpos.Answer{{Kind: escpos.Realtime, Byte: 0x12}}},
		{"an answer to GS r", "\x0f", []escpos.Answer{{Kind: escpos.Paper, Byte: 0x0f}}},
		{"a report", "\x14\x00\x00\x0f", []escpos.Answer{{Kind: escpos.Report, ASB: [4]byte{0x14, 0, 0, 0x0f}}}},
		{"an answer inside a report", "\x14\x00\x1e\x00\x0f", []escpos.Answer{
			{Kind: escpos.Realtime, Byte: 0x1e}, {Kind: escpos.Report, ASB: [4]byte{0x14, 0, 0, 0x0f}}}},
		{"a report cut off by a report", "\x14\x00\x14\x01\x02\x03", []escpos.Answer{{Kind: escpos.Report, ASB: [4]byte{0x14, 1, 2, 3}}}},
		{"noise and flow control", "\xff\x11\x13\x91\xe0", nil},
		{"a name", "_TM-T20III\x00\x12", []escpos.Answer{{Kind: escpos.Name, Name: "TM-T20III"}, {Kind: escpos.Realtime, Byte: 0x12}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var a escpos.Answers
			if got := a.Feed([]byte(c.in)); !slices.Equal(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte("\x12\x16\x1e\x72"), uint8(2))
	f.Add([]byte("\x14\x00\x00\x0f\x00"), uint8(1))
	f.Add([]byte("_TM-T20III\x00_\xff\x12"), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, cut uint8) {
		var whole, parts escpos.Answers
		want := whole.Feed(b)
		n := min(int(cut), len(b))
		got := append(parts.Feed(b[:n]), parts.Feed(b[n:])...)
		if !slices.Equal(got, want) {
			t.Fatalf("in parts %+v, at once %+v", got, want)
		}
		var s escpos.State
		for i, a := range want {
			if a.Kind == escpos.Realtime && a.Byte&0x93 != 0x12 {
				t.Fatalf("%#x was believed", a.Byte)
			}
			if len(a.Name) > 80 {
				t.Fatalf("a name of %d bytes", len(a.Name))
			}
			s.Realtime(i%4+1, a.Byte)
		}
		if st := s.Status(); st.Ready != (len(s.Blocking()) == 0) {
			t.Fatalf("%+v", st)
		}
	})
}
