package network_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/steward"
	"pointnum/provisioning/link/route"
	"pointnum/provisioning/setup"
	"pointnum/provisioning/setup/network"
)

func TestHostileRequestsAreRefused(t *testing.T) {
	for request, want := range map[string]kiosk.Code{
		`{"do":"wifi"}`:               "",
		`{"do":"apply","network":{}}`: "",
		`{"do":"apply","network":{"wifi":{"ssid":"a/../b","password":"12345678"}}}`:                                                  "",
		`{"do":"apply","network":{"wifi":{"ssid":"x","password":"` + strings.Repeat("aF", 32) + `"}}}`:                               "",
		`{"do":"apply","network":{"address":{"address":"192.168.1.20/24","gateway":"192.168.1.1","dns":["9.9.9.9","2620:fe::fe"]}}}`: "",
		`{"do":"apply","network":{"address":{"address":"2001:db8::20/64","gateway":"2001:db8::1"}}}`:                                 "",
		``: kiosk.CodeBadRequest, `{}`: kiosk.CodeBadRequest, `null`: kiosk.CodeBadRequest, `{"do":"wifi"} x`: kiosk.CodeBadRequest,
		`{"do":"wifi","network":{}}`: kiosk.CodeBadRequest, `{"do":"apply"}`: kiosk.CodeBadRequest, `{"do":"sh"}`: kiosk.CodeBadRequest,
		`{"do":"apply","network":{"proxy":"http://x:1"}}`:                                                                                            kiosk.CodeBadRequest,
		`{"do":"apply","network":{"wifi":{"ssid":"x"}}}`:                                                                                             network.CodeWiFiOpen,
		`{"do":"apply","network":{"wifi":{"ssid":"","password":"12345678"}}}`:                                                                        kiosk.CodeBadRequest,
		`{"do":"apply","network":{"wifi":{"ssid":"` + strings.Repeat("x", 33) + `","password":"12345678"}}}`:                                         kiosk.CodeBadRequest,
		`{"do":"apply","network":{"wifi":{"ssid":"x\u0000","password":"12345678"}}}`:                                                                 kiosk.CodeBadRequest,
		`{"do":"apply","network":{"wifi":{"ssid":"x","password":"1234567"}}}`:                                                                        kiosk.CodeBadRequest,
		`{"do":"apply","network":{"wifi":{"ssid":"x","password":"12345678\n[Settings]"}}}`:                                                           kiosk.CodeBadRequest,
		`{"do":"apply","network":{"wifi":{"ssid":"x","password":"motdepassé"}}}`:                                                                     kiosk.CodeBadRequest,
		`{"do":"apply","network":{"address":{"address":"192.168.1.20","gateway":"192.168.1.1"}}}`:                                                    kiosk.CodeBadRequest,
		`{"do":"apply","network":{"address":{"address":"192.168.1.0/24","gateway":"192.168.1.1"}}}`:                                                  kiosk.CodeBadRequest,
		`{"do":"apply","network":{"address":{"address":"192.168.1.20/24","gateway":"192.168.2.1"}}}`:                                                 kiosk.CodeBadRequest,
		`{"do":"apply","network":{"address":{"address":"192.168.1.20/24","gateway":"192.168.1.20"}}}`:                                                kiosk.CodeBadRequest,
		`{"do":"apply","network":{"address":{"address":"127.0.0.2/8","gateway":"127.0.0.1"}}}`:                                                       kiosk.CodeBadRequest,
		`{"do":"apply","network":{"address":{"address":"fe80::1%eth0/64","gateway":"fe80::2"}}}`:                                                     kiosk.CodeBadRequest,
		`{"do":"apply","network":{"address":{"address":"192.168.1.20/24","gateway":"192.168.1.1","dns":["a\nDHCP=yes"]}}}`:                           kiosk.CodeBadRequest,
		`{"do":"apply","network":{"address":{"address":"192.168.1.20/24","gateway":"192.168.1.1","dns":["1.1.1.1","1.1.1.2","1.1.1.3","1.1.1.4"]}}}`: kiosk.CodeBadRequest,
	} {
		_, err := network.DecodeRequest([]byte(request))
		if kiosk.CodeOf(err) != want {
			t.Errorf("%s: %v, want %q", request, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "1234567") {
			t.Errorf("the password is told: %v", err)
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"do":"apply","network":{"wifi":{"ssid":"é/../x","password":" 1234\\5678","hidden":true},"address":{"address":"192.168.1.20/24","gateway":"192.168.1.1","dns":["9.9.9.9"]}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := network.DecodeRequest(raw)
		if err != nil || r.Network == nil {
			return
		}
		written, err := network.Written(*r.Network)
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range written {
			if name != filepath.Base(name) || strings.HasPrefix(name, ".") || len(name) > 100 {
				t.Errorf("would write %q", name)
			}
			for line := range strings.Lines(text) {
				if strings.ContainsAny(line, "\r\x00") || strings.Count(text, "[Network]") > 1 || strings.Count(text, "\n[") > 6 {
					t.Errorf("would write %q", text)
				}
			}
		}
	})
}

func TestKeepDirIsWhatPersists(t *testing.T) {
	root := t.TempDir()
	if got := network.KeepDir(root); got != filepath.Join(root, "var/lib/pointnum-root/network") {
		t.Errorf("got %q", got)
	}
	if err := os.Mkdir(filepath.Join(root, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got := network.KeepDir(root); got != filepath.Join(root, "data/lib-root/network") {
		t.Errorf("got %q", got)
	}
}

func TestClockIsSetWithinBounds(t *testing.T) {
	floor := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var set time.Time
	kept := false
	c := network.Clock{Floor: floor, Kept: func() bool { return kept }, Log: slog.New(slog.DiscardHandler),
		Set: func(at time.Time) error { set = at; return nil }}
	ask := func(at time.Time) error {
		set = time.Time{}
		raw, err := json.Marshal(network.ClockRequest{At: at.UnixMilli()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Answer(t.Context(), raw)
		return err
	}
	good := floor.AddDate(1, 0, 0)
	if err := ask(good); err != nil || !set.Equal(good) {
		t.Errorf("set to %v, %v", set, err)
	}
	for _, bad := range []time.Time{floor.Add(-time.Second), floor.AddDate(16, 0, 0), {}, time.UnixMilli(1 << 62)} {
		if err := ask(bad); kiosk.CodeOf(err) != kiosk.CodeBadRequest || !set.IsZero() {
			t.Errorf("%v: %v, set to %v", bad, err, set)
		}
	}
	if kept = true; ask(good) != nil || !set.IsZero() {
		t.Error("set though the network keeps it")
	}
	for _, raw := range []string{``, `{"at":"x"}`, `{"at":1,"x":2}`} {
		if _, err := c.Answer(t.Context(), []byte(raw)); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("%q: %v", raw, err)
		}
	}
	if network.BuildDate(t.TempDir()) != (time.Time{}) || network.BuildDate("/").Year() < 2020 {
		t.Error("build date")
	}
}

// client is the agent's side of a root that does as it is told.
func client(t *testing.T, do steward.Do) *network.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- steward.Serve(ctx, dir, network.StewardNetwork, do) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(time.Millisecond) {
		if info, err := os.Stat(filepath.Join(dir, network.StewardNetwork+".sock")); err == nil && info.Mode().Perm() == 0o600 {
			return &network.Client{Dir: dir}
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody serves")
		}
	}
}

func TestRootIsAskedForItsPartOnly(t *testing.T) {
	var got string
	c := client(t, func(_ context.Context, raw []byte) (any, error) {
		got = string(raw)
		r, err := network.DecodeRequest(raw)
		if err == nil && r.Do == "wifi" {
			return []setup.AccessPoint{{SSID: "Mairie", Signal: 70, Secured: true}}, nil
		}
		return struct{}{}, err
	})
	n := setup.Network{WiFi: &setup.WiFiChoice{SSID: "Mairie", Password: "12345678"}, Proxy: "http://me:secret@proxy.example:3128"}
	if err := c.Apply(t.Context(), n); err != nil || strings.Contains(got, "secret") || !strings.Contains(got, "12345678") {
		t.Errorf("asked %s, %v", got, err)
	}
	n.WiFi.Password = ""
	if err := c.Apply(t.Context(), n); kiosk.CodeOf(err) != network.CodeWiFiOpen {
		t.Errorf("an open network: %v", err)
	}
	for _, bad := range []setup.Network{{Proxy: "ftp://x"}, {CA: []byte("none")}} {
		if err := c.Apply(t.Context(), bad); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if list, err := c.WiFi(t.Context()); err != nil || len(list) != 1 || list[0].SSID != "Mairie" {
		t.Errorf("in reach %v, %v", list, err)
	}
	// Nobody serves: a cable and DHCP is what such a machine has by itself.
	alone := &network.Client{Dir: t.TempDir()}
	if err := alone.Apply(t.Context(), setup.Network{}); err != nil {
		t.Error(err)
	}
	if err := alone.Apply(t.Context(), n); kiosk.CodeOf(err) != kiosk.CodeNotResponding {
		t.Errorf("nobody serves: %v", err)
	}
	if err := alone.SetClock(t.Context(), time.Now()); kiosk.CodeOf(err) != kiosk.CodeNotResponding {
		t.Errorf("nobody serves: %v", err)
	}
}

func TestReachSaysHowFarAndHowWrongTheClockIs(t *testing.T) {
	off := 3 * time.Hour
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-off).UTC().Format(http.TimeFormat))
		w.WriteHeader(http.StatusNotFound)
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	c := &network.Client{Dir: t.TempDir(), CA: ca}
	r := c.Reach(t.Context(), server.URL)
	if !r.Link || !r.Address || !r.DNS || !r.Server || r.Code != "" || !r.SkewKnown || (r.Skew-off).Abs() > 30*time.Second {
		t.Errorf("reach %+v", r)
	}
	c.CA = nil
	if r := c.Reach(t.Context(), server.URL); !r.DNS || r.Server || r.Code != route.CodeCertificate || strings.Contains(r.Detail, "\n") {
		t.Errorf("unknown authority: %+v", r)
	}
	c.Sys = t.TempDir()
	if r := c.Reach(t.Context(), server.URL); r.Link || r.Code != kiosk.CodeNoNetwork {
		t.Errorf("without a link: %+v", r)
	}
}
