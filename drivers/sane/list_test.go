package sane_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pointnum/drivers/sane"
	"pointnum/kiosk"
)

func TestListNamesWhatSANEFinds(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"dll.conf": "test\n", "test.conf": "number_of_devices 2\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	// SANE's test devices are the only ones there, and they are no scanners.
	if found, err := sane.List(ctx, dir); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := sane.List(ended, dir); kiosk.CodeOf(err) != kiosk.CodeCanceled {
		t.Errorf("taken back: %v", err)
	}
}

func TestAListSurvivesUnplugging(t *testing.T) {
	list := "genesys:libusb:001:004\tCanon\tLiDE 300\n" +
		"epson2:libusb:001:005\tEpson\tA\nepson2:libusb:001:006\tEpson\tB\n" +
		"airscan:w1:Kyocera\tWSD\tECOSYS M2040dn\n" +
		"test:0\tNoname\tfrontend-tester\nv4l:/dev/video0\tNoname\tCamera\n-h\ta\tb\nbroken\n\t\t\n"
	var uris []string
	for _, i := range sane.ParseList(list) {
		uris = append(uris, i.URI)
	}
	want := []string{"genesys:libusb:*", "epson2:libusb:001:005", "epson2:libusb:001:006", "airscan:w1:Kyocera"}
	if !reflect.DeepEqual(uris, want) {
		t.Errorf("got %q, want %q", uris, want)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add("genesys:libusb:001:004\tCanon\tLiDE 300\n")
	f.Fuzz(func(t *testing.T, list string) {
		for _, i := range sane.ParseList(list) {
			if i.URI == "" || strings.HasPrefix(i.URI, "-") || i.Driver != "sane" {
				t.Errorf("listed %+v", i)
			}
		}
	})
}
