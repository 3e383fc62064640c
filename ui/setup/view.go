package setup

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"pointnum/kiosk"
	"pointnum/ui/i18n"
)

// view is what the templates see.
type view struct {
	State
	L         *i18n.Language
	Languages []*i18n.Language
	Ask       string
	Seq       uint64
	Key       string
	Bad       bool // what was typed is not possible
	SSID      string
	Hidden    bool
	Device    kiosk.DeviceID
	Disk      *Disk  // the one to put the system on
	Word      string // to be typed before

	Steps  []stepView
	Facts  []fact
	Rows   []row
	Why    trouble // of Fault
	Bars   []point
	Bads   int // lines that do not work
	Model  string
	Signal string
}

// eraseWord is what a person types before a disk is erased.
const eraseWord = "EFFACER"

type stepView struct {
	Step    Step
	N       int
	Past    bool
	Current bool
}

// fact is one thing that is known of the network.
type fact struct {
	OK      bool
	Picture string
	Text    string
	More    string
}

// row is a line of the self-test.
type row struct {
	Line
	Text, Why, Word, Picture string
}

// point is a Wi-Fi network with its strength in bars, 1 to 4.
type point struct {
	Point
	Bars int
}

// prepare works out what the templates show.
func (v *view) prepare() {
	here := slices.Index(steps(), v.Step)
	for i, s := range steps() {
		v.Steps = append(v.Steps, stepView{s, i + 1, i < here, i == here})
	}
	if v.Fault != nil {
		v.Why = troubleOf(v.Fault.Code)
	}
	switch v.Step {
	case StepNetwork:
		v.network()
	case StepTest:
		v.Rows = rows(v.L, v.Lines)
		for _, r := range v.Rows {
			if r.State == LineBad {
				v.Bads++
			}
		}
	case StepDevices:
		for _, d := range v.Devices {
			if d.ID == v.Device {
				v.Model = d.Model
			}
		}
	}
}

func troubleOf(c kiosk.Code) trouble {
	if slices.Contains(troubles(), trouble(c)) {
		return trouble(c)
	}
	return troubleOther
}

func (v *view) network() {
	n, l := v.Network, v.L
	switch {
	case n.SSID != "":
		v.Facts = append(v.Facts, fact{n.Address != "" || n.OK, "globe", l.T("setup", "wifi"), n.SSID})
	default:
		v.Facts = append(v.Facts, fact{n.Wired, "plug", l.T("setup", "cable"), ""})
	}
	v.Facts = append(v.Facts, fact{n.Address != "", "map-pin", l.T("setup", "address"), n.Address})
	far := l.T("setup", "internet")
	if v.Host.Server != "" && !v.Host.Alone {
		far = l.T("setup", "supervision")
	}
	v.Facts = append(v.Facts, fact{n.Server, "globe-hemisphere-west", far, ""})
	if n.Clock != 0 {
		v.Facts = append(v.Facts, fact{true, "timer", l.T("setup", "clock_set"), ""})
	}
	if n.Proxy != "" {
		v.Facts = append(v.Facts, fact{true, "arrows-left-right", l.T("setup", "proxy"), n.Proxy})
	}
	if n.CA {
		v.Facts = append(v.Facts, fact{true, "certificate", l.T("setup", "ca"), ""})
	}
	for _, p := range n.Points {
		v.Bars = append(v.Bars, point{p, min(4, 1+p.Signal/25)})
	}
}

// rows are the lines of the self-test in words: what is wrong comes first.
func rows(l *i18n.Language, lines []Line) []row {
	var out []row
	for _, n := range lines {
		r := row{Line: n, Text: l.T("setup_line", string(n.About)), Word: l.T("setup_state", string(n.State)), Picture: "check"}
		switch n.State {
		case LineBad:
			r.Picture = "x"
		case LineWarn:
			r.Picture = "warning"
		case LineWait:
			r.Picture = "hand-tap"
		}
		switch {
		case n.Code == "":
		case troubleOf(n.Code) != troubleOther:
			r.Why = l.T("setup_fault", string(n.Code)+".what")
		default:
			r.Why = l.Fault(n.Code, kiosk.Kind(n.About)).What
		}
		out = append(out, r)
	}
	order := map[LineState]int{LineBad: 0, LineWait: 1, LineWarn: 2, LineOK: 3}
	slices.SortStableFunc(out, func(a, b row) int { return order[a.State] - order[b.State] })
	return out
}

// functions are those of the templates.
func (s *Server) functions(l *i18n.Language) template.FuncMap {
	return template.FuncMap{
		"t":       l.T,
		"picture": func(name string) string { return s.assets.Picture(staticPath, name) },
		"static":  func(name string) string { return s.assets.URL(staticPath, name) },
		"step":    func(x Step) string { return l.T("setup_step", string(x)) },
		"task":    func(x Task) string { return l.T("setup_task", string(x)) },
		"what":    func(x trouble) string { return l.T("setup_fault", string(x)+".what") },
		"do":      func(x trouble) string { return l.T("setup_fault", string(x)+".do") },
		"disk": func(d Disk) string {
			return strings.TrimSpace(d.Model+" "+l.T("setup", "gigabytes", "n", strconv.FormatInt(d.Size/1e9, 10))) + " \u2066(" + d.Path + ")\u2069" // from left to right
		},
		"device": func(k kiosk.Kind) string { return l.T("device", string(k)) },
		"keyPictures": func() []string {
			return []string{"backspace", "arrow-elbow-down-left", "arrow-line-right", "arrow-left", "arrow-right", "arrow-fat-up"}
		},
		"corners": func() []string { return []string{"a", "b", "c", "d", "e"} },
	}
}

// Sheet is the self-test on paper, in the language of the screens: what a
// technician leaves with the host.
func Sheet(st State, version string, now time.Time) (kiosk.Receipt, error) {
	texts, err := i18n.Load()
	if err != nil {
		return kiosk.Receipt{}, fmt.Errorf("setup: %w", err)
	}
	l := texts.Language(st.Lang)
	r := kiosk.Receipt{Lang: l.Tag, RTL: l.RTL()}
	add := func(items ...kiosk.ReceiptItem) { r.Items = append(r.Items, items...) }
	add(kiosk.ReceiptItem{Text: l.T("setup", "sheet"), Bold: true, Large: true, Align: kiosk.AlignCenter},
		kiosk.ReceiptItem{Text: l.Date(now), Align: kiosk.AlignCenter}, kiosk.ReceiptItem{})
	if st.Host.Enrolled {
		add(kiosk.ReceiptItem{Pair: [2]string{l.T("setup_step", string(StepHost)), st.Host.Structure}},
			kiosk.ReceiptItem{Pair: [2]string{l.T("setup", "label"), st.Host.Label}})
	} else {
		add(kiosk.ReceiptItem{Pair: [2]string{l.T("setup", "place"), st.Host.Place}}, kiosk.ReceiptItem{Text: l.T("setup", "is_alone")})
	}
	add(kiosk.ReceiptItem{Pair: [2]string{l.T("setup_line", string(AboutVersion)), version}}, kiosk.ReceiptItem{Rule: true})
	for _, n := range rows(l, st.Lines) {
		what := n.Text
		if n.Name != "" && n.About != AboutVersion {
			what += " (" + n.Name + ")"
		}
		add(kiosk.ReceiptItem{Pair: [2]string{what, n.Word}, Bold: n.State == LineBad})
		if n.Why != "" {
			add(kiosk.ReceiptItem{Text: "- " + i18n.Plain(n.Why)})
		}
		if n.Detail != "" && n.State != LineOK {
			add(kiosk.ReceiptItem{Text: "- " + strings.TrimSpace(i18n.Plain(n.Detail))})
		}
	}
	add(kiosk.ReceiptItem{Rule: true})
	if st.Code != "" {
		add(kiosk.ReceiptItem{Pair: [2]string{l.T("setup", "sheet_code"), st.Code}, Bold: true})
	}
	return r, nil
}
