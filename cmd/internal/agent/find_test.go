package agent_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/mdns"

	"pointnum/cmd/internal/agent"
	"pointnum/drivers/virtual"
	"pointnum/kiosk"
	"pointnum/kiosk/discover"
)

// announceOnLoopback has a multicast DNS responder tell of a device.
func announceOnLoopback(t *testing.T, name, service, address string, text ...string) {
	t.Helper()
	port := portOf(t, address)
	zone, err := mdns.NewMDNSService(name, service, "", "find-"+strconv.Itoa(port)+".local.", port, []net.IP{net.IPv4(127, 0, 0, 1)}, text)
	if err != nil {
		t.Fatal(err)
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	s, err := mdns.NewServer(&mdns.Config{Zone: zone, Iface: lo, Logger: log.New(io.Discard, "", 0)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown() })
}

func portOf(t *testing.T, address string) int {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestAttachedDevicesAreFoundOnceAndNamed(t *testing.T) {
	const uuid = "4509a320-00a0-008f-00b6-002507510eca"
	scanner := virtual.NewScanner(virtual.ScannerOptions{Make: "Acme", Model: "Duplex 7", UUID: uuid, Calm: true})
	plain, safe := httptest.NewServer(scanner), httptest.NewTLSServer(scanner)
	usb := httptest.NewServer(virtual.NewScanner(virtual.ScannerOptions{Make: "Acme", Model: "Glass 1", Calm: true}))
	printer := virtual.NewPrinter(virtual.PrinterOptions{})
	paper := httptest.NewServer(printer)
	t.Cleanup(func() {
		for _, s := range []*httptest.Server{plain, safe, usb, paper} {
			s.Close()
		}
		if err := printer.Close(); err != nil {
			t.Error(err)
		}
	})
	announceOnLoopback(t, "Acme Duplex", "_uscan._tcp", plain.URL, "rs=eSCL", "ty=Acme Duplex 7", "UUID="+uuid)
	announceOnLoopback(t, "Acme Duplex s", "_uscans._tcp", safe.URL, "rs=/eSCL/", "ty=Acme Duplex 7", "UUID="+uuid)
	announceOnLoopback(t, "Imprimante", "_ipp._tcp", paper.URL, "rp=ipp/print", "ty=Virtual Printer")
	announceOnLoopback(t, "Gone", "_ipp._tcp", "http://127.0.0.1:1", "rp=ipp/print", "ty=Nobody")
	announceOnLoopback(t, "Odd", "_ipp._tcp", paper.URL, "rp=../../etc/passwd?a=b", "ty=Odd")

	f := agent.Finder(slog.New(slog.DiscardHandler))
	f.Interfaces = func() ([]net.Interface, error) {
		lo, err := net.InterfaceByName("lo")
		return []net.Interface{*lo}, err
	}
	f.USBPorts, f.Root = []int{portOf(t, usb.URL), 1}, t.TempDir()
	f.Listed = func(context.Context) ([]kiosk.Info, error) {
		return []kiosk.Info{{Driver: "sane", Make: "Acme", Model: "Glass 1", URI: "acme:libusb:*"},
			{Driver: "sane", Make: "Olde", Model: "Flatbed 9", URI: "olde:libusb:*"}}, nil
	}
	sum := sha256.Sum256(safe.Certificate().Raw)
	// A machine that is busy needs longer to hear all of them.
	var found []discover.Found
	for f.Time = 2 * time.Second; f.Time < time.Minute; f.Time *= 2 {
		var err error
		if found, err = f.Find(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(found) == 4 && len(found[1].Also)+len(found[0].Also) == 2 {
			break
		}
	}
	type line struct{ kind, model, where, uri, option, also string }
	var got []line
	for _, d := range found {
		l := line{string(d.Kind), d.Model, d.Where, d.Spec.URI, d.Spec.Options["cert_sha256"], ""}
		for _, s := range d.Also {
			l.also += s.URI
		}
		got = append(got, l)
	}
	want := []line{
		{"scanner", "Acme Glass 1", "USB", usb.URL + "/eSCL", "", "acme:libusb:*"},
		{"scanner", "Acme Duplex 7", "réseau 127.0.0.1", safe.URL + "/eSCL", hex.EncodeToString(sum[:]), plain.URL + "/eSCL"},
		{"scanner", "Olde Flatbed 9", "USB", "olde:libusb:*", "", ""},
		{"printer", "", "réseau 127.0.0.1", "ipp" + strings.TrimPrefix(paper.URL, "http") + "/ipp/print", "", ""},
	}
	if len(got) == len(want) {
		want[3].model = got[3].model
		slices.SortFunc(got[:2], func(a, b line) int { return strings.Compare(b.model, a.model) })
	}
	if !slices.Equal(got, want) || got[3].model == "" {
		t.Errorf("found %+v\nwant  %+v", got, want)
	}
}
