package discover_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/discover"
)

// tree makes files below a folder: text, or a link to what begins with "->".
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		err := error(nil)
		if to, link := strings.CutPrefix(text, "->"); link {
			err = os.Symlink(to, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// printer is how the kernel shows a printer of usblp.
func printer(files map[string]string, lp, dev, vendor, id string, also ...string) {
	base := "sys/devices/usb1/" + dev
	files["sys/class/usbmisc/"+lp+"/device"] = "->../../../devices/usb1/" + dev + "/" + dev + ":1.0"
	files[base+"/"+dev+":1.0/ieee1284_id"] = id + "\n"
	files[base+"/idVendor"] = vendor + "\n"
	for i := 0; i+1 < len(also); i += 2 {
		files[base+"/"+also[i]] = also[i+1] + "\n"
	}
}

func TestPlugsAreNamed(t *testing.T) {
	files := map[string]string{
		"dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0": "",
		"dev/serial/by-id/usb-STMicroelectronics_POS58_Printer_9-if00":  "",
		"dev/serial/by-id/usb-Arduino__www.arduino.cc__0043_8543-if00":  "",
		"dev/serial/by-id/usb-x y":                                      "",
		"sys/bus/gpio/devices/gpiochip0":                                "->../../../devices/pci/chip/gpiochip0",
		"sys/devices/pci/chip/gpiochip0/driver":                         "->../../../../bus/usb/drivers/mcp2221",
		"sys/bus/gpio/devices/export":                                   "",
		"media/cle/.keep":                                               "",
		"sys/class/usbmisc/hiddev0/device":                              "->/",
		"sys/class/usbmisc/lp9/device":                                  "->../nowhere",
	}
	printer(files, "lp0", "1-1", "04b8", "MFG:EPSON;CMD:ESC/POS;MDL:TM-T20III;CLS:PRINTER;", "serial", "J5XK000001")
	printer(files, "lp1", "1-2", "03f0", "MFG:HP;MDL:LaserJet 1020;CMD:ACL,PJL,PCL;CLS:PRINTER;")
	printer(files, "lp2", "1-3", "0416", "", "manufacturer", "STMicro\x1belectronics", "product", "POS58 USB Printer")
	printer(files, "lp3", "1-4", "abcd", "garbage;;:::;MDL", "product", "Some Device")
	printer(files, "lp4", "1-5", "04b8", "MFG:EPSON;CMD:ESCPL2,BDC,D4;MDL:WF-2630;")
	found, err := discover.Finder{Root: tree(t, files), KeyDir: "/media/cle"}.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]discover.Found{}
	for _, f := range found {
		got[f.Spec.URI] = f
	}
	for uri, want := range map[string]discover.Found{
		"usb:/dev/usb/lp0": {Kind: kiosk.KindReceipt, Model: "EPSON TM-T20III", Where: "USB"},
		"usb:/dev/usb/lp2": {Kind: kiosk.KindReceipt, Model: "STMicroelectronics POS58 USB Printer", Where: "USB"},
		"usb:/dev/usb/lp3": {Kind: kiosk.KindReceipt, Model: "Some Device", Where: "USB", Maybe: true},
		"serial:/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0": {Kind: kiosk.KindReceipt, Model: "FTDI FT232R USB UART", Where: "port série", Maybe: true},
		"serial:/dev/serial/by-id/usb-STMicroelectronics_POS58_Printer_9-if00":  {Kind: kiosk.KindReceipt, Model: "STMicroelectronics POS58 Printer", Where: "port série"},
		"gpio:gpiochip0": {Kind: kiosk.KindSensors, Model: "mcp2221", Where: "borne", Maybe: true},
		"dir:/media/cle": {Kind: kiosk.KindKey, Where: "USB"},
	} {
		f := got[uri]
		if f.Kind != want.Kind || f.Model != want.Model || f.Where != want.Where || f.Maybe != want.Maybe {
			t.Errorf("%s: got %+v, want %+v", uri, f, want)
		}
		delete(got, uri)
	}
	for uri, f := range got {
		t.Errorf("%s is no device of a kiosk: %+v", uri, f)
	}
}

// A device that does not answer, or a search that does not end, holds nobody.
func TestFindEndsInItsTime(t *testing.T) {
	never := func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	f := discover.Finder{
		Probe:    func(ctx context.Context, _ kiosk.Spec) (kiosk.Info, error) { return kiosk.Info{}, never(ctx) },
		Listed:   func(ctx context.Context) ([]kiosk.Info, error) { return nil, never(ctx) },
		USBPorts: []int{l.Addr().(*net.TCPAddr).Port},
		Root:     t.TempDir(), Time: 100 * time.Millisecond,
	}
	if found, err := f.Find(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("found %v, %v", found, err)
	}
	broken := errors.New("no bus")
	f.Listed = func(context.Context) ([]kiosk.Info, error) {
		return []kiosk.Info{{Driver: "sane", Make: "Acme", Model: "X", URI: "acme:libusb:*"}}, broken
	}
	if found, err := f.Find(t.Context()); !errors.Is(err, broken) || len(found) != 1 {
		t.Errorf("found %v, %v", found, err)
	}
}
