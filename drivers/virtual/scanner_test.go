package virtual_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/virtual"
)

// scanimage runs a foreign client, sane-airscan, against the scanner, and
// returns its exit code, which is a status of SANE, and the shades of the
// pages it got.
func scanimage(t *testing.T, dev *virtual.Scanner, source string) (exit int, shades []uint8) {
	t.Helper()
	srv := httptest.NewServer(dev)
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := t.TempDir()
	args := []string{"-d", "airscan:e0:SIM", "--source=" + source, "--mode=Gray", "--resolution=75", "-x", "210", "-y", "297",
		"--format=png", "--batch=%d.png"}
	if source == "Flatbed" {
		args = append(args, "--batch-count=1")
	}
	cmd := exec.CommandContext(ctx, drivertest.Tool(t, "scanimage"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "SANE_CONFIG_DIR="+drivertest.SANEAirscan(t, srv.URL+"/eSCL"))
	out, err := cmd.CombinedOutput()
	if ee, ok := errors.AsType[*exec.ExitError](err); ok {
		exit = ee.ExitCode()
	} else if err != nil {
		t.Fatalf("scanimage: %v\n%s", err, out)
	}
	for n := 1; ; n++ {
		data, err := os.ReadFile(filepath.Join(dir, fmt.Sprintf("%d.png", n)))
		if err != nil {
			return exit, shades
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("page %d: %v", n, err)
		}
		r, _, _, _ := img.At(20, 20).RGBA()
		shades = append(shades, uint8(r>>8))
	}
}

func TestAForeignClientDrivesTheScanner(t *testing.T) {
	pages := drivertest.ScannerPages(4)
	// sane-airscan asks for pages ahead, and a fault hides those not read yet.
	paced := virtual.ScannerOptions{Calm: true, PageDelay: 200 * time.Millisecond}
	cases := []struct {
		name   string
		opts   virtual.ScannerOptions
		source string
		fault  virtual.Fault
		exit   int // a status of SANE
		pages  []int
	}{
		{name: "the feeder of a scanner that warms up", source: "ADF", pages: []int{0, 1, 2, 3}},
		{name: "the glass", source: "Flatbed", opts: virtual.ScannerOptions{Calm: true}, pages: []int{3}},
		{name: "both sides", source: "ADF Duplex", opts: virtual.ScannerOptions{Calm: true}, pages: []int{0, 1, 2, 3}},
		{name: "a relative address", source: "ADF", opts: virtual.ScannerOptions{Calm: true, Location: virtual.LocationRelative}, pages: []int{0, 1, 2, 3}},
		{name: "a jam", source: "ADF", opts: paced,
			fault: virtual.Fault{Kind: virtual.FaultJam, Sheet: 3}, exit: 6, pages: []int{0, 1}},
		{name: "an open cover", source: "ADF", opts: paced,
			fault: virtual.Fault{Kind: virtual.FaultCoverOpen, Sheet: 2}, exit: 8, pages: []int{0}},
		{name: "half of the announced bytes", source: "ADF", opts: paced,
			fault: virtual.Fault{Kind: virtual.FaultShortPage, Sheet: 2}, exit: 9, pages: []int{0}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dev := virtual.NewScanner(c.opts)
			dev.Load(pages)
			if c.source == "ADF Duplex" {
				dev.LoadSheets([]virtual.Sheet{{Front: pages[0], Back: pages[1]}, {Front: pages[2], Back: pages[3]}})
			}
			dev.Place(pages[3])
			if c.fault.Kind != "" {
				dev.SetFault(c.fault)
			}
			exit, shades := scanimage(t, dev, c.source)
			if exit != c.exit || len(shades) != len(c.pages) {
				t.Fatalf("exit %d with %d pages, want %d with %d", exit, len(shades), c.exit, len(c.pages))
			}
			for i, p := range c.pages {
				if want := drivertest.PageShade(p).Y; shades[i] < want-3 || shades[i] > want+3 {
					t.Errorf("page %d has shade %d, want %d", i, shades[i], want)
				}
			}
		})
	}
}

func TestAJamStaysUntilAPersonActs(t *testing.T) {
	pages := drivertest.ScannerPages(2)
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true})
	dev.Load(pages)
	dev.SetFault(virtual.Fault{Kind: virtual.FaultJam, Once: true})
	location := post(t, dev)
	if code := get(dev, location+"/NextDocument").Code; code != http.StatusConflict {
		t.Errorf("at the jam: %d", code)
	}
	if body := get(dev, "/eSCL/ScannerStatus").Body; !bytes.Contains(body.Bytes(), []byte("ScannerAdfJam")) {
		t.Errorf("status: %s", body)
	}
	dev.Load(pages)
	if code := get(dev, post(t, dev)+"/NextDocument").Code; code != http.StatusOK {
		t.Errorf("once the paper was put back: %d", code)
	}
}

func TestPagesComeFromAFolder(t *testing.T) {
	pages := drivertest.ScannerPages(2)
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true})
	if err := dev.LoadFS(fstest.MapFS{"2.jpg": {Data: pages[1]}, "1.jpg": {Data: pages[0]}, "note.txt": {}}, "*.jpg"); err != nil {
		t.Fatal(err)
	}
	if n := dev.Sheets(); n != 2 {
		t.Fatalf("%d sheets", n)
	}
	if got := get(dev, post(t, dev)+"/NextDocument").Body.Bytes(); !bytes.Equal(got, pages[0]) {
		t.Error("the first page is another one")
	}
}

func TestAForgottenJobIsGivenUp(t *testing.T) {
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true, JobTimeout: time.Nanosecond})
	dev.Load(drivertest.ScannerPages(1))
	post(t, dev)
	post(t, dev) // else 503
}

const settings = `<ScanSettings><InputSource>Feeder</InputSource><DocumentFormat>image/jpeg</DocumentFormat>
	<XResolution>300</XResolution><YResolution>300</YResolution><ColorMode>RGB24</ColorMode>
	<ScanRegions><ScanRegion><Width>2480</Width><Height>3508</Height></ScanRegion></ScanRegions></ScanSettings>`

// post starts a job on the feeder and returns its path.
func post(t *testing.T, dev *virtual.Scanner) string {
	t.Helper()
	w := do(dev, http.MethodPost, "/eSCL/ScanJobs", settings)
	if w.Code != http.StatusCreated {
		t.Fatalf("new job: %d %s", w.Code, w.Body)
	}
	return w.Header().Get("Location")
}

func get(dev *virtual.Scanner, path string) *httptest.ResponseRecorder {
	return do(dev, http.MethodGet, path, "")
}

func do(dev *virtual.Scanner, method, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	dev.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), method, path, bytes.NewReader([]byte(body))))
	return w
}

// FuzzScanSettings: whatever a client posts, the scanner answers.
func FuzzScanSettings(f *testing.F) {
	f.Add(settings)
	f.Add("<ScanSettings><InputSource>Platen</InputSource><Duplex>maybe</Duplex></ScanSettings>")
	f.Fuzz(func(t *testing.T, body string) {
		dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true})
		w := do(dev, http.MethodPost, "/eSCL/ScanJobs", body)
		switch w.Code {
		case http.StatusCreated, http.StatusBadRequest, http.StatusConflict:
		default:
			t.Errorf("status %d", w.Code)
		}
		_, _ = io.Copy(io.Discard, w.Body)
	})
}
