package updater_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
	"pointnum/provisioning/update/fetch"
	"pointnum/provisioning/update/updater"
)

const uuid = "0123456789abcdef0123456789abcdef"

// machine is a kiosk's, with what is around an updater.
type machine struct {
	t      *testing.T
	shop   string // a folder with a release
	dir    string
	loader string
	key    ed25519.PrivateKey
	keys   []ed25519.PublicKey

	mu       sync.Mutex
	busy     bool
	night    bool
	now      time.Time
	source   error // in place of the shop
	install  error
	written  []string // by root
	reboots  int
	duringIn func() // while root writes
}

func newMachine(t *testing.T, version string) *machine {
	t.Helper()
	m := &machine{t: t, shop: t.TempDir(), dir: filepath.Join(t.TempDir(), "update"), loader: t.TempDir(), night: true, now: time.Now()}
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	m.key, m.keys = key, []ed25519.PublicKey{public}
	m.release(version, "")
	return m
}

func (m *machine) release(version, minimum string) {
	m.t.Helper()
	if err := errors.Join(os.RemoveAll(m.shop), os.Mkdir(m.shop, 0o700)); err != nil {
		m.t.Fatal(err)
	}
	for _, name := range []string{"_" + uuid + ".root", "_" + uuid + ".verity", ".efi"} {
		if err := os.WriteFile(filepath.Join(m.shop, "pointnum_"+version+name), []byte(strings.Repeat(name, 500)), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	if _, err := update.WriteManifest(context.Background(), m.shop, update.Manifest{Arch: "amd64", Minimum: minimum}); err != nil {
		m.t.Fatal(err)
	}
	if err := update.SignFolder(m.shop, m.key); err != nil {
		m.t.Fatal(err)
	}
}

// entry puts a kernel into the boot loader's folder, in place of those of its
// version.
func (m *machine) entry(version, tries string) {
	m.t.Helper()
	old, err := filepath.Glob(filepath.Join(m.loader, "pointnum_"+version+"*"))
	if err != nil {
		m.t.Fatal(err)
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			m.t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(m.loader, "pointnum_"+version+tries+".efi"), nil, 0o600); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func (m *machine) is(f func() bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return f()
}

// boot makes the updater of one start of the machine. halt ends it.
func (m *machine) boot(version, boot string) (u *updater.Updater, halt func()) {
	m.t.Helper()
	u, err := updater.New(updater.Options{
		Dir: m.dir, Keys: m.keys, Arch: "amd64", Version: version, Boot: boot, Loader: m.loader,
		Source: func(provisioning.UpdateOrder) (fetch.Source, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			return fetch.Folder{Dir: m.shop}, m.source
		},
		Install: func(_ context.Context, v string) (string, error) {
			if m.duringIn != nil {
				m.duringIn()
			}
			m.mu.Lock()
			defer m.mu.Unlock()
			if m.install != nil {
				return "", m.install
			}
			if _, err := update.Verify(context.Background(), m.keys, filepath.Join(m.dir, v)); err != nil {
				m.t.Errorf("root is asked for what is not whole: %v", err)
			}
			m.written = append(m.written, v)
			return "well", nil
		},
		Reboot: func(context.Context) error {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.reboots++
			return nil
		},
		Rate:  func() int64 { return 1 << 30 },
		Busy:  func() bool { return m.is(func() bool { return m.busy }) },
		Night: func() bool { return m.is(func() bool { return m.night }) },
		Now:   func() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now },
		Pace:  updater.Pace{Look: 2 * time.Millisecond, Trying: 2 * time.Millisecond, Reboot: time.Hour, Retry: 2 * time.Millisecond, Most: 10 * time.Millisecond},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(m.t.Context())
	done := make(chan error, 1)
	go func() { done <- u.Run(ctx) }()
	halt = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			m.t.Error(err)
		}
	})
	m.t.Cleanup(halt)
	return u, halt
}

// see waits for a state.
func see(t *testing.T, u *updater.Updater, what string, ok func(provisioning.UpdateState) bool) provisioning.UpdateState {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	var seq uint64
	for {
		s, next, err := u.State().Wait(ctx, seq)
		if err != nil {
			s, _ := u.State().Load()
			t.Fatalf("no %s: %+v", what, s)
		}
		if seq = next; ok(s) {
			return s
		}
	}
}

func phase(t *testing.T, u *updater.Updater, p provisioning.UpdatePhase) provisioning.UpdateState {
	t.Helper()
	return see(t, u, string(p), func(s provisioning.UpdateState) bool { return s.Phase == p })
}

// until waits for what an updater has others do.
func (m *machine) until(u *updater.Updater, what string, ok func() bool) {
	m.t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !m.is(ok); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatalf("no %s: %+v", what, u.Status())
		}
	}
}

func TestFromOneReleaseToTheNext(t *testing.T) {
	m := newMachine(t, "2.0.0")
	m.night, m.busy = false, true
	m.entry("1.0.0", "")
	u, halt := m.boot("1.0.0", "b1")
	phase(t, u, provisioning.UpdateIdle)
	if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0", NotBefore: m.now.Unix() + 60}); err != nil {
		t.Fatal(err)
	}
	if s := phase(t, u, provisioning.UpdateWaiting); s.Wanted != "2.0.0" || s.Version != "1.0.0" || s.Percent != 100 {
		t.Errorf("%+v", s)
	}
	// Each of these keeps it from being written.
	for _, change := range []func(){func() { m.night = true }, func() { m.now = m.now.Add(2 * time.Minute) }} {
		m.set(change)
		time.Sleep(20 * time.Millisecond) // some looks
		if s, _ := u.State().Load(); s.Phase != provisioning.UpdateWaiting {
			t.Errorf("%+v", s)
		}
	}
	m.duringIn = func() { m.set(func() { m.busy = true }) } // a visitor comes meanwhile
	m.set(func() { m.busy = false })
	phase(t, u, provisioning.UpdateTrying)
	time.Sleep(20 * time.Millisecond)
	if m.is(func() bool { return m.reboots > 0 || len(m.written) != 1 }) {
		t.Error("a visit is ended by a restart")
	}
	m.set(func() { m.busy = false })
	m.until(u, "restart", func() bool { return m.reboots == 1 })
	if left, err := filepath.Glob(filepath.Join(m.dir, "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	halt()

	m.entry("2.0.0", "+2-1")
	u, halt = m.boot("2.0.0", "b2")
	u.Healthy()
	time.Sleep(20 * time.Millisecond)
	if s, _ := u.State().Load(); s.Phase != provisioning.UpdateTrying || s.Wanted != "2.0.0" {
		t.Errorf("done before the boot loader says so: %+v", s)
	}
	m.entry("2.0.0", "")
	if s := phase(t, u, provisioning.UpdateDone); s.Version != "2.0.0" || s.Returned != "" || s.Code != "" {
		t.Errorf("%+v", s)
	}
	if s := u.Status(); s.Confirmed != "2.0.0" {
		t.Errorf("%+v", s)
	}
	halt()
	u, _ = m.boot("2.0.0", "b3") // it stays told
	phase(t, u, provisioning.UpdateDone)
	for _, old := range []string{"1.0.0", "1.9.9"} {
		if err := u.Order(provisioning.UpdateOrder{Version: old}); kiosk.CodeOf(err) != provisioning.CodeUpdateOlder {
			t.Errorf("%s: %v", old, err)
		}
	}
}

func TestWithoutTheBootLoaderTheHealthCheckCounts(t *testing.T) {
	m := newMachine(t, "2.0.0")
	m.loader = filepath.Join(m.loader, "none")
	u, halt := m.boot("1.0.0", "b1")
	if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0"}); err != nil {
		t.Fatal(err)
	}
	m.until(u, "restart", func() bool { return m.reboots == 1 })
	halt()
	u, _ = m.boot("2.0.0", "b2")
	phase(t, u, provisioning.UpdateTrying)
	u.Healthy()
	phase(t, u, provisioning.UpdateDone)
}

func TestAVersionItCameBackFromIsTriedOnlyWhenToldSo(t *testing.T) {
	m := newMachine(t, "2.0.0")
	m.entry("1.0.0", "")
	u, halt := m.boot("1.0.0", "b1")
	if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0"}); err != nil {
		t.Fatal(err)
	}
	m.until(u, "restart", func() bool { return m.reboots == 1 })
	if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0"}); err != nil {
		t.Errorf("the same order: %v", err)
	}
	if err := u.Order(provisioning.UpdateOrder{Version: "3.0.0"}); kiosk.CodeOf(err) != provisioning.CodeUpdateBusy {
		t.Errorf("another order: %v", err)
	}
	if err := u.Cancel(); kiosk.CodeOf(err) != provisioning.CodeUpdateBusy {
		t.Errorf("cancel: %v", err)
	}
	halt()
	m.entry("2.0.0", "+0-3")
	u, halt = m.boot("1.0.0", "b2")
	s := phase(t, u, provisioning.UpdateReturned)
	if s.Version != "1.0.0" || s.Returned != "2.0.0" || s.Code != provisioning.CodeUpdateUnhealthy || s.Wanted != "2.0.0" {
		t.Errorf("%+v", s)
	}
	halt()
	u, _ = m.boot("1.0.0", "b3")
	phase(t, u, provisioning.UpdateReturned)
	if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0"}); kiosk.CodeOf(err) != provisioning.CodeUpdateLeft {
		t.Errorf("told without a word: %v", err)
	}
	if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0", Again: true}); err != nil {
		t.Errorf("told again: %v", err)
	}
	m.until(u, "second restart", func() bool { return m.reboots == 2 })
}

// All files but the boot loader's are lost, and yet it knows.
func TestTheBootLoaderTellsOfAVersionThatWasLeft(t *testing.T) {
	m := newMachine(t, "2.0.0")
	m.entry("1.0.0", "")
	m.entry("2.0.0", "+0-3")
	u, _ := m.boot("1.0.0", "b1")
	if s := phase(t, u, provisioning.UpdateIdle); s.Returned != "2.0.0" {
		t.Errorf("%+v", s)
	}
	if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0"}); kiosk.CodeOf(err) != provisioning.CodeUpdateLeft {
		t.Error(err)
	}
}

func TestFaultsAreToldAndTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		harm, mend func(m *machine)
		phase      provisioning.UpdatePhase
		code       kiosk.Code
	}{
		"no network": {
			func(m *machine) { m.source = &kiosk.Error{Code: kiosk.CodeNoNetwork} }, func(m *machine) { m.source = nil },
			provisioning.UpdateFetching, kiosk.CodeNoNetwork,
		},
		"root fails": {
			func(m *machine) { m.install = &kiosk.Error{Code: provisioning.CodeUpdateInstall} }, func(m *machine) { m.install = nil },
			provisioning.UpdateFailed, provisioning.CodeUpdateInstall,
		},
		"a release that is not there": {
			func(m *machine) { _ = os.Rename(m.shop, m.shop+".x") }, func(m *machine) { _ = os.Rename(m.shop+".x", m.shop) },
			provisioning.UpdateFailed, provisioning.CodeUpdateMissing,
		},
		"a release of a stranger": {
			func(m *machine) { _, m.key, _ = ed25519.GenerateKey(nil); m.release("2.0.0", "") },
			nil, provisioning.UpdateFailed, provisioning.CodeUpdateSignature,
		},
		"a release that jumps": {
			func(m *machine) { m.release("2.0.0", "1.5.0") }, nil, provisioning.UpdateFailed, provisioning.CodeUpdateMinimum,
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, "2.0.0")
			c.harm(m)
			u, halt := m.boot("1.0.0", "b1")
			if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0"}); err != nil {
				t.Fatal(err)
			}
			see(t, u, "fault", func(s provisioning.UpdateState) bool {
				return s.Phase == c.phase && s.Code == c.code && s.Wanted == "2.0.0"
			})
			if c.mend == nil {
				if err := u.Cancel(); err != nil {
					t.Error(err)
				}
				phase(t, u, provisioning.UpdateIdle)
				return
			}
			halt()
			u, _ = m.boot("1.0.0", "b1")
			m.set(func() { c.mend(m) })
			phase(t, u, provisioning.UpdateTrying)
		})
	}
}

func TestATechnicianDoesNotWaitForTheNight(t *testing.T) {
	m := newMachine(t, "2.0.0")
	m.night = false
	u, _ := m.boot("1.0.0", "b1")
	if err := u.Hurry(); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("nothing to hurry: %v", err)
	}
	if err := u.From("stick", false); kiosk.CodeOf(err) != kiosk.CodeBadRequest {
		t.Errorf("a folder of nowhere: %v", err)
	}
	if err := u.From(t.TempDir(), false); kiosk.CodeOf(err) != provisioning.CodeUpdateMissing {
		t.Errorf("an empty stick: %v", err)
	}
	if err := u.From(m.shop, false); err != nil {
		t.Fatal(err)
	}
	m.until(u, "restart", func() bool { return m.reboots == 1 })

	m = newMachine(t, "2.0.0")
	m.night = false
	u, _ = m.boot("1.0.0", "b1")
	if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0", NotBefore: m.now.Unix() + 1000}); err != nil {
		t.Fatal(err)
	}
	phase(t, u, provisioning.UpdateWaiting)
	if err := u.Hurry(); err != nil {
		t.Fatal(err)
	}
	m.until(u, "restart", func() bool { return m.reboots == 1 })
}

func TestAStickThatIsNotWholeEndsTheOrder(t *testing.T) {
	m := newMachine(t, "2.0.0")
	if err := os.Truncate(filepath.Join(m.shop, "pointnum_2.0.0_"+uuid+".root"), 10); err != nil {
		t.Fatal(err)
	}
	u, _ := m.boot("1.0.0", "b1")
	if err := u.From(m.shop, false); err != nil {
		t.Fatal(err)
	}
	if s := phase(t, u, provisioning.UpdateFailed); s.Code != provisioning.CodeUpdateMissing {
		t.Errorf("%+v", s)
	}
	m.set(func() { m.release("2.0.0", "") })
	time.Sleep(20 * time.Millisecond)
	if s, _ := u.State().Load(); s.Phase != provisioning.UpdateFailed || len(m.written) > 0 {
		t.Errorf("%+v", s)
	}
	if err := u.From(m.shop, false); err != nil {
		t.Fatal(err)
	}
	phase(t, u, provisioning.UpdateTrying)
}

func TestAnotherSystemRefusesOrders(t *testing.T) {
	m := newMachine(t, "2.0.0")
	u, _ := m.boot("", "b1")
	for _, err := range []error{u.Order(provisioning.UpdateOrder{Version: "2.0.0"}), u.From(m.shop, false), u.Cancel()} {
		if kiosk.CodeOf(err) != provisioning.CodeUpdateForeign {
			t.Error(err)
		}
	}
	if _, seq := u.State().Load(); seq != 0 {
		t.Error("it tells of releases")
	}
}

// The agent ends at each moment and is started again, by clocks that are
// years off.
func TestARestartAtAnyMomentGoesOn(t *testing.T) {
	for _, years := range []int{-40, 40} {
		for _, at := range []provisioning.UpdatePhase{provisioning.UpdateFetching, provisioning.UpdateWaiting, provisioning.UpdateInstalling, provisioning.UpdateTrying} {
			m := newMachine(t, "2.0.0")
			m.now = m.now.AddDate(years, 0, 0)
			m.entry("1.0.0", "")
			m.night = at != provisioning.UpdateWaiting
			u, halt := m.boot("1.0.0", "b1")
			if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0"}); err != nil {
				t.Fatal(err)
			}
			see(t, u, string(at), func(s provisioning.UpdateState) bool {
				return s.Phase == at || at == provisioning.UpdateInstalling && s.Phase == provisioning.UpdateTrying
			})
			halt()
			m.set(func() { m.night = true })
			before := m.reboots
			u, _ = m.boot("1.0.0", "b1")
			m.until(u, "restart", func() bool { return m.reboots > before || m.reboots > 0 })
			phase(t, u, provisioning.UpdateTrying)
		}
	}
}

func TestFilesThatAPowerCutSpoilt(t *testing.T) {
	m := newMachine(t, "2.0.0")
	m.entry("1.0.10", "")
	u, halt := m.boot("1.0.10", "b1")
	if err := u.Order(provisioning.UpdateOrder{Version: "2.0.0"}); err != nil {
		t.Fatal(err)
	}
	m.until(u, "restart", func() bool { return m.reboots == 1 })
	halt()
	m.loader = t.TempDir() // the files alone have to do
	for _, name := range []string{"state.json", "confirmed"} {
		path := filepath.Join(m.dir, name)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(whole) {
			for _, b := range [][]byte{whole[:n], append(append([]byte{}, whole[:n]...), make([]byte, len(whole)-n)...)} {
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				u, err := updater.New(updater.Options{Dir: m.dir, Keys: m.keys, Arch: "amd64", Version: "1.0.10", Boot: "b2", Loader: m.loader})
				if err != nil {
					t.Fatalf("%s of %d bytes: %v", name, n, err)
				}
				s := u.Status()
				if name == "state.json" && (s.Phase != provisioning.UpdateIdle || s.Wanted != "" || s.Confirmed != "1.0.10") {
					t.Errorf("%s of %d bytes: %+v", name, n, s)
				}
				if name == "confirmed" && (s.Confirmed != "" || s.Phase != provisioning.UpdateTrying) {
					t.Errorf("%s of %d bytes: %+v", name, n, s)
				}
				if err := u.Order(provisioning.UpdateOrder{Version: "1.0.9"}); err == nil {
					t.Errorf("%s of %d bytes: an old release is taken", name, n)
				}
			}
		}
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func FuzzKept(f *testing.F) {
	f.Add([]byte(`{"order":{"version":"2.0.0","not_before":5},"tried":"2.0.0","boot":"b","left":["1.5.0"]}`), []byte("1.0.0\n"))
	f.Add([]byte(`{"order":{"version":"../x"}}`), []byte("9.9.9"))
	f.Fuzz(func(t *testing.T, state, confirmed []byte) {
		dir := t.TempDir()
		if err := errors.Join(os.WriteFile(filepath.Join(dir, "state.json"), state, 0o600), os.WriteFile(filepath.Join(dir, "confirmed"), confirmed, 0o600)); err != nil {
			t.Fatal(err)
		}
		u, err := updater.New(updater.Options{Dir: dir, Arch: "amd64", Version: "1.0.0", Boot: "b", Loader: dir})
		if err != nil {
			t.Fatal(err)
		}
		s := u.Status()
		if s.Wanted != "" && !provisioning.ValidVersion(s.Wanted) || s.Confirmed != "" && !provisioning.ValidVersion(s.Confirmed) {
			t.Errorf("%+v", s)
		}
		if err := u.Order(provisioning.UpdateOrder{Version: "0.9.0"}); err == nil {
			t.Error("an old release is taken")
		}
	})
}

func TestNight(t *testing.T) {
	day := func(from, to int) (o []kiosk.Opening) {
		for d := time.Sunday; d <= time.Saturday; d++ {
			o = append(o, kiosk.Opening{Day: d, From: from * 60, To: to * 60})
		}
		return o
	}
	office := append(day(9, 12), day(13, 18)...)
	for _, c := range []struct {
		name    string
		opening []kiosk.Opening
		at      string
		want    bool
	}{
		{"open", office, "10:00", false},
		{"closed at noon, for too short", office, "12:10", false},
		{"closed in the evening", office, "18:00", true},
		{"soon open", office, "08:30", false},
		{"early", office, "07:00", true},
		{"no hours, at day", nil, "14:00", false},
		{"no hours, at night", nil, "03:00", true},
		{"never closed, at day", day(0, 24), "14:00", false},
		{"never closed, at night", day(0, 24), "03:00", true},
	} {
		at, err := time.Parse("2006-01-02 15:04", "2026-11-23 "+c.at)
		if err != nil {
			t.Fatal(err)
		}
		if got := updater.Night(kiosk.Settings{Opening: c.opening}, at); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
