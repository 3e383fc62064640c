package install_test

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pointnum/kiosk"
	"pointnum/provisioning"
	"pointnum/provisioning/update"
	"pointnum/provisioning/update/install"
)

const uuid = "0123456789abcdef0123456789abcdef"

// rig is a kiosk's disk with a release of 2.0.0 in the agent's folder.
type rig struct {
	install.Options
	key  ed25519.PrivateKey
	into string // the agent's folder of 2.0.0
	log  string // what the program noted
}

func newRig(t *testing.T) *rig {
	t.Helper()
	top := t.TempDir()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{key: key, log: filepath.Join(top, "log"), Options: install.Options{
		Keys: []ed25519.PublicKey{public}, Arch: "amd64", Running: "1.0.0",
		From: filepath.Join(top, "agent", "update"), Dir: filepath.Join(top, "data", "update"), Loader: filepath.Join(top, "efi"),
		Program: filepath.Join(top, "sysupdate"),
	}}
	r.into = filepath.Join(r.From, "2.0.0")
	for _, dir := range []string{r.into, r.Loader} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	r.loader(t, "pointnum_1.0.0.efi")
	for _, name := range []string{"_" + uuid + ".root", "_" + uuid + ".verity", ".efi"} {
		r.write(t, "pointnum_2.0.0"+name, strings.Repeat("content of "+name, 1000))
	}
	r.sign(t, update.Manifest{Arch: "amd64"})
	r.program(t, `echo "$@" >>LOG; ls STAGED >>LOG; touch LOADER/pointnum_2.0.0+3-0.efi; echo well; echo done >&2`)
	return r
}

func (r *rig) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.into, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) loader(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.Loader, name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) sign(t *testing.T, m update.Manifest) {
	t.Helper()
	if _, err := update.WriteManifest(t.Context(), r.into, m); err != nil {
		t.Fatal(err)
	}
	if err := update.SignFolder(r.into, r.key); err != nil {
		t.Fatal(err)
	}
}

// program is what runs in place of systemd-sysupdate.
func (r *rig) program(t *testing.T, script string) {
	t.Helper()
	script = strings.NewReplacer("LOG", r.log, "STAGED", filepath.Join(r.Dir, "staged"), "LOADER", r.Loader).Replace(script)
	if err := os.WriteFile(r.Program, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// do asks, and sees that nothing is left of it.
func (r *rig) do(t *testing.T, request string) (install.Answer, error) {
	t.Helper()
	got, err := install.Do(t.Context(), r.Options, []byte(request))
	for _, name := range []string{"coming", "staged"} {
		if _, err := os.Lstat(filepath.Join(r.Dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is left: %v", name, err)
		}
	}
	a, _ := got.(install.Answer)
	return a, err
}

const ask = `{"version":"2.0.0"}`

func TestAReleaseIsWrittenWhole(t *testing.T) {
	r := newRig(t)
	a, err := r.do(t, ask)
	if err != nil || a.Detail != "well\ndone" {
		t.Fatalf("%+v, %v", a, err)
	}
	log, err := os.ReadFile(r.log)
	want := "--definitions=/usr/lib/pointnum/sysupdate.d update 2.0.0\npointnum_2.0.0.efi\npointnum_2.0.0_" + uuid + ".root\npointnum_2.0.0_" + uuid + ".verity\n"
	if err != nil || string(log) != want {
		t.Errorf("%v, ran with\n%s", err, log)
	}
}

func TestWhatRootRefuses(t *testing.T) {
	root := "pointnum_2.0.0_" + uuid + ".root"
	_, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	link := func(t *testing.T, to, name string) {
		t.Helper()
		if err := errors.Join(os.RemoveAll(name), os.Symlink(to, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		request string
		harm    func(t *testing.T, r *rig)
		want    kiosk.Code
	}{
		"a request that is none":      {`{`, nil, kiosk.CodeBadRequest},
		"two requests":                {ask + ask, nil, kiosk.CodeBadRequest},
		"a request with a wish":       {`{"version":"2.0.0","program":"/bin/sh"}`, nil, kiosk.CodeBadRequest},
		"a version that is a path":    {`{"version":"../../etc"}`, nil, kiosk.CodeBadRequest},
		"a version that is an option": {`{"version":"--root=/"}`, nil, kiosk.CodeBadRequest},
		"nothing there":               {`{"version":"2.0.1"}`, nil, provisioning.CodeUpdateMissing},
		"another's signature": {ask, func(t *testing.T, r *rig) {
			r.key = stranger
			r.sign(t, update.Manifest{Arch: "amd64"})
		}, provisioning.CodeUpdateSignature},
		"a flipped byte":         {ask, func(t *testing.T, r *rig) { r.write(t, root, strings.Repeat("content of _", 1000)) }, provisioning.CodeUpdateAltered},
		"a file that never ends": {ask, func(t *testing.T, r *rig) { r.write(t, root, strings.Repeat("content of "+root, 9000)) }, provisioning.CodeUpdateAltered},
		"a link in place of a file": {ask, func(t *testing.T, r *rig) {
			path := filepath.Join(r.into, root)
			if err := os.Rename(path, path+".x"); err != nil {
				t.Fatal(err)
			}
			link(t, path+".x", path)
		}, provisioning.CodeUpdateMissing},
		"a device in place of the manifest": {ask, func(t *testing.T, r *rig) { link(t, "/dev/zero", filepath.Join(r.into, update.ManifestName)) }, provisioning.CodeUpdateMissing},
		"a pipe in place of a file": {ask, func(t *testing.T, r *rig) {
			path := filepath.Join(r.into, root)
			if err := errors.Join(os.Remove(path), unix.Mkfifo(path, 0o600)); err != nil {
				t.Fatal(err)
			}
		}, provisioning.CodeUpdateMissing},
		"a link in place of the folder": {ask, func(t *testing.T, r *rig) {
			if err := os.Rename(r.into, r.into+".x"); err != nil {
				t.Fatal(err)
			}
			link(t, r.into+".x", r.into)
		}, provisioning.CodeUpdateMissing},
		"another version's manifest": {`{"version":"3.0.0"}`, func(t *testing.T, r *rig) {
			if err := os.Rename(r.into, filepath.Join(r.From, "3.0.0")); err != nil {
				t.Fatal(err)
			}
		}, provisioning.CodeUpdateAltered},
		"a version that runs":                 {ask, func(_ *testing.T, r *rig) { r.Running = "2.0.0" }, provisioning.CodeUpdateOlder},
		"a version older than a good one":     {ask, func(t *testing.T, r *rig) { r.loader(t, "pointnum_2.1.0.efi") }, provisioning.CodeUpdateOlder},
		"a jump over a version":               {ask, func(t *testing.T, r *rig) { r.sign(t, update.Manifest{Arch: "amd64", Minimum: "1.5.0"}) }, provisioning.CodeUpdateMinimum},
		"another machine's":                   {ask, func(t *testing.T, r *rig) { r.sign(t, update.Manifest{Arch: "arm64"}) }, provisioning.CodeUpdateForeign},
		"a program that fails":                {ask, func(t *testing.T, r *rig) { r.program(t, "echo no partition >&2; exit 1") }, provisioning.CodeUpdateInstall},
		"a program that wrote nothing":        {ask, func(t *testing.T, r *rig) { r.program(t, "exit 0") }, provisioning.CodeUpdateInstall},
		"a system without systemd-sysupdate":  {ask, func(_ *testing.T, r *rig) { r.Program += "-none" }, provisioning.CodeUpdateForeign},
		"a version that is on a later kernel": {ask, func(t *testing.T, r *rig) { r.loader(t, "pointnum_2.0.0.efi") }, provisioning.CodeUpdateOlder},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			if c.harm != nil {
				c.harm(t, r)
			}
			_, err := r.do(t, c.request)
			if kiosk.CodeOf(err) != c.want {
				t.Errorf("%v, want %q", err, c.want)
			}
			if name == "a program that fails" && !strings.Contains(err.Error(), "no partition") {
				t.Errorf("its words are lost: %v", err)
			}
			if _, err := os.Stat(r.log); err == nil {
				t.Error("the program ran")
			}
		})
	}
}

func TestAVersionTriedInVainCanBeWrittenOnceMore(t *testing.T) {
	r := newRig(t)
	r.loader(t, "pointnum_2.0.0+0-3.efi")
	r.loader(t, "pointnum_3.0.0+0-3.efi") // another one's; not root's business now
	if _, err := r.do(t, ask); err != nil {
		t.Fatal(err)
	}
	entries, err := install.Entries(r.Loader)
	if err != nil {
		t.Fatal(err)
	}
	want := []install.Entry{{Version: "2.0.0", Left: 3}, {Version: "3.0.0", Failed: 3}, {Version: "1.0.0", Good: true}}
	if len(entries) != len(want) {
		t.Fatalf("%+v", entries)
	}
	for _, w := range want {
		found := false
		for _, e := range entries {
			found = found || e == w
		}
		if !found {
			t.Errorf("no %+v in %+v", w, entries)
		}
	}
}

func TestTwoRequestsDoNotMeet(t *testing.T) {
	r := newRig(t)
	r.program(t, `touch LOG; while [ -e LOG ]; do sleep 0.05; done; touch LOADER/pointnum_2.0.0+3-0.efi`)
	first := make(chan error, 1)
	go func() {
		_, err := install.Do(t.Context(), r.Options, []byte(ask))
		first <- err
	}()
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(r.log); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the first does not begin")
		}
	}
	if _, err := install.Do(t.Context(), r.Options, []byte(ask)); kiosk.CodeOf(err) != provisioning.CodeUpdateBusy {
		t.Errorf("the second: %v", err)
	}
	if err := os.Remove(r.log); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestAnAskerThatGoesAwayEndsTheProgram(t *testing.T) {
	r := newRig(t)
	r.program(t, `touch LOG; exec sleep 600`)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := install.Do(ctx, r.Options, []byte(ask))
		done <- err
	}()
	for deadline := time.Now().Add(40 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(r.log); err == nil || time.Now().After(deadline) {
			break
		}
	}
	cancel()
	if err := <-done; kiosk.CodeOf(err) != kiosk.CodeCanceled {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, "staged")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a release is left", err)
	}
}

// The agent's program may be taken over: it changes a file while root reads.
func TestAFileThatChangesMeanwhileIsNotTaken(t *testing.T) {
	r := newRig(t)
	root := "pointnum_2.0.0_" + uuid + ".root"
	good := strings.Repeat("good", 1<<20)
	r.write(t, root, good)
	r.sign(t, update.Manifest{Arch: "amd64"})
	r.program(t, `cp STAGED/*.root LOG; touch LOADER/pointnum_2.0.0+3-0.efi`)
	stop := make(chan struct{})
	over := make(chan struct{})
	go func() {
		defer close(over)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			// The second half is good and bad in turns.
			if f, err := os.OpenFile(filepath.Join(r.into, root), os.O_WRONLY, 0); err == nil {
				_, _ = f.WriteAt([]byte([]string{"evil", "good"}[i%2]), 3<<20)
				_ = f.Close()
			}
		}
	}()
	for range 8 {
		_ = os.Remove(filepath.Join(r.Loader, "pointnum_2.0.0+3-0.efi"))
		_, err := install.Do(t.Context(), r.Options, []byte(ask))
		if err == nil {
			if b, err := os.ReadFile(r.log); err != nil || string(b) != good {
				t.Error("what was not signed was written", err)
			}
		} else if kiosk.CodeOf(err) != provisioning.CodeUpdateAltered {
			t.Error(err)
		}
	}
	close(stop)
	<-over
}

func FuzzRequest(f *testing.F) {
	dir := f.TempDir()
	f.Add([]byte(ask))
	f.Add([]byte(`{"version":"../x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		o := install.Options{Arch: "amd64", Running: "1.0.0", From: filepath.Join(dir, "a", "update"), Dir: filepath.Join(dir, "d"), Loader: filepath.Join(dir, "l"), Program: "/nonexistent"}
		if _, err := install.Do(t.Context(), o, b); err == nil {
			t.Error("done without a key")
		}
	})
}

func TestAnAnswerHoldsWhatTheProgramSaid(t *testing.T) {
	r := newRig(t)
	r.program(t, `printf 'a\033[1mb\000\n'; head -c 20000 /dev/zero | tr '\0' x; touch LOADER/pointnum_2.0.0+3-0.efi`)
	a, err := r.do(t, ask)
	if err != nil || len(a.Detail) > 8<<10 || strings.ContainsAny(a.Detail, "\x00\x1b") {
		t.Errorf("%d bytes, %v", len(a.Detail), err)
	}
	if _, err := json.Marshal(a); err != nil {
		t.Error(err)
	}
}
