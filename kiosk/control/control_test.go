package control_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/control"
	"pointnum/kiosk/health"
)

func TestStatusComesThroughAsItIs(t *testing.T) {
	want := control.Status{
		Version: "1.2.3", UptimeSeconds: 61, Screen: "review",
		Devices: []control.Device{{
			ID: "printer", Kind: kiosk.KindPrinter, Driver: "ipp", Model: "Kyocera M2040dn", Ready: true,
			Conditions: []kiosk.Code{kiosk.CodePaperLow}, Supplies: []kiosk.Level{{Name: "black", Percent: 12}},
		}},
		Health: []health.Condition{{Name: health.SwapOn, Code: kiosk.CodeOutOfOrder, Since: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}},
		Wiped:  &control.Wipe{OK: true, At: time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)}, Refused: []string{"cdn.example"},
	}
	client, _ := serve(t, &agent{status: want})
	got, err := client.Status(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestLeaveReachesTheAgentAndItsFaultComesBack(t *testing.T) {
	a := &agent{}
	client, _ := serve(t, a)
	if err := client.Leave(t.Context()); err != nil || a.left != 1 {
		t.Errorf("got %v, left %d times", err, a.left)
	}
	a.err = &kiosk.Error{Code: kiosk.CodeOutOfOrder, Op: "spool: wipe", Err: errors.New("device full")}
	err := client.Leave(t.Context())
	if kiosk.CodeOf(err) != kiosk.CodeOutOfOrder || !strings.Contains(err.Error(), "spool: wipe") {
		t.Errorf("got %v", err)
	}
}

func TestACodeReachesTheAgent(t *testing.T) {
	a := &agent{}
	client, _ := serve(t, a)
	got, err := client.Enrol(t.Context(), control.Enrolment{Server: "https://bornes.example", Code: "QRTV-6YYE-63PX"})
	if err != nil || got.Kiosk != "k1" || got.Server != "https://bornes.example" || a.code != "QRTV-6YYE-63PX" {
		t.Errorf("got %+v, %v, code %q", got, err, a.code)
	}
	a.err = &kiosk.Error{Code: kiosk.CodeNoNetwork, Op: "enrol"}
	if _, err := client.Enrol(t.Context(), control.Enrolment{Code: "x"}); kiosk.CodeOf(err) != kiosk.CodeNoNetwork {
		t.Errorf("got %v", err)
	}
}

func TestOnlyTheAgentsUserMayOpenTheSocket(t *testing.T) {
	client, _ := serve(t, &agent{})
	info, err := os.Stat(client.Path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode().Type() != os.ModeSocket {
		t.Errorf("got %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(client.Path))
	if err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v beside the socket", entries, err)
	}
}

func TestLookingNeverEndsAVisit(t *testing.T) {
	a := &agent{}
	client, _ := serve(t, a)
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		return net.Dial("unix", client.Path)
	}}
	resp, err := (&http.Client{Transport: transport}).Get("http://kioskd/leave")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed || a.left != 0 {
		t.Errorf("got status %d, left %d times", resp.StatusCode, a.left)
	}
}

func TestASocketLeftBehindIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := (control.Client{Path: path}).Status(t.Context()); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("a dead socket: got %v", err)
	}
	client, _ := serveAt(t, path, &agent{})
	if _, err := client.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTwoAgentsDoNotShareASocket(t *testing.T) {
	client, _ := serve(t, &agent{})
	if err := control.Serve(t.Context(), client.Path, &agent{}); err == nil || !strings.Contains(err.Error(), "another kioskd") {
		t.Errorf("got %v", err)
	}
	if _, err := client.Status(t.Context()); err != nil {
		t.Errorf("the first one: %v", err)
	}
}

func TestAFileInTheWayIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.sock")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := control.Serve(t.Context(), path, &agent{}); err == nil {
		t.Error("a file was taken for a socket")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "x" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTheEndLeavesNothingBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	client, stop := serve(t, &agent{})
	if _, err := client.Status(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := os.Lstat(client.Path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := client.Status(t.Context()); !errors.Is(err, control.ErrNotRunning) {
		t.Errorf("got %v", err)
	}
	waitFor(t, func() bool { return runtime.NumGoroutine() <= before })
}

func TestARequestEndsWithTheAgent(t *testing.T) {
	a := &agent{wait: make(chan struct{}, 1)}
	client, stop := serve(t, a)
	result := make(chan error, 1)
	go func() { result <- client.Leave(t.Context()) }()
	<-a.wait
	if err := stop(); err != nil {
		t.Error(err)
	}
	if err := <-result; kiosk.CodeOf(err) != kiosk.CodeCanceled {
		t.Errorf("got %v", err)
	}
}

// agent is a kiosk that answers what the test says.
type agent struct {
	status control.Status
	err    error
	left   int
	code   string
	wait   chan struct{} // not nil: Leave says so and waits for its ctx
}

func (a *agent) Status(context.Context) (control.Status, error) { return a.status, a.err }

func (a *agent) Enrol(_ context.Context, e control.Enrolment) (control.Fleet, error) {
	a.code = e.Code
	return control.Fleet{Server: e.Server, Kiosk: "k1"}, a.err
}

func (a *agent) Leave(ctx context.Context) error {
	if a.wait != nil {
		a.wait <- struct{}{}
		<-ctx.Done()
		return context.Cause(ctx)
	}
	a.left++
	return a.err
}

// serve runs a handler on a socket of its own; stop ends it and returns what
// Serve did.
func serve(t *testing.T, h control.Handler) (client control.Client, stop func() error) {
	t.Helper()
	return serveAt(t, filepath.Join(t.TempDir(), "c.sock"), h)
}

func serveAt(t *testing.T, path string, h control.Handler) (client control.Client, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	var served error
	go func() {
		defer close(done)
		served = control.Serve(ctx, path, h)
	}()
	stop = func() error {
		cancel()
		<-done
		return served
	}
	t.Cleanup(func() { stop() })
	waitFor(t, func() bool {
		conn, err := net.Dial("unix", path)
		if err != nil {
			return false
		}
		conn.Close()
		return true
	})
	return control.Client{Path: path}, stop
}

// waitFor waits for a state that comes by itself.
func waitFor(t *testing.T, state func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !state() {
		if time.Now().After(deadline) {
			t.Fatal("the state did not come in 10 s")
		}
		time.Sleep(time.Millisecond)
	}
}

// keeper is an agent that also keeps itself well.
type keeper struct {
	agent
	asked []control.UpdateAsk
}

func (k *keeper) Health(context.Context) ([]control.Check, error) {
	return []control.Check{{Name: "screen", Code: kiosk.CodeNotResponding}}, nil
}

func (k *keeper) Update(context.Context) (control.Update, error) {
	return control.Update{Version: "1.0.0", Phase: "idle"}, nil
}

func (k *keeper) ChangeUpdate(_ context.Context, a control.UpdateAsk) (control.Update, error) {
	k.asked = append(k.asked, a)
	return control.Update{Version: "1.0.0", Phase: "fetching"}, nil
}

func TestTheSystemsUpkeepIsAskedFor(t *testing.T) {
	k := &keeper{}
	path := filepath.Join(t.TempDir(), "c.sock")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- control.Serve(ctx, path, k) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	client := control.Client{Path: path}
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := client.Status(t.Context()); err == nil || time.Now().After(deadline) {
			break
		}
	}
	if list, err := client.Health(t.Context()); err != nil || len(list) != 1 || list[0].OK || list[0].Code != kiosk.CodeNotResponding {
		t.Errorf("health: %+v, %v", list, err)
	}
	if u, err := client.Update(t.Context()); err != nil || u.Version != "1.0.0" {
		t.Errorf("update: %+v, %v", u, err)
	}
	for _, a := range []control.UpdateAsk{{Do: "shell"}, {Do: control.UpdateFrom}, {Do: control.UpdateNow, From: "/x"}} {
		if _, err := client.ChangeUpdate(t.Context(), a); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
			t.Errorf("%+v: %v", a, err)
		}
	}
	want := control.UpdateAsk{Do: control.UpdateFrom, From: "/media/x", Again: true}
	if u, err := client.ChangeUpdate(t.Context(), want); err != nil || u.Phase != "fetching" || len(k.asked) != 1 || k.asked[0] != want {
		t.Errorf("%+v, %v, %+v", u, err, k.asked)
	}
}
