package diag_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"pointnum/kiosk/diag"
)

func filter() diag.Filter {
	return diag.Filter{Words: diag.NewWords(), Devices: []string{"imprimante"},
		Units: []string{"kioskd.service", "pointnum-screen.service", "pointnum-update@.service"}}
}

// line is one line as the journal gives it.
func line(fields map[string]any) []byte {
	all := map[string]any{"__REALTIME_TIMESTAMP": "1795374458000000", "_PID": "812"}
	maps.Copy(all, fields)
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return b
}

func TestJournalTellsWhatIsKnown(t *testing.T) {
	f := filter()
	for _, c := range []struct {
		name string
		in   map[string]any
		want string // what follows the time; "" for a line that is hidden
	}{
		{"a message of the agent", map[string]any{"_SYSTEMD_UNIT": "kioskd.service", "MESSAGE": `time=2026-11-22T19:00:00Z level=INFO msg="visit wiped" files=3 bytes=120000`},
			"kioskd INFO visit wiped bytes=120000 files=3"},
		{"a fault keeps what is known of its cause", map[string]any{"_SYSTEMD_UNIT": "kioskd.service",
			"MESSAGE": `level=WARN msg="task failed" task=print device=imprimante code=paper_jam err="open /run/pointnum/spool/JEAN.pdf: permission denied"`},
			`kioskd WARN task failed code=paper_jam device=imprimante err="…: permission denied" task=print`},
		{"an attribute that nobody knows is left out", map[string]any{"_SYSTEMD_UNIT": "kioskd.service", "MESSAGE": `level=INFO msg="visit starts" name=Jean device=JEAN code=JEAN files=JEAN`},
			"kioskd INFO visit starts"},
		{"a crash keeps our functions and not their values", map[string]any{"_SYSTEMD_UNIT": "kioskd.service", "MESSAGE": `pointnum/kiosk/session.(*Engine).Run({0xc000, 0x4a45414e})`},
			"kioskd PANIC pointnum/kiosk/session.(*Engine).Run"},
		{"the text of a crash may be anything", map[string]any{"_SYSTEMD_UNIT": "kioskd.service", "MESSAGE": `panic: JEAN`}, "kioskd PANIC …"},
		{"systemd's words about a unit", map[string]any{"_PID": "1", "UNIT": "kioskd.service", "MESSAGE": "kioskd.service: Main process exited, code=exited, status=125/n/a"},
			"systemd kioskd.service: Main process exited, code=exited, status=125/n/a"},
		{"a description is left out", map[string]any{"_PID": "1", "UNIT": "kioskd.service", "MESSAGE": "Started kioskd.service - The kiosk of JEAN."}, "systemd Started kioskd.service."},
		{"a unit of a template", map[string]any{"_PID": "1", "UNIT": "pointnum-update@3-970-0.service", "MESSAGE": "pointnum-update@3-970-0.service: Failed with result 'timeout'."},
			"systemd pointnum-update@.service: Failed with result 'timeout'."},
		{"the kernel's line about a disk", map[string]any{"_TRANSPORT": "kernel", "MESSAGE": "I/O error, dev sda, sector 2048 op 0x0:(READ)"}, "noyau I/O error, dev sda, sector 2048 op 0x0:(READ)"},

		{"a message that the source does not have", map[string]any{"_SYSTEMD_UNIT": "kioskd.service", "MESSAGE": `level=INFO msg="JEAN scans"`}, ""},
		{"what is no line of the log", map[string]any{"_SYSTEMD_UNIT": "kioskd.service", "MESSAGE": `JEAN`}, ""},
		{"what follows a line of the log", map[string]any{"_SYSTEMD_UNIT": "kioskd.service", "MESSAGE": `level=INFO msg="visit starts"JEAN`}, ""},
		{"the browser's words", map[string]any{"_SYSTEMD_UNIT": "pointnum-screen.service", "MESSAGE": `[812:812:INFO:CONSOLE(1)] "JEAN", source: https://caf.example/`}, ""},
		{"a known message of an unknown unit", map[string]any{"_SYSTEMD_UNIT": "other.service", "MESSAGE": `level=INFO msg="visit starts"`}, ""},
		{"who only says that it is systemd", map[string]any{"_SYSTEMD_UNIT": "other.service", "UNIT": "kioskd.service", "MESSAGE": "Started kioskd.service."}, ""},
		{"a key's name", map[string]any{"_TRANSPORT": "kernel", "MESSAGE": "usb 1-2: Product: CLE DE JEAN"}, ""},
		{"a key's number", map[string]any{"_TRANSPORT": "kernel", "MESSAGE": "usb 1-2: SerialNumber: JEAN"}, ""},
		{"bytes that are no text", map[string]any{"_SYSTEMD_UNIT": "kioskd.service", "MESSAGE": []int{74, 69, 65, 78}}, ""},
	} {
		got, ok := f.Line(line(c.in))
		if ok != (c.want != "") || ok && !strings.HasSuffix(got, " "+c.want) || ok && strings.Index(got, c.want) != len("2006-01-02 15:04:05 ") {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// Whatever a program writes, a text that is not known does not come through.
func FuzzJournal(f *testing.F) {
	for _, s := range []string{`level=INFO msg="visit starts" err="open JEANDUPONT: x"`, `level=INFO msg="visit starts" code=JEANDUPONT`, `panic: JEANDUPONT`,
		`pointnum/x.JEANDUPONT(`, `kioskd.service: JEANDUPONT`, `level="INFO" msg=run device="JEANDUPONT"`, "usb 1-2: Product: JEANDUPONT"} {
		f.Add(s, "kioskd.service", "812", "stdout")
		f.Add(s, "kioskd.service", "1", "kernel")
	}
	j := filter()
	f.Fuzz(func(t *testing.T, text, unit, pid, transport string) {
		got, ok := j.Line(line(map[string]any{"MESSAGE": text, "_SYSTEMD_UNIT": unit, "UNIT": unit, "_PID": pid, "_TRANSPORT": transport}))
		if !ok {
			return
		}
		if strings.ContainsAny(got, "\n\r\x1b") {
			t.Errorf("%q came through as %q", text, got)
		}
		// A function's name is the compiler's, not a visitor's.
		if strings.Contains(got, "JEANDUPONT") && !strings.Contains(got, "PANIC pointnum/") {
			t.Errorf("%q came through as %q", text, got)
		}
	})
}
