package ipp_test

import (
	"bytes"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/OpenPrinting/goipp"

	"pointnum/drivers/ipp"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

// answerOf asks a virtual printer with some trouble one question and returns
// the bytes of its answer.
func answerOf(f *testing.F, op goipp.Op) []byte {
	f.Helper()
	p := virtual.NewPrinter(virtual.PrinterOptions{})
	defer p.Close()
	p.Set(virtual.PrinterMediaEmpty, true)
	p.Set(virtual.PrinterTonerLow, true)
	req := goipp.NewRequest(goipp.DefaultVersion, op, 1)
	req.Operation.Add(goipp.MakeAttribute("attributes-charset", goipp.TagCharset, goipp.String("utf-8")))
	req.Operation.Add(goipp.MakeAttribute("attributes-natural-language", goipp.TagLanguage, goipp.String("fr")))
	data, err := req.EncodeBytes()
	if err != nil {
		f.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/ipp/print", bytes.NewReader(data))
	r.Header.Set("Content-Type", goipp.ContentType)
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	out, _ := io.ReadAll(w.Result().Body)
	return out
}

// FuzzAnswer lets the driver read any bytes as a printer's answer.
func FuzzAnswer(f *testing.F) {
	f.Add(answerOf(f, goipp.OpGetPrinterAttributes))
	f.Add(answerOf(f, goipp.OpCreateJob))
	hostile := goipp.NewResponse(goipp.DefaultVersion, goipp.StatusOk, 1)
	hostile.Printer.Add(goipp.MakeAttribute("printer-state-reasons", goipp.TagKeyword, goipp.String(strings.Repeat("\x1b[2J\u202e", 99))))
	hostile.Printer.Add(goipp.MakeAttribute("marker-levels", goipp.TagInteger, goipp.Integer(-2147483648)))
	hostile.Printer.Add(goipp.MakeAttribute("printer-input-tray", goipp.TagString, goipp.Binary("name=\x00;level=99999999999;maxcapacity=0")))
	hostile.Job.Add(goipp.MakeAttribute("job-state", goipp.TagKeyword, goipp.String("9")))
	data, err := hostile.EncodeBytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		s, sides := ipp.Interpret(data, kiosk.PrintRequest{MediaType: "application/pdf", Copies: 2, Duplex: true, Gray: true})
		if sides < -1 || len(s.Supplies) > 16 || len(s.Detail) > 16<<10 || !utf8.ValidString(s.Detail) {
			t.Errorf("sides %d, %+v", sides, s)
		}
		for _, r := range s.Detail {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				t.Errorf("detail holds %q", r)
			}
		}
		for _, l := range s.Supplies {
			if l.Percent < -1 || l.Percent > 100 {
				t.Errorf("supply %+v", l)
			}
		}
	})
}
