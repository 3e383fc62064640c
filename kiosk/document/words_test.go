package document_test

import (
	"context"
	"encoding/xml"
	"math"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/document"
	"pointnum/kiosk/document/documenttest"
)

// reading are the options of an engine that reads its pages.
func reading(t testing.TB) document.Options {
	t.Helper()
	documenttest.Tool(t, "tesseract")
	o := patient()
	o.Words = []string{"fra"}
	return o
}

// placed is a word, and where its middle is on the page, in parts of it.
type placed struct {
	text string
	x, y float64
}

// places gives the words of a page of a PDF, counted from 1, with their places.
func places(t *testing.T, data []byte, page int) []placed {
	t.Helper()
	var found struct {
		Pages []struct {
			Width  float64 `xml:"width,attr"`
			Height float64 `xml:"height,attr"`
			Words  []struct {
				X0   float64 `xml:"xMin,attr"`
				Y0   float64 `xml:"yMin,attr"`
				X1   float64 `xml:"xMax,attr"`
				Y1   float64 `xml:"yMax,attr"`
				Text string  `xml:",chardata"`
			} `xml:"word"`
		} `xml:"body>doc>page"`
	}
	out := output(t, "pdftotext", "-q", "-bbox", "-f", itoa(page), "-l", itoa(page), saved(t, data), "-")
	d := xml.NewDecoder(strings.NewReader(out))
	d.Strict = false
	if err := d.Decode(&found); err != nil || len(found.Pages) != 1 {
		t.Fatalf("%d pages, %v", len(found.Pages), err)
	}
	var all []placed
	p := found.Pages[0]
	for _, w := range p.Words {
		all = append(all, placed{w.Text, (w.X0 + w.X1) / 2 / p.Width, (w.Y0 + w.Y1) / 2 / p.Height})
	}
	return all
}

// asScanned is a page of French as a scanner would bring it, to be kept as it
// is.
func asScanned(picture string) *kiosk.Input {
	in := input([]byte(picture))
	in.Scanned, in.DPI, in.AsIs, in.Language = true, 150, true, "fr"
	return in
}

// searchable makes a PDF of pages again and again until its text was read.
func searchable(t *testing.T, e *document.Engine, pages []kiosk.PageRef) []byte {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); {
		data := made(t, e, pages, kiosk.FormatPDF, 1_000_000).Files[0].Data
		if len(textOf(t, data, 0)) > 0 {
			return data
		}
		select {
		case <-time.After(time.Second):
		case <-t.Context().Done():
		}
	}
	t.Fatal("nothing was read")
	return nil
}

// A scan can be searched and read aloud once somebody had the time to read it.
func TestAScanBecomesSearchable(t *testing.T) {
	e := newEngine(t, reading(t))
	before := documenttest.Read(t, "synthese-securite.pdf")
	in := asScanned(output(t, "convert", picture(t, before, 1, 150), "-quality", "85", "jpeg:-"))
	all, err := pages(t.Context(), e, in)
	if err != nil {
		t.Fatal(err)
	}
	data := searchable(t, e, refs(in, all))
	checkPDF(t, data, 1)
	want, got := places(t, before, 1), places(t, data, 1)
	found, inPlace := 0, 0
	for _, w := range want {
		near, any := false, false
		for _, g := range got {
			same := g.text == w.text
			any = any || same
			near = near || same && math.Hypot(g.x-w.x, g.y-w.y) < 0.03
		}
		if any {
			found++
		}
		if near {
			inPlace++
		}
	}
	if found < len(want)*6/10 || inPlace < found*3/4 {
		t.Errorf("of %d words %d were read, %d of them in their place", len(want), found, inPlace)
	}
	without := len(made(t, newEngine(t, patient()), refs(in, all), kiosk.FormatPDF, 1_000_000).Files[0].Data)
	if len(data) > without+without/4+20_000 {
		t.Errorf("text makes %d bytes of %d", len(data), without)
	}
	e.Forget()
	if left := textOf(t, made(t, e, refs(in, all), kiosk.FormatPDF, 1_000_000).Files[0].Data, 0); len(left) > 0 {
		t.Errorf("%d words are known after all was to be forgotten", len(left))
	}
}

// Nobody waits for a page to be read, and nothing reads on when nobody is
// there.
func TestNobodyWaitsForReading(t *testing.T) {
	e, err := document.New(withChild(reading(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() }) //nolint:errcheck // the second time
	page := picture(t, documenttest.Read(t, "synthese-securite.pdf"), 1, 150)
	var all []kiosk.PageRef
	for i := range 5 { // different ones: the same is read once only
		in := asScanned(output(t, "convert", page, "-chop", "0x"+itoa(8*i), "-quality", "85", "jpeg:-"))
		got, err := pages(t.Context(), e, in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, refs(in, got)...)
	}
	waitFor(t, "a page to be read", func() bool { return len(descendants(t, "tesseract")) > 0 })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := e.Convert(ctx, all, kiosk.Target{Format: kiosk.FormatPDF, MaxBytes: 1_000_000}, nil); err != nil {
		t.Errorf("while pages are read: %v", err)
	}
	start := time.Now()
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("closing took %v", took)
	}
	if left := descendants(t, ""); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}
