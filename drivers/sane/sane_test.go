package sane_test

import (
	"bytes"
	"context"
	"image/color"
	"image/png"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/sane"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

func open(t *testing.T, uri string, options map[string]string) (kiosk.Scanner, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	d, err := sane.Driver().Open(ctx, kiosk.Spec{ID: "scanner", Driver: "sane", URI: uri, Options: options},
		slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = d.Close() })
	return d.(kiosk.Scanner), nil
}

func mustOpen(t *testing.T, uri string, options map[string]string) kiosk.Scanner {
	t.Helper()
	s, err := open(t, uri, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// slowly makes the test backend take some 0.4 s for a page of 75 dpi.
const slowly = "read-delay=yes;read-delay-duration=25000"

// testBackendRig drives the test backend, over whichever way it is reached.
func testBackendRig(t *testing.T, configDir, device string) drivertest.ScannerRig {
	extra := map[drivertest.ScannerSituation]string{
		drivertest.ScannerLoaded: "test-picture=Grid",
		drivertest.ScannerSlow:   slowly,
		drivertest.ScannerEmpty:  "read-return-value=SANE_STATUS_NO_DOCS",
		drivertest.ScannerJammed: "read-return-value=SANE_STATUS_JAMMED",
	}
	return drivertest.ScannerRig{
		Sheets: 10, JamSheet: 1, Options: kiosk.ScanOptions{DPI: 75},
		Open: func(t *testing.T, s drivertest.ScannerSituation) kiosk.Scanner {
			return mustOpen(t, device, map[string]string{"config_dir": configDir, "extra": extra[s]})
		},
		Check: func(t *testing.T, i int, p kiosk.RawPage, data []byte) {
			c, err := png.DecodeConfig(bytes.NewReader(data))
			if err != nil || p.DPI != 75 {
				t.Fatalf("page %d: %d dpi, %v", i+1, p.DPI, err)
			}
			// The backend's glass is 200 mm wide and high.
			if c.Width < 580 || c.Width > 600 || c.Height != c.Width {
				t.Errorf("page %d is %dx%d", i+1, c.Width, c.Height)
			}
			if c.ColorModel != color.RGBAModel {
				t.Errorf("page %d is not in colour", i+1)
			}
		},
	}
}

func TestScannerSuite(t *testing.T) {
	t.Run("the test backend", func(t *testing.T) {
		drivertest.ScannerSuite(t, testBackendRig(t, drivertest.SANETest(t), "sane:test:0"))
	})
	t.Run("the test backend behind saned", func(t *testing.T) {
		srv := drivertest.StartSANENet(t)
		drivertest.ScannerSuite(t, testBackendRig(t, srv.ConfigDir, srv.Device))
	})
	t.Run("sane-airscan and the virtual scanner", func(t *testing.T) {
		drivertest.ScannerSuite(t, airscanRig())
	})
}

func airscanRig() drivertest.ScannerRig {
	pages := drivertest.ScannerPages(4)
	return drivertest.ScannerRig{
		Sheets: len(pages), JamSheet: 3,
		// sane-airscan refuses a page of other colours than it asked for.
		Options: kiosk.ScanOptions{DPI: 75, Color: kiosk.Gray},
		Open: func(t *testing.T, s drivertest.ScannerSituation) kiosk.Scanner {
			opts := virtual.ScannerOptions{Calm: true, JobTimeout: time.Second}
			if s == drivertest.ScannerSlow {
				opts.PageDelay = 350 * time.Millisecond
			}
			if s == drivertest.ScannerJammed {
				// sane-airscan asks for pages ahead, and a jam hides those not
				// read yet.
				opts.PageDelay = 200 * time.Millisecond
			}
			dev := virtual.NewScanner(opts)
			if s != drivertest.ScannerEmpty {
				dev.Load(pages)
			}
			if s == drivertest.ScannerJammed {
				dev.SetFault(virtual.Fault{Kind: virtual.FaultJam, Sheet: 3})
			}
			srv := httptest.NewServer(dev)
			t.Cleanup(srv.Close)
			return mustOpen(t, "airscan:e0:SIM", map[string]string{"config_dir": drivertest.SANEAirscan(t, srv.URL+"/eSCL")})
		},
		Check: func(t *testing.T, i int, _ kiosk.RawPage, data []byte) {
			img, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			got := color.GrayModel.Convert(img.At(50, 50)).(color.Gray).Y
			if want := drivertest.PageShade(i).Y; got < want-3 || got > want+3 {
				t.Errorf("page %d has shade %d, want %d", i+1, got, want)
			}
		},
	}
}
