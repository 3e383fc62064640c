package console

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"pointnum/ui/i18n"
)

// usageView is the sheet for funders.
type usageView struct {
	Ask       Ask
	Zoned     string
	Span      string // "du 1 au 30 novembre 2026"
	Kiosks    []Named
	KioskName string
	All       bool // several structures can be asked for
	Numbers   []numberView
	Chart     *chartView
	Groups    []groupView
	Rows      []rowView // the table: one row a day, kiosk or structure
	Hidden    bool      // something is hidden
	Empty     bool
	CSV       string
	Quick     []quickView
}

// quickView is a period that is one touch away.
type quickView struct {
	Name, To string
	Here     bool
}

// numberView is one large number.
type numberView struct{ Name, N, Picture string }

// groupView is one group of counters: kinds of paper, portals…
type groupView struct {
	Name  string
	Lines []lineView
}

// lineView is one line with a bar.
type lineView struct {
	Name, N string
	Width   int // of 100
}

type rowView struct {
	Name  string
	Cells []string
}

// chartView is the picture of days: columns in a box of 1000 × 300.
type chartView struct {
	Columns   []columnView
	First     string
	Last      string
	Most      string
	Described string
}

type columnView struct{ X, Y, W, H, Label string }

// plainCounters have a large number, in this order.
var plainCounters = []string{"visits", "pages", "documents", "saved", "phoned", "printed", "receipts", "help", "minutes"}

// tableCounters have a column in the table.
var tableCounters = []string{"visits", "pages", "documents", "printed", "help"}

// counterPictures are beside the numbers.
var counterPictures = map[string]string{
	"visits": "user", "pages": "file-text", "documents": "files", "saved": "key", "phoned": "device-mobile",
	"printed": "printer", "receipts": "receipt", "help": "hand-waving", "minutes": "timer",
}

// groups are the counters with a value, in the order of the sheet.
var groups = []string{"paper/", "opened/", "attached/", "end/", "language/", "fault/"}

const dayFormat = "2006-01-02"

// maxSpan keeps a question from asking for everything at once.
const maxSpan = 400

// readAsk reads what a sheet is about from an address; this month by default.
func (s *Server) readAsk(r *request) (Ask, error) {
	q := r.URL.Query()
	now := s.now().In(s.zone)
	a := Ask{Structure: r.PathValue("structure"), Kiosk: q.Get("kiosk"), From: q.Get("from"), To: q.Get("to"), By: By(q.Get("by"))}
	if a.From == "" {
		a.From = now.AddDate(0, 0, 1-now.Day()).Format(dayFormat)
	}
	if a.To == "" {
		a.To = now.Format(dayFormat)
	}
	switch a.By {
	case "":
		a.By = ByDay
	case ByDay, ByKiosk:
	case ByStructure:
		if r.who.Structure != "" {
			return a, ErrInvalid
		}
		a.Structure, a.Kiosk = "", ""
	default:
		return a, ErrInvalid
	}
	from, err1 := time.Parse(dayFormat, a.From)
	to, err2 := time.Parse(dayFormat, a.To)
	if err1 != nil || err2 != nil || to.Before(from) || to.Sub(from) > maxSpan*24*time.Hour {
		return a, ErrInvalid
	}
	return a, nil
}

func (s *Server) usage(w http.ResponseWriter, r *request) error {
	a, err := s.readAsk(r)
	if err != nil {
		return err
	}
	sheet, err := s.fleet.Usage(r.Context(), r.who, a)
	if err != nil {
		return err
	}
	f := s.frame(r, Named{r.PathValue("structure"), sheet.Name}, "usage")
	f.Body = s.usageOf(r, a, sheet)
	return s.render(w, r, http.StatusOK, "usage", f)
}

func (s *Server) usageOf(r *request, a Ask, sheet Sheet) usageView {
	l := r.l
	v := usageView{Ask: a, Span: s.span(l, a), Kiosks: sheet.Kiosks, All: r.who.Structure == "", Quick: s.quick(r, a)}
	for _, k := range sheet.Kiosks {
		if k.ID == a.Kiosk {
			v.KioskName = k.Label
		}
	}
	q := url.Values{"from": {a.From}, "to": {a.To}, "by": {string(a.By)}}
	if a.Kiosk != "" {
		q.Set("kiosk", a.Kiosk)
	}
	v.CSV = "/s/" + url.PathEscape(r.PathValue("structure")) + "/usage.csv?" + q.Encode()
	for _, name := range plainCounters {
		c := countOf(sheet.Total, name)
		v.Numbers = append(v.Numbers, numberView{Name: l.T("count", name), N: amount(l, c), Picture: counterPictures[name]})
		v.Hidden = v.Hidden || c.Hidden
	}
	for _, stem := range groups {
		g := groupView{Name: l.T("group", strings.TrimSuffix(stem, "/"))}
		g.Lines = s.lines(l, sheet.Total, stem)
		if len(g.Lines) > 0 {
			v.Groups = append(v.Groups, g)
		}
	}
	for _, c := range sheet.Total {
		v.Hidden = v.Hidden || c.Hidden
	}
	for _, row := range sheet.Rows {
		rv := rowView{Name: s.rowName(l, a.By, row)}
		for _, name := range tableCounters {
			rv.Cells = append(rv.Cells, amount(l, countOf(row.Counts, name)))
		}
		v.Rows = append(v.Rows, rv)
	}
	v.Empty = len(sheet.Rows) == 0
	if a.By == ByDay && !v.Empty {
		v.Chart = s.chart(l, a, sheet)
	}
	return v
}

func countOf(counts []Count, name string) Count {
	for _, c := range counts {
		if c.Counter == name {
			return c
		}
	}
	return Count{Counter: name}
}

// amount writes a count; few are not told exactly.
func amount(l *i18n.Language, c Count) string {
	if c.Hidden {
		return l.T("number", "few")
	}
	return number(l, c.N)
}

// lines are the counters of one group, the largest first.
func (s *Server) lines(l *i18n.Language, counts []Count, stem string) []lineView {
	var in []Count
	most := int64(1)
	for _, c := range counts {
		if strings.HasPrefix(c.Counter, stem) {
			in = append(in, c)
			most = max(most, c.N)
		}
	}
	slices.SortStableFunc(in, func(a, b Count) int {
		if a.N != b.N {
			return int(b.N - a.N)
		}
		return strings.Compare(a.Counter, b.Counter)
	})
	var out []lineView
	for _, c := range in {
		out = append(out, lineView{Name: s.counterName(l, c.Counter), N: amount(l, c), Width: int(c.N * 100 / most)})
	}
	return out
}

// counterName puts what a counter counts into words.
func (s *Server) counterName(l *i18n.Language, counter string) string {
	stem, id, has := strings.Cut(counter, "/")
	if !has {
		return l.T("count", counter)
	}
	switch stem {
	case "paper":
		if k, ok := s.catalogue.Kind(id); ok {
			return k.Official
		}
	case "opened", "attached":
		if p, ok := s.catalogue.Portal(id); ok {
			return p.Official
		}
	case "end", "language":
		if text := l.T(stem+"_of", id); text != id {
			return text
		}
	case "fault":
		for _, word := range []string{id + ".word", id + ".printer.word"} {
			if text := l.T("trouble", word, "device", l.T("device", "any")); text != word {
				return capital(text)
			}
		}
	}
	return id
}

func (s *Server) rowName(l *i18n.Language, by By, row Row) string {
	if by != ByDay {
		if row.Label != "" {
			return row.Label
		}
		return row.Key
	}
	day, err := time.Parse(dayFormat, row.Key)
	if err != nil {
		return row.Key // a month, where days are no longer kept
	}
	return l.T("date", strings.ToLower(day.Weekday().String())) + " " + dayIn(l, day)
}

func (s *Server) span(l *i18n.Language, a Ask) string {
	from, err1 := time.Parse(dayFormat, a.From)
	to, err2 := time.Parse(dayFormat, a.To)
	if err1 != nil || err2 != nil {
		return a.From + " – " + a.To
	}
	return l.T("date", "span", "from", dayIn(l, from), "to", dayIn(l, to))
}

// quick are the periods that people ask for most.
func (s *Server) quick(r *request, a Ask) []quickView {
	now := s.now().In(s.zone)
	day := func(t time.Time) string { return t.Format(dayFormat) }
	month := now.AddDate(0, 0, 1-now.Day())
	year := time.Date(now.Year(), 1, 1, 12, 0, 0, 0, s.zone)
	monday := now.AddDate(0, 0, -(int(now.Weekday())+6)%7)
	var out []quickView
	for _, p := range []struct {
		word     string
		from, to time.Time
	}{
		{"week", monday, now}, {"month", month, now},
		{"last_month", month.AddDate(0, -1, 0), month.AddDate(0, 0, -1)}, {"year", year, now},
	} {
		q := url.Values{"from": {day(p.from)}, "to": {day(p.to)}, "by": {string(a.By)}}
		if a.Kiosk != "" {
			q.Set("kiosk", a.Kiosk)
		}
		out = append(out, quickView{Name: r.l.T("period", p.word), To: "?" + q.Encode(), Here: a.From == day(p.from) && a.To == day(p.to)})
	}
	return out
}

// chart draws the visits of each day of a span, days without any too.
func (s *Server) chart(l *i18n.Language, a Ask, sheet Sheet) *chartView {
	const width, height = 1000, 300
	from, err1 := time.Parse(dayFormat, a.From)
	to, err2 := time.Parse(dayFormat, a.To)
	if err1 != nil || err2 != nil {
		return nil
	}
	days := int(to.Sub(from)/(24*time.Hour)) + 1
	counts := map[string]Count{}
	most, best := int64(1), ""
	for _, row := range sheet.Rows {
		c := countOf(row.Counts, "visits")
		counts[row.Key] = c
		if c.N > most {
			most, best = c.N, row.Key
		}
	}
	v := &chartView{First: dayIn(l, from), Last: dayIn(l, to), Most: number(l, most)}
	step := float64(width) / float64(days)
	for i := range days {
		day := from.AddDate(0, 0, i)
		c := counts[day.Format(dayFormat)]
		h := float64(c.N) * height / float64(most)
		if c.Hidden {
			h = 2 * height / float64(max(most, 20))
		}
		v.Columns = append(v.Columns, columnView{
			X: decimal(float64(i)*step + step*0.12), W: decimal(step * 0.76), Y: decimal(height - h), H: decimal(h),
			Label: dayIn(l, day) + " : " + amount(l, c),
		})
	}
	v.Described = l.T("usage", "chart", "span", s.span(l, a), "total", amount(l, countOf(sheet.Total, "visits")))
	if best != "" {
		if day, err := time.Parse(dayFormat, best); err == nil {
			v.Described += " " + l.T("usage", "chart_best", "day", dayIn(l, day), "n", number(l, most))
		}
	}
	return v
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
