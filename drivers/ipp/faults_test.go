package ipp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/OpenPrinting/goipp"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/ipp"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

func wantCode(t *testing.T, err error, want kiosk.Code) {
	t.Helper()
	if got := kiosk.CodeOf(err); got != want {
		t.Fatalf("got %v (code %q), want %q", err, got, want)
	}
}

func TestLostReplyNeverPrintsTwice(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		op   goipp.Op
		only bool
	}{
		{"the job's number is lost", goipp.OpCreateJob, false},
		{"the receipt of the document is lost", goipp.OpSendDocument, false},
		{"the answer to everything at once is lost", goipp.OpPrintJob, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := startVirtual(t, virtual.PrinterOptions{PrintJobOnly: c.only})
			p := open(t, v.URI, nil)
			v.LoseReply(c.op)
			req, name := drivertest.PrintRequest(2)
			wantCode(t, p.Print(t.Context(), req, nil), "")
			if got := v.names(); !slices.Equal(got, []string{name}) || v.Jobs() != 1 {
				t.Errorf("printed %q in %d jobs, want %q once", got, v.Jobs(), name)
			}
		})
	}
}

func TestTicketSaysWhatWasAsked(t *testing.T) {
	t.Parallel()
	v := startVirtual(t, virtual.PrinterOptions{})
	p := open(t, v.URI, nil)
	req, _ := drivertest.PrintRequest(2)
	req.Copies, req.Duplex, req.Gray = 2, true, true
	last := kiosk.PrintProgress{}
	wantCode(t, p.Print(t.Context(), req, func(now kiosk.PrintProgress) { last = now }), "")
	j := v.printed()[0]
	if j.Copies != 2 || j.Sides != "two-sided-long-edge" || !j.Gray || j.MediaType != "application/pdf" || last.Pages != 4 {
		t.Errorf("printed %d copies, %s, gray %v, %s; progress %+v", j.Copies, j.Sides, j.Gray, j.MediaType, last)
	}
	if !bytes.Equal(j.Data, drivertest.PDF(2)) {
		t.Errorf("%d bytes arrived, not the document's", len(j.Data))
	}
}

func TestInfoAndSupplies(t *testing.T) {
	t.Parallel()
	v := startVirtual(t, virtual.PrinterOptions{})
	p := open(t, v.URI, nil)
	if i := p.Info(); i.Make != "Pointnum" || i.Model != "Virtual Laser" || i.Serial != "V0001" || i.URI != v.URI {
		t.Errorf("info %+v", i)
	}
	s, err := p.Status(t.Context())
	want := []kiosk.Level{{Name: "Toner noir", Percent: 80}, {Name: "tray-1", Percent: 100}}
	if err != nil || !slices.Equal(s.Supplies, want) {
		t.Errorf("supplies %v, %v; want %v", s.Supplies, err, want)
	}
}

func TestEvePrinterSupplies(t *testing.T) {
	t.Parallel()
	e := drivertest.StartEvePrinter(t)
	s, err := open(t, e.URI(), nil).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []kiosk.Level{{Name: "Toner Waste Tank", Percent: 75}, {Name: "main", Percent: 100}} {
		if !slices.Contains(s.Supplies, want) {
			t.Errorf("supplies %v; want %v among them", s.Supplies, want)
		}
	}
}

func TestOtherPaperIsNoPaper(t *testing.T) {
	t.Parallel()
	e := drivertest.StartEvePrinter(t)
	p := open(t, e.URI(), nil)
	e.Load(t, "na_letter_8.5x11in", 250)
	if s, err := p.Status(t.Context()); err != nil || s.Ready {
		t.Errorf("status %+v, %v with letter in the trays; want not ready", s, err)
	}
	req, _ := drivertest.PrintRequest(1)
	wantCode(t, p.Print(t.Context(), req, nil), kiosk.CodePaperEmpty)
}

func TestOneEmptyTrayOfTwoIsAWarning(t *testing.T) {
	t.Parallel()
	s := ipp.StateOf(goipp.Attributes{
		goipp.MakeAttribute("printer-state", goipp.TagEnum, goipp.Integer(3)),
		goipp.MakeAttribute("printer-state-reasons", goipp.TagKeyword, goipp.String("media-empty-warning")),
		goipp.MakeAttr("printer-input-tray", goipp.TagString,
			goipp.Binary("type=sheetFeedAutoRemovableTray;mediafeed=29700;mediaxfeed=21000;maxcapacity=250;level=0;name=one;"),
			goipp.Binary("type=sheetFeedAutoRemovableTray;mediafeed=29700;mediaxfeed=21000;maxcapacity=250;level=-3;name=two;")),
	})
	if !slices.Equal(s, []kiosk.Code{kiosk.CodePaperLow}) {
		t.Errorf("conditions %v, want paper_low", s)
	}
}

func TestBusyPrinter(t *testing.T) {
	t.Parallel()
	v := startVirtual(t, virtual.PrinterOptions{})
	p := open(t, v.URI, map[string]string{"patience": "1s"})
	v.Set(virtual.PrinterBusy, true)
	req, _ := drivertest.PrintRequest(1)
	wantCode(t, p.Print(t.Context(), req, nil), kiosk.CodeDeviceBusy)
	time.AfterFunc(300*time.Millisecond, func() { v.Set(virtual.PrinterBusy, false) })
	wantCode(t, p.Print(t.Context(), req, nil), "")
	if n := len(v.printed()); n != 1 {
		t.Errorf("printed %d times", n)
	}
}

func TestPrinterThatRefusesTheTicket(t *testing.T) {
	t.Parallel()
	for _, opts := range []virtual.PrinterOptions{{}, {Formats: []string{"image/urf"}}} {
		v := startVirtual(t, opts)
		v.Set(virtual.PrinterReject, true)
		req, _ := drivertest.PrintRequest(1)
		wantCode(t, open(t, v.URI, nil).Print(t.Context(), req, nil), kiosk.CodeJobRejected)
		if v.Jobs() != 0 {
			t.Errorf("%d jobs were made", v.Jobs())
		}
	}
}

func TestPrinterGoneInAJobIsUnknown(t *testing.T) {
	t.Parallel()
	v := startVirtual(t, virtual.PrinterOptions{SideTime: 200 * time.Millisecond})
	p := open(t, v.URI, map[string]string{"patience": "1s"})
	req, _ := drivertest.PrintRequest(50)
	err := p.Print(t.Context(), req, func(now kiosk.PrintProgress) {
		if now.Pages > 0 {
			v.Set(virtual.PrinterOffline, true)
		}
	})
	wantCode(t, err, kiosk.CodeJobUnknown)
}

func TestJobIsFollowedAfterARestart(t *testing.T) {
	t.Parallel()
	v := startVirtual(t, virtual.PrinterOptions{SideTime: 100 * time.Millisecond})
	req, _ := drivertest.PrintRequest(5)
	first := open(t, v.URI, map[string]string{"patience": "0s"})
	err := first.Print(t.Context(), req, func(now kiosk.PrintProgress) {
		if now.Pages == 1 {
			v.Set(virtual.PrinterOffline, true)
		}
	})
	wantCode(t, err, kiosk.CodeJobUnknown)
	v.Set(virtual.PrinterOffline, false)
	wantCode(t, open(t, v.URI, nil).Print(t.Context(), req, nil), "")
	if n := len(v.printed()); n != 1 || v.Jobs() != 1 {
		t.Errorf("printed %d times in %d jobs, want once", n, v.Jobs())
	}
}

func TestCancelIsBoundedWhenTheJobNeverEnds(t *testing.T) {
	t.Parallel()
	e := drivertest.StartEvePrinter(t)
	// The job meets an empty tray that was full when we looked.
	p := open(t, between(t, e, func(op goipp.Op) (drop bool) {
		if op == goipp.OpSendDocument {
			e.Paper(t, 0)
		}
		return false
	}), nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var left time.Time
	req, _ := drivertest.PrintRequest(1)
	err := p.Print(ctx, req, func(now kiosk.PrintProgress) {
		if slices.Contains(now.Conditions, kiosk.CodePaperEmpty) {
			left = time.Now()
			cancel()
		}
	})
	wantCode(t, err, kiosk.CodeCanceled)
	if waited := time.Since(left); left.IsZero() || waited > 12*time.Second {
		t.Errorf("Print returned %v after the visitor left", waited)
	}
}

func TestEvePrinterWhoseAnswersAreLost(t *testing.T) {
	t.Parallel()
	e := drivertest.StartEvePrinter(t)
	var lost sync.Map
	p := open(t, between(t, e, func(op goipp.Op) (drop bool) {
		if op != goipp.OpCreateJob && op != goipp.OpSendDocument {
			return false
		}
		_, again := lost.LoadOrStore(op, true)
		return !again
	}), nil)
	req, name := drivertest.PrintRequest(2)
	wantCode(t, p.Print(t.Context(), req, nil), "")
	if got := e.Printed(); !slices.Equal(got, []string{name}) {
		t.Errorf("printed %q, want %q once", got, name)
	}
}

// between puts a proxy before a printer. meet is called for each operation on
// its way in, and says whether the printer's answer is dropped on its way out.
// It returns the proxy's URI.
func between(t *testing.T, e *drivertest.EvePrinter, meet func(goipp.Op) (drop bool)) string {
	t.Helper()
	target := &url.URL{Scheme: "http", Host: e.Host}
	forward := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: &http.Transport{DisableKeepAlives: true},
		ErrorLog:  slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // of a driver that hung up
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := make([]byte, 4)
		if _, err := io.ReadFull(r.Body, head); err != nil {
			return
		}
		drop := meet(goipp.Op(binary.BigEndian.Uint16(head[2:])))
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(head), r.Body))
		if drop {
			forward.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return "ipp://" + s.Listener.Addr().String() + "/ipp/print"
}

func TestAnswersThatAreNoPrinters(t *testing.T) {
	t.Parallel()
	cases := map[string]http.HandlerFunc{
		"a web page": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"nothing":    func(http.ResponseWriter, *http.Request) {},
		"an error":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"a way elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
		"bytes without end": func(w http.ResponseWriter, _ *http.Request) {
			block := make([]byte, 64<<10)
			for range 64 {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		},
	}
	for name, handler := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := httptest.NewServer(handler)
			defer s.Close()
			_, err := ipp.Open(t.Context(), kiosk.Spec{ID: "laser", URI: s.URL}, nil)
			wantCode(t, err, kiosk.CodeNotResponding)
		})
	}
}

func TestPrinterThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	defer s.Close()
	defer close(stop)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := ipp.Open(ctx, kiosk.Spec{ID: "laser", URI: s.URL}, nil)
	wantCode(t, err, kiosk.CodeNotResponding)
}

func TestCertificateIsPinned(t *testing.T) {
	t.Parallel()
	p := virtual.NewPrinter(virtual.PrinterOptions{})
	defer p.Close()
	s := httptest.NewUnstartedServer(p)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of the refused handshakes
	s.StartTLS()
	defer s.Close()
	sum := sha256.Sum256(s.Certificate().Raw)
	uri := "ipps" + strings.TrimPrefix(s.URL, "https") + "/ipp/print"
	open(t, uri, map[string]string{"fingerprint": fmt.Sprintf("%x", sum)})
	for _, wrong := range []string{"", strings.Repeat("00", 32)} {
		_, err := ipp.Open(t.Context(), kiosk.Spec{ID: "laser", URI: uri, Options: map[string]string{"fingerprint": wrong}}, nil)
		if err == nil {
			t.Errorf("fingerprint %q: a printer that can't prove who it is was opened", wrong)
		}
	}
}

func TestSpecThatCannotBeRight(t *testing.T) {
	t.Parallel()
	for _, s := range []kiosk.Spec{
		{URI: ""}, {URI: "lpd://host"}, {URI: "ipp:"}, {URI: "ipp://h/%zz"},
		{URI: "ipp://127.0.0.1", Options: map[string]string{"patience": "long"}},
		{URI: "ipps://127.0.0.1", Options: map[string]string{"fingerprint": "abc"}},
	} {
		_, err := ipp.Driver().Open(t.Context(), s, nil)
		wantCode(t, err, kiosk.CodeInternal)
	}
}
