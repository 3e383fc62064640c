package escl_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/escl"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

// serve starts a virtual scanner on a loopback port and returns its address.
func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL + "/eSCL"
}

func openScanner(t *testing.T, uri string, options map[string]string) kiosk.Scanner {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	d, err := escl.Driver().Open(ctx, kiosk.Spec{ID: "scanner", Driver: "escl", URI: uri, Options: options},
		slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d.(kiosk.Scanner)
}

func TestScannerSuite(t *testing.T) {
	variants := []struct {
		name string
		opts virtual.ScannerOptions
	}{
		{"a scanner that warms up", virtual.ScannerOptions{}},
		{"relative addresses, 409 at the end, empty pages for faults", virtual.ScannerOptions{Calm: true,
			Location: virtual.LocationRelative, EndStatus: http.StatusConflict, EmptyFail: true}},
		{"addresses nobody can reach, 410 at the end, feeder only", virtual.ScannerOptions{Calm: true,
			Location: virtual.LocationForeign, EndStatus: http.StatusGone, NoGlass: true}},
	}
	pages := drivertest.ScannerPages(5)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			drivertest.ScannerSuite(t, drivertest.ScannerRig{
				Sheets: len(pages), JamSheet: 3, NoGlass: v.opts.NoGlass,
				Open: func(t *testing.T, s drivertest.ScannerSituation) kiosk.Scanner {
					opts := v.opts
					if s == drivertest.ScannerSlow {
						opts.PageDelay = 350 * time.Millisecond
					}
					dev := virtual.NewScanner(opts)
					if s != drivertest.ScannerEmpty {
						dev.Load(pages)
					}
					if s == drivertest.ScannerJammed {
						dev.SetFault(virtual.Fault{Kind: virtual.FaultJam, Sheet: 3})
					}
					t.Cleanup(func() {
						if n := dev.ActiveJobs(); n > 0 {
							t.Errorf("%d jobs are left on the scanner", n)
						}
					})
					return openScanner(t, serve(t, dev), nil)
				},
				Check: func(t *testing.T, i int, p kiosk.RawPage, data []byte) {
					if !bytes.Equal(data, pages[i]) {
						t.Errorf("page %d has other bytes than the scanner sent", i+1)
					}
					if p.DPI != 300 {
						t.Errorf("page %d has %d dpi", i+1, p.DPI)
					}
				},
			})
		})
	}
}
