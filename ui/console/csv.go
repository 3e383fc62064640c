package console

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// usageCSV is the sheet as a file for spreadsheets: one line a number, as
// pivot tables want it.
func (s *Server) usageCSV(w http.ResponseWriter, r *request) error {
	a, err := s.readAsk(r)
	if err != nil {
		return err
	}
	a.Export = true
	sheet, err := s.fleet.Usage(r.Context(), r.who, a)
	if err != nil {
		return err
	}
	l := r.l
	lines := [][]string{{l.T("by", string(a.By)), l.T("usage", "heading"), l.T("usage", "what"), l.T("usage", "number")}}
	add := func(name string, counts []Count) {
		for _, c := range counts {
			stem, _, has := strings.Cut(c.Counter, "/")
			heading := l.T("group", stem)
			if !has {
				heading = l.T("usage", "all")
			}
			n := strconv.FormatInt(c.N, 10)
			if c.Hidden {
				n = l.T("number", "few")
			}
			lines = append(lines, []string{name, heading, s.counterName(l, c.Counter), n})
		}
	}
	for _, row := range sheet.Rows {
		name := row.Key
		if a.By != ByDay {
			name = s.rowName(l, a.By, row)
		}
		add(name, row.Counts)
	}
	add(l.T("usage", "total"), sheet.Total)
	return sendCSV(w, fmt.Sprintf("usage-%s-%s.csv", a.From, a.To), lines)
}

// sendCSV sends a file that spreadsheets of both languages open: UTF-8 with
// its mark, semicolons. name holds digits, letters, dots and hyphens only.
func sendCSV(w http.ResponseWriter, name string, lines [][]string) error {
	var out bytes.Buffer
	out.WriteString("\ufeff")
	c := csv.NewWriter(&out)
	c.Comma, c.UseCRLF = ';', true
	for _, line := range lines {
		safe := make([]string, len(line))
		for i, cell := range line {
			safe[i] = harmless(cell)
		}
		if err := c.Write(safe); err != nil {
			return fmt.Errorf("console: csv: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("console: csv: %w", err)
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = w.Write(out.Bytes()) // asked for again when it did not arrive
	return nil
}

// harmless keeps a spreadsheet from taking a name for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r\n|%", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
