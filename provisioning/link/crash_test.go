package link_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/enrol"
	"pointnum/provisioning/link"
	"pointnum/provisioning/link/outbox"
)

// A kiosk's process is killed -9 many times while it counts and sends, and one
// answer in three is lost. What it had said to be kept is counted, once.
func TestAKilledKioskLosesNothing(t *testing.T) {
	if dir := os.Getenv("LINK_KILLED_KIOSK"); dir != "" {
		killedKiosk(t, dir)
		return
	}
	t.Parallel()
	s := newSite(t, 0)
	dir := t.TempDir()
	if err := s.enrol().Save(filepath.Join(dir, "id")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ca"), s.http.Certificate().Raw, 0o600); err != nil {
		t.Fatal(err)
	}
	s.lose.Store(3)
	const lives = 15
	var kept, results int64
	for i := range lives + 1 {
		k, r := life(t, dir, i == lives)
		kept, results = kept+k, results+r
	}
	told := must(s.store.Events(t.Context(), everything))[provisioning.EventResult]
	got := s.counted(provisioning.CountPages)
	t.Logf("killed %d times: %d pages kept, %d counted; %d results kept, %d told; %d batches came", lives, kept, got, results, told, s.asked.Load())
	// one more of each may have been written in the moment of each kill
	if got < kept || got > kept+lives || told < results || told > results+lives {
		t.Error("lost or counted twice")
	}
}

// life runs a kiosk until it is killed, or until its outbox is empty, and says
// what it kept.
func life(t *testing.T, dir string, last bool) (pages, results int64) {
	t.Helper()
	exe := must(os.Executable())
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestAKilledKioskLosesNothing$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), "LINK_KILLED_KIOSK="+dir, fmt.Sprint("LINK_LAST_LIFE=", last))
	cmd.Stderr = os.Stderr
	out := must(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	var kill *time.Timer
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, number, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err == nil && word == "pages":
			if pages = n; kill == nil && !last { // from its first one on: a slow machine starts slowly
				kill = time.AfterFunc(time.Duration(50+rand.IntN(400))*time.Millisecond, func() { _ = cmd.Process.Kill() })
				defer kill.Stop()
			}
		case err == nil && word == "results":
			results = n
		default:
			rest.WriteString(lines.Text() + "\n")
		}
	}
	if err := cmd.Wait(); last && err != nil {
		t.Fatalf("%v\n%s", err, rest.String())
	}
	return pages, results
}

// killedKiosk is the process that is killed. Its clock runs 1,000 times as
// fast, so that quarters of an hour end.
func killedKiosk(t *testing.T, dir string) {
	id := must(enrol.Load(filepath.Join(dir, "id")))
	ca := x509.NewCertPool()
	ca.AddCert(must(x509.ParseCertificate(must(os.ReadFile(filepath.Join(dir, "ca"))))))
	epoch := must(os.Stat(filepath.Join(dir, "ca"))).ModTime()
	run := func() time.Duration { return 1000 * time.Since(epoch) }
	clock := outbox.Clock{Now: func() time.Time { return epoch.Add(run()) }, Boot: func() (string, time.Duration) { return "boot", run() }}
	box, err := outbox.Open(filepath.Join(dir, "box"), outbox.Options{Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	pace := quick()
	pace.Answer, pace.Backoff, pace.Retry = 100*time.Millisecond, 50*time.Millisecond, 100*time.Millisecond
	l, err := link.New(link.Options{
		Identity: id, Save: func(*enrol.Identity) error { return nil }, Box: box, CA: ca, Pace: pace,
		Do:   func(context.Context, provisioning.Command) provisioning.Result { return provisioning.Result{} },
		Busy: func() bool { return false }, Beat: func() provisioning.Beat { return provisioning.Beat{Use: provisioning.UseFree} },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Run(ctx) })
	last := os.Getenv("LINK_LAST_LIFE") == "true"
	for n := int64(1); !last || n < 20; n++ {
		l.Count(provisioning.CountPages, 1)
		if err := box.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		fmt.Println("pages", n)
		r := provisioning.Result{ID: fmt.Sprintf("r%d-%d", os.Getpid(), n), Status: provisioning.StatusDone}
		if err := box.Add(ctx, provisioning.Event{Kind: provisioning.EventResult, Result: &r}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("results", n)
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end) || box.Waiting() > 0; time.Sleep(10 * time.Millisecond) {
		if err := box.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	wg.Wait()
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
}

// A month without a network: counts in the outbox at each quarter, a restart
// of the machine each day, the clock wrong on the last one.
func TestAMonthOffline(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	dir, id := t.TempDir(), f.identity()
	var mu sync.Mutex
	now, up, off, boot := time.Now().Add(-30*24*time.Hour), time.Minute, time.Duration(0), 0
	real := time.Time{} // once set, time passes by itself
	clock := outbox.Clock{
		Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			if !real.IsZero() {
				return now.Add(off + time.Since(real))
			}
			return now.Add(off)
		},
		Boot: func() (string, time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			if !real.IsZero() {
				return fmt.Sprint("boot", boot), up + time.Since(real)
			}
			return fmt.Sprint("boot", boot), up
		},
	}
	want := map[string]int64{}
	for day := range 30 {
		if day == 29 {
			off = 365 * 24 * time.Hour // 15 minutes divide it
		}
		box, err := outbox.Open(filepath.Join(dir, "box"), outbox.Options{Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			n := int64(day*40 + i + 1)
			box.Count(provisioning.CountPages, n)
			want[now.Truncate(provisioning.Slot).UTC().Format(time.RFC3339)] += n
			if i%10 == 0 {
				box.Put(provisioning.Event{Kind: provisioning.EventState, State: &provisioning.State{Settings: int64(day)}})
			}
			if i%4 == 3 {
				if err := box.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			now, up = now.Add(15*time.Minute), up+15*time.Minute
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
		if day < 29 {
			now, up, boot = now.Add(14*time.Hour), time.Minute, boot+1
		}
	}
	mu.Lock()
	up, now, real = up+time.Since(now), time.Now(), time.Now()
	mu.Unlock()
	a := start(t, f, choices{dir: dir, id: id, clock: clock})
	wait(t, "an empty outbox", func() bool { return f.state() != nil && a.link.Status().Waiting == 0 })
	got := map[string]int64{}
	f.mu.Lock()
	for _, e := range f.order {
		if e.Counts != nil {
			got[time.Unix(e.Counts.Slot, 0).UTC().Format(time.RFC3339)] += e.Counts.N[provisioning.CountPages]
		}
	}
	f.mu.Unlock()
	if len(got) < 1150 {
		t.Errorf("%d quarters", len(got))
	}
	for slot, n := range want {
		if got[slot] != n {
			t.Errorf("%s: %d, want %d", slot, got[slot], n)
		}
		delete(got, slot)
	}
	for slot, n := range got {
		t.Errorf("%s: %d that nobody counted", slot, n)
	}
}

func TestCommandsThatAreNotForThisKioskAreRefused(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	a := start(t, f, choices{})
	a.linked(link.ViaWebSocket)
	forged := f.command(provisioning.Command{ID: "forged", Kind: provisioning.CommandReboot})
	forged.Body = []byte(strings.Replace(string(forged.Body), "reboot", "resume", 1))
	others := f.command(provisioning.Command{ID: "others", Structure: structure, Kiosk: "kiosk-2", Kind: provisioning.CommandReboot})
	for _, c := range []struct {
		name string
		s    provisioning.Signed
		want provisioning.Status
	}{
		{"forged", forged, provisioning.StatusRefused},
		{"others", others, provisioning.StatusRefused},
		{"late", f.command(provisioning.Command{ID: "late", Kind: provisioning.CommandReboot, Issued: 1000, Expires: 2000}), provisioning.StatusExpired},
		{"good", f.command(provisioning.Command{ID: "good", Kind: provisioning.CommandReboot}), provisioning.StatusDone},
	} {
		if r, err := f.tell(c.s); err != nil || r.Status != c.want || r.ID != c.name {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
	}
	wait(t, "the results", func() bool { return len(f.results("late")) == 1 && len(f.results("good")) == 1 })
	if a.times("forged")+a.times("others")+a.times("late") != 0 || len(f.results("forged"))+len(f.results("others")) != 0 {
		t.Error("done, or told by the outbox")
	}
}

// An agent that goes down in a command: a reboot is done by that, anything
// else is done again, but not for ever.
func TestCommandsInWhichTheAgentWentDown(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	dir, id := t.TempDir(), f.identity()
	box, err := outbox.Open(filepath.Join(dir, "box"), outbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	reboot := provisioning.Command{ID: "reboot", Kind: provisioning.CommandReboot}
	once := provisioning.Command{ID: "once", Kind: provisioning.CommandResume}
	always := provisioning.Command{ID: "always", Kind: provisioning.CommandResume}
	for _, c := range []provisioning.Command{reboot, once, always, always} {
		c.Expires = time.Now().Add(time.Hour).Unix()
		if err := box.Begin(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	f.pending = []provisioning.Signed{f.command(reboot), f.command(once), f.command(always)}
	a := start(t, f, choices{dir: dir, id: id})
	for _, c := range []struct {
		id   string
		want provisioning.Status
	}{{"reboot", provisioning.StatusDone}, {"once", provisioning.StatusDone}, {"always", provisioning.StatusFailed}} {
		wait(t, "the end of "+c.id, func() bool { r := f.results(c.id); return len(r) == 1 && r[0] == c.want })
	}
	if a.times("reboot") != 0 || a.times("once") != 1 || a.times("always") != 0 {
		t.Error("done again")
	}
}

// While the disk is full a command that could repeat itself is put off.
func TestWithoutADiskADisturbingCommandIsPutOff(t *testing.T) {
	t.Parallel()
	f := newToy(t)
	dir := filepath.Join(t.TempDir(), "absent")
	box, err := outbox.Open(filepath.Join(dir, "box"), outbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan provisioning.CommandKind, 10)
	l, err := link.New(link.Options{
		Identity: f.identity(), Save: func(*enrol.Identity) error { return nil }, Box: box, CA: f.ca, Pace: quick(),
		Do: func(_ context.Context, c provisioning.Command) provisioning.Result {
			done <- c.Kind
			return provisioning.Result{Status: provisioning.StatusFailed, Code: kiosk.CodeCoverOpen}
		},
		Busy: func() bool { return false }, Beat: func() provisioning.Beat { return provisioning.Beat{Use: provisioning.UseFree} },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = l.Run(ctx) })
	defer func() { stop(); wg.Wait(); _ = box.Close() }()
	wait(t, "a link", func() bool { return l.Status().Via == link.ViaWebSocket })
	f.mu.Lock()
	f.pending = []provisioning.Signed{f.command(provisioning.Command{ID: "r", Kind: provisioning.CommandReboot})}
	f.mu.Unlock()
	if r, err := f.tell(f.command(provisioning.Command{ID: "h", Kind: provisioning.CommandHelpTaken})); err != nil || r.Code != kiosk.CodeCoverOpen {
		t.Fatalf("%+v, %v", r, err)
	}
	if k := <-done; k != provisioning.CommandHelpTaken || l.Status().Kept {
		t.Errorf("%v was done", k)
	}
	f.cut()
	wait(t, "another hello", func() bool { return f.hellos.Load() > 1 })
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	wait(t, "the disk in use", func() bool { return l.Status().Kept })
	f.cut()
	select {
	case k := <-done:
		if k != provisioning.CommandReboot {
			t.Errorf("%v was done", k)
		}
	case <-time.After(40 * time.Second):
		t.Error("it was forgotten")
	}
	wait(t, "both results", func() bool { return len(f.results("h")) == 1 && len(f.results("r")) == 1 })
}

func FuzzDecodeSyncAnswer(f *testing.F) {
	f.Add(must(json.Marshal(provisioning.SyncAnswer{Welcome: provisioning.Welcome{Clock: 1}, Credential: &provisioning.Credential{Kiosk: "k"}})))
	f.Add([]byte(`{"welcome":{"clock":9,"commands":[{"body":"e30="}]}}{`))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := link.DecodeSyncAnswer(b)
		if err == nil && a.Welcome.Clock <= 0 {
			t.Error("an answer without a clock")
		}
	})
}
