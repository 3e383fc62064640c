package escl_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image/jpeg"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pointnum/drivers/drivertest"
	"pointnum/drivers/escl"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
)

var (
	discard  = slog.New(slog.DiscardHandler)
	quietLog = log.New(io.Discard, "", 0)
)

func fingerprint(cert []byte) string {
	sum := sha256.Sum256(cert)
	return hex.EncodeToString(sum[:])
}

// answer is what the virtual scanner says to a GET.
func answer(path string) []byte {
	dev := virtual.NewScanner(virtual.ScannerOptions{Calm: true})
	w := httptest.NewRecorder()
	dev.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil))
	return w.Body.Bytes()
}

func FuzzCapabilities(f *testing.F) {
	f.Add(answer("/eSCL/ScannerCapabilities"), 300, 210.0, true)
	f.Add([]byte(`<ScannerCapabilities><Platen><PlatenInputCaps><MinWidth>9</MinWidth><MaxWidth>1</MaxWidth>
		<SettingProfiles><SettingProfile><DocumentFormats><DocumentFormat>image/jpeg</DocumentFormat></DocumentFormats>
		<SupportedResolutions><ResolutionRange><XResolutionRange><Min>50</Min><Max>1200</Max><Step>7</Step></XResolutionRange>
		</ResolutionRange></SupportedResolutions></SettingProfile></SettingProfiles></PlatenInputCaps></Platen></ScannerCapabilities>`),
		300, -1.0, false)
	f.Fuzz(func(t *testing.T, data []byte, dpi int, width float64, feeder bool) {
		for _, color := range []kiosk.ColorMode{kiosk.Color, kiosk.Gray} {
			o := kiosk.ScanOptions{DPI: dpi % 10000, Width: width, Color: color, Duplex: feeder}
			out, err := escl.ChooseSettings(data, o, feeder)
			if err == nil && (!bytes.HasSuffix(out, []byte("</scan:ScanSettings>")) || strings.Count(string(out), "Resolution>") > 4) {
				t.Errorf("settings: %s", out)
			}
		}
	})
}

func FuzzStatus(f *testing.F) {
	f.Add(answer("/eSCL/ScannerStatus"))
	f.Add([]byte(`<ScannerStatus><State>Stopped</State><AdfState>ScannerAdfJam</AdfState><Jobs><JobInfo><JobUri>/</JobUri></JobInfo></Jobs></ScannerStatus>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := escl.ParseStatus(data)
		if err == nil && st.Ready && len(st.Conditions) > 1 {
			t.Errorf("ready with %v", st.Conditions)
		}
	})
}

func FuzzCheckJPEG(f *testing.F) {
	page := drivertest.ScannerPages(1)[0]
	f.Add(page)
	f.Add(page[:len(page)/2])
	f.Add([]byte("\xff\xd8\xff\xd9"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if escl.CheckJPEG(data) != nil {
			return
		}
		// What is whole ends with EOI, wherever: cut before it, it is not.
		end := bytes.LastIndex(data, []byte{0xff, 0xd9})
		if end < 0 {
			t.Fatal("whole without an end")
		}
		first := bytes.Index(data, []byte{0xff, 0xd9})
		if first == end && escl.CheckJPEG(data[:end]) == nil {
			t.Error("still whole without its end")
		}
	})
}

func TestCheckJPEG(t *testing.T) {
	page := drivertest.ScannerPages(1)[0]
	t.Run("a page cut anywhere is not whole", func(t *testing.T) {
		for n := range page {
			if escl.CheckJPEG(page[:n]) == nil {
				t.Fatalf("%d of %d bytes are taken for a page", n, len(page))
			}
		}
	})
	t.Run("zeroes after the end do no harm", func(t *testing.T) {
		if err := escl.CheckJPEG(append(bytes.Clone(page), make([]byte, 512)...)); err != nil {
			t.Error(err)
		}
	})
	t.Run("a length that comes after the scan is a length", func(t *testing.T) {
		p := bytes.Clone(page)
		sof := bytes.Index(p, []byte{0xff, 0xc0})
		height := bytes.Clone(p[sof+5 : sof+7])
		p[sof+5], p[sof+6] = 0, 0
		if escl.CheckJPEG(p) == nil {
			t.Error("a page of no lines is taken")
		}
		p = append(p[:len(p)-2], 0xff, 0xdc, 0, 4, height[0], height[1], 0xff, 0xd9)
		if err := escl.CheckJPEG(p); err != nil {
			t.Error(err)
		}
	})
}

// TestCheckJPEGTakesRealPictures looks at the smaller pictures of the corpus
// that a decoder reads to their end.
func TestCheckJPEGTakesRealPictures(t *testing.T) {
	n := 0
	err := filepath.WalkDir("../../../shared/corpus", func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".jpg") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(data))
		if err != nil || c.Width*c.Height > 2<<20 {
			return nil
		}
		if _, err := jpeg.Decode(bytes.NewReader(data)); err != nil {
			return nil
		}
		n++
		if err := escl.CheckJPEG(data); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		return nil
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	t.Logf("%d pictures", n)
}

func BenchmarkCheckJPEG(b *testing.B) {
	page := drivertest.ScannerPages(1)[0]
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if err := escl.CheckJPEG(page); err != nil {
			b.Fatal(err)
		}
	}
}
