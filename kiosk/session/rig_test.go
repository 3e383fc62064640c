package session_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pointnum/kiosk"
	"pointnum/kiosk/devices"
	"pointnum/kiosk/session"
	"pointnum/kiosk/spool"
)

// rig is an engine that runs.
type rig struct {
	*session.Engine
	t      testing.TB
	desk   *desk
	dir    string
	spool  *spool.Spool
	stop   func() // as a shutdown does; waits
	runErr error

	mu     sync.Mutex
	events []session.Event
}

func folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "pointnum-session-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func start(t testing.TB, change ...func(*session.Config)) *rig {
	t.Helper()
	return startIn(t, folder(t), &desk{}, change...)
}

func startIn(t testing.TB, dir string, d *desk, change ...func(*session.Config)) *rig {
	t.Helper()
	r := &rig{t: t, desk: d, dir: dir}
	d.watched, d.cut = make(chan struct{}), make(chan struct{})
	if d.saved == nil {
		d.saved = make(map[string]string)
	}
	var specs []kiosk.Spec
	for _, drv := range d.drivers() {
		specs = append(specs, kiosk.Spec{ID: kiosk.DeviceID(drv.Name), Driver: drv.Name})
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	m, err := devices.New(specs, d.drivers(), log)
	if err != nil {
		t.Fatal(err)
	}
	m.Hotplug = func(ctx context.Context, _ func()) error { <-ctx.Done(); return nil }
	if r.spool, err = spool.Open(dir, spool.Options{}); err != nil {
		t.Fatal(err)
	}
	cfg := session.Config{
		Devices: m, Spool: r.spool, Documents: d, Portals: portals{}, Log: log,
		Name: func(session.State) string { return "justificatif loyer" },
		OnEvent: func(e session.Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	if r.Engine, err = session.New(cfg); err != nil {
		t.Fatal(err)
	}
	r.run(m)
	return r
}

func (r *rig) run(m *devices.Manager) {
	ctx, cancel := context.WithCancel(context.Background())
	mctx, mcancel := context.WithCancel(context.Background())
	var wg, mwg sync.WaitGroup
	mwg.Go(func() { _ = m.Run(mctx) })
	wg.Go(func() { r.runErr = r.Run(ctx) })
	r.stop = sync.OnceFunc(func() {
		cancel()
		wg.Wait()
		mcancel()
		mwg.Wait()
		_ = r.spool.Close()
	})
	r.t.Cleanup(func() {
		r.stop()
		if left := r.files(); len(left) > 0 {
			r.t.Errorf("left after the shutdown: %v", left)
		}
	})
	r.wait("the devices", func(s session.State) bool {
		return s.Scanner.Ready && s.Printer.Ready && s.ReceiptPrinter.Ready && s.Key.Ready
	})
	<-r.desk.watched
}

// files lists what the spool's folder holds.
func (r *rig) files() (found []string) {
	_ = filepath.WalkDir(r.dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, p)
		}
		return nil
	})
	return found
}

// do demands that the actions are accepted.
func (r *rig) do(actions ...session.Action) {
	r.t.Helper()
	for _, a := range actions {
		if err := r.Do(context.Background(), a); err != nil {
			s, _ := r.State().Load()
			r.t.Fatalf("%T: %v on %s, task %+v, fault %+v", a, err, s.Screen, s.Task, s.Fault)
		}
	}
}

func (r *rig) now() session.State {
	s, _ := r.State().Load()
	return s
}

// wait follows the state until it is as wanted.
func (r *rig) wait(what string, ok func(session.State) bool) session.State {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	s, seq := r.State().Load()
	for !ok(s) {
		var err error
		if s, seq, err = r.State().Wait(ctx, seq); err != nil {
			last, _ := r.State().Load()
			r.t.Fatalf("waiting for %s: %v; last %+v, task %+v, fault %+v", what, err, last, last.Task, last.Fault)
		}
	}
	return s
}

// idle waits until no task is in hand.
func (r *rig) idle() session.State {
	r.t.Helper()
	return r.wait("the task to end", func(s session.State) bool { return s.Task == nil })
}

func (r *rig) screen(want session.Screen) session.State {
	r.t.Helper()
	return r.wait("screen "+string(want), func(s session.State) bool { return s.Screen == want })
}

// pages reads the thumbs of the current document.
func (r *rig) pages() string {
	r.t.Helper()
	s := r.now()
	var all []string
	if s.Doc() == nil {
		return ""
	}
	for _, p := range s.Doc().Pages {
		rc, _, err := r.OpenPicture(p.Picture, session.PictureThumb)
		if err != nil {
			r.t.Errorf("page %s: %v", p.ID, err)
			continue
		}
		content, _ := io.ReadAll(rc)
		_ = rc.Close()
		all = append(all, strings.TrimPrefix(string(content), "thumb "))
	}
	return strings.Join(all, " ")
}

func (r *rig) kinds() map[session.EventKind]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := make(map[session.EventKind]int)
	for _, e := range r.events {
		n[e.Kind]++
	}
	return n
}

func fault(c kiosk.Code) error { return &kiosk.Error{Code: c, Op: "fake"} }
