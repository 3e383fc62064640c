package escl_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/escl"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

// quick are time limits for a device that is known to hang.
var quick = map[string]string{"idle_timeout": "300ms", "page_timeout": "2s", "busy_timeout": "1s"}

// scanAll reads a job to its end.
func scanAll(t *testing.T, s kiosk.Scanner, o kiosk.ScanOptions) ([]kiosk.RawPage, error) {
	t.Helper()
	j, err := s.Scan(t.Context(), o)
	if err != nil {
		return nil, err
	}
	defer j.Close()
	var pages []kiosk.RawPage
	for {
		p, err := j.Next()
		if err != nil {
			return pages, err
		}
		pages = append(pages, p)
	}
}

func TestFaultsOfADevice(t *testing.T) {
	cases := []struct {
		name  string
		fault virtual.Fault
		empty bool // the device answers 200 with no bytes instead of 409
		code  kiosk.Code
		pages int
	}{
		{name: "two sheets at once", fault: virtual.Fault{Kind: virtual.FaultDoubleFeed, Sheet: 2}, code: kiosk.CodeDoubleFeed, pages: 1},
		{name: "the cover opens in mid-job", fault: virtual.Fault{Kind: virtual.FaultCoverOpen, Sheet: 3}, code: kiosk.CodeCoverOpen, pages: 2},
		{name: "the cover is open at the start", fault: virtual.Fault{Kind: virtual.FaultCoverOpen}, code: kiosk.CodeCoverOpen},
		{name: "the cover is called a hatch", fault: virtual.Fault{Kind: virtual.FaultHatchOpen}, code: kiosk.CodeCoverOpen},
		{name: "a jam shows as a page without bytes", fault: virtual.Fault{Kind: virtual.FaultJam, Sheet: 2}, empty: true, code: kiosk.CodePaperJam, pages: 1},
		{name: "half a page is no page", fault: virtual.Fault{Kind: virtual.FaultCutPage, Sheet: 2}, code: kiosk.CodeBadPage, pages: 1},
		{name: "half of the announced bytes is no page", fault: virtual.Fault{Kind: virtual.FaultShortPage, Sheet: 3}, code: kiosk.CodeBadPage, pages: 2},
		{name: "a page without bytes is no page", fault: virtual.Fault{Kind: virtual.FaultEmptyPage, Sheet: 2}, code: kiosk.CodeBadPage, pages: 1},
		{name: "a page that stops half-way", fault: virtual.Fault{Kind: virtual.FaultHang, Sheet: 2}, code: kiosk.CodeNotResponding, pages: 1},
		{name: "always busy", fault: virtual.Fault{Kind: virtual.FaultBusy}, code: kiosk.CodeDeviceBusy},
		{name: "busy for ever in mid-job", fault: virtual.Fault{Kind: virtual.FaultPageBusy, Sheet: 2}, code: kiosk.CodeDeviceBusy, pages: 1},
		{name: "unplugged in mid-job", fault: virtual.Fault{Kind: virtual.FaultUnplugged, Sheet: 2}, code: kiosk.CodeUnplugged, pages: 1},
		{name: "unplugged before", fault: virtual.Fault{Kind: virtual.FaultUnplugged}, code: kiosk.CodeUnplugged},
		{name: "given up without a reason", fault: virtual.Fault{Kind: virtual.FaultJobAborted, Sheet: 2}, code: kiosk.CodeDevicePaused, pages: 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true, EmptyFail: c.empty})
			dev.Load(drivertest.ScannerPages(4))
			s := openScanner(t, serve(t, dev), quick)
			dev.SetFault(c.fault)
			pages, err := scanAll(t, s, kiosk.ScanOptions{})
			if kiosk.CodeOf(err) != c.code || errors.Is(err, io.EOF) || len(pages) != c.pages {
				t.Errorf("%d pages, then %v (code %q); want %d, then %q", len(pages), err, kiosk.CodeOf(err), c.pages, c.code)
			}
			if ke, ok := errors.AsType[*kiosk.Error](err); ok && c.pages > 0 && ke.Sheet != c.pages+1 {
				t.Errorf("the sheet to feed again is %d, want %d", ke.Sheet, c.pages+1)
			}
			dev.ClearFaults()
			dev.Load(drivertest.ScannerPages(2))
			if pages, err := scanAll(t, s, kiosk.ScanOptions{}); len(pages) != 2 || err != io.EOF {
				t.Errorf("once repaired: %d pages, then %v", len(pages), err)
			}
		})
	}
}

func TestAScannerThatHangsTwiceNeedsToBeSwitchedOff(t *testing.T) {
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true})
	s := openScanner(t, serve(t, dev), quick)
	dev.SetFault(virtual.Fault{Kind: virtual.FaultHang, Sheet: 1})
	for _, want := range []kiosk.Code{kiosk.CodeNotResponding, kiosk.CodePowerCycle} {
		dev.Load(drivertest.ScannerPages(2))
		if _, err := scanAll(t, s, kiosk.ScanOptions{}); kiosk.CodeOf(err) != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestAnEarlyEndIsAskedForAgain(t *testing.T) {
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true})
	dev.Load(drivertest.ScannerPages(4))
	dev.SetFault(virtual.Fault{Kind: virtual.FaultEarlyEnd, Sheet: 3, Once: true})
	pages, err := scanAll(t, openScanner(t, serve(t, dev), nil), kiosk.ScanOptions{})
	if len(pages) != 4 || err != io.EOF {
		t.Errorf("%d pages, then %v; want 4, then io.EOF", len(pages), err)
	}
}

func TestAutoTakesTheFeederWhenItHoldsPaper(t *testing.T) {
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true})
	s := openScanner(t, serve(t, dev), nil)
	dev.Load(drivertest.ScannerPages(3))
	if pages, err := scanAll(t, s, kiosk.ScanOptions{}); len(pages) != 3 || err != io.EOF {
		t.Errorf("with paper in the feeder: %d pages, then %v", len(pages), err)
	}
	if pages, err := scanAll(t, s, kiosk.ScanOptions{}); len(pages) != 1 || err != io.EOF {
		t.Errorf("with an empty feeder: %d pages, then %v; want the glass", len(pages), err)
	}
}

func TestBothSidesOfASheetHaveItsNumber(t *testing.T) {
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true})
	p := drivertest.ScannerPages(4)
	dev.LoadSheets([]virtual.Sheet{{Front: p[0], Back: p[1]}, {Front: p[2], Back: p[3]}})
	pages, err := scanAll(t, openScanner(t, serve(t, dev), nil), kiosk.ScanOptions{Duplex: true})
	if len(pages) != 4 || err != io.EOF {
		t.Fatalf("%d pages, then %v", len(pages), err)
	}
	for i, p := range pages {
		if p.Sheet != i/2+1 || p.Back != (i%2 == 1) {
			t.Errorf("page %d is sheet %d, back %t", i, p.Sheet, p.Back)
		}
	}
}

func TestOnlyListedValuesAreSent(t *testing.T) {
	// The virtual scanner refuses a job with a value it does not list.
	devices := map[string]virtual.ScannerOptions{
		"gray only":       {Calm: true, GrayOnly: true},
		"feeder only":     {Calm: true, NoGlass: true},
		"no duplex":       {Calm: true, NoDuplex: true},
		"odd resolutions": {Calm: true, DPI: []int{118, 236, 590}},
	}
	wishes := []kiosk.ScanOptions{{}, {DPI: 299}, {Duplex: true, DPI: 1200}, {Color: kiosk.Gray, DPI: 1},
		{Source: kiosk.SourceGlass, Width: 5, Height: 4000}}
	for name, opts := range devices {
		t.Run(name, func(t *testing.T) {
			dev := virtual.NewScanner(opts)
			s := openScanner(t, serve(t, dev), nil)
			for _, o := range wishes {
				dev.Load(drivertest.ScannerPages(1))
				if pages, err := scanAll(t, s, o); len(pages) == 0 || err != io.EOF {
					t.Errorf("%+v: %d pages, then %v", o, len(pages), err)
				}
			}
		})
	}
}

func TestJobsLeftBehind(t *testing.T) {
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true, JobTimeout: time.Hour})
	dev.Load(drivertest.ScannerPages(3))
	uri := serve(t, dev)

	t.Run("a scanner of our own is freed of jobs from before", func(t *testing.T) {
		leaveJob(t, uri)
		if _, err := scanAll(t, openScanner(t, uri, nil), kiosk.ScanOptions{}); err != io.EOF {
			t.Error(err)
		}
	})
	t.Run("a shared scanner keeps the jobs of others", func(t *testing.T) {
		leaveJob(t, uri)
		s := openScanner(t, uri, map[string]string{"exclusive": "false", "busy_timeout": "100ms"})
		if _, err := scanAll(t, s, kiosk.ScanOptions{}); kiosk.CodeOf(err) != kiosk.CodeDeviceBusy {
			t.Errorf("got %v", err)
		}
		if st, err := s.Status(t.Context()); err != nil || st.Ready || len(st.Conditions) == 0 || st.Conditions[0] != kiosk.CodeDeviceBusy {
			t.Errorf("status: %+v, %v", st, err)
		}
		if dev.ActiveJobs() != 1 {
			t.Error("somebody else's job is gone")
		}
	})
}

// leaveJob starts a job as a client that crashes then.
func leaveJob(t *testing.T, uri string) {
	t.Helper()
	body := `<ScanSettings><InputSource>Platen</InputSource><DocumentFormat>image/jpeg</DocumentFormat>
		<XResolution>300</XResolution><YResolution>300</YResolution><ColorMode>RGB24</ColorMode>
		<ScanRegions><ScanRegion><Width>2480</Width><Height>3508</Height></ScanRegion></ScanRegions></ScanSettings>`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, uri+"/ScanJobs", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close() // empty
	if resp.StatusCode != http.StatusCreated {
		t.Fatalf("status %d", resp.StatusCode)
	}
}

func TestOpening(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	endless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<ScannerCapabilities>")
		for range 3 << 20 >> 10 {
			_, _ = io.WriteString(w, strings.Repeat("<a/>", 256)) // the client goes away
		}
	}))
	defer endless.Close()
	var hits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		http.Redirect(w, r, "http://scanner.invalid/eSCL/ScannerCapabilities", http.StatusFound)
	}))
	defer elsewhere.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	cases := []struct {
		name, uri string
		options   map[string]string
		code      kiosk.Code
	}{
		{"nobody there", gone.URL + "/eSCL", nil, kiosk.CodeUnplugged},
		{"not a scanner", other.URL + "/eSCL", nil, kiosk.CodeInternal},
		{"capabilities without end", endless.URL + "/eSCL", nil, kiosk.CodeInternal},
		{"sent to another host", elsewhere.URL + "/eSCL", nil, kiosk.CodeInternal},
		{"no address", "scanner", nil, kiosk.CodeInternal},
		{"an option nobody knows", gone.URL, map[string]string{"speed": "2"}, kiosk.CodeInternal},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			_, err := escl.Driver().Open(ctx, kiosk.Spec{ID: "s", URI: c.uri, Options: c.options}, discard)
			if kiosk.CodeOf(err) != c.code {
				t.Errorf("got %v, want %q", err, c.code)
			}
		})
	}
	if hits.Load() != 1 {
		t.Errorf("%d requests to the device that redirects", hits.Load())
	}
}

func TestACertificateOfTheScannersOwn(t *testing.T) {
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true})
	srv := httptest.NewUnstartedServer(dev)
	srv.Config.ErrorLog = quietLog
	srv.StartTLS()
	defer srv.Close()
	openTLS := func(options map[string]string) error {
		d, err := escl.Driver().Open(t.Context(), kiosk.Spec{ID: "s", URI: srv.URL + "/eSCL", Options: options}, discard)
		if err == nil {
			err = d.Close()
		}
		return err
	}
	if openTLS(nil) == nil {
		t.Error("an unknown certificate is taken")
	}
	if openTLS(map[string]string{"cert_sha256": strings.Repeat("00", 32)}) == nil {
		t.Error("another certificate is taken")
	}
	if err := openTLS(map[string]string{"cert_sha256": fingerprint(srv.Certificate().Raw)}); err != nil {
		t.Errorf("the scanner's own certificate: %v", err)
	}
}
